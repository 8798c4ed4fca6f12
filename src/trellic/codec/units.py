"""Coding units, a tile each or a picture that is coded whole: pixels → sections → decoded units."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from trellic.codec.analysis import analyse_tile
from trellic.codec.decoder import Seen, decode_latents, unseen
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import Seen as SeenPass
from trellic.codec.encoder import encode_latents
from trellic.codec.encoder import unseen as unseen_pass
from trellic.codec.exact import QUICK, Effort, pack, unpack
from trellic.codec.extent import Extent
from trellic.codec.layer_decoder import decode_layers
from trellic.codec.layer_encoder import CodedSweeps, encode_sweeps
from trellic.codec.palettes import in_colours
from trellic.codec.refinement import UNREFINED, Refinement
from trellic.codec.ring import Ring, edges_of
from trellic.codec.search import by_weights_of_its_own, search
from trellic.codec.settle import settled
from trellic.codec.tiles import Window
from trellic.codec.view import FULL, View, averaged
from trellic.container import Box, Section, SectionType, Stream
from trellic.container.layers import Layering
from trellic.container.sections import BY_LATENTS
from trellic.errors import DamagedStream
from trellic.metrics import squared_error
from trellic.model import Sessions
from trellic.model.model import Floats
from trellic.picture.types import Pixels
from trellic.quantize import NESTED, quantizer_numbered


@dataclass(frozen=True)
class DecodedUnit:
    """A unit as a decoder has it: latents, or pixels.

    latents  float32 (C, H/16, W/16) of the tile as it is coded
    pixels   uint8 (H, W, 3), and alpha, (H, W), at the scale of the view, which end where the picture does; alpha is
             None where it is opaque
    edges    what neighbours see of a block
    z        float32 (C, H/64, W/64), where there are latents and the model has it
    """

    latents: Floats | None
    pixels: Pixels | None = None
    alpha: Pixels | None = None
    edges: Ring | None = None
    z: Floats | None = None


@dataclass(frozen=True)
class CodedUnit:
    """A unit's sections, with facts about it.

    estimated_bits  what the tables promise for its latents
    original        its pixels, uint8 (H, W, 3), and what a decoder will have of them
    sweeps          of its latents, where they are coded in layers: their sections are made when all tiles are coded
    ends            how many bytes of its latents are read for the first groups, see `Coded`
    """

    sections: list[Section]
    estimated_bits: float
    original: Pixels
    decoded: DecodedUnit
    sweeps: CodedSweeps | None = None
    ends: tuple[int, ...] = ()

    @property
    def bytes(self) -> int:
        """Of all its payloads."""
        return sum(len(section.payload) for section in self.sections)


def error_of_exact(unit: CodedUnit) -> float:
    """Return the squared error of an exact unit's samples, summed, in 8-bit units."""
    assert unit.decoded.pixels is not None
    if unit.decoded.pixels is unit.original:
        return 0.0
    return squared_error(unit.original, unit.decoded.pixels)


def code_unit(
    sessions: Sessions,
    deployed: DeployedQuantizer,
    quality: int,
    window: Window,
    tune: str,
    refinement: Refinement = UNREFINED,
    see: SeenPass = unseen_pass,
    ring: Ring | None = None,
) -> CodedUnit:
    """Code a tile at a quality in 1/256 of a point, and show every pass to `see`.

    tune        the measure that it is tuned for
    refinement  what is done beside quantizing; what a search finds is not shown to `see`
    ring        what a block's prediction sees of its neighbours; None where it is no block
    """
    alpha = _alpha_of(window)
    analysed = replace(analyse_tile(sessions, window, quality, tune, refinement.back_projects), ring=ring)
    coded = encode_latents(sessions, analysed, deployed, see)
    if refinement.rounds:
        fit = by_weights_of_its_own(window, quality) if refinement.restores and ring is None else None
        _, coded = search(sessions, window, analysed, coded, deployed, refinement.rounds, fit)
    coded = settled(sessions, analysed, coded, deployed)
    sections = [*alpha, Section(SectionType.LATENTS, coded.data)]
    decoded = DecodedUnit(coded.decoded["y"], alpha=window.alpha, edges=edges_of(coded.decoded))
    return CodedUnit(sections, coded.estimated_bits, window.own, decoded, ends=coded.ends)


def code_unit_in_sweeps(
    sessions: Sessions,
    coarse: Sessions,
    deployed: DeployedQuantizer,
    quality: int,
    window: Window,
    tune: str,
    refinement: Refinement,
    layering: Layering,
) -> CodedUnit:
    """Code a tile in sweeps, at a quality in 1/256 of a point; those of coarse planes by networks for them."""
    analysed = analyse_tile(sessions, window, quality, tune, refinement.back_projects)
    sweeps, decoded = encode_sweeps(sessions, coarse, analysed, deployed, layering)
    unit = DecodedUnit(decoded["y"], alpha=window.alpha)
    return CodedUnit(_alpha_of(window), sum(sweeps.bits), window.own, unit, sweeps)


def _alpha_of(window: Window) -> list[Section]:
    return [Section(SectionType.ALPHA, pack(window.alpha))] if window.alpha is not None else []


class ExactCoder:
    """Codes tiles of one picture exactly, each once at an effort and in so many colours, however often it is asked."""

    def __init__(self) -> None:
        self._coded: dict[tuple[Box, int, Effort], Section] = {}

    def code(self, window: Window, effort: Effort, colours: int) -> CodedUnit:
        """Code a tile exactly, in so many colours or ALL.

        Thoroughly, that is by the smaller of both efforts: more is not always better.
        """
        stored = window._replace(own=in_colours(window.own, colours))
        section = self._section(stored, QUICK, colours)
        if effort != QUICK:
            section = min(section, self._section(stored, effort, colours), key=lambda one: len(one.payload))
        decoded = DecodedUnit(None, stored.own, window.alpha)
        return CodedUnit([section], 8.0 * len(section.payload), window.own, decoded)

    def _section(self, window: Window, effort: Effort, colours: int) -> Section:
        key = window.tile, colours, effort
        if key not in self._coded:
            kind, samples = _samples(window)
            self._coded[key] = Section(kind, pack(samples, effort))
        return self._coded[key]


def _samples(window: Window) -> tuple[SectionType, Pixels]:
    """Return all samples of a tile, and the kind of unit that holds them."""
    if window.alpha is None:
        return SectionType.EXACT, window.own
    return SectionType.EXACT_ALPHA, np.dstack([window.own, window.alpha])


def grey_unit(stream: Stream, number: int, scale: int = 1) -> DecodedUnit:
    """Return mid-grey pixels for a tile that is not there."""
    shown = _shown(stream, number).aligned(scale)
    return DecodedUnit(None, np.broadcast_to(np.uint8(128), (shown.height // scale, shown.width // scale, 3)))


def decode_unit(
    sessions: Sessions,
    stream: Stream,
    number: int,
    payloads: Sequence[bytes],
    see: Seen = unseen,
    view: View = FULL,
    ring: Ring | None = None,
    coarse: Sessions | None = None,
) -> DecodedUnit:
    """Decode a tile from the payloads of its alpha, if it has any, and its unit, as far as a view takes.

    see     takes the indices of its latents in coding order
    view    at whose scale samples are
    ring    what a block's prediction sees of its neighbours; None where it is no block
    coarse  of coarse planes of layers; None where there are no networks of their own
    Raises DamagedStream or UnsupportedStream.
    """
    unit, shown = stream.units[number], _shown(stream, number)

    def samples(payload: bytes, channels: int) -> Pixels:
        return averaged(unpack(payload, shown.height, shown.width, channels), view.scale)

    if unit.coded.type == SectionType.LAYER:
        alpha, layers = (samples(payloads[0], 1), payloads[1:]) if unit.alpha else (None, payloads)
        decoded = _decode_layers(sessions, coarse or sessions, stream, number, layers, see)
        return DecodedUnit(decoded["y"], alpha=alpha, z=decoded.get("z"))
    alpha = samples(payloads[0], 1) if len(payloads) > 1 else None
    if unit.coded.type in BY_LATENTS:
        decoded = _decode_latents(sessions, stream, number, payloads[-1], see, view.extent, ring)
        return DecodedUnit(decoded["y"], alpha=alpha, edges=edges_of(decoded), z=decoded.get("z"))
    if unit.coded.type == SectionType.EXACT_ALPHA:
        both = samples(payloads[-1], 4)
        return DecodedUnit(None, both[:, :, :3], both[:, :, 3])
    return DecodedUnit(None, samples(payloads[-1], 3), alpha)


def _decode_latents(
    sessions: Sessions, stream: Stream, number: int, payload: bytes, see: Seen, extent: Extent, ring: Ring | None
) -> dict[str, Floats]:
    header, tile = stream.header, stream.header.grid.tile(number)
    if header.quantizer == NESTED.number:
        raise DamagedStream("latents of a nested quantizer are not in layers")
    deployed = DeployedQuantizer.of(sessions.model, quantizer_numbered(header.quantizer))
    step, height, width = deployed.step_at(header.quality), tile.height, tile.width
    return decode_latents(sessions, payload, height, width, header.quality, deployed, step, see, extent, ring)


def _decode_layers(
    sessions: Sessions, coarse: Sessions, stream: Stream, number: int, payloads: Sequence[bytes], see: Seen
) -> dict[str, Floats]:
    header, tile, layering = stream.header, stream.header.grid.tile(number), stream.layering
    if header.quantizer != NESTED.number or layering is None or len(payloads) > layering.layers:
        raise DamagedStream("layers of another quantizer, or more of them than the stream announces")
    deployed = DeployedQuantizer.of(sessions.model, NESTED)
    return decode_layers(
        sessions, coarse, layering, payloads, tile.height, tile.width, header.quality, deployed,
        deployed.step_at(header.quality), see, stream.read_cut(number),
    )  # fmt: skip


def _shown(stream: Stream, number: int) -> Box:
    """Return the part of a tile that lies in the picture."""
    grid = stream.header.grid
    return grid.tile(number).common(grid.shown)
