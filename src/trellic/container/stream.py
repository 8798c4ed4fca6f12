"""A stream, parsed once: its header, and where its sections lie; payloads are read when they are needed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from trellic.container.bytes import Data, Reader
from trellic.container.grid import Grid
from trellic.container.header import Header
from trellic.container.index import read_front, write_front
from trellic.container.layers import MOST_LAYERS, Layering
from trellic.container.packed import check_blocks, count_of_groups, groups_of, unpack
from trellic.container.prefixes import read_prefixes
from trellic.container.sections import ONCE, OPTIONAL_FROM, PACKED, UNITS, Entry, Section, SectionType
from trellic.errors import BadRequest, DamagedStream, IncompleteStream, UnsupportedStream
from trellic.limits import MOST_PIXELS

LARGEST_GAP = 1 << 15
"""Bytes between sections that are read with them: one more read would take longer."""
MOST_OF_A_PIXEL, LARGEST_ONCE = 64, 1 << 26
"""Bytes of a section for each pixel as it is coded, at most, far more than any coding takes; and of other sections."""
PROVEN_AT_ONCE = 1 << 21
"""Bytes of sections that are read together to be proven, about."""


@dataclass(frozen=True)
class Unit:
    """What codes a tile, or a picture that is coded whole; alpha is missing where it is opaque, or coded with it.

    further  layers after the first
    cut      the layer after them, of which the file has only the front
    """

    coded: Entry
    alpha: Entry | None
    further: tuple[Entry, ...] = ()
    cut: Entry | None = None

    @property
    def entries(self) -> list[Entry]:
        """All its sections that are whole."""
        return [*([self.alpha] if self.alpha else []), self.coded, *self.further]

    def within(self, end: int) -> "Unit":
        """Return what of the unit lies before a byte of the stream."""
        whole = tuple(entry for entry in self.further if entry.end <= end)
        rest = self.further[len(whole) :] if self.coded.end <= end else ()
        return replace(self, further=whole, cut=rest[0] if rest and rest[0].start < end else None)


@dataclass(frozen=True)
class Stream:
    """A stream's sections by purpose.

    entries   all sections, unknown ones too
    units     one for each tile, in raster order
    adapter   names the adapter of its latents, and may hold it
    layers    says how layers are made, where latents are coded in layers
    prefixes  says how far the latents of tiles are read for their first groups, where the encoder was asked to
    metadata  what is known of the rest
    data      the bytes, or the file, that it was parsed from
    """

    header: Header
    entries: tuple[Entry, ...]
    units: tuple[Unit, ...]
    adapter: Entry | None
    layers: Entry | None
    prefixes: Entry | None
    metadata: dict[SectionType, Entry]
    data: Data

    @classmethod
    def parse(cls, data: Data, limit: int = MOST_PIXELS, partial: bool = False) -> "Stream":
        """Parse a stream of at most `limit` pixels, as they are coded; payloads are not read.

        partial  whether the end may be missing
        Raises NotAStream, UnsupportedStream, DamagedStream, IncompleteStream or PictureTooLarge.
        """
        header, entries = read_front(Reader(data, IncompleteStream), limit)
        once, units = _sort(entries, header.grid.tiles)
        if any(unit.coded.type in PACKED for unit in units):
            header = replace(header, grid=check_blocks(header.grid))
            units = _units_of_blocks(header.grid, units)
        if len(units) != header.grid.tiles:
            raise DamagedStream(f"{len(units)} tiles, where {header.grid.columns}×{header.grid.rows} are announced")
        adapter, layers, prefixes = (
            once.pop(one, None) for one in (SectionType.ADAPTER, SectionType.LAYERS, SectionType.PREFIXES)
        )
        if (layers is not None) != any(unit.coded.type == SectionType.LAYER for unit in units):
            raise DamagedStream("layers without a list of layers, or the reverse")
        stream = cls(header, tuple(entries), tuple(units), adapter, layers, prefixes, once, data)
        if len(data) > stream.length:
            raise DamagedStream(f"{len(data) - stream.length} bytes after the stream's end")
        if len(data) < stream.length and not partial:
            some = prefixes or any(map(stream.is_whole, range(len(units))))
            hint = "; decode --partial shows what is there" if some else ""
            raise IncompleteStream(f"cut off: {stream._where_cut()}{hint}")
        _check_lengths(entries, header.grid)
        if len(data) < stream.length and layers:
            stream = replace(stream, units=tuple(unit.within(len(data)) for unit in units))
        return stream

    @cached_property
    def layering(self) -> Layering | None:
        """How latents are divided, or None where they are not. Raises DamagedStream or UnsupportedStream."""
        return Layering.read(self.read(self.layers)) if self.layers else None

    @property
    def layer_count(self) -> int:
        """The layers that every tile coded in layers has in the file; 1 where there are none."""
        return 1 + min((len(unit.further) for unit in self.units if unit.coded.type == SectionType.LAYER), default=0)

    @property
    def has_all_layers(self) -> bool:
        """Whether no tile lacks a layer."""
        return self.layering is None or self.layer_count == self.layering.layers

    def unrestored(self) -> "Stream":
        """Return the stream without its restoration, which is for the picture that all of it shows."""
        return replace(self, header=replace(self.header, restoration=b""))

    def end_of(self, layers: int) -> int:
        """Return where the first layers end, in bytes from the stream's front."""
        return max(entry.end for entry in self.keeping(layers).entries)

    def keeping(self, layers: int) -> "Stream":
        """Return the stream of the first layers alone. Raises BadRequest."""
        if not self.layers or not 1 <= layers <= self.layer_count:
            held = f"has {self.layer_count}" if self.layers else "is not coded in layers"
            raise BadRequest(f"the stream {held}: {layers} cannot be taken")
        units = tuple(replace(unit, further=unit.further[: layers - 1], cut=None) for unit in self.units)
        front = [entry for entry in self.entries if entry.end <= units[0].entries[0].start]
        first = [entry for unit in units for entry in ([unit.alpha] if unit.alpha else []) + [unit.coded]]
        later = [unit.further[layer] for layer in range(layers - 1) for unit in units if unit.further]
        return replace(self, entries=(*front, *first, *later), units=units)

    def of_groups(self, groups: int | None) -> "Stream":
        """Return the stream with no more of its latents than the first groups, or as it is: for None, without prefixes.

        Raises DamagedStream.
        """
        if groups is None or not self.prefixes:
            return self
        last = max(groups, 1) - 1
        known = self._prefixes.items()
        short = {self.units[number].coded: prefixes[last] for number, prefixes in known if last < len(prefixes)}
        units = tuple(replace(unit, coded=short.get(unit.coded, unit.coded)) for unit in self.units)
        return replace(self, entries=tuple(short.get(entry, entry) for entry in self.entries), units=units)

    def groups_of(self, number: int) -> int:
        """Return how many first groups of a tile that is cut are known to be there. Raises DamagedStream."""
        return sum(prefix.end <= len(self.data) for prefix in self._prefixes.get(number, ()))

    @cached_property
    def _prefixes(self) -> dict[int, tuple[Entry, ...]]:
        """Prefixes by the number of their tile, those of one group first; none where the stream has none."""
        if not self.prefixes:
            return {}
        coded = {number: unit.coded for number, unit in enumerate(self.units) if unit.coded.type == SectionType.LATENTS}
        found = read_prefixes(self.read(self.prefixes), list(coded.values()))
        return dict(zip(coded, found, strict=True))

    def copy(self) -> bytes:
        """Return a file of the stream's sections as they are. Raises DamagedStream or IncompleteStream."""
        payloads = self.read_all(self.entries)
        sections = [Section(entry.type, payload) for entry, payload in zip(self.entries, payloads, strict=True)]
        return write_stream(self.header, sections)

    def _where_cut(self) -> str:
        """Return what of a stream is missing."""
        if self.layers:
            whole = replace(self, units=tuple(unit.within(len(self.data)) for unit in self.units))
            if all(whole.is_whole(number) for number in range(len(self.units))):
                return f"layer {whole.layer_count + 1} of {self.layer_count} is cut"
        return f"{len(self.data)} of {self.length} bytes are there"

    @property
    def length(self) -> int:
        """Bytes of the whole stream."""
        return self.entries[-1].end

    @cached_property
    def has_alpha(self) -> bool:
        """Whether any of the picture is not opaque."""
        types = {SectionType.EXACT_ALPHA, SectionType.BLOCKS_ALPHA}
        return any(unit.alpha or unit.coded.type in types for unit in self.units)

    def is_whole(self, number: int) -> bool:
        """Return whether all bytes are present that a tile is decoded from."""
        needed = [number]
        if self.header.grid.predicted and not self.header.grid.is_black(number):
            needed += [each for each in self.header.grid.beside(number) if each is not None]
        return all(self.units[each].coded.end <= len(self.data) for each in needed)

    def read(self, entry: Entry) -> bytes:
        """Return a section's payload. Raises DamagedStream or IncompleteStream."""
        return self.read_all([entry])[0]

    def read_all(self, entries: Sequence[Entry]) -> list[bytes]:
        """Return the payloads of sections in the order of the stream; neighbours are read at once.

        Raises DamagedStream where a checksum is wrong, or IncompleteStream.
        """
        payloads: list[bytes] = []
        for run in _runs(entries):
            start = run[0].start
            read = self.data[start : run[-1].end]
            payloads += [read[entry.start - start : entry.end - start] for entry in run]
        for entry, payload in zip(entries, payloads, strict=True):
            if len(payload) < entry.length:
                raise IncompleteStream(f"cut off in section {entry.name}")
            if not entry.holds(payload):
                raise DamagedStream(f"the checksum of section {entry.name} is wrong")
        return payloads

    def read_units(self, numbers: Sequence[int]) -> list[list[bytes]]:
        """Return the payloads of tiles, by their numbers in rising order: of their alpha, if they have any, and unit.

        Raises DamagedStream or IncompleteStream.
        """
        if self.header.grid.predicted:
            return self._read_blocks(numbers)
        entries = [self.units[number].entries for number in numbers]
        payloads = iter(self.read_all([entry for of_unit in entries for entry in of_unit]))
        return [[next(payloads) for _ in of_unit] for of_unit in entries]

    def _read_blocks(self, numbers: Sequence[int]) -> list[list[bytes]]:
        grid = self.header.grid
        found: dict[int, list[bytes]] = {}
        needed = {self.units[number].coded: None for number in numbers}
        payloads = iter(self.read_all(sorted(needed, key=lambda entry: entry.start)))
        for group in groups_of(grid):
            entry = self.units[group[0]].coded
            if entry in needed:
                found.update(zip(group, unpack(next(payloads), len(group), entry.type), strict=True))
        return [found[number] for number in numbers]

    def read_front(self, number: int) -> bytes:
        """Return what the file has of what codes a tile: nothing proves it."""
        coded = self.units[number].coded
        return bytes(self.data[coded.start : min(coded.end, len(self.data))])

    def read_cut(self, number: int) -> bytes | None:
        """Return the front of the layer that is cut, of a tile: nothing proves it. None where there is none."""
        cut = self.units[number].cut
        return bytes(self.data[cut.start : len(self.data)]) if cut else None

    def prove(self) -> None:
        """Check the checksum of every section that is present. Raises DamagedStream."""
        together, size = list[Entry](), 0
        for entry in self.entries:
            if entry.end <= len(self.data):
                together.append(entry)
                size += entry.length
                if size >= PROVEN_AT_ONCE:
                    self.read_all(together)
                    together, size = [], 0
        self.read_all(together)


def write_stream(header: Header, sections: Sequence[Section]) -> bytes:
    """Return the whole file: front and payloads. Sections come in the order that `Stream` asks for."""
    return b"".join([write_front(header, sections), *(section.payload for section in sections)])


def _sort(entries: Sequence[Entry], tiles: int) -> tuple[dict[SectionType, Entry], list[Unit]]:
    """Return sections that occur once, and units. Raises DamagedStream or UnsupportedStream.

    All else goes before the tiles: whoever reads as a stream needs it first. A tile's alpha goes right before it, and
    further layers after all tiles' first ones.
    """
    once: dict[SectionType, Entry] = {}
    units: list[Unit] = []
    alpha: Entry | None = None
    further: list[Entry] = []
    for entry in entries:
        if entry.type == SectionType.LAYER and len(units) == tiles and not alpha:
            further.append(entry)
        elif further:
            raise DamagedStream("other sections between layers")
        elif entry.type in UNITS:
            if alpha and entry.type not in {SectionType.LATENTS, SectionType.EXACT, SectionType.LAYER}:
                raise DamagedStream("a tile has alpha twice")
            units.append(Unit(entry, alpha))
            alpha = None
        elif entry.type == SectionType.ALPHA:
            if alpha:
                raise DamagedStream("a tile has alpha twice")
            alpha = entry
        elif entry.type < OPTIONAL_FROM and entry.type not in ONCE:
            raise UnsupportedStream(f"section type {entry.type} is not known to this release")
        elif units or alpha:
            raise DamagedStream("other sections after the first tile")
        elif entry.type in ONCE:
            if entry.type in once:
                raise DamagedStream(f"section {entry.name} occurs twice")
            once[SectionType(entry.type)] = entry
    if alpha or not units:
        raise DamagedStream("no tile at the end")
    return once, _layered(units, further)


def _check_lengths(entries: Sequence[Entry], grid: Grid) -> None:
    """Raise DamagedStream where a section that may be read is longer than anything it can hold: it is read whole."""
    longest = MOST_OF_A_PIXEL * grid.picture.width * grid.picture.height
    for entry in entries:
        most = longest if entry.type in UNITS or entry.type == SectionType.ALPHA else LARGEST_ONCE
        if entry.length > most and (entry.type < OPTIONAL_FROM or entry.type in ONCE):
            raise DamagedStream(f"section {entry.name} of {entry.length} bytes, which no encoder writes")


def _units_of_blocks(grid: Grid, groups: Sequence[Unit]) -> list[Unit]:
    """Return the unit of each block: the section of its group. Raises DamagedStream."""
    count = count_of_groups(grid)
    if len(groups) != count or any(unit.coded.type not in PACKED for unit in groups):
        raise DamagedStream(f"{len(groups)} groups, where blocks take {count}")
    units = {number: unit for unit, group in zip(groups, groups_of(grid), strict=True) for number in group}
    return [units[number] for number in range(grid.tiles)]


def _layered(units: list[Unit], further: list[Entry]) -> list[Unit]:
    """Return units with their layers after the first, which come layer by layer. Raises DamagedStream."""
    layered = [number for number, unit in enumerate(units) if unit.coded.type == SectionType.LAYER]
    if further and (not layered or len(further) % len(layered) or len(further) >= MOST_LAYERS * len(layered)):
        raise DamagedStream(f"{len(further)} layers after the first, where {len(layered)} tiles have layers")
    for place, number in enumerate(layered):
        units[number] = replace(units[number], further=tuple(further[place :: len(layered)]))
    return units


def _runs(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Return the sections in runs that lie near enough to each other to be read at once."""
    runs: list[list[Entry]] = []
    for entry in entries:
        if runs and 0 <= entry.start - runs[-1][-1].end <= LARGEST_GAP:
            runs[-1].append(entry)
        else:
            runs.append([entry])
    return runs
