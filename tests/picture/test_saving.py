"""Decoded pictures become files with their metadata, whole or not at all."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from conftest import textured
from trellic.errors import BadRequest
from trellic.picture.pillow import from_pillow, read
from trellic.picture.saving import save, to_pillow

RGB = Image.fromarray(textured(20, 30))


def test_a_tiff_comes_upright_and_keeps_none_of_its_tags(tmp_path):
    RGB.save(tmp_path / "in.tif", tiffinfo={0x0112: 8}, compression="tiff_lzw")
    picture = read(tmp_path / "in.tif")
    save(to_pillow(picture), tmp_path / "out.tif")
    with Image.open(tmp_path / "out.tif") as image:
        assert image.size == (20, 30)
        assert np.array_equal(np.asarray(image), np.rot90(np.asarray(RGB)))


def test_profile_exif_and_orientation_survive_a_save(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    RGB.save(buffer, "PNG", icc_profile=profile, exif=exif)
    with Image.open(buffer) as image:
        picture = from_pillow(image)
    save(to_pillow(picture), tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as image:
        assert image.info["icc_profile"] == profile
        assert image.getexif()[0x0112] == 6
        assert image.size == (30, 20)


def test_what_cannot_be_written_is_said(tmp_path):
    for name in ("x.nothing", "x"):
        with pytest.raises(BadRequest):
            save(RGB, tmp_path / name)
    with pytest.raises(BadRequest, match="alpha"):
        save(RGB.convert("RGBA"), tmp_path / "x.jpg")
    assert not list(tmp_path.iterdir())
