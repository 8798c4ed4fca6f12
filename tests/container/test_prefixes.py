"""Prefixes: sections that end early, each with its checksum; lists of them that cannot be are refused."""

import zlib

import pytest

from trellic.container import Section, SectionType
from trellic.container.prefixes import read_prefixes, write_prefixes
from trellic.container.sections import Entry
from trellic.errors import DamagedStream

PAYLOADS = [b"first tile", b"second"]
ENDS = [(2, 5), (0, 6)]
CODED = [
    Entry(SectionType.LATENTS, start, len(payload), 0, 0) for start, payload in zip((100, 200), PAYLOADS, strict=True)
]
WRITTEN = write_prefixes(list(zip(PAYLOADS, ENDS, strict=True)))


def test_prefixes_come_back_as_sections_that_end_early():
    for tile, payload, ends, whole in zip(read_prefixes(WRITTEN, CODED), PAYLOADS, ENDS, CODED, strict=True):
        assert [(one.type, one.start, one.length) for one in tile] == [(whole.type, whole.start, end) for end in ends]
        assert all(one.holds(payload[: one.length]) for one in tile)
        assert not tile[1].holds(payload[: tile[1].length - 1] + b"?")


def test_a_prefix_takes_a_few_bytes_and_is_pinned():
    assert len(WRITTEN) == 1 + 4 * 5
    assert WRITTEN[:6] == b"\2\2" + zlib.crc32(b"fi").to_bytes(4, "little")


@pytest.mark.parametrize("at", range(len(WRITTEN)))
def test_a_front_of_the_section_is_refused(at):
    with pytest.raises(DamagedStream):
        read_prefixes(WRITTEN[:at], CODED)


@pytest.mark.parametrize(
    "damaged",
    [
        b"\0" + WRITTEN[1:],  # none
        b"\x41" + WRITTEN[1:],  # 65 of a tile
        WRITTEN + b"\0",
        WRITTEN[:1] + b"\x0b" + WRITTEN[2:],  # longer than what they begin
        WRITTEN[:6] + b"\x7f" + WRITTEN[7:],
    ],
)
def test_prefixes_that_cannot_be_are_refused(damaged):
    with pytest.raises(DamagedStream):
        read_prefixes(damaged, CODED)


def test_a_section_of_prefixes_may_be_skipped():
    assert Section(SectionType.PREFIXES, b"").type >= 128
