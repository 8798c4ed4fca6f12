"""Coded data → latents → pixels."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from trellic.codec.coding import Arrays, Coding, Pass, empty_variables, no_passes, run, scalar
from trellic.codec.deployed import DeployedQuantizer
from trellic.container.header import HIGHEST_QUALITY
from trellic.entropy.rans import Decoder
from trellic.entropy.states import CdfIndices, Indices, States
from trellic.errors import DamagedModel
from trellic.model import Sessions
from trellic.model.model import Floats
from trellic.quantize import QuantizerParameters

Seen = Callable[[Indices], None]
"""Takes a pass's indices in coding order."""


def unseen(indices: Indices) -> None:
    """Take no notice of indices."""


def decode_latents(
    sessions: Sessions,
    data: bytes,
    height: int,
    width: int,
    quality: int,
    deployed: DeployedQuantizer,
    step: int,
    see: Seen = unseen,
) -> dict[str, Floats]:
    """Return the variables of coded data by name, and show every pass's indices to `see` in coding order.

    height, width  in pixels, multiples of the model's stride
    quality        0 to 25600; step in 1/1024
    Raises DamagedStream or UnsupportedStream.
    """
    model, fraction = sessions.model, quality / HIGHEST_QUALITY
    coder = Decoder(data)

    def code(at: Pass, states: States, parameters: QuantizerParameters) -> tuple[Indices, CdfIndices, int]:
        indices, cdf_indices, state = coder.pull_by(states, at.parameters.scale_indices, parameters.tables, at.state)
        see(indices)
        return indices, cdf_indices, state

    empty = empty_variables(model, height, width)
    values = Arrays(quality=scalar(fraction), **empty)
    coding = Coding(model, deployed, deployed.for_step(step), fraction, values, code)
    run(model.schedule.code, sessions.run, values, coding)
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
