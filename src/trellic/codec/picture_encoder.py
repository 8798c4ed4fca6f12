"""A picture to streams, at one quality after another, or exactly.

A photograph is coded by latents. Where some of a picture looks drawn, latents are a first attempt that says what they
cost, place by place. Then the cheapest layout is coded: tiles as they are, or small ones, each exactly where that costs
less, or all of it exactly. What an exact coding takes is found quickly; thoroughly is coded only what is kept.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import NamedTuple

from trellic.codec.blocks import code_blocks
from trellic.codec.costs import Costs, error_weight
from trellic.codec.deblocking import fraction_at
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.drawn import BLOCK, MOSTLY, Survey, survey
from trellic.codec.encoder import unseen
from trellic.codec.exact import LARGEST_SIDE, QUICK, THOROUGH
from trellic.codec.fidelity import errors_of_units
from trellic.codec.fit_restoration import Fit
from trellic.codec.layer_targets import LayerTargets
from trellic.codec.layered import CodedParts, sections_in_layers
from trellic.codec.layout import Layout, cheapest
from trellic.codec.palettes import ALL, ExactCost, cheapest_palette
from trellic.codec.rate_control import Encoded
from trellic.codec.refinement import UNREFINED, Refinement
from trellic.codec.resources import Resources
from trellic.codec.ring import Ring
from trellic.codec.tiles import Window, surroundings, windows
from trellic.codec.units import CodedUnit, ExactCoder, code_unit, code_unit_in_sweeps, error_of_exact
from trellic.codec.visibility import PSNR
from trellic.container import Grid, Header, Section, SectionType, write_stream
from trellic.container.grid import MOST_AT_ONCE
from trellic.container.header import HIGHEST_QUALITY, QUALITY_ONE
from trellic.container.layers import Layering
from trellic.container.packed import pack
from trellic.container.prefixes import write_prefixes
from trellic.container.sections import BY_LATENTS
from trellic.metrics import error_of, psnr_of
from trellic.picture.payloads import pack_metadata
from trellic.picture.types import Source

LEAST_DRAWN = 0.05
"""Fraction of a picture's blocks that looks drawn from which on other layouts are tried."""
AT_BEST = 0.7
"""Bytes of a thorough exact coding beside those of a quick one: seldom less."""
LEAST_THOROUGH = 1 << 18
"""Pixels of the smallest tiles that are coded thoroughly: the smaller they are, the longer it takes for a pixel."""

Progress = Callable[[int, int], None]
"""Takes how many tiles are done, and how many there are."""


def no_progress(done: int, tiles: int) -> None:
    """Report nothing."""


class Attempt(NamedTuple):
    """A layout's stream, without a search, and what its squared error is worth in bits."""

    layout: Layout
    encoded: Encoded
    error: float

    @property
    def cost(self) -> float:
        """Bits and error together."""
        return 8 * len(self.encoded.data) + self.error


@dataclass
class PictureEncoder:
    """Encodes a picture.

    header         of its streams, but for the quality
    resources_for  returns what works on so many tiles
    tune           the measure that errors are weighed for
    refinement     what is done beside quantizing
    measured       whether the PSNR is wanted
    adapter        the section that its resources' adapter needs
    layers         where layers are to end, where latents are coded in layers; then no layouts are compared
    prefixes       whether streams say how far the first groups of tiles are read
    progress       called with the number of tiles that are done, and of all, each time that they are coded
    """

    picture: Source
    header: Header
    deployed: DeployedQuantizer
    resources_for: Callable[[int], Resources]
    tune: str = PSNR
    refinement: Refinement = UNREFINED
    measured: bool = False
    adapter: Section | None = None
    layers: LayerTargets | None = None
    prefixes: bool = False
    progress: Progress = no_progress
    exact: ExactCoder = field(default_factory=ExactCoder)

    def __post_init__(self) -> None:
        self.metadata = [Section(kind, data) for kind, data in pack_metadata(self.picture.metadata).items()]
        self._surveys: dict[Grid, Survey] = {}

    def encode_at(self, quality: int) -> Encoded:
        """Return the stream that costs least at a quality in 1/256 of a point."""
        header = replace(self.header, quality=quality)
        if header.grid.predicted:
            return self._code(header, Layout(header.grid, {}))
        seen = self._survey(header.grid)
        plain = Layout(header.grid, dict.fromkeys(seen.flat, ALL))
        if self.layers:
            header = replace(header, quality=self.layers.quality_of_networks(quality))
            has_coarse = self.resources_for(1).coarse is not None
            layering = self.layers.layering_at(quality, self.deployed, has_coarse)
            coded = self._code(header, plain, layering=layering, asked=quality)
            return replace(coded, quality=quality / QUALITY_ONE)
        if seen.fraction < LEAST_DRAWN:
            return self._code(header, plain)
        costs = Costs(header.grid)
        attempts = [self._attempt(header, plain, costs)]
        best, *others = sorted(self._layouts(header, costs), key=lambda layout: layout.cost)
        if best.exact != plain.exact:
            attempts.append(self._attempt(header, best))
        least = min(attempt.cost for attempt in attempts)
        attempts += [self._attempt(header, one) for one in others if one.is_exact and _at_best(one) < least]
        chosen = min(attempts, key=lambda attempt: attempt.cost)
        if chosen.layout.is_exact or not self.refinement.rounds:
            return chosen.encoded
        return self._code(replace(header, grid=chosen.layout.grid), chosen.layout)

    def encode_exactly(self) -> Encoded:
        """Return the stream that decodes to the picture itself, coded as a whole where that can be."""
        header = replace(self.header, quality=HIGHEST_QUALITY)
        if self._fits_at_once:
            header = replace(header, grid=Grid.whole(header.width, header.height))
        return self._code(header, Layout(header.grid, dict.fromkeys(range(header.grid.tiles), ALL)))

    @property
    def _fits_at_once(self) -> bool:
        width, height = self.header.width, self.header.height
        return width * height <= MOST_AT_ONCE and max(width, height) <= LARGEST_SIDE

    def _survey(self, grid: Grid) -> Survey:
        """Return what the tiles of a grid look like."""
        if grid not in self._surveys:
            self._surveys[grid] = survey(self.picture, grid)
        return self._surveys[grid]

    def _layouts(self, header: Header, costs: Costs) -> Iterator[Layout]:
        """Yield the layouts to choose from: tiles as they are, small ones, and all of it coded exactly."""
        grids = [header.grid]
        if self._fits_at_once:
            grids.append(Grid.of(header.width, header.height, BLOCK))
        for grid in grids:
            yield cheapest(
                grid, costs, header.quality, self._exact_costs(grid, self._survey(grid).drawn, header.quality)
            )
        if self._fits_at_once and self._survey(header.grid).fraction >= MOSTLY:
            whole = Grid.whole(header.width, header.height)
            found = self._exact_costs(whole, frozenset({0}), header.quality)[0]
            yield Layout(whole, {0: found.colours}, found.bits, found.error)

    def _exact_costs(self, grid: Grid, numbers: frozenset[int], quality: int) -> dict[int, ExactCost]:
        """Return what tiles take when they are coded exactly, quickly, in the cheapest number of colours, by number."""

        def best(numbered: tuple[int, Window]) -> tuple[int, ExactCost]:
            number, window = numbered

            def code(colours: int) -> ExactCost:
                unit = self.exact.code(window, QUICK, colours)
                return ExactCost(colours, 8.0 * unit.bytes, error_weight(quality) * error_of_exact(unit))

            return number, cheapest_palette(window.own, code, quality)

        chosen = (pair for pair in enumerate(windows(self.picture, grid, 0)) if pair[0] in numbers)
        return dict(self.resources_for(grid.at_once).workers.map(best, chosen))

    def _attempt(self, header: Header, layout: Layout, costs: Costs | None = None) -> Attempt:
        """Code a layout, and take its error as it was measured, or as it was foreseen where it was not.

        Which layout is the cheapest shows without a search, which takes much longer.
        """
        coded = self._code(replace(header, grid=layout.grid), layout, costs, searches=False)
        if coded.psnr is None:
            return Attempt(layout, coded, layout.error)
        error = 3 * header.width * header.height * error_of(coded.psnr)
        return Attempt(layout, coded, error_weight(header.quality) * error)

    def _code(
        self,
        header: Header,
        layout: Layout,
        costs: Costs | None = None,
        layering: Layering | None = None,
        asked: int | None = None,
        searches: bool = True,
    ) -> Encoded:
        """Code a layout, in layers where it is said which, and put into `costs` what its latents cost.

        asked     the quality that was asked for, where networks run at another
        searches  whether latents are searched, where they are at all
        """
        refinement = self.refinement if searches else self.refinement._replace(rounds=0)
        sessions, workers, coarse = self.resources_for(header.grid.at_once)
        is_small = header.grid.tiles > 1 and header.grid.tile_width * header.grid.tile_height < LEAST_THOROUGH

        def code(number: int, window: Window, ring: Ring | None = None) -> CodedUnit:
            if number in layout.exact:
                if costs:
                    costs.spread_flat(window.tile)
                colours = layout.exact[number]
                return self.exact.code(window, QUICK if is_small or colours != ALL else THOROUGH, colours)
            seen = window.seeing(surroundings(window.tile, window.around, layout.has_latents))
            if layering:
                return code_unit_in_sweeps(
                    sessions, coarse or sessions, self.deployed, header.quality, seen, self.tune, refinement, layering,
                )  # fmt: skip
            see = costs.seen(window.tile, sessions.model, self.deployed) if costs else unseen
            unit = code_unit(sessions, self.deployed, header.quality, seen, self.tune, refinement, see, ring)
            if costs:
                costs.settle(window.tile, 8 * unit.bytes - unit.estimated_bits)
            return unit

        margin = 0 if layout.is_exact else sessions.model.margin
        given = windows(self.picture, header.grid, margin)
        if header.grid.predicted:
            units = code_blocks(header.grid, given, code, workers)
        else:
            units = workers.map(lambda each: code(*each), enumerate(given))
        return self._write(header, layout, units, costs, layering, asked)

    def _write(
        self,
        header: Header,
        layout: Layout,
        units: Iterator[CodedUnit],
        costs: Costs | None,
        layering: Layering | None,
        asked: int | None,
    ) -> Encoded:
        """Return the stream of units, each taken when it is coded."""
        parts: list[CodedParts] = []
        latents: list[tuple[bytes, tuple[int, ...]]] = []
        bits, psnr = 0.0, None

        def taken() -> Iterator[CodedUnit]:
            nonlocal bits
            for done, unit in enumerate(units, 1):
                parts.append((unit.sections, unit.sweeps))
                if self.prefixes and unit.ends:
                    latents.append((unit.sections[-1].payload, unit.ends))
                bits += unit.estimated_bits
                self.progress(done, header.grid.tiles)
                yield unit

        restores = self.refinement.restores and not layout.is_exact
        deblocks = header.grid.predicted and fraction_at(header.quality) > 0
        fit = Fit(header.grid, error_weight(asked or header.quality), layout.exact, deblocks) if restores else None
        if fit:
            header = replace(header, restoration=fit.nothing)
        if self.measured or costs or fit:
            errors = errors_of_units(self.resources_for(header.grid.at_once), header, taken(), fit)
            restoration, error = fit.restoration() if fit else (b"", float(errors.sum()))
            header = replace(header, restoration=restoration)
            psnr = psnr_of(error / (3 * header.width * header.height))
            if costs:
                costs.errors += errors
        else:
            deque(taken(), maxlen=0)
        coded = [unit for unit, _ in parts]
        sections = list(self.metadata)
        if latents:
            sections.append(Section(SectionType.PREFIXES, write_prefixes(latents)))
        if self.layers and layering:
            front = len(header.restoration) + sum(len(section.payload) for section in sections)
            sections += sections_in_layers(self.layers, layering, parts, front, header.width * header.height)
        else:
            sections += pack(header.grid, coded) if header.grid.predicted else chain(*coded)
        if self.adapter and any(section.type in BY_LATENTS for section in sections):
            sections.insert(0, self.adapter)
        return Encoded(write_stream(header, sections), header.quality / QUALITY_ONE, bits, psnr)


def _at_best(layout: Layout) -> float:
    """Return the least that an exact layout may cost once it is coded thoroughly, where it is."""
    return layout.bits * (AT_BEST if ALL in layout.exact.values() else 1) + layout.error
