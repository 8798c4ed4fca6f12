"""Exact units: samples survive, whatever is not one is refused."""

import numpy as np
import pytest

from trellic.codec.exact import pack, unpack
from trellic.errors import DamagedStream


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [(1, 2), (20, 30), (1, 300)])
def test_samples_are_exact_and_checked_for_size(channels, size):
    shape = size if channels == 1 else (*size, channels)
    samples = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    assert np.array_equal(unpack(pack(samples), *size, channels), samples)
    with pytest.raises(DamagedStream, match="exact samples are"):
        unpack(pack(samples), size[0], size[1] + 1, channels)


def test_one_channel_is_the_green_one():
    """As the format says: whoever wrote it may have put anything into the others."""
    samples = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    assert np.array_equal(unpack(pack(samples), 20, 30, 1), samples[:, :, 1])


def test_a_single_pixel_survives():
    pixel = np.array([[[1, 2, 3, 4]]], np.uint8)
    assert np.array_equal(unpack(pack(pixel), 1, 1, 4), pixel)


def test_flat_samples_take_a_few_bytes():
    white = np.full((1000, 900, 3), 255, np.uint8)
    assert len(pack(white)) < 20
    assert np.array_equal(unpack(pack(white), 1000, 900, 3), white)


def test_what_is_no_picture_is_refused():
    payload = pack(np.arange(3 * 64 * 64, dtype=np.uint32).astype(np.uint8).reshape(64, 64, 3))
    for damaged in (b"", b"\x2f", payload[:5], payload[: len(payload) // 2], b"RIFF" + payload, b"\x30" + payload[1:]):
        with pytest.raises(DamagedStream):
            unpack(damaged, 64, 64, 3)
