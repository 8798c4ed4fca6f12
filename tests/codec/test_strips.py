"""Strips: what they show does not depend on how much is held; those of a grey stream hold one channel three times."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from conftest import GOLDEN, textured
from trellic.codec import Codec, Target, picture_decoder, strips
from trellic.codec.resources import Resources
from trellic.codec.store import UnitStore
from trellic.codec.strips import StripDecoder, one_channel
from trellic.codec.tiles import LATENT, Workers
from trellic.codec.units import DecodedUnit
from trellic.container import Grid, Header
from trellic.picture.types import Picture


def test_grey_is_the_rounded_mean_of_the_channels():
    pixels = np.array([[(10, 10, 10), (10, 10, 11), (10, 11, 11), (255, 255, 255), (0, 0, 2)]], np.uint8)
    assert one_channel(pixels).tolist() == [[[10] * 3, [10] * 3, [11] * 3, [255] * 3, [1] * 3]]


def shown_in_parts(grid: Grid) -> tuple[int, int]:
    """Return how often a tile is decoded at most where a picture is shown, and how many latent positions are held."""
    decoded, held = Counter(), []

    def decode(numbers):
        for number in numbers:
            decoded[number] += 1
            tile = grid.tile(number)
            yield DecodedUnit(np.zeros((1, tile.height // LATENT, tile.width // LATENT), np.float32))

    def render(sessions, latents, quality):
        held.append(sum(unit.latents.size for _, unit in decoder.units.held.values()))
        return np.broadcast_to(np.uint8(0), (3, latents.shape[1] * LATENT, latents.shape[2] * LATENT))

    view = SimpleNamespace(margin=lambda model: 48, scale=1, render=render)
    resources = Resources(SimpleNamespace(model=None), Workers(1, 1))
    decoder = StripDecoder(resources, Header(b"", grid, 0, 0), decode, view=view, held=picture_decoder.MOST_HELD)
    assert sum(pixels.size for _, pixels, _ in decoder.parts()) == 3 * grid.width * grid.height
    return max(decoded.values()), max(held)


def test_a_picture_of_100_megapixels_is_decoded_once_and_two_rows_of_it_are_held():
    grid = Grid.of(10_000, 4_000, 1024)
    often, held = shown_in_parts(grid)
    assert often == 1
    assert held * LATENT**2 < 2 * 10_000 * 1024


@pytest.mark.parametrize("tile", [(128, 64), (128, 128), (1 << 17, 64)])
def test_a_very_wide_row_is_decoded_once_and_little_of_it_is_held(tile):
    width, height = tile
    often, held = shown_in_parts(Grid(1 << 19, height, width, height))
    assert often == 1
    assert held * LATENT**2 < 1.2 * (strips.MOST_SHOWN + width * height)


def test_nothing_below_is_held_of_rows_that_come_in_parts():
    _, held = shown_in_parts(Grid(4 * 2880, 2 * 2880, 2880, 2880))  # what is below is decoded anew with the next row
    assert held * LATENT**2 < 2 * 2880 * 1024


@pytest.fixture(scope="module")
def wide() -> tuple[Codec, bytes]:
    """A codec and a stream of two rows of eight tiles, one of them exact, some with alpha."""
    codec = Codec(str(GOLDEN / "golden.trm"), 2, tile=256)
    pixels = textured(500, 2000)
    pixels[:256, 512:768] = 77
    alpha = np.full((500, 2000), 255, np.uint8)
    alpha[300:, 1500:] = np.arange(500) % 256
    return codec, codec.encode_picture(Picture(pixels, alpha=alpha), Target(40)).data


def narrow(monkeypatch):
    """Have two tiles held, and shown, at a time."""
    monkeypatch.setattr(picture_decoder, "MOST_HELD", 256 * 256 * 2)
    monkeypatch.setattr(strips, "MOST_SHOWN", 256 * 256 * 2)


def test_a_wide_row_is_shown_in_parts_and_looks_the_same(wide, monkeypatch):
    codec, data = wide
    whole, held = codec.decode_picture(data), []
    hold = UnitStore.hold

    def counted(self, box, bottom):
        hold(self, box, bottom)
        held.append(len(self.held))

    monkeypatch.setattr(UnitStore, "hold", counted)
    narrow(monkeypatch)
    parts = codec.decode_picture(data)
    assert np.array_equal(parts.pixels, whole.pixels)
    assert np.array_equal(parts.alpha, whole.alpha)
    assert max(held) <= 2 * (2 + 2)
    crop = codec.decode_picture(data, (700, 100, 900, 300))
    assert np.abs(crop.pixels.astype(int) - whole.pixels[100:400, 700:1600]).max() <= 1


def test_an_image_of_strips_is_the_picture(wide):
    codec, data = wide
    picture, image = codec.decode_picture(data), np.asarray(codec.decode(data))
    assert np.array_equal(image, np.dstack([picture.pixels, picture.alpha]))


def test_parts_of_a_wide_row_make_the_same_strips_and_image(wide, monkeypatch):
    codec, data = wide
    whole = codec.decode_picture(data)
    narrow(monkeypatch)
    found = codec.decode_strips(data)
    assert found.count > len(list(codec.decode_strips(data).strips()))
    assert np.array_equal(np.concatenate([pixels for pixels, _ in found.strips()]), whole.pixels)
    assert np.array_equal(np.asarray(codec.decode(data))[:, :, :3], whole.pixels)
