// Figures of pictures, and how they are written.

/** Return the PSNR in dB of RGBA pixels over the colours of all that can be seen of the original; equal ones give Infinity. */
export function psnr(original, decoded) {
  let sum = 0, count = 0;
  for (let at = 0; at < original.length; at += 4) {
    if (!original[at + 3]) continue;
    for (let channel = at; channel < at + 3; channel++) sum += (original[channel] - decoded[channel]) ** 2;
    count += 3;
  }
  return sum ? 10 * Math.log10((255 ** 2 * count) / sum) : Infinity;
}

/** Writes numbers: 12,659. */
export const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** Return the cells of a picture's row: bytes, bits per pixel, PSNR, milliseconds; "–" for what there is none of. */
export function cells({ bytes, width, height, decibels, milliseconds }) {
  return [
    grouped.format(bytes),
    ((8 * bytes) / (width * height)).toFixed(3),
    decibels === undefined ? "–" : decibels === Infinity ? "exact" : decibels.toFixed(2),
    milliseconds === undefined ? "–" : grouped.format(milliseconds),
  ];
}
