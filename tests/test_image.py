"""Pictures in and out: every mode, alpha exactly, metadata kept, conversions told."""

import io
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from conftest import textured
from trellic.container.header import LARGEST_SIDE
from trellic.errors import BadRequest, DamagedStream, PictureTooLarge, UnreadablePicture
from trellic.image import (
    Converted,
    check_size,
    from_pillow,
    pack_alpha,
    pack_metadata,
    read,
    save,
    to_pillow,
    unpack_alpha,
    unpack_metadata,
)

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


def test_float_samples_from_zero_to_one_are_not_black():
    values = np.linspace(0, 1, 600, dtype=np.float32).reshape(20, 30)
    with pytest.warns(Converted):
        picture = from_pillow(Image.fromarray(values))
    assert int(picture.pixels.max()) == 255


def test_a_palette_of_four_channels_keeps_its_alpha():
    image = RGB.convert("RGBA")
    image.putalpha(100)
    assert from_pillow(image.quantize(8)).alpha is not None


def test_odd_exif_rejects_no_picture():
    for exif in (b"Exif\0\0II*\0", b"garbage"):
        image = RGB.copy()
        image.info["exif"] = exif
        assert from_pillow(image).exif == exif


def test_a_tiff_comes_upright_and_keeps_none_of_its_tags(tmp_path):
    RGB.save(tmp_path / "in.tif", tiffinfo={0x0112: 8}, compression="tiff_lzw")
    picture = read(tmp_path / "in.tif")
    save(to_pillow(picture), tmp_path / "out.tif")
    with Image.open(tmp_path / "out.tif") as image:
        assert image.size == (20, 30)
        assert np.array_equal(np.asarray(image), np.rot90(np.asarray(RGB)))


def test_metadata_behind_the_pixels_is_found(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    RGB.save(tmp_path / "in.png", exif=exif)
    data = (tmp_path / "in.png").read_bytes()
    start = data.index(b"eXIf") - 4
    chunk = data[start : start + 12 + int.from_bytes(data[start : start + 4], "big")]
    (tmp_path / "in.png").write_bytes(data.replace(chunk, b"").replace(data[-12:], chunk + data[-12:]))
    with Image.open(tmp_path / "in.png") as image:
        assert from_pillow(image).exif == read(tmp_path / "in.png").exif != b""


def test_a_transparent_value_of_sixteen_bits_is_alpha(tmp_path):
    samples = np.full((20, 30), 40000, np.uint16)
    samples[3, 4] = 500
    Image.fromarray(samples).save(tmp_path / "in.png", transparency=500)
    with pytest.warns(Converted):
        picture = read(tmp_path / "in.png")
    assert picture.alpha is not None
    assert np.argwhere(picture.alpha == 0).tolist() == [[3, 4]]


def test_a_side_that_no_stream_can_say_is_refused():
    with pytest.raises(PictureTooLarge):
        check_size(LARGEST_SIDE + 1, 1, sys.maxsize)


def test_an_opaque_alpha_is_not_kept():
    assert from_pillow(RGB.convert("RGBA")).alpha is None


def test_alpha_is_exact_and_checked_for_size():
    alpha = np.random.default_rng(0).integers(0, 256, (20, 30)).astype(np.uint8)
    assert (unpack_alpha(pack_alpha(alpha), 30, 20) == alpha).all()
    for size in ((20, 30), (31, 20)):
        with pytest.raises(DamagedStream):
            unpack_alpha(pack_alpha(alpha), *size)
    with pytest.raises(DamagedStream):
        unpack_alpha(b"not a png", 30, 20)


def test_a_metadata_bomb_is_refused():
    assert unpack_metadata(pack_metadata(b"profile")) == b"profile"
    for bad in (zlib.compress(bytes(1 << 25)), pack_metadata(b"profile")[:-3], b"noise"):
        with pytest.raises(DamagedStream):
            unpack_metadata(bad)


def test_metadata_that_no_decoder_would_take_is_refused():
    with pytest.raises(BadRequest):
        pack_metadata(bytes((1 << 24) + 1))


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


def test_what_cannot_be_written_is_said(tmp_path):
    for name in ("x.nothing", "x"):
        with pytest.raises(BadRequest):
            save(RGB, tmp_path / name)
    with pytest.raises(BadRequest, match="alpha"):
        save(RGB.convert("RGBA"), tmp_path / "x.jpg")
    assert not list(tmp_path.iterdir())


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


def test_frames_beyond_the_first_are_said_to_be_lost(tmp_path):
    frames = [Image.fromarray(textured(20, 30, seed)) for seed in range(3)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    with pytest.warns(Converted, match="first of 3"):
        assert read(tmp_path / "moving.gif").pixels.shape == (20, 30, 3)
