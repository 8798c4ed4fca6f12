"""Deblocking narrows steps between blocks, by little, and the same wherever a box is cut from the picture."""

from dataclasses import replace

import numpy as np
import pytest

from conftest import GOLDEN, textured
from trellic.codec import Codec, Target
from trellic.codec.deblocking import FRACTION, LARGEST_STEP, REACH, deblock, fraction_at
from trellic.container import Box, Grid, Stream
from trellic.container.header import HIGHEST_QUALITY
from trellic.container.restoration import deblocks, write_weights
from trellic.metrics import psnr
from trellic.picture.types import Picture

SIDE = 128
GRID = Grid(300, 200, SIDE, SIDE, predicted=True)
LOW = 2560


def planes_of(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Return a picture with noise, so that many steps move, uint8 (3, H, W)."""
    noise = np.random.default_rng(seed).integers(-9, 10, (height, width, 3))
    return np.ascontiguousarray((textured(height, width) + noise).clip(0, 255).astype(np.uint8).transpose(2, 0, 1))


def deblocked(pixels: np.ndarray, quality: int = LOW, around: Box = GRID.picture) -> np.ndarray:
    found = pixels.copy()
    deblock(found, around, GRID, quality)
    return found


def across(*values: int) -> list[int]:
    """Return what becomes of four samples across the first edge between blocks of a row, alike in all rows."""
    pixels = np.zeros((3, GRID.picture.height, GRID.picture.width), np.uint8)
    pixels[:, :, SIDE - 2 : SIDE + 2] = values
    return deblocked(pixels)[0, 7, SIDE - 2 : SIDE + 2].tolist()


def test_a_step_between_flat_blocks_is_narrowed():
    assert across(100, 100, 104, 104) == [100, 101, 103, 104]
    assert across(104, 104, 99, 99) == [104, 103, 100, 99]


def test_a_slope_stays():
    assert across(90, 100, 110, 120) == [90, 100, 110, 120]


def test_a_large_step_is_of_the_picture_and_moves_by_two_levels_at_most():
    assert across(0, 0, 200, 200) == [0, 2, 198, 200]


def test_samples_stay_within_range():
    assert across(40, 0, 0, 40) == [40, 0, 0, 40]
    assert across(0, 255, 0, 255) == [0, 253, 2, 255]


def reference(pixels: np.ndarray, fraction: int) -> np.ndarray:
    """Deblock all of a picture by loops: along rows, then along columns of what that gives."""
    found = pixels.astype(int)
    for planes in (found, found.swapaxes(1, 2)):
        for x in range(SIDE, planes.shape[2] - REACH + 1, SIDE):
            for y in range(planes.shape[1]):
                for plane in planes:
                    before, left, right, after = plane[y, x - 2 : x + 2]
                    step = max(-LARGEST_STEP, min(LARGEST_STEP, 3 * (right - left) - (after - before)))
                    move = (fraction * step + 64) // 128
                    plane[y, x - 1], plane[y, x] = max(0, min(255, left + move)), max(0, min(255, right - move))
    return found


@pytest.mark.parametrize("quality", [0, LOW, HIGHEST_QUALITY // 2])
def test_rows_come_before_columns(quality):
    pixels = planes_of(GRID.picture.height, GRID.picture.width)
    assert np.array_equal(deblocked(pixels, quality), reference(pixels, fraction_at(quality)))


@pytest.mark.parametrize("around", [Box(64, 0, 256, 192), Box(192, 64, 320, 256), Box(130, 2, 300, 190)])
def test_a_box_shows_what_the_whole_picture_does(around):
    pixels = planes_of(GRID.picture.height, GRID.picture.width, 1)
    part = deblocked(pixels[:, *around.within(GRID.picture)], around=around)
    inner = Box(around.left + REACH, around.top + REACH, around.right - REACH, around.bottom - REACH)
    assert np.array_equal(part[:, *inner.within(around)], deblocked(pixels)[:, *inner.within(GRID.picture)])


def test_the_fraction_falls_with_the_quality_to_nothing():
    fractions = [fraction_at(quality) for quality in range(0, HIGHEST_QUALITY + 1, 256)]
    assert fractions == sorted(fractions, reverse=True)
    assert fractions[:32] == [FRACTION] * 31 + [17]
    assert fractions[76:78] == [4, 0]  # where the largest step would move by half a level
    pixels = planes_of(GRID.picture.height, GRID.picture.width)
    assert np.array_equal(deblocked(pixels, 77 * 256), pixels)


def kind_of(quality: int, predict: bool = True, restore: bool = True) -> bytes:
    codec = Codec(str(GOLDEN / "golden.trm"), 1, "tcq8", tile=128 if predict else 256, predict=predict, restore=restore)
    return Stream.parse(codec.encode(textured(150, 600), quality)).header.restoration[:1]


def test_blocks_of_low_quality_are_deblocked_and_nothing_else():
    assert deblocks(kind_of(30))
    assert not deblocks(kind_of(90))
    assert not deblocks(kind_of(30, predict=False))
    assert kind_of(30, restore=False) == b""


def test_an_encoder_knows_the_error_of_what_is_deblocked():
    pixels = textured(200, 400)
    codec = Codec(str(GOLDEN / "golden.trm"), 1, "tcq8", tile=128, predict=True)
    coded = codec.encode_picture(Picture(pixels), Target(10))
    assert coded.psnr == pytest.approx(psnr(pixels, codec.decode_picture(coded.data).pixels), abs=1e-6)


def test_samples_beside_edges_change_and_no_others():
    codec = Codec(str(GOLDEN / "golden.trm"), 1, "tcq8", tile=128, predict=True)
    stream = Stream.parse(codec.encode(textured(200, 400), 10))
    without, header = stream.unrestored(), replace(stream.header, restoration=write_weights([None], deblocks=True))
    before, after = (codec.decode_picture(one).pixels.astype(int) for one in (without, replace(stream, header=header)))
    rows, columns = np.nonzero((before != after).any(axis=2))
    assert len(rows) > 100
    beside = [(lines % SIDE == 0) | (lines % SIDE == SIDE - 1) for lines in (rows, columns)]
    assert (beside[0] | beside[1]).all()
    assert steps_of(after) < 0.95 * steps_of(before)


def steps_of(pixels: np.ndarray) -> float:
    """Return the mean difference across the edges of blocks."""
    return float(
        np.abs(pixels[SIDE::SIDE] - pixels[SIDE - 1 : -1 : SIDE]).mean()
        + np.abs(pixels[:, SIDE::SIDE] - pixels[:, SIDE - 1 : -1 : SIDE]).mean()
    )
