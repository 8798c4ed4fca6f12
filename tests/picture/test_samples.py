"""Samples of more than 8 bits, and what their conversion says."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from trellic.picture.pillow import from_pillow, read
from trellic.picture.types import Converted


def test_float_samples_from_zero_to_one_are_not_black():
    values = np.linspace(0, 1, 600, dtype=np.float32).reshape(20, 30)
    with pytest.warns(Converted):
        picture = from_pillow(Image.fromarray(values))
    assert int(picture.pixels.max()) == 255


def test_a_transparent_value_of_sixteen_bits_is_alpha(tmp_path):
    samples = np.full((20, 30), 40000, np.uint16)
    samples[3, 4] = 500
    Image.fromarray(samples).save(tmp_path / "in.png", transparency=500)
    with pytest.warns(Converted):
        picture = read(tmp_path / "in.png")
    assert picture.alpha is not None
    assert np.argwhere(picture.alpha == 0).tolist() == [[3, 4]]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_sixteen_bit_colour_is_cut_and_said_so(tmp_path):
    samples = (np.arange(20 * 30 * 3).reshape(20, 30, 3) * 30).astype(">u2")
    raw = b"".join(b"\0" + row.tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", 30, 20, 16, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    (tmp_path / "wide.png").write_bytes(data)
    with pytest.warns(Converted, match="16-bit"):
        picture = read(tmp_path / "wide.png")
    assert np.abs(picture.pixels.astype(int) - samples // 256).max() <= 1
