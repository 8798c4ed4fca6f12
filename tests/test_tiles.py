"""Tiles: they cover a picture, no seam shows, a region is decoded alone, and large files go through in strips."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from conftest import GOLDEN, textured
from trellic.codec import Codec, Target, strips, tiles
from trellic.codec.encoder import analyse, analyse_tile, code
from trellic.codec.strips import StripDecoder
from trellic.codec.tiles import Workers, windows
from trellic.container import Box, Contents, Grid, SectionType, read_stream, scan_stream
from trellic.errors import BadRequest, DamagedStream, UnreadablePicture
from trellic.metrics import psnr
from trellic.picture import vips
from trellic.picture.metadata import Metadata
from trellic.picture.pillow import from_pillow, read
from trellic.picture.types import Converted, Picture

SIDE = 256


@pytest.fixture(scope="module")
def tiled():
    """A codec of a tiny model that cuts pictures into small tiles."""
    return Codec(str(GOLDEN / "trellis.trm"), 2, tile=SIDE)


@pytest.fixture(scope="module")
def picture() -> Picture:
    """A picture of 3 × 2 tiles, the first of them partly transparent."""
    alpha = np.full((500, 700), 255, np.uint8)
    alpha[:100, :90] = np.arange(90)
    return Picture(textured(500, 700), alpha=alpha, metadata=Metadata(icc=b"profile"))


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(256, 2000))
def test_tiles_cover_every_pixel_once(width, height, side):
    grid = Grid.of(width, height, side)
    boxes = [grid.tile(number) for number in range(grid.tiles)]
    assert sum(box.width * box.height for box in boxes) == grid.picture.width * grid.picture.height
    assert all(box.common(grid.picture) == box and box.width > 0 < box.height for box in boxes)
    assert all(edge % 64 == 0 for box in boxes for edge in box)
    assert len({(box.left, box.top) for box in boxes}) == len(boxes)
    assert max(grid.tile_width, grid.tile_height) <= 1.5 * side + 64
    if len(boxes) > 1:
        assert Grid.read(grid.write(), width, height) == grid


@given(st.data())
def test_a_region_touches_the_tiles_that_hold_its_pixels(data):
    grid = Grid.of(data.draw(st.integers(300, 3000)), data.draw(st.integers(300, 3000)), SIDE)
    left, top = data.draw(st.integers(0, grid.width - 1)), data.draw(st.integers(0, grid.height - 1))
    region = Box(left, top, data.draw(st.integers(left + 1, grid.width)), data.draw(st.integers(top + 1, grid.height)))
    shared = [grid.tile(number).common(region) for number in range(grid.tiles)]
    expected = [number for number, box in enumerate(shared) if box.width > 0 and box.height > 0]
    assert list(grid.touching(region)) == expected


def test_no_seam_shows(codec, photograph, monkeypatch):
    """The same latents synthesized tile by tile, and at once, differ by a level at most; the analysis by nothing."""
    data = codec.encode_picture(photograph, Target(10)).data
    at_once = codec.decode_picture(data).pixels.astype(int)
    monkeypatch.setattr(strips, "SIDE", SIDE)
    monkeypatch.setattr(strips, "LARGEST_SHOWN", SIDE * SIDE)
    difference = np.abs(codec.decode_picture(data).pixels - at_once)
    assert difference.max() <= 1
    assert difference.mean() < 0.01
    grid = Grid.of(768, 512, SIDE)
    whole = analyse(codec.networks, photograph.pixels).latents
    for number, window in enumerate(windows(photograph, grid)):
        own = analyse_tile(codec.networks, window).latents
        assert np.abs(own - whole[:, *grid.tile(number).within(grid.picture, 16)]).max() < 0.01


def test_without_its_margin_a_seam_would_show(codec, photograph, monkeypatch):
    data = codec.encode_picture(photograph, Target(10)).data
    at_once = codec.decode_picture(data).pixels.astype(int)
    monkeypatch.setattr(strips, "SIDE", SIDE)
    monkeypatch.setattr(strips, "LARGEST_SHOWN", SIDE * SIDE)
    monkeypatch.setattr(strips, "MARGIN", 0)
    assert np.abs(codec.decode_picture(data).pixels - at_once).max() > 8


def test_a_tile_is_coded_as_a_picture_of_its_own(tiled, picture):
    """Nothing but pixels crosses a tile's edge: each is decoded without the others, to what the encoder had."""
    contents = Contents.of(*scan_stream(tiled.encode_picture(picture, Target(60)).data))
    assert (contents.grid.columns, contents.grid.rows) == (3, 2)
    for number, window in enumerate(windows(picture, contents.grid)):
        coded = code(tiled.networks, analyse_tile(tiled.networks, window), 60 * 256, tiled.deployed)
        assert np.array_equal(strips.decode_tile(tiled.networks, contents, number), coded.latents)


def test_alpha_and_metadata_survive(tiled, picture):
    data = tiled.encode_picture(picture, Target(60)).data
    decoded = tiled.decode_picture(data)
    assert np.array_equal(decoded.alpha, picture.alpha)
    assert decoded.metadata.icc == b"profile"
    kinds = [section.type for section in read_stream(data)[1]]
    assert kinds.count(SectionType.TILE) == 6
    assert kinds.count(SectionType.TILE_ALPHA) == 1
    grey = from_pillow(Image.fromarray(picture.pixels).convert("L"))
    assert tiled.decode(tiled.encode_picture(grey, Target(60)).data).mode == "L"


class Counted(bytes):
    """Bytes that count how many of them were asked for."""

    def __init__(self, _: bytes) -> None:
        self.taken = 0

    def __getitem__(self, part):
        found = super().__getitem__(part)
        self.taken += len(found)
        return found


def test_a_region_is_what_the_whole_picture_shows_there(tiled, picture):
    data = Counted(tiled.encode_picture(picture, Target(90)).data)
    whole = tiled.decode_picture(data)
    for crop in ((0, 0, 700, 500), (0, 0, 40, 30), (200, 200, 111, 99), (699, 499, 1, 1), (240, 0, 30, 500)):
        left, top, width, height = crop
        data.taken = 0
        region = tiled.decode_picture(data, crop)
        place = slice(top, top + height), slice(left, left + width)
        assert np.abs(region.pixels.astype(int) - whole.pixels[place]).max() <= 1
        assert np.array_equal(region.alpha, whole.alpha[place])
        if crop == (0, 0, 40, 30):
            assert data.taken < 0.3 * len(data)
    for crop in ((0, 0, 701, 5), (-1, 0, 5, 5), (0, 0, 0, 5)):
        with pytest.raises(BadRequest, match="region"):
            tiled.decode_picture(data, crop)


def test_only_the_damage_of_tiles_that_are_read_is_met(tiled, picture):
    data = bytearray(tiled.encode_picture(picture, Target(90)).data)
    data[-20] ^= 1
    assert tiled.decode(bytes(data), (0, 0, 100, 100)).size == (100, 100)
    for use in (tiled.decode, tiled.verify):
        with pytest.raises(DamagedStream, match="checksum of section tile"):
            use(bytes(data))


def test_targets_hold_for_tiles(tiled, picture):
    size = len(tiled.encode_picture(picture, Target(50)).data)
    assert 0.97 * size < len(tiled.encode_picture(picture, Target(size=size)).data) <= size
    plain = Picture(picture.pixels)
    data = tiled.encode_picture(plain, Target(psnr=20.0)).data
    assert 20.0 <= psnr(plain.pixels, tiled.decode_picture(data).pixels) < 20.2


def test_streams_do_not_depend_on_workers(picture):
    streams = {Codec(str(GOLDEN / "trellis.trm"), threads, tile=SIDE).encode_picture(picture, Target(50)).data
               for threads in (1, 2, 4)}  # fmt: skip
    assert len(streams) == 1


def test_latents_of_tiles_that_are_done_are_forgotten(tiled, picture, monkeypatch):
    held = []
    gather = tiles.LatentStore.gather
    monkeypatch.setattr(
        tiles.LatentStore, "gather", lambda self, box: (held.append(len(self.held)), gather(self, box))[1]
    )
    tall = Picture(np.tile(picture.pixels[:, :200], (6, 1, 1)))
    contents = Contents.of(*scan_stream(tiled.encode_picture(tall, Target(30)).data))
    assert contents.grid.rows == 12
    decoder = StripDecoder(tiled.networks, contents, Box(0, 0, 200, 3000), Workers(1, 12))
    assert sum(len(pixels) for pixels, _ in decoder.strips()) == 3000
    assert max(held) == 2


@pytest.fixture
def in_strips(monkeypatch):
    """Make every picture a large one."""
    monkeypatch.setattr(vips, "LARGE", 0)


@pytest.mark.parametrize(
    ("mode", "suffix"), [("RGB", "png"), ("L", "png"), ("RGBA", "png"), ("LA", "png"), ("RGB", "tif")]
)
def test_a_large_picture_is_read_as_a_small_one_is(mode, suffix, tmp_path, tiled, in_strips):
    path = tmp_path / f"picture.{suffix}"
    Image.fromarray(np.dstack([textured(500, 700), textured(500, 700)[:, :, 0]])).convert(mode).save(path)
    source = vips.open_source(path, 1 << 20)
    assert isinstance(source, vips.StripReader)
    data = tiled.encode_picture(source, Target(60)).data
    assert data == tiled.encode_picture(read(path), Target(60)).data
    out = tmp_path / "out.png"
    vips.write_strips(tiled.decode_strips(data), out)
    expected = tiled.decode(data)
    with Image.open(out) as written:
        assert written.mode == expected.mode
        assert np.array_equal(np.asarray(written), np.asarray(expected))
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")] == []


def test_a_large_picture_keeps_its_profile(tmp_path, tiled, in_strips):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path, out = tmp_path / "picture.png", tmp_path / "out.png"
    Image.fromarray(textured(300, 500)).save(path, icc_profile=profile)
    data = tiled.encode_picture(vips.open_source(path, 1 << 20), Target(60)).data
    vips.write_strips(tiled.decode_strips(data), out)
    with Image.open(out) as written:
        assert written.info["icc_profile"] == profile


def test_a_truncated_large_picture_is_unreadable(tmp_path, tiled, in_strips):
    path = tmp_path / "picture.png"
    Image.fromarray(textured(500, 700)).save(path)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(UnreadablePicture, match="cannot be read"):
        tiled.encode_picture(vips.open_source(path, 1 << 20), Target(60))
    path.write_bytes(b"no picture")
    with pytest.raises(UnreadablePicture):
        vips.open_source(path, 1 << 20)


def test_what_libvips_sees_otherwise_goes_through_pillow(tmp_path, in_strips):
    picture = Image.fromarray(textured(64, 96))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "turned.tif", exif=exif)
    picture.save(tmp_path / "plain.ppm")
    picture.convert("CMYK").save(tmp_path / "cmyk.tif")
    with pytest.warns(Converted):
        sources = [vips.open_source(path, 1 << 20) for path in sorted(tmp_path.iterdir())]
    assert all(isinstance(source, Picture) for source in sources)
    assert [(source.width, source.height) for source in sources] == [(96, 64), (96, 64), (64, 96)]


def test_jpeg_cannot_hold_alpha(tmp_path, tiled, picture):
    data = tiled.encode_picture(picture, Target(50)).data
    with pytest.raises(BadRequest, match="no alpha"):
        vips.write_strips(tiled.decode_strips(data), tmp_path / "picture.jpg")
    assert not vips.can_write_strips(tmp_path / "picture.gif")


def test_writing_strips_leaves_no_file_open(tmp_path, tiled, picture):
    folder = Path("/proc/self/fd")
    if not folder.exists():
        pytest.skip("no list of open files")
    data = tiled.encode_picture(picture, Target(50)).data
    vips.write_strips(tiled.decode_strips(data), tmp_path / "picture.png")
    assert not [
        link for link in folder.iterdir() if str(tmp_path) in (str(link.readlink()) if link.is_symlink() else "")
    ]


def test_strips_of_one_large_tile_share_its_latents(codec, photograph, monkeypatch):
    """Many rows of what is shown lie in one tile that was coded whole: all of it must be there for the last of them."""
    tall = Picture(np.concatenate([photograph.pixels[:, :200]] * 3))
    data = codec.encode_picture(tall, Target(10)).data
    at_once = codec.decode_picture(data).pixels.astype(int)
    monkeypatch.setattr(strips, "SIDE", SIDE)
    monkeypatch.setattr(strips, "LARGEST_SHOWN", SIDE * SIDE)
    assert codec.decode_strips(data).count == 12
    assert np.abs(codec.decode_picture(data).pixels - at_once).max() <= 1
