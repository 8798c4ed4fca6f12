// A worker that decodes: {number, stream} → {number, picture} or {number, error}. pictures.js starts it.

import { decode } from "./decoding.js";

onmessage = async ({ data: { number, stream } }) => {
  try {
    const picture = await decode(stream);
    postMessage({ number, picture }, [picture.data.buffer]);
  } catch ({ kind = "Error", message }) {
    postMessage({ number, error: { kind, message } });
  }
};
