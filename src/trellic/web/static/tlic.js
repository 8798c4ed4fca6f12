// Decode .tlic in a browser or in Node: what JavaScript adds to tlic.wasm. web/README.md has the interface.

const KINDS = [
  "", "NotAStream", "UnsupportedStream", "DamagedStream", "IncompleteStream", "PictureTooLarge", "MissingModel",
  "DamagedModel", "OutOfMemory",
];
const MAGIC = [0x93, 0x54, 0x4c];
const MOST_PIXELS = 2 ** 26, MOST_METADATA = 2 ** 24, MOST_MODEL = 2 ** 28;
const ICC = 128, EXIF = 129, COLOUR = 130, XMP = 131, RESOLUTION = 132;

/** What a stream or a model is refused with: `kind` is the name of trellic's error, `message` says why. */
export class TlicError extends Error {
  constructor(kind, message) {
    super(message);
    this.name = "TlicError";
    this.kind = kind;
  }
}

/** Return the name of the model that a stream needs, eight hexadecimal digits. */
export function modelOf(stream) {
  if (stream.length < 8 || MAGIC.some((byte, at) => stream[at] !== byte)) {
    throw new TlicError("NotAStream", "not a .tlic file");
  }
  return hex(stream.subarray(4, 8));
}

/** Return a decoder. `wasm` is tlic.wasm: a Response or a promise of one, bytes, or a WebAssembly.Module. */
export async function loadDecoder(wasm, { maxPixels = MOST_PIXELS } = {}) {
  const source = await wasm;
  const bytes = typeof Response !== "undefined" && source instanceof Response ? await source.arrayBuffer() : source;
  const module = bytes instanceof WebAssembly.Module ? bytes : await WebAssembly.compile(bytes);
  const { exports } = await WebAssembly.instantiate(module);
  exports._initialize();
  return new Decoder(exports, maxPixels);
}

/** Return the names of the models that a stream needs, given what `describe` says of it: in layers, its adapter may be
 * of some of them alone. */
export function modelsOf({ model, adapter, quantizer }) {
  if (!adapter) return [model];
  return quantizer === "nested" ? [`${model}+${adapter}`, model] : [`${model}+${adapter}`];
}

class Decoder {
  #c;
  #maxPixels;
  #models = new Map();

  constructor(exports, maxPixels) {
    this.#c = exports;
    this.#maxPixels = maxPixels;
  }

  /** Return whether a model has been added, by its name: eight digits, and "+" and an adapter's where it has one. */
  hasModel(name) {
    return this.#models.has(name);
  }

  /** Add a decoder half, and return its name. */
  async addModel(packed) {
    const plain = await inflate(packed, MOST_MODEL, "DamagedModel", "the model cannot be unpacked");
    const model = this.#given(plain, (at) => this.#c.load_model(at, plain.length));
    if (!model) this.#refuse(this.#c.code());
    const adapter = this.#c.model_adapter(model) >>> 0;
    const name = this.#name(this.#c.model_hash(model) >>> 0) + (adapter ? `+${this.#name(adapter)}` : "");
    if (this.#models.has(name)) this.#c.drop_model(this.#models.get(name));
    this.#models.set(name, model);
    return name;
  }

  /** Return what header and index of a stream say. */
  describe(stream) {
    return this.#given(stream, (at) => {
      this.#refuse(this.#c.describe(at, stream.length, this.#maxPixels));
      return this.#facts();
    });
  }

  /** Return a promise of a stream's picture. */
  async decode(stream) {
    const models = this.#modelsFor(stream);
    const [facts, data] = this.#given(stream, (at) => {
      this.#refuse(this.#c.decode(...models, at, stream.length, this.#maxPixels));
      const facts = this.#facts();
      const pixels = this.#c.pixels() >>> 0;
      const data = new Uint8ClampedArray(this.#c.memory.buffer, pixels, 4 * facts.width * facts.height).slice();
      this.#c.give(pixels);
      return [facts, data];
    });
    const metadata = await this.#metadata(stream);
    return { ...facts, data, metadata, orientation: orientationOf(metadata.exif) };
  }

  /** Return a promise of the SHA-256 of a stream's indices, in hexadecimal digits: that of `trellic verify`. */
  async verify(stream) {
    const models = this.#modelsFor(stream);
    const digest = this.#given(stream, (at) => {
      this.#refuse(this.#c.verify(...models, at, stream.length, this.#maxPixels));
      return hex(new Uint8Array(this.#c.memory.buffer, this.#c.digest(), 32));
    });
    await this.#metadata(stream);
    return digest;
  }

  /** Return the model of a stream, and the same without its adapter, or 0 where there is none. */
  #modelsFor(stream) {
    const names = modelsOf(this.describe(stream));
    const missing = names.find((name) => !this.#models.has(name));
    if (missing) throw new TlicError("MissingModel", `needs model ${missing}`);
    return [this.#models.get(names[0]), this.#models.get(names.at(-1))];
  }

  /** Call a function with the place of bytes in the decoder's memory. */
  #given(bytes, work) {
    const at = this.#c.take(bytes.length) >>> 0; // places are unsigned
    if (!at) throw new TlicError("OutOfMemory", "there is not enough memory");
    new Uint8Array(this.#c.memory.buffer, at, bytes.length).set(bytes);
    try {
      return work(at);
    } finally {
      this.#c.give(at);
    }
  }

  #refuse(code) {
    if (!code) return;
    const memory = new Uint8Array(this.#c.memory.buffer);
    const at = this.#c.reason() >>> 0;
    throw new TlicError(KINDS[code], String.fromCharCode(...memory.subarray(at, memory.indexOf(0, at))));
  }

  #facts() {
    const at = this.#c.facts();
    const [width, height, grey, alpha, quality, quantizer, tiles, , adapted] = this.#numbers(at, 9);
    return {
      width, height, grey: Boolean(grey), alpha: Boolean(alpha), quality: quality / 256,
      quantizer: QUANTIZERS[quantizer], tiles, model: this.#name(at + 28),
      adapter: adapted ? this.#name(at + 36) : undefined,
    };
  }

  #name(at) {
    return hex(new Uint8Array(this.#c.memory.buffer, at, 4));
  }

  #numbers(at, count) {
    return new Uint32Array(this.#c.memory.buffer, at, count);
  }

  /** Return the metadata of the stream that was described last. */
  async #metadata(stream) {
    const sections = new Map();
    const places = this.#numbers(this.#c.metadata(), 15).slice();
    for (let n = 0; n < 5; n++) {
      const [present, start, length] = places.subarray(3 * n, 3 * n + 3);
      if (present) sections.set(ICC + n, stream.subarray(start, start + length));
    }
    const blob = async (type) =>
      sections.has(type)
        ? inflate(sections.get(type), MOST_METADATA, "DamagedStream", "metadata cannot be read")
        : undefined;
    return {
      icc: await blob(ICC), exif: await blob(EXIF), xmp: await blob(XMP),
      colourSpace: sections.has(COLOUR) ? colourSpaceOf(sections.get(COLOUR)) : 0,
      resolution: sections.has(RESOLUTION) ? resolutionOf(sections.get(RESOLUTION)) : undefined,
    };
  }
}

const QUANTIZERS = [
  "uniform", "deadzone", "rdoq", "tcq4", "tcq8", "tcq16", "tcq32", "tcq64", "tcq128", "tcq256", "nested", "lattice",
  "tcq512", "tcq1024",
];

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Return zlib data inflated; what is damaged or inflates to more than `most` bytes is refused. */
async function inflate(data, most, kind, message) {
  const parts = [];
  let length = 0;
  try {
    const reader = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      length += next.value.length;
      if (length > most) {
        await reader.cancel();
        throw new RangeError("too large");
      }
      parts.push(next.value);
    }
  } catch (error) {
    throw new TlicError(kind, error instanceof RangeError ? `inflates to more than ${most} bytes` : message);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function colourSpaceOf(payload) {
  if (payload.length !== 1) throw new TlicError("DamagedStream", "a colour space is one byte");
  return payload[0] <= 4 ? payload[0] : 0;
}

/** Read one varint for both axes, or two that differ. */
function resolutionOf(payload) {
  const numbers = [];
  let value = 0, shift = 0;
  for (const byte of payload) {
    value += (byte & 0x7f) * 2 ** shift;
    shift += 7;
    const last = byte < 0x80;
    if (last && byte === 0 && shift > 7) shift = 99; // longer than it need be
    if (shift > 35) break;
    if (last) {
      numbers.push(value);
      value = shift = 0;
    }
  }
  const possible = shift === 0 && (numbers.length === 1 || numbers.length === 2);
  if (!possible || numbers.some((each) => each < 1 || each > 2 ** 24)) {
    throw new TlicError("DamagedStream", "impossible resolution");
  }
  return [numbers[0] / 100, numbers[numbers.length - 1] / 100];
}

/** Return the orientation that an EXIF block says, 1 where it says none: tag 274 of its first directory. */
function orientationOf(exif) {
  if (!exif) return 1;
  const start = exif.length > 6 && String.fromCharCode(...exif.subarray(0, 4)) === "Exif" ? 6 : 0;
  const view = new DataView(exif.buffer, exif.byteOffset + start, exif.length - start);
  try {
    const little = view.getUint16(0) === 0x4949;
    const directory = view.getUint32(4, little);
    for (let entry = directory + 2, left = view.getUint16(directory, little); left > 0; entry += 12, left--) {
      const value = view.getUint16(entry + 8, little);
      if (view.getUint16(entry, little) === 274) return value >= 1 && value <= 8 ? value : 1;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // a directory beyond the block says nothing
  }
  return 1;
}
