// Pictures as they are meant to be seen: turned as their EXIF orientation says.

// Where the first pixel comes from, and the steps to the next one of a row and of a column; w and h are of the source.
const STEPS = {
  1: (w) => [0, 1, w],
  2: (w) => [w - 1, -1, w],
  3: (w, h) => [w * h - 1, -1, -w],
  4: (w, h) => [w * (h - 1), 1, -w],
  5: (w) => [0, w, 1],
  6: (w, h) => [w * (h - 1), -w, 1],
  7: (w, h) => [w * h - 1, -w, -1],
  8: (w) => [w - 1, w, -1],
};

/** Return the upright data, width and height of an RGBA picture. */
export function upright({ data, width, height, orientation }) {
  if (orientation === 1) return { data, width, height };
  const [first, across, down] = STEPS[orientation](width, height);
  const [columns, rows] = orientation > 4 ? [height, width] : [width, height];
  const source = new Uint32Array(data.buffer, data.byteOffset, width * height);
  const target = new Uint32Array(width * height);
  for (let y = 0, to = 0; y < rows; y++) {
    for (let x = 0, from = first + y * down; x < columns; x++, from += across) target[to++] = source[from];
  }
  return { data: new Uint8ClampedArray(target.buffer), width: columns, height: rows };
}
