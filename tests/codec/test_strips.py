"""Strips: what they show does not depend on how much is held; those of a grey stream hold one channel three times."""

import numpy as np
import pytest

from conftest import GOLDEN, textured
from trellic.codec import Codec, Target, picture_decoder
from trellic.codec.store import UnitStore
from trellic.codec.strips import one_channel
from trellic.picture.types import Picture


def test_grey_is_the_rounded_mean_of_the_channels():
    pixels = np.array([[(10, 10, 10), (10, 10, 11), (10, 11, 11), (255, 255, 255), (0, 0, 2)]], np.uint8)
    assert one_channel(pixels).tolist() == [[[10] * 3, [10] * 3, [11] * 3, [255] * 3, [1] * 3]]


@pytest.fixture(scope="module")
def wide() -> tuple[Codec, bytes]:
    """A codec and a stream of two rows of eight tiles, one of them exact, some with alpha."""
    codec = Codec(str(GOLDEN / "golden.trm"), 2, tile=256)
    pixels = textured(500, 2000)
    pixels[:256, 512:768] = 77
    alpha = np.full((500, 2000), 255, np.uint8)
    alpha[300:, 1500:] = np.arange(500) % 256
    return codec, codec.encode_picture(Picture(pixels, alpha=alpha), Target(40)).data


def test_a_wide_row_is_shown_in_parts_and_looks_the_same(wide, monkeypatch):
    codec, data = wide
    whole, held = codec.decode_picture(data), []
    hold = UnitStore.hold

    def counted(self, box):
        hold(self, box)
        held.append(len(self.held))

    monkeypatch.setattr(UnitStore, "hold", counted)
    monkeypatch.setattr(picture_decoder, "MOST_HELD", 256 * 256 * 2)
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
    monkeypatch.setattr(picture_decoder, "MOST_HELD", 256 * 256 * 2)
    found = codec.decode_strips(data)
    assert found.count > len(list(codec.decode_strips(data).strips()))
    assert np.array_equal(np.concatenate([pixels for pixels, _ in found.strips()]), whole.pixels)
    assert np.array_equal(np.asarray(codec.decode(data))[:, :, :3], whole.pixels)
