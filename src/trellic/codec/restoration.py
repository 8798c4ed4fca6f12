"""The restoration filter: each region of a decoded picture gets corrections that its encoder found, in a few bytes.

What is left of a picture's error still follows from the decoded pixels around, in each picture differently: how chroma
goes with luma, how much fine detail is noise. So a sample is corrected by a weighted sum of features of its
neighbourhood; the weights are fitted to the original, as those of the Wiener filters in AV1 and of the adaptive loop
filter in H.266 (VVC) are, from which the clipped differences come (Taquet et al., 2019). They may be others in each of
eight bands of luma, by Y of the pixel itself.

All is in integers below 2²⁴, which float32 holds exactly. With the planes Y = R + 2G + B − 512, O = 2R − 2B and
G = 2G − R − B, the features are, in this order:

- 256, then each plane
- products of two planes, in 1/256, rounded down: YY, YO, YG, OO, OG, GG
- of each plane, 4 × the sum of differences to the 8 neighbours
- of each plane, 2 × the sum of differences to the 16 positions around these
- of each plane, 2 × the sum of all 24 differences, each kept within ±12

A region ends where the filter's pixels do: beyond its edges, and the picture's, the nearest pixel counts.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from trellic.container import Box, Grid
from trellic.container.restoration import FEATURES, PLANES, Weights, regions_of
from trellic.kernels import kernel
from trellic.picture.types import Pixels

REACH = 2
"""How far a feature looks, in pixels."""
PRECISION = 12
"""Bits after the point of the products' sum, in levels."""
CLIP = 12
DARKEST, WIDTH = -512, 128
"""Where the first band of luma begins, in Y, and how wide each is."""

Planes = npt.NDArray[np.float32]


@kernel
def _split(pixels, planes):  # type: ignore[no-untyped-def]
    """Put the planes of pixels (3, H, W) into the middle of larger ones, and continue these by their edges."""
    _, height, width = pixels.shape
    for y in range(height + 2 * REACH):
        row = min(max(y - REACH, 0), height - 1)
        for x in range(width):
            red, green, blue = np.int64(pixels[0, row, x]), np.int64(pixels[1, row, x]), np.int64(pixels[2, row, x])
            planes[0, y, x + REACH] = np.float32(red + 2 * green + blue - 512)
            planes[1, y, x + REACH] = np.float32(2 * red - 2 * blue)
            planes[2, y, x + REACH] = np.float32(2 * green - red - blue)
        for n in range(3):
            for x in range(REACH):
                planes[n, y, x] = planes[n, y, REACH]
                planes[n, y, width + REACH + x] = planes[n, y, width + REACH - 1]


@kernel
def find_features(planes, y, features):  # type: ignore[no-untyped-def]
    """Find the features, float32 (FEATURES, W), of a row of pixels, given their planes as `split` returns them."""
    low, high, part, double = np.float32(-CLIP), np.float32(CLIP), np.float32(1 / 256), np.float32(2)
    width = features.shape[1]
    for x in range(width):
        features[0, x] = np.float32(256)
    at = 4
    for n in range(3):
        first, middle = planes[n, y + REACH], features[1 + n]
        for x in range(width):
            middle[x] = first[x + REACH]
        for m in range(n, 3):
            second, product = planes[m, y + REACH], features[at]
            for x in range(width):
                product[x] = np.floor(first[x + REACH] * second[x + REACH] * part)
            at += 1
    for n in range(3):
        middle = features[1 + n]
        near, far, clipped = features[at + n], features[at + 3 + n], features[at + 6 + n]
        for x in range(width):
            near[x] = far[x] = clipped[x] = np.float32(0)
        for dy in range(2 * REACH + 1):
            line = planes[n, y + dy]
            for dx in range(2 * REACH + 1):
                ring = far if abs(dy - REACH) == REACH or abs(dx - REACH) == REACH else near
                for x in range(width):
                    difference = line[x + dx] - middle[x]
                    ring[x] += difference
                    difference = difference if difference < high else high
                    clipped[x] += difference if difference > low else low
        for x in range(width):
            near[x] *= double * double
            far[x] *= double
            clipped[x] *= double


@kernel
def _correct(planes, pixels, weights, corrected):  # type: ignore[no-untyped-def]
    """Correct pixels (3, H, W) by weights, float32 (PLANES, FEATURES, BANDS), given their planes continued by edges."""
    _, height, width = pixels.shape
    features = np.empty((FEATURES, width), np.float32)
    sums, bands = np.empty((PLANES, width), np.float32), np.empty(width, np.int64)
    half, differ = 1 << (PRECISION - 1), np.empty((PLANES, FEATURES), np.bool_)
    for n in range(PLANES):
        for m in range(FEATURES):
            differ[n, m] = weights[n, m].min() != weights[n, m].max()
    for y in range(height):
        find_features(planes, y, features)
        for x in range(width):
            bands[x] = (np.int64(features[1, x]) - DARKEST) // WIDTH
        for n in range(PLANES):
            total = sums[n]
            for x in range(width):
                total[x] = np.float32(0)
            for m in range(FEATURES):
                by_band, feature = weights[n, m], features[m]
                weight = by_band[0]
                if differ[n, m]:
                    for x in range(width):
                        total[x] += by_band[bands[x]] * feature[x]
                elif weight:
                    for x in range(width):
                        total[x] += weight * feature[x]
        for x in range(width):
            luma, orange, green = np.int32(sums[0, x]), np.int32(sums[1, x]), np.int32(sums[2, x])
            changes = luma + orange - green, luma + 2 * green, luma - orange - green
            for n in range(3):
                corrected[n, y, x] = min(max(pixels[n, y, x] + ((changes[n] + half) >> PRECISION), 0), 255)


def split(pixels: Pixels) -> Planes:
    """Return the planes Y, O and G of pixels, uint8 (3, H, W), continued by REACH on all sides: float32."""
    _, height, width = pixels.shape
    planes = np.empty((PLANES, height + 2 * REACH, width + 2 * REACH), np.float32)
    _split(pixels, planes)
    return planes


def corrected(pixels: Pixels, weights: Weights) -> Pixels:
    """Return pixels, uint8 (3, H, W), of one region, or of a part of it, corrected by its weights."""
    out, of_bands = np.empty(pixels.shape, np.uint8), weights[0] + weights[1:].astype(np.float32)
    _correct(split(pixels), pixels, np.ascontiguousarray(of_bands.transpose(1, 2, 0)), out)
    return out


def restore(pixels: Pixels, around: Box, box: Box, grid: Grid, restoration: Sequence[Weights | None]) -> Pixels:
    """Return pixels, uint8 (3, H, W), of which a box is corrected by the weights of its regions.

    around       the box of all pixels
    restoration  weights of each region; None where nothing is to be corrected
    """
    regions, found = regions_of(grid), pixels.copy()
    for number in regions.touching(box):
        weights = restoration[number]
        whole = regions.tile(number).common(grid.shown)
        part = whole.common(box)
        if weights is not None and min(part.width, part.height) > 0:
            seen = part.grown(REACH, whole.common(around))
            better = corrected(np.ascontiguousarray(pixels[:, *seen.within(around)]), weights)
            found[:, *part.within(around)] = better[:, *part.within(seen)]
    return found
