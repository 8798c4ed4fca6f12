// A service worker that lets <img src="x.tlic"> work, for pages below the folder that this file lies in:
//   navigator.serviceWorker.register("tlic-service-worker.js", {type: "module"})

import { bmp } from "./bmp.js";
import { decode } from "./decoding.js";
import { upright } from "./upright.js";

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.destination === "image" && url.origin === location.origin && url.pathname.endsWith(".tlic")) {
    event.respondWith(shown(request));
  }
});

/** Return the picture of a stream; where it cannot be decoded here, what the server answers to an <img>. */
async function shown(request) {
  const response = await fetch(request.url, { headers: { Accept: "image/x-tlic" } });
  try {
    const stream = new Uint8Array(await response.clone().arrayBuffer());
    return new Response(bmp(upright(await decode(stream))), { headers: { "Content-Type": "image/bmp" } });
  } catch {
    return response.ok ? fetch(request) : response;
  }
}
