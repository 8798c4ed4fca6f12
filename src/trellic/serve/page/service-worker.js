// Keeps the page, so that it is fetched once and works without a network, and lets it show .tlic files by <img>.
// The server adds a line that changes with any of the files: the browser then installs this worker, and them, anew.

import "./tlic-service-worker.js";

const KEPT = "trellic-page";
const FILES = [
  "./", "app.js", "bmp.js", "comparison.js", "decode-worker.js", "decoding.js", "figures.js", "grip.svg",
  "icon.svg", "pictures.js", "png.js", "server.js", "style.css", "tlic.js", "tlic.wasm", "upright.js", "viewer.js",
].map((name) => new URL(name, location).href);

addEventListener("install", (event) => event.waitUntil(caches.open(KEPT).then((cache) => cache.addAll(FILES))));
addEventListener("fetch", (event) => {
  if (event.request.method === "GET" && FILES.includes(event.request.url)) event.respondWith(kept(event.request));
});

async function kept(request) {
  return (await caches.match(request.url, { cacheName: KEPT })) ?? fetch(request);
}
