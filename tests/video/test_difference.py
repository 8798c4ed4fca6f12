"""What differences cost: that of their Hadamard coefficients, and nothing is added up in vain."""

import numpy as np
import pytest
from scipy.linalg import hadamard

from conftest import textured
from trellic.video.difference import LARGEST, difference, prices_at
from trellic.video.motion import BOTH, FIRST, SECOND
from trellic.video.planes import interpolated, luma

H = hadamard(8)


@pytest.fixture(scope="module")
def frames():
    return [luma(textured(64, 80, seed)) for seed in (1, 2, 3)]


def expected(rest, prices):
    squares = [rest[y : y + 8, x : x + 8].astype(int) for y in range(0, len(rest), 8) for x in range(0, len(rest), 8)]
    return sum(float(prices[np.abs(H @ square @ H)].sum()) for square in squares)


@pytest.mark.parametrize("size", [8, 16])
@pytest.mark.parametrize("direction", [FIRST, SECOND, BOTH])
def test_coefficients_of_the_difference_are_counted(frames, size, direction):
    current, first, second = frames
    planes, prices = np.stack([interpolated(first), interpolated(second)]), prices_at(30.0)
    vectors = np.array([[4, -8], [0, 12]])
    shown = [
        one[16 + v[1] // 4 :][:size, 24 + v[0] // 4 :][:, :size].astype(int)
        for one, v in zip((first, second), vectors, strict=True)
    ]
    wanted = {FIRST: shown[0], SECOND: shown[1], BOTH: (shown[0] + shown[1] + 1) >> 1}[direction]
    rest = current[16 : 16 + size, 24 : 24 + size].astype(int) - wanted
    found = difference(current, 16, 24, size, planes, vectors, direction, prices, np.inf)
    assert found == pytest.approx(expected(rest, prices), rel=1e-5)


def test_it_stops_at_what_is_too_much_already(frames):
    current, first, _ = frames
    planes, vectors, prices = interpolated(first)[None], np.zeros((2, 2), np.int64), prices_at(30.0)
    whole = difference(current, 0, 0, 16, planes, vectors, FIRST, prices, np.inf)
    one = difference(current, 0, 0, 8, planes, vectors, FIRST, prices, np.inf)
    assert difference(current, 0, 0, 16, planes, vectors, FIRST, prices, 1.0) == one < whole


@pytest.mark.parametrize("quality", [0.0, 50.0, 100.0])
def test_small_coefficients_cost_less_than_their_magnitude(quality):
    prices, magnitudes = prices_at(quality), np.arange(LARGEST) / 8
    assert prices[0] == 0
    assert (np.diff(prices) > 0).all()
    assert (prices[1:] < magnitudes[1:] / 2).all()
    assert prices[-1] - prices[-9] == pytest.approx(0.5)
