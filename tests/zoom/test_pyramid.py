"""The folder of tiles: each level is the mean of the one above, memory is a few rows, nothing is overwritten."""

import json

import numpy as np
import pytest
from PIL import Image

from conftest import textured
from trellic.codec.view import averaged
from trellic.errors import BadRequest, FileExists
from trellic.picture.types import Part, Strips
from trellic.zoom.levels import Levels
from trellic.zoom.pyramid import LevelWriter, write_pyramid


def strips_of(pixels, alpha=None, height=192):
    parts = [Part(0, top, pixels[top : top + height], None if alpha is None else alpha[top : top + height])
             for top in range(0, len(pixels), height)]  # fmt: skip
    return Strips(pixels.shape[1], len(pixels), False, alpha is not None, _metadata(), len(parts), iter(parts))


def _metadata():
    from trellic.picture.metadata import Metadata

    return Metadata(exif=b"Exif\0\0II*\0\x08\0\0\0\0\0")


def joined(folder, levels, level):
    width, height = levels.size(level)
    out = np.zeros((height, width, 3), np.uint8)
    for path in (folder / str(level)).rglob("*.png"):
        with Image.open(path) as image:
            assert not image.getexif()
            left, top = 256 * int(path.parent.name), 256 * int(path.stem)
            out[top : top + image.height, left : left + image.width] = np.asarray(image.convert("RGB"))
    return out


def test_levels_are_means_of_the_one_above(tmp_path):
    pixels = textured(701, 1003)
    count = write_pyramid(strips_of(pixels), tmp_path / "tiles", "png", replace=False)
    levels = Levels(1003, 701)
    assert count == len(list((tmp_path / "tiles").rglob("*.png"))) == 1 + 4 + 12
    expected = pixels
    for level in (2, 1, 0):
        assert np.array_equal(joined(tmp_path / "tiles", levels, level), expected)
        expected = averaged(expected, 2)
    facts = json.loads((tmp_path / "tiles" / "tiles.json").read_text())
    assert facts == {"width": 1003, "height": 701, "tile": 256, "levels": 3, "suffix": "png"}
    assert "{{" not in (tmp_path / "tiles" / "index.html").read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"tiles"}


def test_alpha_is_kept_or_laid_over_white(tmp_path):
    alpha = np.zeros((300, 300), np.uint8)
    for suffix, mode in (("webp", "RGBA"), ("jpg", "RGB")):
        write_pyramid(strips_of(textured(300, 300), alpha), tmp_path / suffix, suffix, replace=False)
        with Image.open(tmp_path / suffix / "1" / "0" / f"0.{suffix}") as image:
            assert image.mode == mode
            assert image.convert("RGBA").getpixel((5, 5))[3 if mode == "RGBA" else 0] == (0 if mode == "RGBA" else 255)


def test_no_more_than_a_row_of_tiles_is_held():
    held = []
    writer = LevelWriter(3, lambda level, column, row, samples: held.append(len(samples)))
    for _ in range(40):
        writer.add(np.zeros((64, 512, 3), np.uint8))
        assert sum(map(len, writer.waiting)) < 256
    writer.end()
    assert max(held) == 256


def test_only_a_folder_of_tiles_is_replaced(tmp_path):
    folder = tmp_path / "tiles"
    write_pyramid(strips_of(textured(10, 10)), folder, "png", replace=False)
    with pytest.raises(FileExists):
        write_pyramid(strips_of(textured(10, 10)), folder, "png", replace=False)
    (folder / "0" / "old").touch()
    (tmp_path / "link").symlink_to(folder)
    write_pyramid(strips_of(textured(10, 10)), tmp_path / "link", "png", replace=True)
    assert not (folder / "0" / "old").exists()
    assert (tmp_path / "link").is_symlink()
    (folder / "2024").mkdir()
    with pytest.raises(BadRequest, match="2024 beside tiles"):
        write_pyramid(strips_of(textured(10, 10)), folder, "png", replace=True)
    (folder / "2024").rmdir()
    (folder / "thesis.txt").touch()
    with pytest.raises(BadRequest, match=r"thesis\.txt beside tiles"):
        write_pyramid(strips_of(textured(10, 10)), folder, "png", replace=True)
    (tmp_path / "mine").mkdir()
    with pytest.raises(BadRequest, match="holds no tiles"):
        write_pyramid(strips_of(textured(10, 10)), tmp_path / "mine", "png", replace=True)
    with pytest.raises(BadRequest, match="no tiles of kind 'gif'"):
        write_pyramid(strips_of(textured(10, 10)), tmp_path / "other", "gif", replace=False)


def test_a_folder_that_appears_meanwhile_is_not_replaced(tmp_path):
    def slow():
        (tmp_path / "tiles").mkdir()
        (tmp_path / "tiles" / "thesis.txt").touch()
        yield Part(0, 0, textured(10, 10), None)

    with pytest.raises(FileExists):
        write_pyramid(Strips(10, 10, False, False, _metadata(), 1, slow()), tmp_path / "tiles", "png", replace=False)
    assert (tmp_path / "tiles" / "thesis.txt").exists()


def test_what_fails_leaves_nothing(tmp_path):
    def broken():
        yield Part(0, 0, textured(300, 300), None)
        raise RuntimeError

    strips = Strips(300, 600, False, False, _metadata(), 2, broken())
    with pytest.raises(RuntimeError):
        write_pyramid(strips, tmp_path / "tiles", "png", replace=False)
    assert list(tmp_path.iterdir()) == []
