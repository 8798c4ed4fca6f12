"""Blocks: white ones see a ring of their black neighbours, and nothing else of the picture."""

import numpy as np
import pytest

from conftest import GOLDEN, Counted, textured
from trellic.codec import Codec, Target, units
from trellic.codec.blocks import BlockDecoder
from trellic.codec.picture_decoder import PartsMissing
from trellic.codec.ring import NO_RING
from trellic.codec.units import DecodedUnit
from trellic.container import Grid, SectionType, Stream
from trellic.errors import BadRequest, IncompleteStream
from trellic.picture.types import Picture

EXACT = GOLDEN.parent / "conformance" / "exact.trm"
"""A model whose predictions depend on what was decoded before."""

NOTHING = [False] * 4
"""Of a ring."""


@pytest.fixture(scope="module")
def blocks():
    """A codec of a tiny model that codes blocks."""
    return Codec(str(EXACT), 1, tile=128, predict=True)


@pytest.fixture(scope="module")
def picture() -> Picture:
    """A picture of 6 × 4 blocks, some of them partly transparent."""
    alpha = np.full((500, 700), 255, np.uint8)
    alpha[:100, :90] = np.arange(1, 91)
    return Picture(textured(500, 700), alpha=alpha)


@pytest.fixture(scope="module")
def data(blocks, picture) -> bytes:
    return blocks.encode_picture(picture, Target(60)).data


def test_blocks_decode_to_the_picture(blocks, picture, data):
    stream = Stream.parse(data)
    assert stream.header.grid == Grid(700, 500, 128, 128, predicted=True)
    assert [entry.type for entry in stream.entries] == [SectionType.BLOCKS_ALPHA]
    decoded = blocks.decode_picture(data)
    assert np.array_equal(decoded.alpha, picture.alpha)
    whole = Codec(str(EXACT), 1)
    at_once = whole.decode_picture(whole.encode_picture(picture, Target(60)).data)
    assert np.abs(decoded.pixels.astype(int) - at_once.pixels).mean() < 3


def test_an_opaque_picture_has_no_alpha(blocks, picture):
    stream = Stream.parse(blocks.encode_picture(Picture(picture.pixels), Target(60)).data)
    assert [entry.type for entry in stream.entries] == [SectionType.BLOCKS]
    assert not stream.has_alpha


def test_a_region_is_what_the_whole_picture_shows_there(blocks, data):
    whole = blocks.decode_picture(data)
    for left, top, width, height in ((0, 0, 40, 30), (200, 200, 111, 99), (699, 499, 1, 1), (130, 130, 10, 10)):
        region = blocks.decode_picture(data, (left, top, width, height))
        place = slice(top, top + height), slice(left, left + width)
        assert np.abs(region.pixels.astype(int) - whole.pixels[place]).max() <= 1
        assert np.array_equal(region.alpha, whole.alpha[place])


def test_the_same_bytes_and_indices_with_any_number_of_threads(picture, data):
    several = Codec(str(EXACT), 2, tile=128, predict=True)
    assert several.encode_picture(picture, Target(60)).data == data
    assert several.verify(data) == Codec(str(EXACT), 1).verify(data)


def test_a_block_is_searched_as_it_is_before_restoration(monkeypatch):
    """Its weights are those of a region of 8×8 blocks; those of a tile are its own."""
    seen = []

    def search(sessions, window, analysed, coded, deployed, rounds, correct):
        seen.append((rounds, correct is not None))
        return analysed.targets["y"], coded

    monkeypatch.setattr(units, "search", search)
    picture = Picture(textured(256, 512))
    for predict in (True, False):
        codec = Codec(str(EXACT), 1, effort=8, tile=256, predict=predict)
        codec.encode_picture(picture, Target(60))
    assert seen == [(4, False)] * 2 + [(4, True)] * 2


def test_a_white_block_is_predicted_from_its_neighbours(blocks, data):
    """Without its ring its indices cannot be read: the networks see it."""
    from trellic.codec.units import decode_unit
    from trellic.errors import DamagedStream

    stream = Stream.parse(data)
    payloads = stream.read_units([7, 8])
    decode_unit(blocks.sessions, stream, 7, payloads[0], ring=NO_RING)
    with pytest.raises(DamagedStream):
        decode_unit(blocks.sessions, stream, 8, payloads[1], ring=NO_RING)


def test_a_region_takes_its_blocks_and_their_black_neighbours():
    grid, asked = Grid.of_blocks(1000, 1000, 128), []

    def read(numbers):
        return [[b""] for _ in numbers]

    def decode(rings, payloads):
        assert set(rings) <= set(payloads)
        asked.append({number: [side is not None for side in ring] for number, ring in rings.items()})
        edges = {"y": np.zeros((1, 8), np.float32)}
        return [DecodedUnit(None, edges=_edges(edges)) for _ in rings]

    decoder = BlockDecoder(grid, read, decode)
    assert len(list(decoder([9, 10]))) == 2
    assert asked == [dict.fromkeys((2, 9, 11, 18), NOTHING), {10: [True] * 4}]
    asked.clear()
    assert len(list(decoder([11, 17, 18]))) == 3
    assert asked == [dict.fromkeys((16, 25), NOTHING), {17: [True] * 4}]


def _edges(line):
    from trellic.container.grid import Beside

    return Beside(line, line, line, line)


def test_rows_that_are_done_are_forgotten(blocks, picture, monkeypatch):
    from trellic.codec import blocks as module

    held = []
    ring = module.Edges.ring
    monkeypatch.setattr(module.Edges, "ring", lambda self, number: (held.append(len(self.held)), ring(self, number))[1])
    tall = Picture(np.tile(picture.pixels[:, :300], (6, 1, 1)))
    data = blocks.encode_picture(tall, Target(30)).data
    assert max(held) <= 6
    held.clear()
    assert len(blocks.decode_picture(data).pixels) == 3000
    assert max(held) <= 24


def test_of_a_file_that_is_cut_off_what_can_be_decoded_is_shown(blocks):
    wide = Picture(textured(200, 2100))
    data = blocks.encode_picture(wide, Target(60)).data
    whole, stream = blocks.decode_picture(data), Stream.parse(data)
    cut = data[: stream.entries[1].end]
    with pytest.raises(IncompleteStream, match="cut off"):
        blocks.decode(cut)
    with pytest.warns(PartsMissing, match="3 of 34 tiles are missing"):
        shown = blocks.decode_picture(Stream.parse(cut, partial=True))
    assert np.array_equal(shown.pixels[:, :1700], whole.pixels[:, :1700])
    assert (shown.pixels[:, 2050:] == 128).all()


def test_a_preview_and_first_groups_are_shown(blocks, data):
    assert blocks.preview(data).size == (88, 63)
    assert blocks.decode(data, groups=1).size == (700, 500)


def test_a_block_takes_ten_bytes_at_most_beside_its_latents(codec, photograph):
    encoded = Codec(threads=2, tile=128, predict=True).encode_picture(photograph, Target(20))
    grid = Stream.parse(encoded.data).header.grid
    assert (len(encoded.data) - encoded.estimated_bits / 8) / grid.tiles < 10


def test_a_small_picture_is_coded_whole(blocks):
    plain = Codec(str(EXACT), 1)
    plain.refinement = blocks.refinement
    small = Picture(textured(100, 128))
    assert blocks.encode_picture(small, Target(50)).data == plain.encode_picture(small, Target(50)).data


def test_impossible_blocks_are_not_asked_for(blocks, picture):
    with pytest.raises(BadRequest, match="blocks have sides of 128, 192, 256, 384 pixels, not 1024"):
        Codec(str(EXACT), predict=True)
    with pytest.raises(BadRequest, match="no blocks of a lossless picture"):
        blocks.encode_picture(picture, Target(lossless=True))


def test_a_crop_reads_the_groups_that_it_needs(blocks):
    picture = Picture(textured(2048, 2048))
    data = Counted(blocks.using(effort=1).encode_picture(picture, Target(90)).data)
    assert len(Stream.parse(data).entries) == 4
    data.reads = data.taken = 0
    assert blocks.decode(data, (200, 300, 256, 256)).size == (256, 256)
    assert data.reads <= 3
    assert data.taken < 0.7 * len(data)
