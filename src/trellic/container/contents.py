"""What a stream holds, whether its picture is coded whole or in tiles: a whole picture is a grid of one tile."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from trellic.container.grid import MOST_AT_ONCE, Grid
from trellic.container.header import Header
from trellic.container.sections import METADATA, REPEATED, Section, SectionType, Stored
from trellic.errors import DamagedStream, UnsupportedStream


@dataclass(frozen=True)
class Piece:
    """A tile's sections; alpha is missing where the tile is opaque."""

    latents: Stored
    alpha: Stored | None


@dataclass(frozen=True)
class Contents:
    """A stream's sections by what they are for, none of them read yet."""

    header: Header
    grid: Grid
    pieces: tuple[Piece, ...]
    metadata: dict[SectionType, Stored]

    @classmethod
    def of(cls, header: Header, sections: Sequence[Stored]) -> "Contents":
        """Sort a stream's sections. Raises DamagedStream."""
        once = {section.type: section for section in sections}
        _check_order(sections)
        tiled = SectionType.GRID in once
        wrong = {SectionType.LATENTS, SectionType.ALPHA} if tiled else {SectionType.TILE, SectionType.TILE_ALPHA}
        if wrong & set(once):
            raise DamagedStream("sections of a picture coded whole beside sections of tiles")
        if tiled:
            grid = Grid.read(once[SectionType.GRID].read(), header.width, header.height)
            pieces = tuple(_pieces(sections))
        else:
            grid = Grid.whole(header.width, header.height)
            pieces = (Piece(once[SectionType.LATENTS], once.get(SectionType.ALPHA)),)
        if len(pieces) != grid.tiles:
            raise DamagedStream(f"{len(pieces)} tiles, where {grid.columns}×{grid.rows} are announced")
        return cls(header, grid, pieces, {kind: once[kind] for kind in METADATA if kind in once})

    def check_size(self) -> None:
        """Raise UnsupportedStream where more is coded at once than a decoder has room for."""
        width, height = self.grid.tile_width, self.grid.tile_height
        if width * height > MOST_AT_ONCE:
            raise UnsupportedStream(f"{width}×{height} pixels coded at once; this release decodes up to {MOST_AT_ONCE}")

    @cached_property
    def has_alpha(self) -> bool:
        """Whether any of the picture is not opaque."""
        return any(piece.alpha for piece in self.pieces)


def tile_sections(grid: Grid, pieces: Sequence[tuple[bytes, bytes]]) -> list[Section]:
    """Return the sections of coded tiles in raster order: latents, and alpha or nothing, each."""
    if len(pieces) == 1:
        kinds, sections = (SectionType.ALPHA, SectionType.LATENTS), []
    else:
        kinds, sections = (SectionType.TILE_ALPHA, SectionType.TILE), [Section(SectionType.GRID, grid.write())]
    for latents, alpha in pieces:
        if alpha:
            sections.append(Section(kinds[0], alpha))
        sections.append(Section(kinds[1], latents))
    return sections


def _check_order(sections: Sequence[Stored]) -> None:
    """Raise DamagedStream where anything follows a tile but tiles: whoever reads as a stream needs the rest before."""
    types = [section.type for section in sections]
    first = next((number for number, kind in enumerate(types) if kind in REPEATED), len(types))
    if not set(types[first:]) <= REPEATED:
        raise DamagedStream("other sections after the first tile")


def _pieces(sections: Sequence[Stored]) -> list[Piece]:
    """Return the tiles in order. A tile's alpha comes before its latents."""
    pieces: list[Piece] = []
    alpha: Stored | None = None
    for section in sections:
        if section.type == SectionType.TILE_ALPHA:
            if alpha:
                raise DamagedStream("a tile has alpha twice")
            alpha = section
        elif section.type == SectionType.TILE:
            pieces.append(Piece(section, alpha))
            alpha = None
    return pieces
