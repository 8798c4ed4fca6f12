"""Pictures by Pillow: every mode, metadata kept, conversions reported."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from conftest import textured
from trellic.errors import PictureTooLarge, UnreadablePicture
from trellic.picture.orientation import orientation_alone
from trellic.picture.pillow import from_pillow, read, readable, to_pillow
from trellic.picture.types import Converted

RGB = Image.fromarray(textured(20, 30))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "PA", "RGBa", "La"])
def test_every_common_mode_converts_without_a_word(mode, recwarn):
    source = {"PA": "P", "RGBa": "RGBA", "La": "LA"}.get(mode)
    image = RGB.convert(source).convert(mode) if source else RGB.convert(mode)
    picture = from_pillow(image)
    assert picture.pixels.shape == (20, 30, 3)
    assert picture.grey == (mode in {"1", "L", "LA", "La"})
    assert not recwarn.list


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB", "HSV", "I", "I;16", "F"])
def test_lossy_conversions_are_told(mode):
    wide = np.asarray(RGB.convert("L")).astype(np.uint32) * 257
    if mode in {"I", "I;16"}:
        image = Image.fromarray(wide.astype(np.int32 if mode == "I" else np.uint16))
    elif mode == "F":
        image = Image.fromarray(wide.astype(np.float32))
    else:
        image = Image.new(mode, (30, 20))
    with pytest.warns(Converted):
        picture = from_pillow(image)
    assert picture.pixels.shape == (20, 30, 3)
    if mode in {"I", "I;16"}:
        assert (picture.pixels[:, :, 0] == np.asarray(RGB.convert("L"))).all()


def test_transparency_of_a_palette_becomes_alpha():
    image = RGB.quantize(16)
    image.info["transparency"] = 3
    picture = from_pillow(image)
    assert picture.alpha is not None
    assert ((picture.alpha == 0) == (np.asarray(image) == 3)).all()


def test_a_palette_of_four_channels_keeps_its_alpha():
    image = RGB.convert("RGBA")
    image.putalpha(100)
    assert from_pillow(image.quantize(8)).alpha is not None


def test_odd_exif_rejects_no_picture():
    for exif in (b"Exif\0\0II*\0", b"garbage"):
        image = RGB.copy()
        image.info["exif"] = exif
        assert from_pillow(image).metadata.exif == exif


def test_metadata_behind_the_pixels_is_found(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    RGB.save(tmp_path / "in.png", exif=exif)
    data = (tmp_path / "in.png").read_bytes()
    start = data.index(b"eXIf") - 4
    chunk = data[start : start + 12 + int.from_bytes(data[start : start + 4], "big")]
    (tmp_path / "in.png").write_bytes(data.replace(chunk, b"").replace(data[-12:], chunk + data[-12:]))
    with Image.open(tmp_path / "in.png") as image:
        assert from_pillow(image).metadata.exif == read(tmp_path / "in.png").metadata.exif != b""


def test_an_opaque_alpha_is_not_kept():
    assert from_pillow(RGB.convert("RGBA")).alpha is None


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_unreadable_pictures_are_one_error(tmp_path, content):
    (tmp_path / "bad.png").write_bytes(content)
    with pytest.raises(UnreadablePicture):
        read(tmp_path / "bad.png")


def test_a_truncated_picture_is_refused(tmp_path):
    RGB.save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:-200])
    with pytest.raises(UnreadablePicture):
        read(tmp_path / "cut.png")


def test_too_many_pixels_are_refused_before_decoding(tmp_path):
    RGB.save(tmp_path / "whole.png")
    with pytest.raises(PictureTooLarge):
        read(tmp_path / "whole.png", limit=599)


def test_frames_beyond_the_first_are_said_to_be_lost(tmp_path):
    frames = [Image.fromarray(textured(20, 30, seed)) for seed in range(3)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    with pytest.warns(Converted, match="first of 3"):
        assert read(tmp_path / "moving.gif").pixels.shape == (20, 30, 3)


GREY = RGB.convert("L")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_grey_is_found_in_any_mode(mode):
    image = GREY.convert("RGB").quantize(64) if mode == "P" else GREY.convert(mode)
    picture = from_pillow(image)
    assert picture.grey
    assert to_pillow(picture).mode == "L"


def test_one_coloured_pixel_makes_a_coloured_picture():
    image = GREY.convert("RGB")
    image.putpixel((29, 19), (1, 2, 3))
    assert not from_pillow(image).grey


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_grey_with_a_transparent_value_is_grey_with_alpha(mode, tmp_path):
    image = GREY.convert("RGB").quantize(64) if mode == "P" else GREY.convert(mode)
    value = image.getpixel((3, 4))
    image.save(tmp_path / "in.png", transparency=value)
    picture = read(tmp_path / "in.png")
    clear = np.asarray(image).reshape(20, 30, -1) == value
    assert np.array_equal(picture.alpha == 0, clear.all(axis=2))
    assert to_pillow(picture).mode == "LA"


def test_resolution_is_kept_where_a_file_says_it(tmp_path):
    RGB.save(tmp_path / "in.jpg", dpi=(300, 300))
    assert read(tmp_path / "in.jpg").metadata.resolution == (300, 300)
    RGB.save(tmp_path / "in.png", dpi=(600, 300))
    assert read(tmp_path / "in.png").metadata.resolution == pytest.approx((600, 300), abs=0.02)
    RGB.save(tmp_path / "no.jpg", exif=Image.Exif())
    assert read(tmp_path / "no.jpg").metadata.resolution is None


def test_xmp_is_kept(tmp_path):
    for suffix in ("jpg", "webp", "avif"):
        RGB.save(tmp_path / f"in.{suffix}", xmp=b"<x:xmpmeta/>")
        assert read(tmp_path / f"in.{suffix}").metadata.xmp == b"<x:xmpmeta/>"
    RGB.save(tmp_path / "in.tif", tiffinfo={700: b"<x:xmpmeta/>"})
    assert read(tmp_path / "in.tif").metadata.xmp == b"<x:xmpmeta/>"


def test_what_a_tiff_says_of_its_picture_is_kept_as_exif(tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "camera"
    exif.get_ifd(0x8769)[0x9003] = "2026:01:01 00:00:00"
    RGB.save(tmp_path / "in.tif", exif=exif.tobytes())
    found = Image.Exif()
    found.load(read(tmp_path / "in.tif").metadata.exif)
    assert found[0x010F] == "camera"
    assert found.get_ifd(0x8769)[0x9003] == "2026:01:01 00:00:00"
    RGB.save(tmp_path / "plain.tif")
    assert read(tmp_path / "plain.tif").metadata.exif == b""


def test_texts_and_comments_are_said_to_be_lost(tmp_path):
    RGB.save(tmp_path / "in.jpg", comment="hello")
    texts = PngInfo()
    texts.add_text("Author", "nobody")
    RGB.save(tmp_path / "in.png", pnginfo=texts)
    for name, said in (("in.jpg", "comment"), ("in.png", "text")):
        with pytest.warns(Converted, match=f"not kept: {said}"):
            read(tmp_path / name)


def test_pictures_are_read_from_open_files(tmp_path):
    buffer = io.BytesIO()
    RGB.save(buffer, "PNG")
    assert np.array_equal(read(buffer).pixels, np.asarray(RGB))


def test_an_image_whose_file_is_closed_is_a_picture():
    buffer = io.BytesIO()
    RGB.save(buffer, "PNG")
    image = Image.open(buffer)
    image.load()
    buffer.close()
    assert np.array_equal(from_pillow(image).pixels, np.asarray(RGB))


def test_metadata_too_large_for_a_stream_is_dropped_and_said():
    image = RGB.copy()
    image.info |= {"xmp": bytes((1 << 24) + 1), "exif": orientation_alone(6)}
    with pytest.warns(Converted, match="xmp of more than 16 MiB"):
        metadata = from_pillow(image).metadata
    assert (metadata.xmp, metadata.exif) == (b"", orientation_alone(6))


@pytest.mark.parametrize("length", [9, -4])
def test_a_profile_of_a_png_that_was_cut_is_dropped_and_said(length):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG")
    data = buffer.getvalue()
    body = b"iCCP" + b"x\0\0" + zlib.compress(bytes(range(256)) * 9)[:length]
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    with pytest.warns(Converted, match="unsound profile"):
        assert not read(io.BytesIO(data[:33] + chunk + data[33:])).metadata.icc


def test_data_of_no_kind_is_refused_without_its_address():
    with pytest.raises(UnreadablePicture, match="of no kind that Pillow knows"):
        read(io.BytesIO(b"nonsense"))


def test_of_many_pictures_what_is_skipped_and_what_is_converted_is_reported(tmp_path):
    Image.new("CMYK", (8, 8)).save(tmp_path / "a.jpg")
    (tmp_path / "b.png").write_bytes(b"nonsense")
    reports = []
    found = readable([tmp_path / "a.jpg", tmp_path / "b.png"], reports.append)
    assert [path.name for path, _ in found] == ["a.jpg"]
    assert [report.partition(": ")[2].split()[0] for report in reports] == ["CMYK", "skipped,"]
