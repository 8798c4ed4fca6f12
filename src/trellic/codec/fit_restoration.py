"""Weights of the restoration filter for a picture that is being encoded: those that are worth their bits.

Corrections are of three kinds: of all samples alike, of R against B, and of G against both. They are orthogonal: the
squared error of R, G and B is 3 times that of (R + G + B) / 3, 2 times that of (R − B) / 2, and 6 times that of
(2G − R − B) / 6. So the weights of each are fitted alone, from sums of products of features. Features come in one after
another, the most useful first, as long as they pay for their bits (orthogonal matching pursuit); then each weight, of
the others too, is moved to the integer near its best that costs least. What a band of luma adds to the weights is found
likewise, from what is left there.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trellic.codec.restoration import DARKEST, PRECISION, WIDTH, corrected, find_features, split
from trellic.container import Box, Grid
from trellic.container.restoration import (
    BANDS,
    FEATURES,
    LARGEST,
    PLANES,
    Weights,
    code_of,
    regions_of,
    write_weights,
)
from trellic.kernels import kernel
from trellic.metrics import squared_error
from trellic.picture.types import Pixels

Sums = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
SQUARES = np.array([3.0, 2.0, 6.0])
"""What a squared error of each kind is, in squared errors of R, G and B."""
TO_KINDS = np.array([[2, 2, 2], [3, 0, -3], [-1, 2, -1]]) / 6
RIDGE = 1e-6
BITS_OF = np.array([len(code_of(weight)) for weight in range(-LARGEST, LARGEST + 1)])
USUAL_BITS = 6
"""Of a weight that is not 0."""
ROUNDS = 4
BESIDE = 2
"""Bytes beside weights, about: how many bytes there are, and what a header or a frame has for them."""


class Fitted(NamedTuple):
    """Weights of a region, None where they are not worth their bits; the region as it is shown then; and its squared
    error, summed, without weights and as it is shown."""

    weights: Weights | None
    shown: Pixels
    error_without: float
    error: float


def fitted(decoded: Pixels, original: Pixels, bits_of_error: float, where: Mask | None = None) -> Fitted:
    """Return the weights that save most bits for a region.

    decoded, original  uint8 (3, H, W)
    bits_of_error      what a squared error of 1 in one sample is worth
    where              the pixels that are to be corrected, bool (H, W); None for all
    """
    squares, products = _sums(decoded, original, where)
    weights, bits = _common_and_bands(squares, products, SQUARES * bits_of_error)
    better = corrected(decoded, weights)
    if where is not None:
        better = np.where(where, better, decoded)
    before, after = squared_error(decoded, original), squared_error(better, original)  # which is rounded once more
    if bits_of_error * (before - after) <= bits:
        return Fitted(None, decoded, before, before)
    return Fitted(weights, better, before, after)


def _sums(decoded: Pixels, original: Pixels, where: Mask | None) -> tuple[Sums, Sums]:
    """Return sums of products of features, (BANDS, FEATURES, FEATURES), and of these with the error of each kind."""
    squares, products = np.zeros((BANDS, FEATURES, FEATURES)), np.zeros((BANDS, PLANES, FEATURES))
    counted = np.ones(decoded.shape[1:], np.bool_) if where is None else where
    _add_products(split(decoded), decoded, original, counted, squares, products)
    scale = 1 << PRECISION
    squares += np.triu(squares, 1).transpose(0, 2, 1)
    return squares / scale**2, (TO_KINDS @ products) / scale


@kernel
def _add_products(planes, decoded, original, counted, squares, products):  # type: ignore[no-untyped-def]
    """Add products of features to the upper triangles of sums, and those with the errors of R, G and B."""
    _, height, width = decoded.shape
    features, seen = np.empty((FEATURES, width), np.float32), np.empty(FEATURES, np.float64)
    for y in range(height):
        find_features(planes, y, features)
        for x in range(width):
            if not counted[y, x]:
                continue
            band = (np.int64(features[1, x]) - DARKEST) // WIDTH
            for one in range(FEATURES):
                seen[one] = features[one, x]
            for one in range(FEATURES):
                sums, value = squares[band, one], seen[one]
                for other in range(one, FEATURES):
                    sums[other] += value * seen[other]
            for n in range(PLANES):
                sums, error = products[band, n], np.float64(original[n, y, x]) - np.float64(decoded[n, y, x])
                for one in range(FEATURES):
                    sums[one] += error * seen[one]


def _common_and_bands(squares: Sums, products: Sums, bits: Sums) -> tuple[Weights, int]:
    """Return weights, and how many bits they take.

    squares, products  as `_sums` has them
    bits               what a squared error of 1 of each kind is worth
    """
    common = _of_kinds(squares.sum(axis=0), products.sum(axis=0), bits, np.zeros((PLANES, FEATURES), np.int64))
    bands, saved = np.zeros((BANDS, PLANES, FEATURES), np.int64), -float(BANDS)
    for band in range(BANDS):
        left = products[band] - common @ squares[band]
        added = _of_kinds(squares[band], left, bits, common)
        found = bits @ (2 * (added * left).sum(axis=1) - ((added @ squares[band]) * added).sum(axis=1))
        if (gain := found - BITS_OF[added + LARGEST].sum()) > 0:
            bands[band], saved = added, saved + gain
    taken = BITS_OF[common + LARGEST].sum()
    if saved > 0:
        taken += BANDS + sum(BITS_OF[added + LARGEST].sum() for added in bands if added.any())
    return np.array([common, *bands * (saved > 0)], np.int8), int(taken)


def _of_kinds(squares: Sums, products: Sums, bits: Sums, common: Whole) -> Whole:
    """Return weights of each kind of corrections, (PLANES, FEATURES), that are added to those in common."""
    kinds = zip(bits, products, common, strict=True)
    return np.array([_chosen(each * squares, each * wanted, before) for each, wanted, before in kinds])


def _chosen(squares: Sums, products: Sums, common: Whole) -> Whole:
    """Return the weights of a kind of corrections, given sums in bits; with those in common, none is too large."""
    low, high = np.maximum(-LARGEST, -LARGEST - common), np.minimum(LARGEST, LARGEST - common)
    norm = np.sqrt(np.diag(squares) + 1e-9)
    alike = squares / np.outer(norm, norm) + RIDGE * np.eye(FEATURES)
    wanted = products / norm
    kept: list[int] = []
    best = np.zeros(0)
    saved = 0.0
    while len(kept) < FEATURES:
        rest = np.square(wanted - alike[:, kept] @ best)
        rest[kept] = -1
        trial = [*kept, int(rest.argmax())]
        solved = np.linalg.solve(alike[np.ix_(trial, trial)], wanted[trial])
        if solved @ wanted[trial] - saved < USUAL_BITS:
            break
        kept, best, saved = trial, solved, float(solved @ wanted[trial])
    weights = np.zeros(FEATURES, np.int64)
    weights[kept] = np.clip(np.rint(best / norm[kept]), low[kept], high[kept])
    _settle(squares, products, weights, low, high, BITS_OF)
    return weights


@kernel
def _settle(squares, products, weights, low, high, bits_of):  # type: ignore[no-untyped-def]
    """Move weights, one after another, to the integers that cost least, the others being as they are."""
    for _ in range(ROUNDS):
        moved = False
        for feature in range(len(weights)):
            power = squares[feature, feature]
            if power == 0:  # of a feature that is nowhere
                continue
            before = weights[feature]
            pull = products[feature] + power * before
            for other in range(len(weights)):
                pull -= squares[feature, other] * weights[other]
            ideal = min(max(pull / power, low[feature]), high[feature])
            best, least = np.int64(0), np.float64(bits_of[LARGEST])
            for tried in (np.int64(np.floor(ideal)), np.int64(np.ceil(ideal)), np.int64(ideal / 2)):
                cost = power * tried**2 - 2 * pull * tried + bits_of[tried + LARGEST]
                if cost < least:
                    best, least = tried, cost
            weights[feature] = best
            moved = moved or best != before
        if not moved:
            break


def write_worthwhile(regions: Sequence[Weights | None], saved: float, deblocks: bool = False) -> bytes:
    """Return the weights of regions as a stream has them, which save so many bits; nothing where they take as many."""
    written = write_weights(regions, deblocks)
    return written if saved > 8 * (len(written) + BESIDE) else b""


class Fit:
    """Fits the weights of a picture's regions while it is shown in strips, and counts what error is left.

    bits_of_error  what a squared error of 1 in one sample is worth
    exact          regions that are coded exactly, and have no weights
    deblocks       whether blocks are deblocked before
    """

    def __init__(self, grid: Grid, bits_of_error: float, exact: Collection[int], deblocks: bool = False) -> None:
        self.regions, self.bits_of_error, self.exact = regions_of(grid), bits_of_error, exact
        self.deblocks = deblocks
        self.weights: list[Weights | None] = [None] * self.regions.tiles
        self.error_without = self.error_with = 0.0
        self._held: dict[int, list[tuple[Box, Pixels, Pixels]]] = {}

    def add(self, box: Box, decoded: Pixels, original: Pixels) -> None:
        """Take a box of the picture as decoded, and as it is, uint8 (3, H, W); boxes of a region come one by one."""
        for number in self.regions.touching(box):
            whole = self.regions.tile(number).common(self.regions.shown)
            part = whole.common(box)
            parts = self._held.setdefault(number, [])
            parts.append((part, decoded[:, *part.within(box)], original[:, *part.within(box)]))
            if sum(each.width * each.height for each, *_ in parts) == whole.width * whole.height:
                self._fit(number, whole, self._held.pop(number))

    @property
    def nothing(self) -> bytes:
        """The header's part without weights: empty where nothing is deblocked."""
        return write_weights([None] * self.regions.tiles, self.deblocks)

    def restoration(self) -> tuple[bytes, float]:
        """Return the header's part, with weights where they pay for their bytes, and the squared error that is left."""
        saved = self.bits_of_error * (self.error_without - self.error_with)
        written = write_worthwhile(self.weights, saved, self.deblocks)
        return written or self.nothing, self.error_with if written else self.error_without

    def _fit(self, number: int, whole: Box, parts: list[tuple[Box, Pixels, Pixels]]) -> None:
        shown, wanted = (np.empty((3, whole.height, whole.width), np.uint8) for _ in range(2))
        for box, decoded, original in parts:
            shown[:, *box.within(whole)], wanted[:, *box.within(whole)] = decoded, original
        if number in self.exact:
            without = left = squared_error(shown, wanted)
        else:
            self.weights[number], _, without, left = fitted(shown, wanted, self.bits_of_error)
        self.error_without += without
        self.error_with += left
