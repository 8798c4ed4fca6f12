"""Coded data → latents → pixels."""

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt

from trellic.codec.coding import Arrays, Coding, Pass, Skipped, empty_variables, no_passes, run, scalar
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.extent import EVERY_GROUP, Extent, follow
from trellic.codec.ring import Ring, arrays_of
from trellic.container.header import HIGHEST_QUALITY
from trellic.entropy.rans import Decoder
from trellic.entropy.states import CdfIndices, Indices, States
from trellic.errors import DamagedModel
from trellic.model import Sessions
from trellic.model.bands import run_in_bands
from trellic.model.model import Floats
from trellic.model.schedule import Step
from trellic.quantize import QuantizerParameters

Seen = Callable[[Indices], None]
"""Takes a pass's indices in coding order."""


def unseen(indices: Indices) -> None:
    """Take no notice of indices."""


def decode_latents(
    sessions: Sessions,
    data: bytes | Decoder,
    height: int,
    width: int,
    quality: int,
    deployed: DeployedQuantizer,
    step: int,
    see: Seen = unseen,
    extent: Extent = EVERY_GROUP,
    ring: Ring | None = None,
    skipped: Skipped | None = None,
) -> dict[str, Floats]:
    """Return the variables of coded data by name, and show every decoded pass's indices to `see` in coding order.

    data           bytes, or a decoder that has read what goes before the variables
    height, width  in pixels, multiples of the model's stride
    quality        0 to 25600; step in 1/1024
    extent         how much is decoded; that nothing follows the data is proven where all is
    ring           what a block's prediction sees of its neighbours; None where it is no block
    skipped        blocks of 64×64 pixels of which nothing is coded, uint8 (H/64, W/64); None for no such blocks
    Raises DamagedStream or UnsupportedStream.
    """
    model, fraction = sessions.model, quality / HIGHEST_QUALITY
    live = model.schedule.live
    coder = Decoder(data, single=ring is not None) if isinstance(data, bytes) else data

    def forget(step: Step) -> None:
        values.keep(live[step])

    def code(at: Pass, states: States, parameters: QuantizerParameters) -> tuple[Indices, CdfIndices, int]:
        forget(at.step)  # what predicted them takes as much memory as they do
        scale_indices, tables = at.parameters.scale_indices, parameters.tables
        indices, cdf_indices, state = coder.pull_by(states, scale_indices, tables, at.state, at.correction)
        see(indices)
        return indices, cdf_indices, state

    empty = empty_variables(model, height, width)
    values = arrays_of(model, ring, quality=scalar(fraction), **empty)
    coding = Coding(model, deployed, deployed.for_step(step), fraction, values, code, skipped)
    if follow(model.schedule, extent, partial(run_in_bands, sessions), values, coding, forget):
        coder.finish()
    return {name: values.by_name[name] for name in empty}


def synthesize(sessions: Sessions, decoded: dict[str, Floats], quality: int) -> npt.NDArray[np.uint8]:
    """Return the pixels of decoded variables, uint8 (3, H, W), at a quality of 0 to 25600. Raises DamagedModel."""
    model = sessions.model
    values = Arrays(quality=scalar(quality / HIGHEST_QUALITY), **decoded)
    run(model.schedule.decode, sessions.run, values, no_passes)
    stride, (_, height, width) = model.schedule.variables["y"].stride, decoded["y"].shape
    pixels = values.by_name.get("pixels")
    if pixels is None or pixels.dtype != np.uint8 or pixels.shape != (3, stride * height, stride * width):
        raise DamagedModel(f"model {model.name}: its synthesis gives no pixels")
    return pixels
