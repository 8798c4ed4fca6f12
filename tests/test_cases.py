"""Inputs on which codecs made for photographs fail: each of tests/cases, small and made by hand, comes out right.

What is wanted of each was written down before the codec did it, after public bug reports of other codecs.
"""

import io
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import trellic
from command import run_trellic
from trellic.errors import BadRequest
from trellic.picture.saving import save
from trellic.picture.types import Converted

CASES = Path(__file__).parent / "cases"


def samples(name: str, mode: str = "RGB") -> np.ndarray:
    with Image.open(CASES / name) as image:
        return np.asarray(image.convert(mode)).astype(int)


def coded(name: str, quality: float) -> tuple[int, Image.Image, list[str]]:
    """Return the size of a stream of a case in bytes, its picture, and what was warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = trellic.encode(CASES / name, quality)
    said = [str(one.message) for one in caught if one.category is Converted]
    return len(data), trellic.decode(data), said


def webp_lossless(name: str) -> int:
    buffer = io.BytesIO()
    Image.open(CASES / name).save(buffer, "WEBP", lossless=True, quality=100, method=6)
    return buffer.tell()


@pytest.mark.parametrize(
    ("name", "quality"),
    [("white_page.png", 50), *product(["checkerboard.png", "text.png", "bars.png"], [50, 80, 100])],
)
def test_what_is_drawn_is_coded_exactly_and_in_no_more_bytes_than_without_loss(name, quality):
    size, image, _ = coded(name, quality)
    assert np.array_equal(np.asarray(image.convert("RGB")), samples(name))
    assert size <= webp_lossless(name) + 40


def test_a_blue_area_is_blue_to_its_corners():
    size, image, _ = coded("solid_blue.png", 100)
    assert np.abs(np.asarray(image).astype(int) - samples("solid_blue.png")).max() <= 2
    assert size < 100


def test_nothing_is_spent_on_what_cannot_be_seen(tmp_path):
    hidden = samples("garbage_under_alpha.png", "RGBA").astype(np.uint8)
    hidden[hidden[:, :, 3] == 0] = 0
    for quality in (20, 50, 80):
        size, image, _ = coded("garbage_under_alpha.png", quality)
        assert size <= 1.1 * len(trellic.encode(Image.fromarray(hidden), quality))
        assert np.array_equal(np.asarray(image)[:, :, 3], hidden[:, :, 3])


def test_an_infinite_sample_leaves_the_others_as_they_are():
    values = np.asarray(Image.open(CASES / "finf.tif"))
    _, image, said = coded("finf.tif", 90)
    expected = np.clip(values, 0, 1) * 255
    finite = np.isfinite(values)
    assert np.abs(np.asarray(image).astype(float) - expected)[finite].mean() < 3
    assert any("finite" in one for one in said)


def test_samples_far_above_one_are_scaled_and_said():
    values = np.asarray(Image.open(CASES / "fhdr.tif"))
    _, image, said = coded("fhdr.tif", 90)
    assert np.abs(np.asarray(image).astype(float) - values / values.max() * 255).mean() < 3
    assert any("white taken as their largest" in one for one in said)


def test_grey_with_a_transparent_shade_stays_grey_with_its_profile():
    for name, mode in (("gray_trns_icc.png", "LA"), ("gray_icc.png", "L")):
        _, image, said = coded(name, 50)
        assert (image.mode, image.info["icc_profile"][16:20], said) == (mode, b"GRAY", [])


def test_a_grey_profile_of_a_colour_picture_is_dropped_and_said():
    _, image, said = coded("rgb_gray_icc.jpg", 50)
    assert "icc_profile" not in image.info
    assert any("profile" in one for one in said)


@pytest.mark.parametrize("suffix", [".bmp", ".ppm", ".jp2", ".gif", ".tga", ".ico"])
def test_a_kind_without_orientation_gets_upright_pixels(suffix, tmp_path):
    codec = trellic.Codec(effort=1)
    path = tmp_path / f"picture{suffix}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        save(codec.decode_picture(codec.encode(CASES / "ori6.jpg", 50)), path)
    assert Image.open(path).size == (96, 128)


@pytest.mark.parametrize("suffix", [".bmp", ".ppm", ".gif", ".jpg"])
def test_a_kind_without_alpha_is_refused_or_gets_a_background(suffix, tmp_path):
    codec = trellic.Codec(effort=1)
    picture = codec.decode_picture(codec.encode(CASES / "alpha100.png", 50))
    path = tmp_path / f"picture{suffix}"
    with pytest.raises(BadRequest, match="--background"):
        save(picture, path)
    assert not path.exists()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        save(picture, path, background="white")
    assert Image.open(path).size == (96, 64)


@pytest.mark.parametrize("suffix", [".tif", ".avif"])
def test_damaged_exif_data_are_dropped_and_said(suffix, tmp_path):
    codec = trellic.Codec(effort=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        save(codec.decode_picture(codec.encode(CASES / "exif_garbage.webp", 50)), tmp_path / f"picture{suffix}")
    assert Image.open(tmp_path / f"picture{suffix}").width
    assert any("EXIF" in str(one.message) for one in caught)


@pytest.mark.parametrize("name", ["png_gAMA1.0.png", "png_cICP_PQ.png"])
def test_what_png_says_of_colour_becomes_a_profile_or_is_said(name):
    _, image, said = coded(name, 50)
    assert image.info.get("icc_profile") or said


def test_xmp_and_resolution_are_kept():
    assert coded("png_XMP.png", 50)[1].info["xmp"] == Image.open(CASES / "png_XMP.png").info["xmp"]
    _, image, said = coded("dpi300.jpg", 50)
    assert image.info["dpi"] == (300, 300)
    assert any("comment" in one for one in said)


def test_of_two_files_of_one_name_the_first_is_coded_and_the_other_is_told(tmp_path):
    done = run_trellic("encode", CASES / "two.png", CASES / "two.jpg", "-o", "out", "--effort", 1, cwd=tmp_path)
    assert done.returncode == 1
    assert b"two.jpg" in done.stderr
    image = trellic.decode((tmp_path / "out" / "two.tlic").read_bytes())
    assert np.abs(np.asarray(image).astype(int) - samples("two.png")).mean() < 20


def test_a_jfif_file_in_a_folder_is_coded(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jfif").write_bytes((CASES / "a.jfif").read_bytes())
    done = run_trellic("encode", "in", "-o", "out", "--effort", 1, cwd=tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "out" / "a.tlic").is_file()
