"""Tiles as they are asked for: regions at full size, previews below, and means of the smallest preview beyond."""

import io

import numpy as np
from PIL import Image

from trellic.codec.view import averaged


def shown(data):
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_a_tile_at_full_size_is_a_region(source, tiny, stream):
    assert source.levels.last == 4
    whole = tiny.decode_picture(stream).pixels
    assert np.abs(shown(source.tile(4, 8, 2)) - whole[512:700, 2048:2200]).max() <= 1


def test_smaller_tiles_are_of_previews(source, tiny, stream):
    for level, scale in ((3, 2), (2, 4), (1, 8)):
        preview = np.asarray(tiny.preview(stream, scale)).astype(int)
        assert np.abs(shown(source.tile(level, 0, 0)) - preview[:256, :256]).max() <= 1
    smallest = averaged(np.asarray(tiny.preview(stream, 8)), 2)
    assert np.array_equal(shown(source.tile(0, 0, 0)), smallest)


def test_a_tile_is_made_once(source, monkeypatch):
    first = source.tile(4, 0, 0)
    monkeypatch.setattr(source.codec, "decode_strips", None)
    assert source.tile(4, 0, 0) is first
