"""Large pictures are read and written in strips as small ones are at once."""

import io
import os
import struct
import threading
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from conftest import textured
from trellic.errors import BadRequest, UnreadablePicture
from trellic.picture import vips, vips_saving
from trellic.picture.colour import profile_of
from trellic.picture.metadata import ColourSpace, Metadata
from trellic.picture.orientation import orientation_alone, orientation_of
from trellic.picture.pillow import read
from trellic.picture.types import Converted, Part, Picture, Strips
from trellic.picture.vips_saving import can_write_strips, write_strips

pytest.importorskip("pyvips")

PIXELS = textured(200, 150)
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"></x:xmpmeta>'


@pytest.fixture(autouse=True)
def in_strips(monkeypatch):
    """Make every picture a large one."""
    monkeypatch.setattr(vips, "LARGE", 0)


def strips_of(picture: Picture) -> Strips:
    parts = (Part(0, top, *picture.rows(top, min(top + 64, picture.height))) for top in range(0, picture.height, 64))
    has_alpha = picture.alpha is not None
    return Strips(picture.width, picture.height, picture.grey, has_alpha, picture.metadata, 4, parts)


def test_grey_is_found_in_strips(tmp_path):
    Image.fromarray(PIXELS).convert("L").convert("RGB").save(tmp_path / "grey.png")
    Image.fromarray(PIXELS).save(tmp_path / "coloured.png")
    late = np.array(Image.fromarray(PIXELS).convert("L").convert("RGB"))
    late[199, 149] = 1, 2, 3
    Image.fromarray(late).save(tmp_path / "late.png")
    for name, grey in (("grey", True), ("coloured", False), ("late", False)):
        source = vips.open_source(tmp_path / f"{name}.png", 1 << 20)
        assert isinstance(source, vips.StripReader)
        assert source.grey == grey


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_metadata_is_read_and_written_in_strips(suffix, tmp_path):
    metadata = Metadata(ColourSpace.DISPLAY_P3, exif=orientation_alone(6), xmp=XMP, resolution=(300, 300))
    write_strips(strips_of(Picture(PIXELS, metadata=metadata)), tmp_path / f"out.{suffix}")
    with Image.open(tmp_path / f"out.{suffix}") as image:
        assert image.getexif()[0x0112] == 6
        assert XMP.decode() in str(image.info)
    if suffix != "tif":
        found = vips.open_source(tmp_path / f"out.{suffix}", 1 << 20)
        assert isinstance(found, vips.StripReader)
        assert (found.metadata.colour_space, found.metadata.xmp) == (ColourSpace.DISPLAY_P3, XMP)
        if suffix == "png":
            assert found.metadata.resolution == pytest.approx((300, 300), abs=0.02)


@pytest.mark.parametrize("suffix", ["png", "webp", "tif", "jpg"])
def test_damaged_exif_stops_no_large_picture(suffix, tmp_path):
    with pytest.warns(Converted, match="EXIF"):
        write_strips(strips_of(Picture(PIXELS, metadata=Metadata(exif=b"garbage"))), tmp_path / f"out.{suffix}")
    assert read(tmp_path / f"out.{suffix}").pixels.shape == PIXELS.shape


def test_alpha_of_a_large_picture_needs_a_kind_that_holds_it_or_a_background(tmp_path):
    picture = Picture(PIXELS, alpha=np.where(PIXELS[:, :, 0] > 99, 255, 0).astype(np.uint8))
    with pytest.raises(BadRequest, match="--background"):
        write_strips(strips_of(picture), tmp_path / "out.jpg")
    write_strips(strips_of(picture), tmp_path / "out.jpg", "white")
    found = read(tmp_path / "out.jpg")
    assert (found.pixels[picture.alpha == 0].mean(), found.alpha) == (pytest.approx(250, abs=6), None)


def test_float_colour_that_pillow_does_not_read_is_a_picture(tmp_path):
    import pyvips

    values = (PIXELS / 255).astype(np.float32)
    values[0, 0] = np.inf, -np.inf, 1.5
    pyvips.Image.new_from_array(values).write_to_file(str(tmp_path / "float.tif"))
    with pytest.warns(Converted, match=r"clipped, 2 that are no finite"):
        source = vips.open_source(tmp_path / "float.tif", 1 << 20)
    pixels, alpha = source.rows(0, 200)
    assert alpha is None
    assert pixels[0, 0].tolist() == [255, 0, 255]
    assert np.array_equal(pixels[1:], PIXELS[1:])
    (tmp_path / "none.tif").write_bytes(b"nonsense")
    with pytest.raises(UnreadablePicture):
        vips.open_source(tmp_path / "none.tif", 1 << 20)


def test_float_colour_keeps_profile_and_orientation(tmp_path):
    import pyvips

    image = pyvips.Image.new_from_array((PIXELS / 255).astype(np.float32)).copy(interpretation="srgb")
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile_of(Metadata(ColourSpace.DISPLAY_P3), False))
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    image.write_to_file(str(tmp_path / "float.tif"))
    with pytest.warns(Converted, match="rounded to 8 bits"):
        source = vips.open_source(tmp_path / "float.tif", 1 << 20)
    assert (source.metadata.colour_space, orientation_of(source.metadata)) == (ColourSpace.DISPLAY_P3, 6)


def test_what_is_no_picture_of_samples_is_refused(tmp_path):
    (tmp_path / "drawing.png").write_bytes(b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"></svg>')
    with pytest.raises(UnreadablePicture):
        vips.open_source(tmp_path / "drawing.png", 1 << 20)


def png_with(*late: tuple[bytes, bytes]) -> bytes:
    """Return a PNG of PIXELS with chunks behind them."""
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "PNG")
    chunks = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in late
    ]
    return file.getvalue()[:-12] + b"".join(chunks) + file.getvalue()[-12:]


SIDEWAYS = orientation_alone(6)
RAW = b"\nexif\n%8d\n%s\n" % (len(SIDEWAYS), SIDEWAYS.hex().encode())


@pytest.mark.parametrize("late", [
    (b"eXIf", SIDEWAYS[6:]), (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(RAW)),
    (b"tEXt", b"Raw profile type exif\0" + RAW), (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
    (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP)),
    (b"iTXt", b"XML:com.adobe.xmp\0\1\7\0\0" + zlib.compress(XMP)), (b"tEXt", b"Comment\0hello"),
], ids=lambda late: f"{late[0].decode()}-{late[1][:24]!r}")  # fmt: skip
def test_metadata_behind_the_pixels_of_a_large_png_are_those_that_pillow_finds(late, tmp_path):
    (tmp_path / "late.png").write_bytes(png_with(late))
    found, lost = [], []
    for reader in (read, lambda path: vips.open_source(path, 1 << 20)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            source = reader(tmp_path / "late.png")
        found.append((orientation_of(source.metadata), source.metadata.xmp))
        lost.append([str(one.message) for one in caught])
    assert isinstance(source, vips.StripReader)
    assert found[0] == found[1]
    assert lost[0] == lost[1]


def test_metadata_that_are_cut_off_are_none(tmp_path):
    (tmp_path / "cut.png").write_bytes(png_with((b"eXIf", SIDEWAYS[6:]))[:-15])
    assert vips.open_source(tmp_path / "cut.png", 1 << 20).metadata.exif == b""


@pytest.mark.parametrize("suffix", ["png", "webp", "tif", "jpg"])
def test_very_long_lines_are_written_as_others_are(suffix, tmp_path, monkeypatch):
    metadata = Metadata(resolution=(300.0, 300.0), xmp=XMP)
    picture = Picture(PIXELS, alpha=PIXELS[:, :, 0], metadata=metadata)
    write_strips(strips_of(picture), tmp_path / f"short.{suffix}", "white")
    monkeypatch.setattr(vips_saving, "LONGEST_LINE", PIXELS.shape[1] - 1)
    write_strips(strips_of(picture), tmp_path / f"long.{suffix}", "white")
    short, long = (read(tmp_path / f"{name}.{suffix}") for name in ("short", "long"))
    assert np.abs(short.pixels.astype(int) - long.pixels).max() <= (0 if suffix != "jpg" else 3)
    assert (short.alpha is None) == (long.alpha is None) == (suffix == "jpg")
    assert long.metadata.xmp == XMP


def test_strips_are_written_by_every_suffix_of_a_kind(tmp_path):
    write_strips(strips_of(Picture(PIXELS)), tmp_path / "out.jfif")
    assert read(tmp_path / "out.jfif").pixels.shape == PIXELS.shape
    assert not can_write_strips(tmp_path / "out.gif")


def test_a_pipe_is_read_once_and_nothing_stays_open(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    writer = threading.Thread(target=lambda: (tmp_path / "pipe.png").write_bytes(data))
    writer.start()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        source = vips.open_source(tmp_path / "pipe.png", 1 << 20)
    writer.join()
    assert np.array_equal(source.rows(0, source.height)[0], PIXELS)
