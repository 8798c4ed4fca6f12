"""The Pillow plugin behaves as Pillow's own kinds do: options obeyed, metadata dropped where they are not wanted."""

import io

import numpy as np
import pytest
from PIL import Image

from conftest import GOLDEN, textured
from trellic.picture import icc
from trellic.picture.colour import D65, P3
from trellic.pillow import FORMAT

MODEL = str(GOLDEN / "golden.trm")
RGB = Image.fromarray(textured(40, 50))
PROFILE = icc.write(icc.gamma(1.8), "own", P3, D65)


@pytest.fixture(autouse=True)
def golden_model(monkeypatch):
    monkeypatch.setenv("TRELLIC_MODELS", str(GOLDEN))


def camera() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = "camera"
    exif.get_ifd(0x8825)[1] = "N"
    return exif


def saved(image: Image.Image, **options: object) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, FORMAT, model=MODEL, **options)
    return Image.open(buffer)


@pytest.fixture
def marked() -> Image.Image:
    """A picture that carries everything, as opened from a file."""
    buffer = io.BytesIO()
    RGB.save(buffer, "JPEG", exif=camera(), icc_profile=PROFILE, xmp=b"<x:xmpmeta/>", dpi=(300, 300))
    return Image.open(buffer)


def test_metadata_is_kept_unless_it_is_not_wanted(marked):
    assert {"exif", "icc_profile", "xmp", "dpi"} <= set(saved(marked).info)
    for name in ("exif", "icc_profile", "xmp", "dpi"):
        for nothing in (b"", None):
            found = saved(marked, **{name: nothing}).info
            assert name not in found
            assert len(found) == 3
    assert saved(marked, exif=b"").getexif() == {}


def test_metadata_is_set_by_options():
    found = saved(RGB, exif=camera(), icc_profile=PROFILE, xmp=b"<x/>", dpi=(72, 72))
    assert found.getexif()[0x010F] == "camera"
    assert (found.info["icc_profile"], found.info["xmp"], found.info["dpi"]) == (PROFILE, b"<x/>", (72, 72))


def test_options_are_those_of_encode_and_unknown_ones_are_refused():
    small, large = (saved(RGB, quality=quality, effort=1) for quality in (10, 90))
    assert len(small._data) < len(large._data)
    assert np.array_equal(saved(RGB, quantizer="rdoq"), saved(RGB, effort=3))
    with pytest.raises(TypeError, match="qualty"):
        saved(RGB, qualty=10)
    with pytest.raises(OSError, match="nosuch"):
        saved(RGB, quantizer="nosuch")


def test_verify_finds_damage():
    data = saved(RGB)._data
    Image.open(io.BytesIO(data)).verify()
    for damaged in (data[:-1], data[:-4] + bytes(4)):
        with pytest.raises((OSError, SyntaxError)):
            Image.open(io.BytesIO(damaged)).verify()


@pytest.mark.parametrize("profile", [b"", PROFILE])
def test_mode_is_known_before_a_pixel_is_decoded(profile):
    grey = RGB.convert("L").convert("RGB")
    opened = saved(grey, icc_profile=profile)
    before = opened.mode
    opened.load()
    assert before == opened.mode == ("RGB" if profile else "L")


def test_a_file_that_is_cut_off_is_known_and_says_so_when_it_is_loaded():
    buffer = io.BytesIO()
    RGB.save(buffer, FORMAT, model=MODEL)
    opened = Image.open(io.BytesIO(buffer.getvalue()[:-3]))
    assert opened.size == RGB.size
    with pytest.raises(OSError, match="cut off"):
        opened.load()


def test_saving_adds_no_file_where_it_fails(tmp_path):
    with pytest.raises(TypeError):
        RGB.save(tmp_path / "x.tlic", nosuch=1)
    assert not list(tmp_path.iterdir())


def test_a_thumbnail_is_made_from_a_preview():
    picture = Image.fromarray(textured(400, 600))
    opened, whole = saved(picture), saved(picture)
    opened.thumbnail((25, 25))
    assert opened._scale == 8
    whole.load()
    whole.thumbnail((25, 25))
    assert opened.size == whole.size == (25, 17)
    assert saved(picture).draft(None, (400, 400)) is None
