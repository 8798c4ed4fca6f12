"""The file: what is written is read, and nothing damaged or foreign is trusted."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trellic.container import Header, Mode, Section, SectionType, read_stream, write_stream
from trellic.container.bytes import Reader, varint
from trellic.errors import DamagedStream, NotAStream, TrellicError, UnsupportedStream

HEADER = Header(bytes(range(8)), 768, 512, Mode.RGB, 12800, 0, 1024)
LATENTS = Section(SectionType.LATENTS, b"latents" * 9)
STREAM = write_stream(HEADER, [LATENTS, Section(SectionType.EXIF, b"exif")])

headers = st.builds(
    Header,
    model=st.binary(min_size=8, max_size=8),
    width=st.integers(1, 1 << 24),
    height=st.integers(1, 1 << 24),
    mode=st.sampled_from(Mode),
    quality=st.integers(0, 25600),
    quantizer=st.integers(0, 255),
    step=st.integers(1, 65535),
)


@given(headers, st.binary(max_size=300), st.binary(max_size=300))
def test_streams_survive(header, latents, extra):
    sections = [Section(SectionType.LATENTS, latents), Section(200, extra)]
    read_header, read_sections = read_stream(write_stream(header, sections))
    assert read_header == header
    assert sorted(read_sections, key=lambda section: section.type) == sections


@given(st.integers(0, (1 << 35) - 1))
def test_varints_survive(value):
    assert Reader(varint(value)).varint() == value


def test_a_plain_picture_has_at_most_forty_bytes_beside_its_latents():
    assert len(write_stream(HEADER, [Section(SectionType.LATENTS, bytes(60_000))])) - 60_000 <= 40


def test_every_truncation_is_refused():
    for length in range(len(STREAM)):
        with pytest.raises(TrellicError):
            read_stream(STREAM[:length])


def test_every_flipped_bit_is_refused():
    for bit in range(8 * len(STREAM)):
        damaged = bytearray(STREAM)
        damaged[bit // 8] ^= 1 << (bit % 8)
        with pytest.raises(TrellicError):
            read_stream(bytes(damaged))


@given(st.binary(max_size=200))
def test_noise_is_no_stream(noise):
    with pytest.raises(TrellicError):
        read_stream(noise)


def test_trailing_bytes_are_refused():
    with pytest.raises(DamagedStream):
        read_stream(STREAM + b"\0")


def test_another_format_is_named_as_such():
    with pytest.raises(NotAStream):
        read_stream(b"\x89PNG\r\n\x1a\n" + bytes(40))


def test_a_later_version_is_refused_not_misread():
    body = bytearray(HEADER.write()[:-4])
    body[4] = 2
    with pytest.raises(UnsupportedStream, match="version 2"):
        read_stream(bytes(body) + zlib.crc32(body).to_bytes(4, "little"))


def test_an_unknown_section_is_refused_below_128_and_passed_over_above():
    with pytest.raises(UnsupportedStream):
        read_stream(write_stream(HEADER, [Section(77, b"?"), LATENTS]))
    assert Section(177, b"?") in read_stream(write_stream(HEADER, [Section(177, b"?"), LATENTS]))[1]


def test_a_section_that_occurs_twice_is_refused():
    twice = [Section(SectionType.EXIF, b"a"), Section(SectionType.EXIF, b"b"), LATENTS]
    with pytest.raises(DamagedStream, match="twice"):
        read_stream(write_stream(HEADER, twice))


def test_the_bytes_of_a_header_are_pinned():
    """A change here is a change of the format: it needs a new version."""
    assert HEADER.write().hex() == "93544c43010001020304050607800680040100320000048d8064c8"
