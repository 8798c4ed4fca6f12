"""A PNG carries a stream for as long as its pixels are the stream's, and no longer."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from conftest import textured
from trellic.errors import BadRequest
from trellic.picture.carry import CHUNK
from trellic.picture.pillow import from_pillow
from trellic.picture.saving import save
from trellic.picture.types import Picture

ALPHA = np.arange(20 * 30, dtype=np.uint8).reshape(20, 30)
PLAIN = Picture(textured(20, 30), carried=b"a stream")
PICTURES = (PLAIN, replace(PLAIN, alpha=ALPHA), Picture(np.repeat(ALPHA[:, :, None], 3, axis=2), True, carried=b"s"))


@pytest.mark.parametrize("picture", PICTURES)
def test_a_png_carries_what_its_picture_does(picture, tmp_path):
    save(picture, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        read = from_pillow(image)
    assert read.carried == picture.carried
    assert np.array_equal(read.pixels, picture.pixels)


def test_one_changed_sample_ends_it(tmp_path):
    save(PLAIN, tmp_path / "a.png")
    image = Image.open(tmp_path / "a.png")
    image.putpixel((7, 7), (1, 2, 3))
    assert from_pillow(image).carried == b""
    assert from_pillow(Image.open(tmp_path / "a.png").rotate(180)).carried == b""


def test_other_programs_read_the_picture_and_drop_the_chunk(tmp_path):
    assert [letter.isupper() for letter in CHUNK.decode()] == [False, False, True, True]
    save(PLAIN, tmp_path / "a.png")
    copy = io.BytesIO()
    Image.open(tmp_path / "a.png").save(copy, "PNG")
    assert CHUNK not in copy.getvalue()


def test_kinds_without_such_a_chunk_are_refused(tmp_path):
    with pytest.raises(BadRequest, match="PNG"):
        save(PLAIN, tmp_path / "a.jpg")
    assert not list(tmp_path.iterdir())
