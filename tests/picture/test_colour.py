"""Colours keep their meaning: known spaces by a byte, others by a profile, what is lost is said."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from conftest import textured
from trellic.picture import icc
from trellic.picture.colour import KNOWN, SRGB_CURVE, code_in, colours_by_profile, profile_of
from trellic.picture.metadata import ColourSpace, Metadata
from trellic.picture.pillow import read, to_pillow
from trellic.picture.saving import save
from trellic.picture.types import Converted

RGB = Image.fromarray(textured(20, 30))
LITTLE_CMS = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def png_with(*chunks: tuple[bytes, bytes], image: Image.Image = RGB) -> io.BytesIO:
    """Return a PNG with chunks behind its header."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    extra = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return io.BytesIO(buffer.getvalue()[:33] + extra + buffer.getvalue()[33:])


@pytest.mark.parametrize("space", KNOWN)
@pytest.mark.parametrize("grey", [False, True])
def test_a_known_space_is_a_byte_there_and_a_profile_back(space, grey):
    profile = profile_of(Metadata(space), grey)
    found = colours_by_profile(profile, grey)
    assert not found.icc
    assert colours_by_profile(profile_of(found, grey), grey) == found
    if not grey:
        assert found == Metadata(space)


def test_srgb_is_known_in_its_usual_forms():
    table = icc.table(icc.curve_of(SRGB_CURVE))
    primaries = ((0.64, 0.33), (0.3, 0.6), (0.15, 0.06))
    for profile in (LITTLE_CMS, icc.write(table, "a table", primaries, (0.3127, 0.329))):
        assert colours_by_profile(profile, False) == Metadata(ColourSpace.SRGB)


def test_a_profile_of_its_own_is_kept_to_the_byte():
    profile = icc.write(icc.gamma(1.8), "own", ((0.7, 0.3), (0.2, 0.7), (0.15, 0.05)), (0.3457, 0.3585))
    assert colours_by_profile(profile, False).icc == profile


@pytest.mark.parametrize("cut", [0, 40, 130, 200, -1])
def test_an_unsound_profile_is_dropped_and_said(cut):
    with pytest.warns(Converted, match="unsound profile"):
        assert colours_by_profile(LITTLE_CMS[:cut], False) == Metadata()


def test_a_profile_that_says_nothing_of_colours_is_dropped_and_said():
    with pytest.warns(Converted, match="unsound profile"):
        assert colours_by_profile(icc._assemble(b"RGB ", "empty", {}), False) == Metadata()


def test_a_profile_for_grey_is_kept_for_grey_alone(tmp_path):
    profile = icc.write_grey(icc.gamma(1.7), "own")
    RGB.save(tmp_path / "coloured.jpg", icc_profile=profile)
    with pytest.warns(Converted, match="profile for grey"):
        assert read(tmp_path / "coloured.jpg").metadata == Metadata()
    RGB.convert("L").convert("RGB").save(tmp_path / "grey.png", icc_profile=profile)
    assert read(tmp_path / "grey.png").metadata.icc == profile


def test_a_profile_for_colour_on_a_grey_picture_is_kept_with_three_channels(tmp_path):
    profile = icc.write(icc.gamma(1.8), "own", ((0.7, 0.3), (0.2, 0.7), (0.15, 0.05)), (0.3457, 0.3585))
    RGB.convert("L").convert("RGB").save(tmp_path / "grey.png", icc_profile=profile)
    picture = read(tmp_path / "grey.png")
    assert picture.grey
    save(picture, tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as image:
        assert (image.mode, image.info["icc_profile"]) == ("RGB", profile)


def test_a_profile_for_cmyk_or_lab_is_not_put_on_rgb(tmp_path):
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    with pytest.warns(Converted, match="Lab"):
        assert colours_by_profile(lab, False) == Metadata()


def test_gamma_and_primaries_of_a_png_become_a_profile():
    linear = png_with((b"gAMA", struct.pack(">I", 100000)))
    profile = icc.parse(read(linear).metadata.icc)
    assert np.allclose(icc.curve_of(profile.tags[b"rTRC"]), icc.SAMPLES)
    wide = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
    p3 = png_with((b"gAMA", struct.pack(">I", 45455)), (b"cHRM", struct.pack(">8I", *wide)))
    assert read(p3).metadata == Metadata(ColourSpace.DISPLAY_P3)
    grey = read(png_with((b"gAMA", struct.pack(">I", 100000)), image=RGB.convert("L")))
    assert icc.parse(grey.metadata.icc).space == b"GRAY"


def test_the_usual_gamma_of_a_png_is_srgb():
    assert read(png_with((b"gAMA", struct.pack(">I", 45455)))).metadata == Metadata(ColourSpace.SRGB)
    assert read(png_with((b"sRGB", b"\0"))).metadata == Metadata(ColourSpace.SRGB)
    assert read(png_with()).metadata == Metadata()


@pytest.mark.parametrize("chunk", [(b"gAMA", bytes(4)), (b"cHRM", bytes(32))])
def test_impossible_gamma_or_primaries_are_dropped_and_said(chunk):
    with pytest.warns(Converted, match="dropped"):
        assert read(png_with(chunk)).metadata == Metadata()


@pytest.mark.parametrize(("code", "space"), [((1, 13), ColourSpace.SRGB), ((12, 13), ColourSpace.DISPLAY_P3)])
def test_colour_codes_of_known_spaces_are_a_byte(code, space):
    assert read(png_with((b"cICP", bytes([*code, 0, 1])))).metadata == Metadata(space)


@pytest.mark.parametrize("transfer", [16, 18])
def test_high_dynamic_range_is_kept_and_said(transfer, tmp_path):
    with pytest.warns(Converted, match="high dynamic range"):
        picture = read(png_with((b"cICP", bytes([9, transfer, 0, 1]))))
    assert code_in(picture.metadata.icc) == bytes([9, transfer, 0, 1])
    save(picture, tmp_path / "out.png")
    with pytest.warns(Converted, match="high dynamic range"):
        assert read(tmp_path / "out.png").metadata == picture.metadata


@pytest.mark.parametrize("code", [(99, 13, 0, 1), (1, 99, 0, 1), (1, 13, 0, 0)])
def test_colour_codes_that_are_not_known_are_said(code):
    with pytest.warns(Converted, match="colour description"):
        assert read(png_with((b"cICP", bytes(code)))).metadata == Metadata()


def test_an_avif_says_its_colours_without_a_profile(tmp_path):
    RGB.save(tmp_path / "in.avif")
    assert read(tmp_path / "in.avif").metadata == Metadata(ColourSpace.SRGB)


def test_a_profile_that_cannot_be_unpacked_is_said():
    with pytest.warns(Converted, match="unsound profile"):
        assert read(png_with((b"iCCP", b"name\0\0" + bytes(30)))).metadata == Metadata()


def test_a_decoded_picture_has_the_profile_of_its_space():
    assert to_pillow(read(png_with((b"sRGB", b"\0")))).info["icc_profile"]
    assert "icc_profile" not in to_pillow(read(png_with())).info
