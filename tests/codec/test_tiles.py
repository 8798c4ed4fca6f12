"""Tiles: they cover a picture, no seam shows, a region is decoded alone, and large files go through in strips."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import GOLDEN, Counted, textured
from trellic.codec import Codec, Target, strips
from trellic.codec.analysis import analyse, analyse_tile
from trellic.codec.encoder import encode_latents
from trellic.codec.picture_decoder import PartsMissing
from trellic.codec.store import UnitStore
from trellic.codec.tiles import surroundings, windows
from trellic.codec.units import decode_unit
from trellic.container import Box, Grid, SectionType, Stream
from trellic.container.bytes import AT_ONCE
from trellic.errors import BadRequest, DamagedStream, IncompleteStream, UnreadablePicture
from trellic.metrics import psnr
from trellic.picture import vips, vips_saving
from trellic.picture.colour import colours_by_profile
from trellic.picture.metadata import ColourSpace, Metadata
from trellic.picture.pillow import from_pillow, read
from trellic.picture.types import Converted, Picture

SIDE = 256


@pytest.fixture(scope="module")
def tiled():
    """A codec of a tiny model that cuts pictures into small tiles."""
    return Codec(str(GOLDEN / "golden.trm"), 2, tile=SIDE)


@pytest.fixture(scope="module")
def picture() -> Picture:
    """A picture of 3 × 2 tiles, the first of them partly transparent."""
    alpha = np.full((500, 700), 255, np.uint8)
    alpha[:100, :90] = np.arange(1, 91)
    return Picture(textured(500, 700), alpha=alpha, metadata=Metadata(icc=b"profile"))


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
    whole = analyse(codec.sessions, photograph.pixels, 2560).targets["y"]
    for number, window in enumerate(windows(photograph, grid, codec.model.margin)):
        own = analyse_tile(codec.sessions, window, 2560).targets["y"]
        assert np.abs(own - whole[:, *grid.tile(number).within(grid.picture, 16)]).max() < 0.01


def test_without_its_margin_a_seam_would_show(codec, photograph, monkeypatch):
    data = codec.encode_picture(photograph, Target(10)).data
    at_once = codec.decode_picture(data).pixels.astype(int)
    monkeypatch.setattr(strips, "SIDE", SIDE)
    monkeypatch.setattr(strips, "LARGEST_SHOWN", SIDE * SIDE)
    monkeypatch.setattr(type(codec.model), "margin", 0)
    assert np.abs(codec.decode_picture(data).pixels - at_once).max() > 8


def test_a_tile_is_coded_as_a_picture_of_its_own(tiled, picture):
    """Nothing but pixels crosses a tile's edge: each is decoded without the others, to what the encoder had."""
    stream = Stream.parse(tiled.encode_picture(picture, Target(60)).data)
    grid = stream.header.grid
    assert (grid.columns, grid.rows) == (3, 2)
    for number, window in enumerate(windows(picture, grid, tiled.model.margin)):
        analysed = analyse_tile(tiled.sessions, window, 60 * 256, back_projects=True)
        coded = encode_latents(tiled.sessions, analysed, tiled.deployed)
        decoded = decode_unit(tiled.sessions, stream, number, stream.read_units([number])[0])
        assert np.array_equal(decoded.latents, coded.decoded["y"])


def test_alpha_and_metadata_survive(tiled, picture):
    data = tiled.encode_picture(picture, Target(60)).data
    decoded = tiled.decode_picture(data)
    assert np.array_equal(decoded.alpha, picture.alpha)
    assert decoded.metadata.icc == b"profile"
    kinds = [entry.type for entry in Stream.parse(data).entries]
    assert kinds.count(SectionType.LATENTS) == 6
    assert kinds.count(SectionType.ALPHA) == 1
    grey = from_pillow(Image.fromarray(picture.pixels).convert("L"))
    assert tiled.decode(tiled.encode_picture(grey, Target(60)).data).mode == "L"


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
            assert data.taken < AT_ONCE + 0.3 * len(data)
    for crop in ((0, 0, 701, 5), (-1, 0, 5, 5), (0, 0, 0, 5)):
        with pytest.raises(BadRequest, match="region"):
            tiled.decode_picture(data, crop)


def test_only_the_damage_of_tiles_that_are_read_is_met(tiled, picture):
    data = bytearray(tiled.encode_picture(picture, Target(90)).data)
    data[-20] ^= 1
    assert tiled.decode(bytes(data), (0, 0, 100, 100)).size == (100, 100)
    tiled.decode_strips(bytes(data), (0, 0, 100, 100))
    for use in (tiled.decode, tiled.verify, tiled.decode_strips):  # the last before any strip is taken
        with pytest.raises(DamagedStream, match="checksum of section latents"):
            use(bytes(data))


@pytest.mark.parametrize(
    ("side", "edge", "exact"),
    [
        ("left", 256, Box(0, 0, 256, 768)),
        ("top", 256, Box(0, 0, 768, 256)),
        ("right", 512, Box(512, 0, 768, 768)),
        ("bottom", 512, Box(0, 512, 768, 768)),
    ],
)
def test_surroundings_end_where_all_is_coded_exactly(side, edge, exact):
    box, around = Box(256, 256, 512, 512), Box(192, 192, 576, 576)
    seen = surroundings(box, around, lambda part: part.common(exact) != part)
    assert seen == around._replace(**{side: edge})


def test_targets_hold_for_tiles(tiled, picture):
    size = len(tiled.encode_picture(picture, Target(50)).data)
    assert 0.97 * size < len(tiled.encode_picture(picture, Target(size=size)).data) <= size
    plain = Picture(picture.pixels)
    wanted = psnr(plain.pixels, tiled.decode_picture(tiled.encode_picture(plain, Target(50)).data).pixels)
    encoded = tiled.encode_picture(plain, Target(psnr=wanted - 0.1))
    assert wanted - 0.1 <= encoded.psnr < wanted + 0.1
    assert encoded.psnr == pytest.approx(psnr(plain.pixels, tiled.decode_picture(encoded.data).pixels))


def test_streams_do_not_depend_on_workers(picture):
    streams = {Codec(str(GOLDEN / "golden.trm"), threads, tile=SIDE).encode_picture(picture, Target(50)).data
               for threads in (1, 2, 4)}  # fmt: skip
    assert len(streams) == 1


def test_latents_of_tiles_that_are_done_are_forgotten(tiled, picture, monkeypatch):
    held = []
    gather = UnitStore.gather
    monkeypatch.setattr(UnitStore, "gather", lambda self, box: (held.append(len(self.held)), gather(self, box))[1])
    tall = Picture(np.tile(picture.pixels[:, :200], (6, 1, 1)))
    stream = Stream.parse(tiled.encode_picture(tall, Target(30)).data)
    assert stream.header.grid.rows == 12
    assert sum(len(pixels) for pixels, _ in tiled.decode_strips(stream).strips()) == 3000
    assert max(held) == 3


def test_a_crop_takes_six_reads_at_most(tiled):
    picture = Picture(textured(2048, 2048), metadata=Metadata(exif=bytes(range(200))))
    data = Counted(tiled.encode_picture(picture, Target(90)).data)
    assert Stream.parse(data).header.grid.tiles == 64
    data.reads = 0
    assert tiled.decode(data, (700, 900, 200, 300)).size == (200, 300)
    assert data.reads <= 6


def test_of_a_file_that_is_cut_off_the_whole_tiles_are_shown(tiled, picture):
    data = tiled.encode_picture(picture, Target(60)).data
    whole, stream = tiled.decode_picture(data), Stream.parse(data)
    cut = data[: stream.units[4].coded.end - 1]
    for use in (tiled.decode, tiled.verify):
        with pytest.raises(IncompleteStream, match="cut off"):
            use(cut)
    with pytest.warns(PartsMissing, match="2 of 6 tiles are missing"):
        shown = tiled.decode_picture(Stream.parse(cut, partial=True))
    assert np.array_equal(shown.pixels[:200, :], whole.pixels[:200, :])
    assert (shown.pixels[300:, 300:] == 128).all()
    nothing = data[: stream.units[0].coded.end - 1]
    with pytest.raises(IncompleteStream, match="no tile of it is whole"):
        tiled.decode(Stream.parse(nothing, partial=True))


def test_a_cut_file_cannot_be_verified(tiled, picture):
    cut = Stream.parse(tiled.encode_picture(picture, Target(60)).data[:-1], partial=True)
    with pytest.raises(IncompleteStream):
        tiled.verify(cut)


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
    vips_saving.write_strips(tiled.decode_strips(data), out)
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
    vips_saving.write_strips(tiled.decode_strips(data), out)
    with Image.open(out) as written:
        assert colours_by_profile(written.info["icc_profile"], False) == Metadata(ColourSpace.SRGB)


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
        vips_saving.write_strips(tiled.decode_strips(data), tmp_path / "picture.jpg")
    assert not vips_saving.can_write_strips(tmp_path / "picture.gif")


def test_writing_strips_leaves_no_file_open(tmp_path, tiled, picture):
    folder = Path("/proc/self/fd")
    if not folder.exists():
        pytest.skip("no list of open files")
    data = tiled.encode_picture(picture, Target(50)).data
    vips_saving.write_strips(tiled.decode_strips(data), tmp_path / "picture.png")
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
