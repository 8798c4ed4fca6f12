"""The search finds motion that is there, and writes symbols that stand for it."""

import numpy as np
import pytest

from conftest import textured
from trellic.metrics import psnr
from trellic.video.compensate import compensate
from trellic.video.estimate import direct_of, estimate
from trellic.video.motion import Motion, resolve
from trellic.video.reference import Reference


@pytest.fixture(scope="module")
def frames():
    whole = textured(160, 200)
    return [np.ascontiguousarray(whole[8 + 2 * n : 88 + 2 * n, 20 - 5 * n : 140 - 5 * n]) for n in range(4)]


@pytest.mark.parametrize("others", [(0,), (0, 3)])
def test_symbols_stand_for_the_motion_that_was_found(frames, others):
    references = [Reference(number, frames[number], Motion.still(80, 120)) for number in others]
    symbols, found = estimate(1, frames[1], references, 40.0)
    distances = tuple(1 - number for number in others)
    resolved = resolve(symbols, direct_of(references, 1), distances)
    assert np.array_equal(resolved.vectors, found.vectors)
    assert np.array_equal(resolved.directions, found.directions)


def test_a_shift_is_found(frames):
    reference = Reference(0, frames[0], Motion.still(80, 120))
    _, motion = estimate(1, frames[1], [reference], 40.0)
    assert np.median(motion.vectors[:, :, 0], axis=(0, 1)).tolist() == [-20, 8]
    assert psnr(frames[1], compensate([frames[0]], motion)) > psnr(frames[1], frames[0]) + 10
