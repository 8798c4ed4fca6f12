"""Packed blocks: groups of 8×8 share a section, and each block gets back what is its own."""

import pytest

from trellic.container import Grid, Section, SectionType
from trellic.container.packed import check_blocks, groups_of, pack, unpack
from trellic.errors import DamagedStream

GRID = Grid.of_blocks(1200, 1100, 128)
BLOCKS = [[Section(SectionType.LATENTS, bytes([number]) * number)] for number in range(90)]


def test_groups_are_of_eight_by_eight():
    assert (GRID.columns, GRID.rows) == (10, 9)
    groups = groups_of(GRID)
    assert [len(group) for group in groups] == [64, 16, 8, 2]
    assert groups[1][:4] == [8, 9, 18, 19]
    assert sorted(number for group in groups for number in group) == list(range(90))


def test_blocks_survive_with_their_alpha():
    assert {section.type for section in pack(GRID, BLOCKS)} == {SectionType.BLOCKS}
    alpha = Section(SectionType.ALPHA, b"alpha")
    blocks = [[alpha, *each] if number == 9 else each for number, each in enumerate(BLOCKS)]
    sections = pack(GRID, blocks)
    kinds = [SectionType.BLOCKS, SectionType.BLOCKS_ALPHA, SectionType.BLOCKS, SectionType.BLOCKS]
    assert [section.type for section in sections] == kinds
    for group, section in zip(groups_of(GRID), sections, strict=True):
        found = unpack(section.payload, len(group), section.type)
        assert found == [[part.payload for part in blocks[number]] for number in group]


def test_a_block_takes_two_bytes():
    sections = pack(GRID, [[Section(SectionType.LATENTS, bytes(400))]] * 90)
    assert sum(len(section.payload) for section in sections) == 90 * 402


def test_bytes_that_are_left_or_missing_are_damage():
    payload = pack(GRID, BLOCKS)[3].payload
    for damaged in (payload[:-1], payload + b"\0", payload[:1], b""):
        with pytest.raises(DamagedStream):
            unpack(damaged, 2, SectionType.BLOCKS)


def test_blocks_of_other_sides_are_refused():
    assert check_blocks(Grid(1200, 1100, 384, 384)) == Grid.of_blocks(1200, 1100, 384)
    for sides in ((128, 192), (320, 320), (64, 64), (512, 512)):
        with pytest.raises(DamagedStream, match="impossible blocks"):
            check_blocks(Grid(1200, 1100, *sides))
