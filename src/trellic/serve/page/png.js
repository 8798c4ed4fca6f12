// RGBA pixels → a PNG file with exactly these pixels, which a canvas does not keep where they are translucent.
// Source: Portable Network Graphics (third edition), W3C.

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const DISPLAY_P3 = 2; // in docs/format.md
const CRC = new Uint32Array(256).map((_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? 0xedb88320 ^ (byte >>> 1) : byte >>> 1;
  return byte;
});

/** Return a promise of the file of a picture, a Blob: RGBA where it has alpha, else RGB, with its colour profile. */
export async function png({ data, width, height, alpha, metadata }) {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, alpha ? 6 : 2], 8);
  const chunks = [chunk("IHDR", header)];
  if (metadata.icc) {
    const name = [...new TextEncoder().encode("profile"), 0, 0];
    chunks.push(chunk("iCCP", join([new Uint8Array(name), await deflated(metadata.icc)])));
  } else if (metadata.colourSpace === DISPLAY_P3) chunks.push(chunk("cICP", new Uint8Array([12, 13, 0, 1])));
  chunks.push(chunk("IDAT", await deflated(filtered(data, width, height, alpha ? 4 : 3))));
  return new Blob([new Uint8Array(SIGNATURE), ...chunks, chunk("IEND", new Uint8Array())], { type: "image/png" });
}

/** Return rows as differences from what the Paeth filter predicts, each behind the filter's number. */
function filtered(data, width, height, channels) {
  const stride = width * channels;
  const rows = new Uint8Array((stride + 1) * height);
  let above = new Uint8Array(stride), row = new Uint8Array(stride);
  for (let y = 0, to = 0, from = 0; y < height; y++) {
    for (let at = 0; at < stride; from += 4 - channels) {
      for (let channel = 0; channel < channels; channel++) row[at++] = data[from++];
    }
    rows[to++] = 4;
    for (let at = 0; at < stride; at++) {
      const left = at < channels ? 0 : row[at - channels], corner = at < channels ? 0 : above[at - channels];
      rows[to++] = row[at] - paeth(left, above[at], corner);
    }
    [above, row] = [row, above];
  }
  return rows;
}

function paeth(left, above, corner) {
  const a = Math.abs(above - corner), b = Math.abs(left - corner), c = Math.abs(left + above - 2 * corner);
  return a <= b && a <= c ? left : b <= c ? above : corner;
}

function chunk(type, payload) {
  const whole = new Uint8Array(12 + payload.length);
  const view = new DataView(whole.buffer);
  view.setUint32(0, payload.length);
  whole.set(new TextEncoder().encode(type), 4);
  whole.set(payload, 8);
  let crc = 0xffffffff;
  for (let at = 4; at < whole.length - 4; at++) crc = CRC[(crc ^ whole[at]) & 0xff] ^ (crc >>> 8);
  view.setUint32(whole.length - 4, ~crc);
  return whole;
}

async function deflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function join(parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}
