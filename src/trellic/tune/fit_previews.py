"""Fit a model's previews: linear maps from its first groups of latents to small pictures, by least squares.

Latents are those that the quantizer emits at several qualities; targets are averaged squares of the pictures. Channels
are divided by their rms at each quality first, so that what is left to depend on quality is little: a polynomial.
Nothing is trained, and pictures need one pass: sums of products are all that is kept of them.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from trellic.codec.analysis import analyse
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import quantize_in_order
from trellic.codec.extent import Extent
from trellic.codec.tiles import LATENT
from trellic.container.header import QUALITY_ONE
from trellic.errors import NoPictures
from trellic.model import Model, Sessions
from trellic.model.model import Floats
from trellic.model.previews import POWERS, SCALES, Preview, to_blocks
from trellic.picture.types import Picture, Pixels
from trellic.processors import processors
from trellic.quantize import Quantizer
from trellic.tune.pictures import QUALITIES, middle_of

SIDE = 384
"""Of the middle of a picture, which is what it is fitted on."""
WINDOWS = {8: 3, 4: 3, 2: 1}
"""Latents, each way, that a pixel of each scale sees: at 1/2, more add a tenth of a dB and make the map nine times as
large."""
RIDGE = 1e-6
"""Of the mean square of what is mapped: it keeps the solution finite where channels are silent."""

Report = Callable[[str], None]
Sums = npt.NDArray[np.float64]
Example = tuple[float, Floats, Pixels]
"""A quality of 0 to 1, the latents of the first groups, and the picture that they are of."""


def fit_previews(
    model: Model,
    pictures: Sequence[Picture],
    quantizer: Quantizer,
    report: Report = lambda message: None,
) -> dict[int, Preview]:
    """Return previews by scale, fitted on what a quantizer emits on pictures. Raises NoPictures."""
    groups = min(max(SCALES.values()), len(model.schedule.groups))
    examples = _examples(model, pictures, quantizer, Extent(groups, predicted=0), report)
    log_rms = _log_rms(examples)
    fitted = {}
    for scale, groups in SCALES.items():
        if groups <= len(model.schedule.groups):
            report(f"fitting 1/{scale}")
            channels = model.schedule.groups[groups - 1].stop
            fitted[scale] = _fit(examples, log_rms[:, :channels], scale, WINDOWS[scale])
    return fitted


def fit_preview(
    model: Model, pictures: Sequence[Picture], quantizer: Quantizer, scale: int, extent: Extent, report: Report
) -> Preview:
    """Return a preview of one scale from what an extent has, fitted as `fit_previews` does. Raises NoPictures."""
    examples = _examples(model, pictures, quantizer, extent, report)
    return _fit(examples, _log_rms(examples), scale, WINDOWS[scale])


def _examples(
    model: Model, pictures: Sequence[Picture], quantizer: Quantizer, extent: Extent, report: Report
) -> list[Example]:
    """Return every picture at every quality, with the latents that an extent has. Raises NoPictures."""
    stride = model.schedule.stride
    middles = [
        middle_of(picture.pixels, SIDE, stride) for picture in pictures if min(picture.pixels.shape[:2]) >= stride
    ]
    if not middles:
        raise NoPictures(f"no picture that can be read has both sides of {stride} pixels or more")
    report(f"coding {len(middles)} pictures at {len(QUALITIES)} qualities")
    sessions, deployed = Sessions(model, threads=1), DeployedQuantizer.of(model, quantizer)
    last = model.schedule.groups[(extent.groups or 0) - 1]

    def code(pixels: Pixels) -> list[Example]:
        found = []
        for quality in QUALITIES:
            analysed = analyse(sessions, pixels, quality * QUALITY_ONE)
            decoded = quantize_in_order(sessions, analysed, deployed, lambda *_: None, extent)
            found.append((quality / 100, decoded[last.variable][: last.stop].copy(), pixels))
        return found

    with ThreadPoolExecutor(processors()) as pool:
        return [example for found in pool.map(code, middles) for example in found]


def _log_rms(examples: Sequence[Example]) -> Floats:
    """Return the natural logarithm of each channel's rms, affine in quality, float32 (2, C)."""
    squares = {quality: [] for quality, _, _ in examples}  # type: dict[float, list[Floats]]
    for quality, latents, _ in examples:
        squares[quality].append(np.square(latents).mean(axis=(1, 2)))
    logs = [np.log(np.maximum(np.mean(found, axis=0), 1e-6)) / 2 for found in squares.values()]
    slope, base = np.polyfit(list(squares), np.array(logs), 1)
    return np.stack([base, slope]).astype(np.float32)


def _fit(examples: Sequence[Example], log_rms: Floats, scale: int, window: int) -> Preview:
    """Return the ridge solution of one scale."""
    count, side = log_rms.shape[1], LATENT // scale
    products: Any = 0.0
    targets: Any = 0.0
    for quality, latents, pixels in examples:
        divided = latents[:count] / np.exp(log_rms[0] + quality * log_rms[1])[:, None, None]
        seen = _windows(divided, window)
        wanted = to_blocks(_averages(pixels, scale), side).reshape(3 * side * side, -1)
        powers = quality ** np.arange(POWERS)
        products = products + np.kron(np.outer(powers, powers), seen @ seen.T)
        targets = targets + np.kron(powers[:, None], seen @ wanted.T)
    ridge = RIDGE * float(np.diag(products).mean())
    solved = np.linalg.solve(products + ridge * np.eye(len(products)), targets)
    by_power = solved.reshape(POWERS, -1, 3 * side * side).transpose(0, 2, 1)
    weights = by_power[:, :, :-1].reshape(POWERS, -1, count, window, window)
    return Preview(weights.astype(np.float16), by_power[:, :, -1].astype(np.float32), log_rms)


def _windows(latents: Floats, window: int) -> Sums:
    """Return what each position sees, and 1, float64 (C · window² + 1, H · W)."""
    count, height, width = latents.shape
    sides = (window // 2, window // 2)
    padded = np.pad(latents.astype(np.float64), ((0, 0), sides, sides), mode="edge")
    seen = np.lib.stride_tricks.sliding_window_view(padded, (window, window), axis=(1, 2))
    flat = seen.transpose(0, 3, 4, 1, 2).reshape(count * window * window, height * width)
    return np.concatenate([flat, np.ones((1, height * width))])


def _averages(pixels: Pixels, scale: int) -> npt.NDArray[np.float64]:
    """Return the means of squares of pixels, float64 (3, H / scale, W / scale)."""
    height, width, _ = pixels.shape
    squares = pixels.reshape(height // scale, scale, width // scale, scale, 3)
    return squares.mean(axis=(1, 3), dtype=np.float64).transpose(2, 0, 1)
