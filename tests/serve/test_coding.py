import io

import numpy as np
import pytest
from PIL import Image

from conftest import GOLDEN, textured
from dropping import png
from trellic import api
from trellic.errors import BadRequest, PictureTooLarge, UnreadablePicture
from trellic.metrics import psnr
from trellic.serve import coding as module
from trellic.serve.answers import Refused
from trellic.serve.coding import OTHERS, Coding


@pytest.fixture(autouse=True)
def golden(monkeypatch):
    monkeypatch.setenv("TRELLIC_MODELS", str(GOLDEN))


def test_a_picture_is_encoded_at_a_quality(coding):
    small, large = (coding.encode(png(40, 50), quality) for quality in (10, 90))
    assert len(small) < len(large)
    assert api.decode(large).size == (50, 40)


@pytest.mark.parametrize("name", OTHERS)
def test_another_codec_comes_near_to_the_size(coding, name):
    data = coding.encode_like(png(160, 200), name, 4000)
    assert abs(len(data) - 4000) < 400
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == name.upper()
        assert psnr(textured(160, 200), np.asarray(image.convert("RGB"))) > 25


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])
def test_a_shown_stream_has_the_decoded_pixels(coding, kind):
    shown, data = coding.show(GOLDEN / "tcq8.tlic", kind)
    assert shown == kind
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == kind
        found, expected = np.asarray(image), np.asarray(api.decode(GOLDEN / "tcq8.tlic"))
    assert np.array_equal(found[:, :, 3], expected[:, :, 3])
    visible = expected[:, :, 3] > 0
    assert np.array_equal(found[visible], expected[visible])


def test_what_webp_cannot_hold_is_shown_as_png(coding, monkeypatch):
    monkeypatch.setattr(module, "WIDEST_WEBP", 10)
    assert coding.show(GOLDEN / "tcq8.tlic", "WEBP")[0] == "PNG"


@pytest.mark.parametrize("data", [b"", b"no picture", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"<svg/>"])
def test_kinds_that_browsers_do_not_show_are_refused(coding, data):
    with pytest.raises(Refused) as refused:
        coding.encode(data, 50)
    assert refused.value.status == 415


def test_a_damaged_picture_is_an_error(coding):
    with pytest.raises(UnreadablePicture):
        coding.encode(png(40, 50)[:-40], 50)


def test_a_large_picture_is_refused_before_it_is_read(coding, monkeypatch):
    monkeypatch.setattr(module, "MOST_PIXELS", 1999)
    for work in (lambda: coding.encode(png(40, 50), 50), lambda: coding.encode_like(png(40, 50), "jpeg", 100)):
        with pytest.raises(PictureTooLarge):
            work()
    with pytest.raises(PictureTooLarge):
        coding.show(GOLDEN / "tcq8.tlic", "PNG")


def test_other_codecs_are_known_and_take_opaque_pictures(coding):
    with pytest.raises(BadRequest, match="there are jpeg, webp, avif"):
        coding.encode_like(png(40, 50), "gif", 100)
    transparent = Image.fromarray(textured(20, 20))
    transparent.putalpha(100)
    buffer = io.BytesIO()
    transparent.save(buffer, "PNG")
    with pytest.raises(BadRequest, match="opaque"):
        coding.encode_like(buffer.getvalue(), "jpeg", 100)


def test_work_ends_with_its_time(coding):
    late = Coding(coding.codec, seconds=-1)
    for work in (
        lambda: late.encode(png(40, 50), 50),
        lambda: late.encode_like(png(40, 50), "jpeg", 100),
        lambda: late.show(GOLDEN / "tcq8.tlic", "PNG"),
    ):
        with pytest.raises(Refused):
            work()
