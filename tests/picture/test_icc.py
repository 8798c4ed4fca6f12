"""ICC profiles: what is written is read back and understood by others, and damage is met with one error."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from trellic.picture import icc
from trellic.picture.colour import BT709, D65, P3, SRGB_CURVE


def test_lcms_understands_a_profile_that_was_written():
    profile = ImageCms.ImageCmsProfile(io.BytesIO(icc.write(SRGB_CURVE, "name", BT709, D65)))
    assert ImageCms.getProfileDescription(profile).strip() == "name"
    image = Image.fromarray(np.arange(256 * 3, dtype=np.uint8).reshape(16, 16, 3))
    converted = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"))
    assert np.abs(np.asarray(converted).astype(int) - np.asarray(image)).max() <= 1


def test_lcms_understands_a_grey_profile_that_was_written():
    profile = ImageCms.ImageCmsProfile(io.BytesIO(icc.write_grey(icc.gamma(1), "linear")))
    transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), "L", "RGB")
    assert 186 <= transform.apply(Image.new("L", (1, 1), 128)).getpixel((0, 0))[0] <= 189


def test_primaries_are_adapted_as_published():
    assert np.allclose(icc.adapted(BT709, D65)[:, 0], (0.4361, 0.2225, 0.0139), atol=2e-4)
    assert np.allclose(icc.adapted(P3, D65)[:, 0], (0.5151, 0.2412, -0.0011), atol=2e-4)


@pytest.mark.parametrize("curve", [icc.gamma(2.2), icc.table(icc.SAMPLES**2.2), b"curv\0\0\0\0\0\0\0\1\x02\x33"])
def test_curves_of_any_form_are_compared_by_what_they_do(curve):
    assert np.allclose(icc.curve_of(curve), icc.SAMPLES**2.2, atol=2e-3)


def test_a_curve_of_no_entries_is_linear():
    assert np.array_equal(icc.curve_of(b"curv" + bytes(8)), icc.SAMPLES)


def test_tags_that_are_the_same_bytes_again_and_again_are_refused():
    """A small profile would else take any memory."""
    data = bytearray(132 + 12 * 50)
    for number in range(50):
        struct.pack_into(">4sII", data, 132 + 12 * number, struct.pack(">I", number), 1, len(data) - 1)
    data[:4], data[36:40], data[128:132] = len(data).to_bytes(4, "big"), b"acsp", (50).to_bytes(4, "big")
    with pytest.raises(icc.UnsoundProfile, match="again and again"):
        icc.parse(bytes(data))


@given(st.data())
def test_damage_is_one_error(data):
    whole = bytearray(icc.write(SRGB_CURVE, "name", BT709, D65))
    for _ in range(data.draw(st.integers(1, 5))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        profile = icc.parse(bytes(whole)[: data.draw(st.integers(0, len(whole)))])
        icc.colorants_of(profile)
        for tag in profile.tags.values():
            icc.curve_of(tag)
    except icc.UnsoundProfile:
        return
