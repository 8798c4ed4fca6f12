"""Bands of TIFFs: no band is taken for what it is not, and what is not kept is said."""

import struct

import numpy as np
import pytest
from PIL import Image

from conftest import textured
from trellic.errors import BadRequest, UnreadablePicture
from trellic.limits import MOST_PIXELS
from trellic.picture import vips
from trellic.picture.bands import Bands, bands_of, is_georeferenced, tags_of
from trellic.picture.samples import to_eight
from trellic.picture.types import Converted, exactly
from trellic.picture.vips import open_source

RGB, GREY = 2, 1
SHORT, LONG = 3, 4


def write_tiff(path, samples, photometric, extra=(), sample_format=1, order="<", big=False):
    """Write samples, (H, W, bands), as a TIFF of one strip."""
    height, width, bands = samples.shape
    data = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    bits = 8 * samples.dtype.itemsize
    start = 16 if big else 8
    tags = {
        256: (LONG, [width]), 257: (LONG, [height]), 258: (SHORT, [bits] * bands), 259: (SHORT, [1]),
        262: (SHORT, [photometric]), 273: (LONG, [start]), 277: (SHORT, [bands]), 278: (LONG, [height]),
        279: (LONG, [len(data)]), 284: (SHORT, [1]), **({338: (SHORT, list(extra))} if extra else {}),
        339: (SHORT, [sample_format] * bands),
    }  # fmt: skip
    word, count, room = ("Q", "Q", 8) if big else ("I", "H", 4)
    directory = start + len(data) + len(data) % 2
    after = directory + struct.calcsize(count) + len(tags) * (4 + 2 * struct.calcsize(word)) + struct.calcsize(word)
    entries, beyond = b"", b""
    for tag, (kind, values) in tags.items():
        value = struct.pack(f"{order}{len(values)}{'H' if kind == SHORT else 'I'}", *values)
        if len(value) > room:
            place = struct.pack(order + word, after + len(beyond))
            beyond += value
            value = place
        entries += struct.pack(f"{order}HH{word}", tag, kind, len(values)) + value.ljust(room, b"\0")
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}H", 43 if big else 42)
    head += struct.pack(f"{order}HHQ", 8, 0, directory) if big else struct.pack(f"{order}I", directory)
    entries = struct.pack(order + count, len(tags)) + entries + struct.pack(order + word, 0)
    path.write_bytes(head + data + b"\0" * (len(data) % 2) + entries + beyond)
    return path


def pixels(bands):
    return np.concatenate([textured(40, 50), textured(40, 50, 1)], axis=2)[:, :, :bands]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_tags_say_what_bands_are(tmp_path, order, big):
    path = tmp_path / "a.tif"
    for extra, found in (((), Bands(3, False, 0)), ((0, 0), Bands(3, False, 2)), ((2,), Bands(3, True, 0))):
        write_tiff(path, pixels(3 + len(extra)), RGB, extra, order=order, big=big)
        assert bands_of(tags_of(path)) == found
    write_tiff(path, pixels(5), GREY, (0, 0, 0, 0), order=order, big=big)
    assert bands_of(tags_of(path)) == Bands(1, False, 4)


def test_what_is_no_tiff_has_no_tags(tmp_path):
    path = tmp_path / "a.tif"
    whole = write_tiff(path, pixels(4), RGB, (0,)).read_bytes()
    for length in (0, 3, 8, len(whole) - 200, len(whole) - 140):
        path.write_bytes(whole[:length])
        tags_of(path)
    path.write_bytes(b"\x89PNG")
    assert tags_of(path) == {}


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("bands", [4, 5])
def test_infrared_is_no_alpha(tmp_path, monkeypatch, bands, dtype, large):
    """Where near-infrared is 0, as over water, pixels would be filled."""
    if large:
        monkeypatch.setattr(vips, "LARGE", 1)
    samples = pixels(bands)
    samples[:, 25:, 3] = 0
    values = samples if dtype == np.uint8 else samples.astype(np.uint16) * 250 + 129
    samples = samples if dtype == np.uint8 else to_eight(values)
    path = write_tiff(tmp_path / "a.tif", values, RGB, (0,) * (bands - 3))
    with pytest.warns(Converted, match="not kept: "):
        shown, alpha = open_source(path, MOST_PIXELS).rows(0, 40)
    assert alpha is None
    assert np.array_equal(shown, samples[:, :, :3])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_band_of_which_nothing_is_said_is_no_alpha(tmp_path, dtype):
    path = write_tiff(tmp_path / "a.tif", pixels(4).astype(dtype), RGB)
    with pytest.warns(Converted, match="not kept: 1 further band"):
        _, alpha = open_source(path, MOST_PIXELS).rows(0, 40)
    assert alpha is None


def test_hostile_tags_are_read_in_bounded_time(tmp_path):
    """Offsets beyond what files have, and one tag again and again."""
    entry = struct.pack("<HHQQ", 277, SHORT, 100, 2**63 + 5)
    path = tmp_path / "a.tif"
    path.write_bytes(b"II" + struct.pack("<HHHQQ", 43, 8, 0, 16, 1) + entry)
    assert tags_of(path) == {}
    large = struct.pack("<HHQQ", 338, SHORT, 1 << 12, 0)
    path.write_bytes(b"II" + struct.pack("<HHHQQ", 43, 8, 0, 16, 4000) + 4000 * large)
    assert len(tags_of(path)) <= 1


def test_lost_georeferencing_is_said(tmp_path):
    path = tmp_path / "a.tif"
    floats = np.full((20, 30, 3), 0.25, np.float32)
    Image.new("RGB", (30, 20)).save(path, tiffinfo={33550: (1.0, 1.0, 0.0)})
    with pytest.warns(Converted, match="georeferencing"):
        open_source(path, MOST_PIXELS)
    vips.vips().Image.new_from_array(floats).write_to_file(str(path))
    assert not is_georeferenced(tags_of(path))


def test_alpha_that_is_said_to_be_is_kept(tmp_path):
    path = write_tiff(tmp_path / "a.tif", pixels(4), RGB, (2,))
    _, alpha = open_source(path, MOST_PIXELS).rows(0, 40)
    assert np.array_equal(alpha, pixels(4)[:, :, 3])


@pytest.mark.parametrize("bands", [3, 5, 6])
def test_bands_of_which_none_is_a_colour_are_refused(tmp_path, bands):
    path = write_tiff(tmp_path / "a.tif", pixels(bands), GREY, (0,) * (bands - 1))
    with pytest.raises(UnreadablePicture, match=f"{bands} bands"):
        open_source(path, MOST_PIXELS)


def test_signed_samples_do_not_wrap(tmp_path):
    samples = np.linspace(-100, 100, 2000).astype(np.int8).reshape(40, 50, 1)
    path = write_tiff(tmp_path / "a.tif", samples, GREY, sample_format=2)
    with pytest.warns(Converted, match="samples -100 to 100 stretched"):
        shown, _ = open_source(path, MOST_PIXELS).rows(0, 40)
    assert (np.diff(shown[:, :, 0].astype(int).ravel()) >= 0).all()


def test_a_constant_picture_beyond_16_bits_is_flat(tmp_path):
    Image.fromarray(np.full((20, 30), -9999, np.int32)).save(tmp_path / "a.tif")
    with pytest.warns(Converted, match="stretched"):
        shown, _ = open_source(tmp_path / "a.tif", MOST_PIXELS).rows(0, 20)
    assert (shown == shown[0, 0]).all()


def test_what_would_change_samples_is_refused_where_they_are_wanted_exactly(tmp_path):
    write_tiff(tmp_path / "infrared.tif", pixels(4), RGB, (0,))
    Image.fromarray(np.full((20, 30), 700, np.uint16)).save(tmp_path / "16.png")
    Image.fromarray(np.full((20, 30), 0.5, np.float32)).save(tmp_path / "float.tif")
    Image.new("CMYK", (20, 30)).save(tmp_path / "cmyk.jpg")
    for path in sorted(tmp_path.iterdir()):
        with exactly(), pytest.raises(BadRequest, match="not lossless"):
            open_source(path, MOST_PIXELS)
        with exactly(wanted=False), pytest.warns(Converted):
            open_source(path, MOST_PIXELS)
    Image.fromarray(textured(20, 30)).save(tmp_path / "plain.png")
    with exactly():
        open_source(tmp_path / "plain.png", MOST_PIXELS)
