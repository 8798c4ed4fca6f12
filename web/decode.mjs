// Decode in Node: node web/decode.mjs FOLDER
//
// Adds every decoder half (*.tlh) of the folder, then decodes every stream (*.tlic) and prints a line of JSON for each:
// what is known of it, the hash of its indices, its samples in base 64 and milliseconds of processor time that decoding
// took, or the kind and the message of its error.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const statics = new URL("../src/trellic/web/static/", import.meta.url);
const { loadDecoder, modelOf, TlicError } = await import(new URL("tlic.js", statics));

const folder = process.argv[2];
const base64 = (bytes) => Buffer.from(bytes).toString("base64");
const bytesOf = (name) => new Uint8Array(readFileSync(join(folder, name)));
const named = (suffix) => readdirSync(folder).filter((name) => name.endsWith(suffix)).sort();
const decoder = await loadDecoder(readFileSync(new URL("tlic.wasm", statics)), { maxPixels: 2 ** 27 });

async function outcome(work) {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TlicError)) throw error;
    return { kind: error.kind, message: error.message };
  }
}

async function decoded(stream) {
  const before = process.cpuUsage();
  const { data, metadata, ...facts } = await decoder.decode(stream);
  const { user, system } = process.cpuUsage(before);
  const blobs = ["icc", "exif", "xmp"].map((key) => [key, metadata[key] && base64(metadata[key])]);
  return {
    ...facts, milliseconds: (user + system) / 1000, named: modelOf(stream), digest: await decoder.verify(stream),
    metadata: { ...metadata, ...Object.fromEntries(blobs) }, data: base64(data),
  };
}

for (const name of named(".tlh")) {
  const added = await outcome(async () => ({ model: await decoder.addModel(bytesOf(name)) }));
  console.log(JSON.stringify({ name, ...added }));
}
for (const name of named(".tlic")) {
  console.log(JSON.stringify({ name, ...(await outcome(() => decoded(bytesOf(name)))) }));
}
