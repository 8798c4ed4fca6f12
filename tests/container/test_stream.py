"""The file: what is written is read, in few reads; nothing damaged or foreign is trusted; a prefix is incomplete."""

import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import Counted, sections_of
from trellic.container import Grid, Header, Section, SectionType, Stream, stream, write_stream
from trellic.container.header import PLAIN
from trellic.container.index import check_of
from trellic.errors import DamagedStream, IncompleteStream, NotAStream, PictureTooLarge, TrellicError, UnsupportedStream
from trellic.limits import MOST_PIXELS

HEADER = Header(bytes(range(4)), Grid.whole(768, 512), 12800, PLAIN)
TILED = replace(HEADER, grid=Grid(1000, 520, 384, 576))
LATENTS = Section(SectionType.LATENTS, b"latents" * 9)
EXIF, ICC = Section(SectionType.EXIF, b"exif"), Section(SectionType.ICC, b"profile")
ALPHA, EXACT = Section(SectionType.ALPHA, b"alpha"), Section(SectionType.EXACT, b"exact")
EXACT_ALPHA = Section(SectionType.EXACT_ALPHA, b"exact with alpha")
STREAM = write_stream(HEADER, [EXIF, LATENTS])
TILES = write_stream(TILED, [ICC, LATENTS, ALPHA, EXACT, EXACT_ALPHA])

headers = st.builds(
    Header,
    model=st.binary(min_size=4, max_size=4),
    grid=st.builds(Grid.whole, st.integers(1, 1 << 12), st.integers(1, 1 << 11)),
    quality=st.integers(0, 25600),
    quantizer=st.integers(0, 15),
    grey=st.booleans(),
)


@given(headers, st.binary(max_size=300), st.none() | st.binary(max_size=300))
def test_streams_survive(header, latents, extra):
    sections = [*([Section(200, extra)] if extra is not None else []), Section(SectionType.LATENTS, latents)]
    assert sections_of(write_stream(header, sections)) == (header, sections)


def test_tiles_survive_with_what_belongs_to_each():
    stream = Stream.parse(TILES)
    assert (stream.header, stream.length, stream.has_alpha) == (TILED, len(TILES), True)
    assert [stream.read_all(unit.entries) for unit in stream.units] == [
        [LATENTS.payload], [ALPHA.payload, EXACT.payload], [EXACT_ALPHA.payload],
    ]  # fmt: skip
    assert {kind: stream.read(entry) for kind, entry in stream.metadata.items()} == {SectionType.ICC: ICC.payload}


def test_groups_of_blocks_and_tiles_do_not_mix():
    header = replace(HEADER, grid=Grid(1100, 128, 128, 128))
    blocks = Section(SectionType.BLOCKS, b"group")
    assert len(Stream.parse(write_stream(header, [blocks, blocks])).units) == 9
    with pytest.raises(DamagedStream):
        Stream.parse(write_stream(header, [blocks, LATENTS]))


def test_a_plain_picture_has_at_most_twenty_three_bytes_beside_its_coded_data():
    """The states of the range coder are five more, a test of which is beside it."""
    assert len(write_stream(HEADER, [Section(SectionType.LATENTS, bytes(16_000))])) - 16_000 == 22
    assert len(write_stream(HEADER, [Section(SectionType.LATENTS, bytes(60_000))])) - 60_000 == 23


def test_every_prefix_is_incomplete():
    """Not damaged: all but its end may be sound."""
    for data in (STREAM, TILES):
        for length in range(4, len(data)):
            with pytest.raises(IncompleteStream):
                Stream.parse(data[:length])


def test_a_prefix_tells_which_tiles_are_whole():
    stream = Stream.parse(TILES)
    for length in range(stream.units[0].coded.start, len(TILES)):
        part = Stream.parse(TILES[:length], partial=True)
        assert [part.is_whole(number) for number in range(3)] == [unit.coded.end <= length for unit in stream.units]
        part.prove()


def test_every_flipped_bit_is_refused():
    for data in (STREAM, TILES):
        for bit in range(8 * len(data)):
            damaged = bytearray(data)
            damaged[bit // 8] ^= 1 << (bit % 8)
            with pytest.raises(TrellicError):
                Stream.parse(bytes(damaged)).prove()


@given(st.binary(max_size=200))
def test_noise_is_no_stream(noise):
    with pytest.raises(TrellicError):
        Stream.parse(noise)


def test_trailing_bytes_are_refused():
    for partial in (False, True):
        with pytest.raises(DamagedStream, match="1 bytes after"):
            Stream.parse(STREAM + b"\0", partial=partial)


def test_another_format_is_named_as_such():
    for data in (b"\x89PNG\r\n\x1a\n" + bytes(40), b"", b"\x93TL"):
        with pytest.raises(NotAStream):
            Stream.parse(data)


def test_a_later_version_is_refused_not_misread():
    with pytest.raises(UnsupportedStream, match="version"):
        Stream.parse(b"\x93TLD" + STREAM[4:])


def test_an_unknown_section_is_refused_below_128_and_skipped_above():
    with pytest.raises(UnsupportedStream):
        Stream.parse(write_stream(HEADER, [Section(77, b"?"), LATENTS]))
    assert [entry.type for entry in Stream.parse(write_stream(HEADER, [Section(177, b"?"), LATENTS])).entries] == [
        177,
        0,
    ]


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ([EXIF, EXIF, LATENTS], "exif occurs twice"),
        ([LATENTS, EXIF], "after the first tile"),
        ([ALPHA, EXIF, LATENTS], "after the first tile"),
        ([ALPHA, ALPHA, LATENTS], "alpha twice"),
        ([ALPHA, EXACT_ALPHA], "alpha twice"),
        ([LATENTS, ALPHA], "no tile at the end"),
        ([EXIF], "no tile at the end"),
        ([], "no tile at the end"),
        ([LATENTS, LATENTS], "2 tiles, where 1×1"),
        ([Section(200, b"")] * 67, "67 sections are more"),
    ],
)
def test_sections_that_cannot_be_so_are_refused(sections, message):
    with pytest.raises(DamagedStream, match=message):
        Stream.parse(write_stream(HEADER, sections))


def test_a_length_beyond_the_file_asks_for_no_memory():
    front = STREAM[: Stream.parse(STREAM).entries[0].start]
    begin = front.index(bytes([SectionType.LATENTS, len(LATENTS.payload)])) + 1
    longer = front[:begin] + b"\xff\xff\xff\xff\x7f" + front[begin + 1 : -2]
    longer += check_of(longer).to_bytes(2, "little")
    with pytest.raises(IncompleteStream, match=f"of {len(longer) + 4 + (1 << 35) - 1} bytes"):
        Stream.parse(longer + STREAM[len(front) :])


def test_a_picture_beyond_the_limit_is_refused_before_its_index_is_read():
    header = replace(HEADER, grid=Grid.whole(1 << 24, 1))
    with pytest.raises(PictureTooLarge, match="16777216×64"):
        Stream.parse(write_stream(header, [EXIF, LATENTS])[:20])
    large = Grid(1 << 14, 1 << 13, 1 << 13, 1 << 13)
    with pytest.raises(UnsupportedStream, match="8192×8192 pixels coded at once"):
        Stream.parse(write_stream(replace(HEADER, grid=large), [LATENTS, LATENTS]), MOST_PIXELS)


def test_groups_of_blocks_are_counted_before_they_are_listed(monkeypatch):
    """A few bytes may announce any number of them."""
    grid = Grid.of_blocks(1 << 24, 1 << 24, 128)
    monkeypatch.setattr(stream, "groups_of", lambda grid: pytest.fail("listed"))
    with pytest.raises(DamagedStream, match="1 groups, where blocks take 268435456"):
        Stream.parse(write_stream(replace(HEADER, grid=grid), [Section(SectionType.BLOCKS, b"")]), sys.maxsize)


def test_a_section_longer_than_anything_it_can_hold_is_refused():
    """It would be read whole, and a file with a hole in it may have any length."""
    long = [Section(SectionType.LATENTS, bytes(64 * 64 * 64 + 1)), Section(SectionType.EXIF, bytes((1 << 26) + 1))]
    for sections in ([long[0]], [long[1], LATENTS]):
        with pytest.raises(DamagedStream, match="bytes, which no encoder writes"):
            Stream.parse(write_stream(replace(HEADER, grid=Grid.whole(60, 50)), sections))


def test_the_front_and_neighbours_take_a_read_each():
    sections = [Section(SectionType.LATENTS, bytes(50_000)) for _ in range(64)]
    data = Counted(write_stream(replace(HEADER, grid=Grid(8192, 8192, 1024, 1024)), sections))
    stream = Stream.parse(data)
    assert data.reads == 1
    stream.read_units([9, 10, 17, 18])
    assert data.reads == 3


def test_a_long_index_takes_a_few_reads():
    sections = [Section(SectionType.LATENTS, b"")] * 6400
    data = Counted(write_stream(replace(HEADER, grid=Grid(10240, 10240, 128, 128)), sections))
    assert len(Stream.parse(data).units) == 6400
    assert data.reads < 6


def test_the_bytes_of_a_front_are_pinned():
    """A change here is a change of the format: it needs a new version."""
    assert (
        write_stream(HEADER, [Section(SectionType.LATENTS, b"")]).hex() == "93544c430001020380068004003200bc31265058fe"
    )
    assert TILES.hex().startswith("93544c4300010203e807880400b269060905800731605f68003f9f5308ab10050d1cba7601051819")
