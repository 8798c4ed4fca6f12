// A picture, its stream, and what other codecs make of it in the same number of bytes: one after the other.
// Each is {name, file, bytes, data, width, height, milliseconds, decibels}, RGBA and upright; or {name, error}.

import { psnr } from "./figures.js";
import { decode } from "./pictures.js";
import { encode, encodeLike } from "./server.js";
import { modelOf } from "./tlic.js";
import { upright } from "./upright.js";

/** Return whether a file begins as a stream does. */
export async function isStream(file) {
  try {
    return Boolean(modelOf(new Uint8Array(await file.slice(0, 8).arrayBuffer())));
  } catch {
    return false;
  }
}

/**
 * Yield the pictures of a comparison as they come.
 *
 * picture, stream  files; one of them may be missing: a picture is encoded, a stream alone is compared with nothing
 * quality          to encode at
 * codecs           names of those to compare with
 * say              is called with what is being done
 */
export async function* compare({ picture, stream, quality, codecs, signal, say }) {
  const original = picture && { ...(await shown("original", picture)), milliseconds: undefined };
  if (original) yield original;
  say(stream ? "Decoding" : "Coding");
  const file = stream ?? (await encode(picture, quality, signal));
  say("Decoding; the model is fetched the first time");
  const decoded = await decode(new Uint8Array(await file.arrayBuffer()));
  const trellic = { ...decoded, name: "trellic", file, bytes: file.size };
  if (original && (original.width !== trellic.width || original.height !== trellic.height)) {
    throw new Error("the picture and the .tlic file differ in size");
  }
  if (original) trellic.decibels = psnr(original.data, trellic.data);
  yield trellic;
  for (const codec of original ? codecs : []) {
    say(`${codec.toUpperCase()} of the same size`);
    try {
      const other = await shown(codec, await encodeLike(picture, codec, file.size, signal));
      const turned = { ...other, ...upright({ ...other, orientation: trellic.orientation }) };
      yield { ...turned, decibels: psnr(original.data, turned.data) };
    } catch (error) {
      if (signal.aborted) throw error;
      yield { name: codec, error: error.message };
    }
  }
}

/** Return a picture that the browser decodes: its samples as the file has them, no colours converted. */
async function shown(name, file) {
  const start = performance.now();
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" }).catch(() => {
    throw new Error("this browser cannot show that kind of picture");
  });
  const milliseconds = performance.now() - start;
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  return { name, file, bytes: file.size, data, width, height, milliseconds };
}
