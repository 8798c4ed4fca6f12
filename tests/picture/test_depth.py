"""Files of more than 8 bits a sample, which Pillow's readers reduce without a word, are noticed."""

import io

import numpy as np
import pytest
from PIL import Image

from trellic.errors import BadRequest
from trellic.picture.depth import START, _in_jpeg_xl, bits_of_samples
from trellic.picture.pillow import from_pillow
from trellic.picture.types import Converted, exactly

PLACES = {"AVIF": (b"av1C", 6), "JPEG2000": (b"\xff\x4f\xff\x51", 42)}
"""Where a byte about the depth lies."""


def opened(kind: str, byte: int | None = None) -> Image.Image:
    """Return a small picture of 8 bits, opened; its file has then another byte about the depth."""
    file = io.BytesIO()
    Image.new("RGB", (32, 24), (9, 99, 200)).save(file, kind)
    file.seek(0)
    image = Image.open(file)
    if byte is not None:
        mark, beyond = PLACES[kind]
        file.getbuffer()[file.getvalue().index(mark) + beyond] = byte
    return image


@pytest.mark.parametrize(
    ("kind", "byte", "bits"),
    [("AVIF", None, 8), ("AVIF", 0x40, 10), ("AVIF", 0x60, 12), ("JPEG2000", None, 8), ("JPEG2000", 11, 12)],
)
def test_bits_are_what_the_file_says(kind, byte, bits):
    assert bits_of_samples(opened(kind, byte)) == bits


@pytest.mark.parametrize(("kind", "byte"), [("AVIF", 0x40), ("JPEG2000", 11)])
def test_a_reduction_is_said_and_refused_where_it_must_not_be(kind, byte):
    with pytest.warns(Converted, match="1[02]-bit samples reduced to 8 bits"):
        from_pillow(opened(kind, byte))
    with exactly(), pytest.raises(BadRequest, match="not lossless"):
        from_pillow(opened(kind, byte))


def jpeg_xl(*fields: tuple[int, int]) -> bytes:
    """Return the front of a codestream: values and their bits, the lowest first."""
    whole = at = 0
    for value, count in fields:
        whole, at = whole | value << at, at + count
    return START + whole.to_bytes(16, "little")


SMALL, LARGE = [(1, 1), (2, 5), (3, 3)], [(0, 1), (2, 2), (5000, 18), (0, 3), (3, 2), (70000, 30)]


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize(
    ("fields", "bits"),
    [
        ([(1, 1)], 8),
        ([(0, 1), (0, 1), (0, 1), (1, 2)], 10),
        ([(0, 1), (0, 1), (0, 1), (3, 2), (15, 6)], 16),
        ([(0, 1), (0, 1), (1, 1), (3, 2), (15, 6)], 8),  # floats
        ([(0, 1), (1, 1), (6, 3), (1, 1), *SMALL, (0, 1), (0, 1), (0, 1), (2, 2)], 12),  # turned, and shown smaller
    ],
)
def test_the_header_of_a_jpeg_xl_is_read(size, fields, bits):
    front = jpeg_xl(*size, *fields)
    assert _in_jpeg_xl(front) == bits
    assert _in_jpeg_xl(b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0\0\0\x19jxlp\0\0\0\0" + front) == bits


def test_a_real_jpeg_xl_says_its_depth():
    pytest.importorskip("pillow_jxl")
    for pixels, bits in ((np.zeros((24, 32), np.uint16), 16), (np.zeros((24, 32, 3), np.uint8), 8)):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JXL", lossless=True)
        assert bits_of_samples(Image.open(file)) == bits


def test_what_is_no_header_has_eight_bits():
    assert _in_jpeg_xl(START) == _in_jpeg_xl(b"") == 8
