// What a page does with streams: decode them beside its own thread, and put them on a canvas.

import { TlicError } from "./tlic.js";
import { upright } from "./upright.js";

const DISPLAY_P3 = 2; // in docs/format.md
const waiting = new Map();
let worker, count = 0;

/** Return a promise of a stream's picture: what decoding.js gives, but data, width and height are upright already. */
export async function decode(stream) {
  worker ??= started();
  const picture = await new Promise((resolve, reject) => {
    waiting.set(++count, { resolve, reject });
    worker.postMessage({ number: count, stream });
  });
  return { ...picture, ...upright(picture) };
}

/** Draw a picture on a canvas, which gets its size. */
export function draw(picture, canvas) {
  const colorSpace = picture.metadata?.colourSpace === DISPLAY_P3 ? "display-p3" : "srgb";
  canvas.width = picture.width;
  canvas.height = picture.height;
  const image = new ImageData(picture.data, picture.width, picture.height, { colorSpace });
  canvas.getContext("2d", { colorSpace }).putImageData(image, 0, 0);
}

function started() {
  const begun = new Worker(new URL("decode-worker.js", import.meta.url), { type: "module" });
  begun.onmessage = ({ data: { number, picture, error } }) => {
    const { resolve, reject } = waiting.get(number);
    waiting.delete(number);
    if (error) reject(new TlicError(error.kind, error.message));
    else resolve(picture);
  };
  begun.onerror = () => {
    for (const { reject } of waiting.values()) reject(new TlicError("Error", "the decoder cannot be loaded"));
    waiting.clear();
    worker = undefined;
  };
  return begun;
}
