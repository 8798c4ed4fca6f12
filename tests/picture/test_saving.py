"""Decoded pictures become files with all that their kind holds; losses are said, and nothing is half written."""

import io
import warnings
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from conftest import textured
from trellic.errors import BadRequest
from trellic.picture import icc
from trellic.picture.kinds import KINDS, kind_of
from trellic.picture.metadata import ColourSpace, Metadata
from trellic.picture.orientation import orientation_alone
from trellic.picture.pillow import from_pillow, read
from trellic.picture.saving import save, write
from trellic.picture.types import Converted, Picture

PIXELS = textured(20, 30)
ALPHA = np.arange(600, dtype=np.uint16).reshape(20, 30).astype(np.uint8)
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><tiff:Orientation>6</tiff:Orientation></x:xmpmeta>'
FULL = Metadata(ColourSpace.DISPLAY_P3, b"", orientation_alone(6), XMP, (300.0, 150.0))
GREY_PROFILE = icc.write_grey(icc.gamma(2.2), "grey")
EXACT = ["png", "webp", "tif", "bmp", "ppm", "tga", "jp2", "qoi", "pcx", "sgi", "dds", "ico"]


def camera_data() -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "camera"
    exif.get_ifd(0x8769)[0x9003] = "2026:01:01 00:00:00"
    return exif.tobytes()


@pytest.mark.parametrize("suffix", EXACT)
@pytest.mark.parametrize("grey", [False, True])
def test_pixels_are_written_exactly_where_the_kind_allows(suffix, grey, tmp_path):
    pixels = np.repeat(PIXELS[:, :, :1], 3, axis=2) if grey else PIXELS
    save(Picture(pixels, grey), tmp_path / f"out.{suffix}")
    assert np.array_equal(read(tmp_path / f"out.{suffix}").pixels, pixels)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif", "avif"])
def test_metadata_survives_a_save(suffix, tmp_path):
    kept = FULL if suffix in {"png", "jpg"} else FULL.without("resolution")
    kept = replace(kept, exif=camera_data())
    save(Picture(PIXELS, metadata=kept), tmp_path / f"out.{suffix}")
    with Image.open(tmp_path / f"out.{suffix}") as image:
        assert image.getexif()[0x010F] == "camera"
        assert image.getexif().get_ifd(0x8769)[0x9003] == "2026:01:01 00:00:00"
        assert image.info["xmp"].strip() == XMP
    if suffix != "tif":  # which Pillow turns upright
        found = read(tmp_path / f"out.{suffix}").metadata
        assert found.colour_space == ColourSpace.DISPLAY_P3
        assert found.resolution == (pytest.approx(kept.resolution, abs=0.02) if kept.resolution else None)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif", "avif", "jp2"])
@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize(
    "profile", [b"no profile", bytes(4000), icc.write_grey(icc.gamma(2.2), "x").replace(b"kTRC", b"none")]
)
def test_a_profile_that_is_none_stops_no_save(profile, grey, suffix, tmp_path):
    pixels = np.repeat(PIXELS[:, :, :1], 3, axis=2) if grey else PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Converted)
        save(Picture(pixels, grey, metadata=Metadata(icc=profile)), tmp_path / f"out.{suffix}")
        assert read(tmp_path / f"out.{suffix}").pixels.shape == PIXELS.shape


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp", "dib"])
def test_resolution_survives_a_save(suffix, tmp_path):
    save(Picture(PIXELS, metadata=Metadata(resolution=(300, 150))), tmp_path / f"out.{suffix}")
    assert read(tmp_path / f"out.{suffix}").metadata.resolution == pytest.approx((300, 150), abs=0.02)


@pytest.mark.parametrize("suffix", ["webp", "avif", "bmp", "ppm"])
def test_what_a_kind_does_not_keep_is_said(suffix, tmp_path):
    with pytest.warns(Converted, match="does not keep its .*resolution" if suffix != "bmp" else "XMP packet"):
        save(Picture(PIXELS, metadata=FULL), tmp_path / f"out.{suffix}")


@pytest.mark.parametrize("suffix", ["bmp", "ppm", "tga", "jp2", "gif", "qoi", "ico"])
@pytest.mark.parametrize("metadata", [Metadata(exif=orientation_alone(6)), Metadata(xmp=XMP)])
@pytest.mark.filterwarnings("ignore::trellic.picture.types.Converted")
def test_a_kind_that_cannot_say_its_orientation_gets_upright_pixels(suffix, metadata, tmp_path):
    save(Picture(PIXELS, metadata=metadata), tmp_path / f"out.{suffix}")
    found = read(tmp_path / f"out.{suffix}").pixels
    assert found.shape == (30, 20, 3)
    if suffix != "gif":
        assert np.array_equal(found, np.rot90(PIXELS, -1))


@pytest.mark.parametrize("suffix", ["bmp", "ppm", "gif", "jpg", "pcx"])
def test_alpha_is_never_lost_without_a_word(suffix, tmp_path):
    picture = Picture(PIXELS, alpha=ALPHA)
    with pytest.raises(BadRequest, match="--background"):
        save(picture, tmp_path / f"out.{suffix}")
    assert not list(tmp_path.iterdir())


def test_a_background_lies_behind_what_is_clear(tmp_path):
    save(Picture(PIXELS, alpha=ALPHA), tmp_path / "out.bmp", "#ff8000")
    found = read(tmp_path / "out.bmp").pixels
    assert found[0, 0].tolist() == [255, 128, 0]
    assert np.array_equal(found[8, 15], PIXELS[8, 15])  # alpha 255
    save(Picture(np.repeat(PIXELS[:, :, :1], 3, axis=2), True, ALPHA), tmp_path / "grey.pgm", "white")
    with Image.open(tmp_path / "grey.pgm") as image:
        assert image.mode == "L"
    with pytest.raises(BadRequest, match="no colour"):
        save(Picture(PIXELS, alpha=ALPHA), tmp_path / "out.bmp", "nosuch")


@pytest.mark.parametrize("suffix", ["png", "webp", "tif", "tga", "jp2", "qoi", "sgi", "dds", "ico"])
@pytest.mark.parametrize("grey", [False, True])
def test_alpha_is_exact_where_the_kind_holds_it(suffix, grey, tmp_path):
    pixels = np.repeat(PIXELS[:, :, :1], 3, axis=2) if grey else PIXELS
    alpha = np.maximum(ALPHA, 1)
    save(Picture(pixels, grey, alpha), tmp_path / f"out.{suffix}")
    found = read(tmp_path / f"out.{suffix}")
    assert np.array_equal(found.alpha, alpha)
    assert np.array_equal(found.pixels, pixels)


def test_a_gif_holds_alpha_that_is_on_or_off(tmp_path):
    with pytest.warns(Converted, match="256"):
        save(Picture(PIXELS, alpha=np.where(ALPHA > 128, 255, 0).astype(np.uint8)), tmp_path / "out.gif")
    assert np.array_equal(read(tmp_path / "out.gif").alpha, np.where(ALPHA > 128, 255, 0))


@pytest.mark.parametrize("suffix", ["tif", "avif", "png", "webp", "jpg"])
def test_damaged_exif_stops_no_picture(suffix, tmp_path, recwarn):
    save(Picture(PIXELS, metadata=Metadata(exif=b"garbage")), tmp_path / f"out.{suffix}")
    assert read(tmp_path / f"out.{suffix}").pixels.shape == PIXELS.shape
    if suffix in {"tif", "avif"}:
        assert "EXIF data" in str(recwarn.list[0].message)


def test_exif_too_long_for_its_kind_is_dropped_and_the_pixels_turned(tmp_path):
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "x" * 70000
    with pytest.warns(Converted, match="EXIF data"):
        save(Picture(PIXELS, metadata=Metadata(exif=exif.tobytes())), tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.size == (20, 30)


def test_xmp_too_long_for_its_kind_is_dropped_and_the_exif_data_kept(tmp_path):
    exif = camera_data()
    with pytest.warns(Converted, match="XMP packet"):
        save(Picture(PIXELS, metadata=Metadata(exif=exif, xmp=b"x" * 70000)), tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.getexif()[0x010F] == "camera"


def test_exif_of_a_webp_is_found_in_a_jpeg(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "in.webp", exif=camera_data())
    save(read(tmp_path / "in.webp"), tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.getexif()[0x010F] == "camera"


def test_jpegs_keep_every_colour_sample(tmp_path):
    save(Picture(PIXELS), tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as image:
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3


def test_an_avif_is_within_two_levels(tmp_path):
    save(Picture(PIXELS), tmp_path / "out.avif")
    assert np.abs(read(tmp_path / "out.avif").pixels.astype(int) - PIXELS).max() <= 2


def test_an_icon_has_the_size_of_its_picture_or_is_refused(tmp_path):
    save(Picture(textured(100, 256)), tmp_path / "out.ico")
    with Image.open(tmp_path / "out.ico") as image:
        assert image.info["sizes"] == {(256, 100)}
    with pytest.raises(BadRequest, match="256"):
        save(Picture(textured(10, 257)), tmp_path / "out.ico")


def test_a_grey_profile_is_no_obstacle_where_a_kind_has_three_channels(tmp_path):
    grey = Picture(
        np.repeat(PIXELS[:, :, :1], 3, axis=2), True, metadata=Metadata(icc=icc.write_grey(icc.gamma(1.7), "own"))
    )
    save(grey, tmp_path / "out.webp")
    with Image.open(tmp_path / "out.webp") as image:
        assert icc.parse(image.info["icc_profile"]).space == b"RGB "


def test_a_grey_profile_stays_with_grey_and_alpha(tmp_path):
    profile = icc.write_grey(icc.gamma(1.7), "own")
    grey = Picture(np.repeat(PIXELS[:, :, :1], 3, axis=2), True, ALPHA, Metadata(icc=profile))
    save(grey, tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as image:
        assert (image.mode, image.info["icc_profile"]) == ("LA", profile)


def test_pixels_are_turned_only_where_nothing_says_so(tmp_path):
    save(Picture(PIXELS, metadata=Metadata(xmp=XMP)), tmp_path / "said.png")
    with Image.open(tmp_path / "said.png") as image:
        assert (image.size, image.getexif()[0x0112]) == ((30, 20), 6)
    damaged = Metadata(exif=b"garbage", xmp=XMP)
    with pytest.warns(Converted, match="EXIF"):
        save(Picture(PIXELS, metadata=damaged), tmp_path / "said.avif")
    with Image.open(tmp_path / "said.avif") as image:
        assert (image.size, image.getexif()[0x0112]) == ((30, 20), 6)


def test_a_tiff_comes_upright(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "in.tif", tiffinfo={0x0112: 8}, compression="tiff_lzw")
    save(read(tmp_path / "in.tif"), tmp_path / "out.tif")
    with Image.open(tmp_path / "out.tif") as image:
        assert image.size == (20, 30)
        assert np.array_equal(np.asarray(image), np.rot90(PIXELS))


def test_what_cannot_be_written_is_said(tmp_path):
    for name in ("x.nothing", "x", "x.mpg", "x.icns"):
        with pytest.raises(BadRequest, match="cannot be written"):
            save(Picture(PIXELS), tmp_path / name)
    with pytest.raises(BadRequest, match="cannot be written"):
        save(Picture(np.zeros((1, 70000, 3), np.uint8)), tmp_path / "wide.jpg")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", sorted(set(KINDS) & set(Image.SAVE)))
def test_every_kind_is_written_to_a_stream(name):
    buffer = io.BytesIO()
    write(Picture(PIXELS), KINDS[name], buffer)
    with Image.open(buffer) as image:
        assert from_pillow(image).pixels.shape == PIXELS.shape


def test_kinds_are_known_by_every_suffix_of_theirs():
    for name, suffixes in {
        "JPEG": ".jpg .jpeg .jpe .jfif .JPG",
        "PPM": ".ppm .pgm .pbm .pnm",
        "PNG": ".png .apng",
    }.items():
        assert {kind_of(suffix).name for suffix in suffixes.split()} == {name}
