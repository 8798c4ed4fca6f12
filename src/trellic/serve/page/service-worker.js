// Keeps the page for use without a network, and lets it show .tlic files by <img>.

import "./tlic-service-worker.js";

const KEPT = "trellic-page";
const FILES = [
  "./", "app.js", "bmp.js", "comparison.js", "decode-worker.js", "decoding.js", "figures.js", "grip.svg",
  "icon.svg", "pictures.js", "png.js", "server.js", "style.css", "tlic.js", "tlic.wasm", "upright.js", "viewer.js",
].map((name) => new URL(name, location).href);

addEventListener("install", (event) => event.waitUntil(caches.open(KEPT).then((cache) => cache.addAll(FILES))));
addEventListener("fetch", (event) => {
  if (event.request.method === "GET" && FILES.includes(event.request.url)) event.respondWith(kept(event));
});

/** Return what is kept at once, and fetch what has changed for the next time. */
async function kept(event) {
  const cache = await caches.open(KEPT);
  const found = await cache.match(event.request.url);
  const fetched = fetch(event.request.url, { cache: "no-cache" }).then(async (response) => {
    if (response.ok) await cache.put(event.request.url, response.clone());
    return response;
  });
  if (!found) return fetched;
  event.waitUntil(fetched.catch(() => {}));
  return found;
}
