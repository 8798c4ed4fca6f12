"""Metadata survives, within bounds."""

import tracemalloc
import zlib

import pytest

from trellic.container import SectionType
from trellic.errors import BadRequest, DamagedStream
from trellic.picture.metadata import ColourSpace, Metadata
from trellic.picture.payloads import METADATA_LIMIT, pack_metadata, unpack_metadata


def test_a_metadata_bomb_is_refused():
    assert unpack_metadata({SectionType.XMP: zlib.compress(b"packet")}).xmp == b"packet"
    for bad in (zlib.compress(bytes(1 << 25)), zlib.compress(b"packet")[:-3], b"noise"):
        with pytest.raises(DamagedStream):
            unpack_metadata({SectionType.XMP: bad})


def test_a_metadata_bomb_takes_no_memory():
    bomb = zlib.compress(bytes(1 << 27))
    tracemalloc.start()
    with pytest.raises(DamagedStream):
        unpack_metadata({SectionType.XMP: bomb})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * METADATA_LIMIT


def test_metadata_that_no_decoder_would_take_is_refused():
    with pytest.raises(BadRequest):
        pack_metadata(Metadata(icc=bytes((1 << 24) + 1)))


@pytest.mark.parametrize("resolution", [(300, 300), (72, 72), (300, 150), (118.11, 118.11), None])
def test_metadata_comes_back_as_it_was(resolution):
    metadata = Metadata(ColourSpace.DISPLAY_P3, b"profile", b"exif", b"<xmp/>", resolution)
    assert unpack_metadata(pack_metadata(metadata)) == metadata
    assert pack_metadata(Metadata()) == {}


def test_a_resolution_of_any_size_is_kept_within_bounds():
    for axis in (1e-9, 1e30):
        assert unpack_metadata(pack_metadata(Metadata(resolution=(axis, 72)))).resolution is not None


@pytest.mark.parametrize("payload", [b"", b"\0", b"\x01\x01\x01", b"\xff\xff\xff\xff\x7f"])
def test_an_impossible_resolution_is_damage(payload):
    with pytest.raises(DamagedStream):
        unpack_metadata({SectionType.RESOLUTION: payload})


def test_a_colour_space_of_a_later_release_is_unspecified():
    assert unpack_metadata({SectionType.COLOUR: bytes([200])}).colour_space is ColourSpace.UNSPECIFIED
    with pytest.raises(DamagedStream):
        unpack_metadata({SectionType.COLOUR: b"\1\1"})
