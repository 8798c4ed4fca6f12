"""Variables → coded data: the passes of the schedule, quantized and range coded."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trellic.codec.analysis import Analysed
from trellic.codec.coding import Coding, Pass, scalar
from trellic.codec.decoder import synthesize
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.extent import EVERY_GROUP, Extent, follow
from trellic.codec.ring import arrays_of
from trellic.container.header import HIGHEST_QUALITY
from trellic.entropy.bits import estimate_bits
from trellic.entropy.correction import correct
from trellic.entropy.rans import Encoder
from trellic.entropy.states import CdfIndices, Indices, States, walk
from trellic.errors import BadRequest
from trellic.model import Sessions
from trellic.model.model import Floats
from trellic.picture.types import Pixels, interleave
from trellic.quantize import Quantizer, QuantizerParameters, quantizer_named

Seen = Callable[[Pass, Indices, CdfIndices, Floats], None]
"""Takes a pass, its indices and cdf indices in coding order, and the values that were quantized."""


@dataclass(frozen=True)
class Coded:
    """Coded variables.

    estimated_bits  what the tables promised
    decoded         the variables as a decoder has them
    ends            how many bytes are read for the first groups: of one, of two and so on, but not of all
    """

    data: bytes
    estimated_bits: float
    decoded: dict[str, Floats]
    ends: tuple[int, ...] = ()


def unseen(at: Pass, indices: Indices, cdf_indices: CdfIndices, values: Floats) -> None:
    """Take no notice of a pass."""


def encode_latents(
    sessions: Sessions,
    analysed: Analysed,
    deployed: DeployedQuantizer,
    see: Seen = unseen,
    coder: Encoder | None = None,
) -> Coded:
    """Quantize and code the variables of a picture or tile, and show every pass to `see`.

    coder  may hold what goes before them
    """
    coder, bits = coder or Encoder(single=analysed.ring is not None), 0.0
    last_of_groups = sessions.model.schedule.groups[:-1]

    def push(at: Pass, indices: Indices, cdf_indices: CdfIndices, values: Floats) -> None:
        nonlocal bits
        tables = deployed.tables_of(at.step.tables)
        coder.push(cdf_indices, indices, tables)
        bits += estimate_bits(cdf_indices, indices, tables)
        see(at, indices, cdf_indices, values)
        if at.step in last_of_groups:
            coder.mark()

    decoded = quantize_in_order(sessions, analysed, deployed, push)
    data = coder.finish()
    return Coded(data, bits, decoded, tuple(coder.marked))


def quantize_in_order(
    sessions: Sessions, analysed: Analysed, deployed: DeployedQuantizer, see: Seen, extent: Extent = EVERY_GROUP
) -> dict[str, Floats]:
    """Quantize variables pass by pass, show every pass to `see`, and return the variables as decoded.

    extent  how much is quantized
    """
    model, quality = sessions.model, analysed.quality / HIGHEST_QUALITY
    rounding, weights = quantizer_named("uniform"), analysed.error_weights

    def code(at: Pass, states: States, parameters: QuantizerParameters) -> tuple[Indices, CdfIndices, int]:
        planes = analysed.targets[at.step.variable][at.step.channels]
        values = at.gather(planes)
        if at.step.is_rounded:
            quantizer, spread = rounding, np.ones(len(values), np.float32)
        else:
            quantizer, spread = deployed.quantizer, at.gather(weights[at.step.channels])
        indices, cdf_indices, state = quantize_pass(quantizer, parameters, at, values, spread)
        see(at, indices, cdf_indices, values)
        return indices, cdf_indices, state

    empty = {name: np.zeros_like(one) for name, one in analysed.targets.items()}
    values = arrays_of(model, analysed.ring, quality=scalar(quality), **empty)
    coding = Coding(model, deployed, deployed.at(analysed.quality), quality, values, code, analysed.skipped)
    follow(model.schedule, extent, sessions.run, values, coding)
    return {name: values.by_name[name] for name in analysed.targets}


def quantize_pass(
    quantizer: Quantizer, parameters: QuantizerParameters, at: Pass, values: Floats, weights: Floats
) -> tuple[Indices, CdfIndices, int]:
    """Return indices and cdf indices of a pass's latents, and the state after them; all in coding order.

    Raises BadRequest where a quantizer gives anything else than an index for each latent.
    """
    indices = np.asarray(quantizer.quantize(values, at.parameters, weights, parameters, at.state))
    if indices.shape != values.shape or indices.dtype != np.int32:
        given = f"{indices.dtype} {indices.shape}"
        raise BadRequest(f"quantizer {quantizer.name} gives {given} for {len(values)} latents: not an int32 for each")
    cdf_indices, state = walk(quantizer.states, at.parameters.scale_indices, indices, at.state)
    return indices, correct(at.correction, cdf_indices, indices) if at.correction else cdf_indices, state


def reconstruct(sessions: Sessions, coded: Coded, analysed: Analysed) -> Pixels:
    """Return the picture that a decoder will show where it was coded whole, uint8 (H, W, 3)."""
    planes = synthesize(sessions, coded.decoded, analysed.quality)
    pixels = np.empty((analysed.height, analysed.width, 3), np.uint8)
    interleave(planes[:, : analysed.height, : analysed.width], pixels)
    return pixels
