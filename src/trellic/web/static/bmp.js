// A picture as a BMP file with alpha: pixels as they are behind a header, which takes no time.
// Source: BITMAPV4HEADER in Microsoft's "Windows GDI" reference. Channels lie as their masks say: RGBA.

const HEADERS = 14 + 108;
const SRGB = 0x73524742;

/** Return the bytes of a BMP file of RGBA pixels. */
export function bmp({ data, width, height }) {
  const file = new Uint8Array(HEADERS + data.length);
  const view = new DataView(file.buffer);
  const put = (at, ...values) => values.forEach((value, n) => view.setUint32(at + 4 * n, value, true));
  view.setUint16(0, 0x424d); // "BM"
  put(2, file.length, 0, HEADERS);
  put(14, 108, width, -height); // rows from the top
  view.setUint16(26, 1, true);
  view.setUint16(28, 32, true);
  put(30, 3, data.length, 2835, 2835, 0, 0); // by masks; 72 pixels per inch; no palette
  put(54, 0xff, 0xff00, 0xff0000, 0xff000000, SRGB);
  file.set(data, HEADERS);
  return file;
}
