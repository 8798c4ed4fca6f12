"""Samples of more than 8 bits: rounded by one rule, clipped where they must be, and said so."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from trellic.picture import vips
from trellic.picture.pillow import from_pillow, read
from trellic.picture.samples import from_floats, from_wide_grey
from trellic.picture.types import Converted

WIDE = (np.arange(20 * 30 * 4).reshape(20, 30, 4) * 27).astype(np.uint16)
COLOUR_TYPES = {0: 1, 4: 2, 2: 3, 6: 4}
"""Of PNG, and their channels."""


def wide_png(samples: np.ndarray, *chunks: tuple[bytes, bytes]) -> bytes:
    """Return a PNG of 16-bit samples, (H, W, C), with chunks before its pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, channels = samples.shape
    colour_type = next(kind for kind, count in COLOUR_TYPES.items() if count == channels)
    raw = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    body = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in body)


def rounded(samples: np.ndarray) -> np.ndarray:
    return np.rint(samples / 257).astype(np.uint8)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bits_are_rounded_by_one_rule_at_every_size(channels, tmp_path, monkeypatch):
    samples = WIDE[:, :, :channels]
    (tmp_path / "wide.png").write_bytes(wide_png(samples))
    monkeypatch.setattr(vips, "LARGE", 0)
    for opened in (read, lambda path: vips.open_source(path, 1 << 20)):
        with pytest.warns(Converted, match="16-bit"):
            picture = opened(tmp_path / "wide.png")
        pixels, alpha = picture.rows(0, 20)
        colours = samples[:, :, : 1 if channels < 3 else 3]
        assert np.array_equal(pixels, np.broadcast_to(rounded(colours), pixels.shape))
        if channels in {2, 4}:
            assert np.array_equal(alpha, rounded(samples[:, :, -1]))


def test_the_api_rounds_and_warns_as_the_command_does():
    with pytest.warns(Converted, match="16-bit"), Image.open(io.BytesIO(wide_png(WIDE[:, :, :3]))) as image:
        picture = from_pillow(image)
    assert np.array_equal(picture.pixels, rounded(WIDE[:, :, :3]))


def test_a_sixteen_bit_tiff_is_rounded(tmp_path):
    pyvips = pytest.importorskip("pyvips")
    pyvips.Image.new_from_array(WIDE[:, :, :3]).copy(interpretation="rgb16").write_to_file(str(tmp_path / "wide.tif"))
    with pytest.warns(Converted, match="16-bit"):
        assert np.array_equal(read(tmp_path / "wide.tif").pixels, rounded(WIDE[:, :, :3]))


def test_a_transparent_value_of_sixteen_bits_is_alpha(tmp_path):
    samples = np.full((20, 30), 40000, np.uint16)
    samples[3, 4] = 500
    Image.fromarray(samples).save(tmp_path / "in.png", transparency=500)
    with pytest.warns(Converted):
        picture = read(tmp_path / "in.png")
    assert np.argwhere(picture.alpha == 0).tolist() == [[3, 4]]


def test_a_transparent_colour_of_sixteen_bits_is_alpha():
    samples = np.full((20, 30, 3), 40000, np.uint16)
    samples[3, 4] = 500, 600, 700
    samples[3, 5] = 500, 600, 701
    with pytest.warns(Converted):
        picture = read(io.BytesIO(wide_png(samples, (b"tRNS", struct.pack(">3H", 500, 600, 700)))))
    assert np.argwhere(picture.alpha == 0).tolist() == [[3, 4]]


def floats(*odd: float) -> Image.Image:
    """Return samples from 0 to 1, the first of them replaced."""
    values = np.linspace(0, 1, 600, dtype=np.float32)
    values[: len(odd)] = odd
    return Image.fromarray(values.reshape(20, 30))


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ((), "0 to 1"),
        ((np.inf, -np.inf, np.nan), "3 that are no finite numbers"),
        ((1.0001, 4.0, -0.5), "0.50% clipped"),
        ((1e30, np.nan), "0.17% clipped"),
    ],
)
def test_odd_float_samples_leave_the_others_alone(odd, said):
    with pytest.warns(Converted, match=said):
        picture = from_pillow(floats(*odd))
    plain = np.rint(np.linspace(0, 1, 600, dtype=np.float32) * 255).reshape(20, 30)
    assert np.array_equal(picture.pixels[:, :, 0].ravel()[len(odd) :], plain.ravel()[len(odd) :])
    bounds = {np.inf: 255, -np.inf: 0, 4.0: 255, -0.5: 0, 1e30: 255}
    for position, value in enumerate(odd):
        assert picture.pixels[0, position, 0] == bounds.get(value, picture.pixels[0, position, 0])


@pytest.mark.parametrize("white", [255, 65535])
def test_integers_that_became_floats_are_neither_black_nor_white(white):
    values = np.linspace(0, white, 600).astype(int).astype(np.float32).reshape(20, 30)
    with pytest.warns(Converted, match="whole"):
        picture = from_pillow(Image.fromarray(values))
    assert np.array_equal(picture.pixels[:, :, 0], np.rint(values * (255 / white)))


def test_floats_that_mostly_lie_above_one_do_not_turn_white():
    values = np.linspace(0, 180.5, 600, dtype=np.float32).reshape(20, 30)
    with pytest.warns(Converted, match=r"180\.5"):
        picture = from_pillow(Image.fromarray(values))
    assert 120 < picture.pixels.mean() < 135


def test_floats_none_of_which_is_finite_are_a_picture():
    with pytest.warns(Converted, match="600 that are no finite numbers"):
        assert from_pillow(Image.fromarray(np.full((20, 30), np.nan, np.float32))).pixels.max() == 0


@pytest.mark.parametrize(
    ("values", "said"), [(np.arange(256), None), (np.arange(256) * 257, "16-bit"), (np.arange(-5, 99999), "stretched")]
)
def test_integers_of_32_bits_are_taken_for_what_they_hold(values, said, recwarn):
    picture = from_pillow(Image.fromarray(values.astype(np.int32)[None]))
    assert picture.pixels[0, -1, 0] == 255
    assert [said in str(warning.message) for warning in recwarn.list] == ([True] if said else [])


@pytest.mark.parametrize("level", [0, 30_000, 65_535])
def test_a_page_of_one_level_is_not_warned_of_unless_it_is_dim(level):
    with pytest.warns(Converted, match="rounded to 8 bits$"):
        from_wide_grey(Image.fromarray(np.full((8, 8), level, np.uint16)))


def test_samples_that_leave_few_levels_are_warned_of():
    """As twelve bits in sixteen do."""
    image = Image.fromarray(np.arange(4096, dtype=np.uint16).reshape(64, 64))
    with pytest.warns(Converted, match="none of which is above 16: scale them first"):
        from_wide_grey(image)


def test_whole_floats_that_become_nearly_black_are_said_to():
    values = np.random.default_rng(0).integers(0, 3072, (40, 50)).astype(np.float32)
    with pytest.warns(Converted, match="whole float samples rounded to 8 bits, none of which is above 12: scale them"):
        eight = from_floats(values)
    assert eight.max() == 12
