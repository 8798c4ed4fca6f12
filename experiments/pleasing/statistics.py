"""Distances between sets of pictures, and energies of octaves: what is measured of pleasing pictures.

Sources: Bińkowski et al., Demystifying MMD GANs (2018), for the kernel distance; Karras et al., Progressive growing of
GANs (2018), for sliced Wasserstein distances of Laplacian pyramids.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]

DRAWS, PART = 200, 0.5
"""Of the interval of a kernel distance: subsets of so much of all patches."""
LEVELS = 4
SIDE, PATCHES, DIRECTIONS = 7, 256, 128
"""Of sliced Wasserstein distances: side of a patch, patches of a picture's level, directions."""
LUMA = np.array([0.299, 0.587, 0.114])
INTERVAL = (5, 50, 95)
"""Percentiles."""


def kernel_distance(one: Floats, other: Floats) -> tuple[float, float, float]:
    """Return 100 times the kernel distance of features (N, C) of the same N patches: low, middle and high of subsets.

    The unbiased estimate with the kernel (x·y / C + 1)³; subsets have the same patches on both sides.
    """
    count, channels = one.shape
    kernels = [(a @ b.T / channels + 1) ** 3 for a, b in ((one, one), (other, other), (one, other))]
    random = np.random.default_rng(0)
    found = []
    for _ in range(DRAWS):
        chosen = np.ix_(*[random.choice(count, round(PART * count), replace=False)] * 2)
        own, theirs, both = (kernel[chosen] for kernel in kernels)
        apart = [(each.sum() - np.trace(each)) / (each.size - len(each)) for each in (own, theirs, both)]
        found.append(100 * (apart[0] + apart[1] - 2 * apart[2]))
    low, middle, high = (float(value) for value in np.percentile(found, INTERVAL))
    return low, middle, high


def laplacian(pixels: Pixels) -> list[Floats]:
    """Return the levels of a picture's Laplacian pyramid, finest first, (H, W, 3); sides are cut to multiples of 16."""
    height, width = (side - side % 2**LEVELS for side in pixels.shape[:2])
    rest = pixels[:height, :width].astype(np.float64)
    levels = []
    for _ in range(LEVELS):
        smaller = _blurred(rest)[::2, ::2]
        levels.append(rest - _enlarged(smaller))
        rest = smaller
    return levels


def octave_energies(pixels: Pixels) -> list[float]:
    """Return the energy of luma in each level of a picture's Laplacian pyramid, finest first."""
    return [float(np.square(level @ LUMA).mean()) for level in laplacian(pixels)]


def patches_of(pixels: Pixels, seed: int) -> list[Floats]:
    """Return patches of each level, (PATCHES, SIDE²·3), at places that follow from the seed."""
    random = np.random.default_rng(seed)
    found = []
    for level in laplacian(pixels):
        tops, lefts = (random.integers(0, side - SIDE + 1, PATCHES) for side in level.shape[:2])
        cut = [level[top : top + SIDE, left : left + SIDE].ravel() for top, left in zip(tops, lefts, strict=True)]
        found.append(np.array(cut))
    return found


def sliced_wasserstein(one: Sequence[Floats], other: Sequence[Floats]) -> float:
    """Return the mean over levels of the distance between patches (N, C), in 8-bit units.

    Levels weigh by their own deviation: a distance is over that of the second set's patches, in per cent.
    """
    random = np.random.default_rng(0)
    found = []
    for a, b in zip(one, other, strict=True):
        directions = random.normal(size=(a.shape[1], DIRECTIONS))
        directions /= np.linalg.norm(directions, axis=0)
        apart = np.abs(np.sort(a @ directions, axis=0) - np.sort(b @ directions, axis=0)).mean()
        found.append(100 * apart / b.std())
    return float(np.mean(found))


def _blurred(values: Floats) -> Floats:
    """Return values (H, W, C) filtered by 1 4 6 4 1 each way."""
    for axis in (0, 1):
        sides = [(2, 2) if axis == number else (0, 0) for number in range(3)]
        padded, length = np.pad(values, sides, mode="reflect"), values.shape[axis]
        parts = [np.take(padded, range(at, at + length), axis) for at in range(5)]
        values = (parts[0] + 4 * parts[1] + 6 * parts[2] + 4 * parts[3] + parts[4]) / 16
    return values


def _enlarged(values: Floats) -> Floats:
    """Return values (H, W, C) at twice the size, by the same filter."""
    height, width, channels = values.shape
    wide = np.zeros((2 * height, 2 * width, channels))
    wide[::2, ::2] = 4 * values
    return _blurred(wide)
