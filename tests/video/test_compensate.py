"""Compensation equals its definition, pixel by pixel, wherever vectors point."""

import numpy as np
import pytest

from trellic.video.compensate import TAPS, WEIGHTS, compensate
from trellic.video.motion import BOTH, NONE, Motion


def sample(reference, y, x, vector):
    """Return what a vector points at from a pixel, by the definition."""
    height, width, _ = reference.shape
    total = np.zeros(3, np.int64)
    for row in range(8):
        line = min(max(y + (int(vector[1]) >> 2) + row - 3, 0), height - 1)
        for column in range(8):
            at = min(max(x + (int(vector[0]) >> 2) + column - 3, 0), width - 1)
            total += TAPS[vector[1] & 3, row] * TAPS[vector[0] & 3, column] * reference[line, at].astype(np.int64)
    return np.clip((total + 2048) >> 12, 0, 255)


def defined(references, motion, y, x):
    total = np.zeros(3, np.int64)
    for row in ((y + 4) // 8 - 1, (y + 4) // 8):
        for column in ((x + 4) // 8 - 1, (x + 4) // 8):
            cell = min(max(row, 0), len(motion.directions) - 1), min(max(column, 0), motion.directions.shape[1] - 1)
            direction, vectors = motion.directions[cell], motion.vectors[cell]
            if direction == NONE:
                found = np.full(3, 128)
            elif direction == BOTH:
                found = (sample(references[0], y, x, vectors[0]) + sample(references[1], y, x, vectors[1]) + 1) >> 1
            else:
                found = sample(references[direction - 1], y, x, vectors[direction - 1])
            total += WEIGHTS[y - 8 * row + 4] * WEIGHTS[x - 8 * column + 4] * found
    return (total + 512) >> 10


@pytest.mark.parametrize("size", [(21, 35), (1, 1), (16, 9)])
@pytest.mark.parametrize("reach", [6, 300, 4096])
def test_every_pixel_is_as_defined(size, reach):
    random = np.random.default_rng(reach)
    references = [random.integers(0, 256, (*size, 3), dtype=np.uint8) for _ in range(2)]
    still = Motion.still(*size, 1)
    vectors = random.integers(-reach, reach + 1, still.vectors.shape).astype(np.int16)
    motion = Motion(vectors, random.integers(0, 4, still.directions.shape).astype(np.uint8), 1)
    found = compensate(references, motion)
    for y in range(0, size[0], 3):
        for x in range(size[1]):
            assert found[y, x].tolist() == defined(references, motion, y, x).tolist(), (y, x)


def test_what_does_not_move_is_predicted_exactly():
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    assert np.array_equal(compensate([pixels], Motion.still(30, 40)), pixels)


def test_weights_of_neighbours_sum_to_32_and_taps_to_64():
    assert (WEIGHTS[:8] + WEIGHTS[8:]).tolist() == [32] * 8
    assert TAPS.sum(axis=1).tolist() == [64] * 4
