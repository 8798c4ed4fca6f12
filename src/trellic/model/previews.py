"""Previews: linear maps from the first groups of latents to a picture at 1/2, 1/4 or 1/8 of its size.

A companion of a model, in a file of its own that is named by the model's hash (`HASH.previews`): previews change no
stream and no model. `trellic fit-previews` fits them in closed form.

Arrays, by scale: `8.weights` float16 (3, 3·k², C, s, s), where s is odd and k the stride of y by the scale, and
`8.bias` float32 (3, 3·k²); their first axis is the powers 0, 1 and 2 of the quality. `log_rms` float32 (2, C): the
logarithm of what a latent channel is divided by, affine in quality.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trellic.errors import DamagedModel
from trellic.model.arrays import Arrays, pack_arrays, unpack_arrays
from trellic.model.model import Floats, Model
from trellic.model.store import find_companion

SUFFIX = ".previews"
SCALES = {8: 1, 4: 2, 2: 3}
"""Pixels of the picture, each way, for one of a preview; and how many groups of latents it is made of."""
POWERS = 3
LARGEST_FILE, LARGEST_WINDOW = 1 << 24, 7


@dataclass(frozen=True)
class Preview:
    """A linear map from latents to 8-bit samples, at one scale.

    weights  float16 (3, 3·k², C, s, s), by powers of quality; bias float32 (3, 3·k²)
    log_rms  float32 (2, C): the natural logarithm of each channel's rms, affine in quality
    """

    weights: npt.NDArray[np.float16]
    bias: Floats
    log_rms: Floats

    def check(self, channels: int, side: int) -> None:
        """Raise ValueError unless it maps so many channels to squares of so many samples a side."""
        count, window = 3 * side * side, self.weights.shape[-1] if self.weights.ndim else 0
        sound = (
            self.weights.shape == (POWERS, count, channels, window, window)
            and window % 2 == 1
            and window <= LARGEST_WINDOW
            and self.bias.shape == (POWERS, count)
            and self.log_rms.shape == (2, channels)
            and all(np.isfinite(array).all() for array in (self.weights, self.bias, self.log_rms))
        )
        if not sound:
            raise ValueError(f"the preview of squares of {side} is not of this model")

    @property
    def reach(self) -> int:
        """How many latents around its own a pixel sees."""
        return self.weights.shape[-1] // 2

    def show(self, latents: Floats, quality: float) -> npt.NDArray[np.uint8]:
        """Return samples, uint8 (3, k·H, k·W), of latents, float32 (at least C, H, W), at a quality of 0 to 1."""
        powers = np.array([quality**power for power in range(POWERS)], np.float32)
        weights = np.tensordot(powers, self.weights.astype(np.float32), 1)
        weights /= np.exp(self.log_rms[0] + quality * self.log_rms[1])[:, None, None]
        _, count, window, _ = weights.shape
        height, width = latents.shape[1:]
        sides = (self.reach, self.reach)
        padded = np.pad(latents[:count], ((0, 0), sides, sides), mode="edge")
        blocks = (powers @ self.bias)[:, None, None]
        for row, column in np.ndindex(window, window):
            seen = padded[:, row : row + height, column : column + width]
            blocks = blocks + np.tensordot(weights[:, :, row, column], seen, 1)
        return from_blocks(np.clip(np.rint(blocks), 0, 255).astype(np.uint8))


def from_blocks(blocks: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return planes (3, k·H, k·W) of blocks (3·k², H, W)."""
    count, height, width = blocks.shape
    side = round((count / 3) ** 0.5)
    return blocks.reshape(3, side, side, height, width).transpose(0, 3, 1, 4, 2).reshape(3, side * height, side * width)


def to_blocks(planes: npt.NDArray[np.float64], side: int) -> npt.NDArray[np.float64]:
    """Return blocks (3·k², H, W) of planes (3, k·H, k·W), k being `side`."""
    _, height, width = planes.shape
    cut = planes.reshape(3, height // side, side, width // side, side)
    return cut.transpose(0, 2, 4, 1, 3).reshape(3 * side * side, height // side, width // side)


def write_previews(previews: dict[int, Preview]) -> bytes:
    """Return the bytes of a file of previews by scale."""
    arrays: Arrays = {"log_rms": max((each.log_rms for each in previews.values()), key=lambda logs: logs.shape[1])}
    for scale, preview in previews.items():
        arrays |= {f"{scale}.weights": preview.weights, f"{scale}.bias": preview.bias}
    return pack_arrays(arrays)


def read_previews(model: Model) -> dict[int, Preview]:
    """Return the previews of a model by scale, none where no file of them is installed. Raises DamagedModel."""
    path = find_companion(model.name, SUFFIX)
    return _parse(path, model) if path else {}


def _parse(path: Path, model: Model) -> dict[int, Preview]:
    """Return what a file holds, each array checked against the model."""
    try:
        with path.open("rb") as file:
            arrays = unpack_arrays(file.read(LARGEST_FILE))
        logs = arrays["log_rms"]
        found = {}
        for scale, groups in SCALES.items():
            if f"{scale}.weights" not in arrays:
                continue
            weights, bias, last = arrays[f"{scale}.weights"], arrays[f"{scale}.bias"], model.schedule.groups[groups - 1]
            preview = Preview(weights, bias, logs[:, : last.stop])
            preview.check(last.stop, model.schedule.variables[last.variable].stride // scale)
            found[scale] = preview
    except Exception as error:  # damaged files make parsers raise errors of any kind
        raise DamagedModel(f"{path}: no previews of model {model.name} ({error})") from error
    return found
