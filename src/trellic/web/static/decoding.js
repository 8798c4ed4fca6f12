// Streams → pictures, in a worker of any kind: the decoder, loaded once, and models, each fetched once and kept.
// tlic.wasm and the folder models/ lie beside this file.

import { loadDecoder, modelsOf, TlicError } from "./tlic.js";

const KEPT = "tlic-models";
const added = new Map(); // promises by the names of models
let loaded;

/** Return a promise of a stream's picture: what tlic.js gives, and the `milliseconds` that it took. */
export async function decode(stream) {
  loaded ??= loadDecoder(fetch(new URL("tlic.wasm", import.meta.url)));
  const decoder = await loaded;
  await Promise.all(modelsOf(decoder.describe(stream)).map((name) => withModel(decoder, name)));
  const start = performance.now();
  const picture = await decoder.decode(stream);
  return { ...picture, milliseconds: performance.now() - start };
}

/** Add a model to the decoder, unless it has it. */
async function withModel(decoder, name) {
  if (!added.has(name)) added.set(name, fetchModel(name).then((packed) => decoder.addModel(packed)));
  try {
    await added.get(name);
  } catch (error) {
    added.delete(name); // the next picture tries again
    throw error;
  }
}

/** Return a promise of a model's decoder half: what was kept, else what the server has. */
async function fetchModel(name) {
  const url = new URL(`models/${name}`, import.meta.url);
  const cache = await globalThis.caches?.open(KEPT); // there is none over plain HTTP, but on this machine
  let response = await cache?.match(url);
  if (!response) {
    response = await fetch(url).catch(() => Response.error());
    if (!response.ok) throw new TlicError("MissingModel", `needs model ${name}, which cannot be fetched`);
    await cache?.put(url, response.clone());
  }
  return new Uint8Array(await response.arrayBuffer());
}
