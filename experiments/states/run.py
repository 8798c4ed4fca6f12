"""What more states of the trellis gain on pictures.

The same networks, tables and operating points: bits that the tables promise, at equal PSNR, against eight states, on
validation pictures. What the search takes is measured by `speed`.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from experiments.store import SETS, keep
from trellic import Codec
from trellic.codec.analysis import analyse
from trellic.codec.encoder import encode_latents, reconstruct
from trellic.container.header import QUALITY_ONE
from trellic.evaluate.bdrate import curve, pchip
from trellic.jobs.local import complain
from trellic.metrics import psnr
from trellic.picture.pillow import read
from trellic.picture.types import Pixels
from trellic.quantize import QUANTIZERS

ANCHOR = "tcq8"
QUALITIES, AROUND = (15, 50, 85), (-5, 0, 5)
EVERY, DETAIL = 4, 384
"""One picture in so many, and the side of the part that is coded."""
Point = tuple[float, float]


def measure(codec: Codec, pixels: Pixels, quality: int) -> Point:
    """Return bits and PSNR in dB of a picture at a quality from 0 to 100."""
    analysed = analyse(codec.sessions, pixels, quality * QUALITY_ONE)
    coded = encode_latents(codec.sessions, analysed, codec.deployed)
    return coded.estimated_bits, psnr(pixels, reconstruct(codec.sessions, coded, analysed))


def saving(anchors: Sequence[list[Point]], found: Sequence[Point]) -> float:
    """Return the mean over pictures of the bits at equal PSNR against a curve of each, in per cent."""
    logs = []
    for anchor, (bits, decibels) in zip(anchors, found, strict=True):
        psnrs, log_rates = curve(anchor)
        logs.append(np.log(bits) - float(pchip(psnrs, log_rates, np.array([decibels]))[0]))
    return 100 * float(np.expm1(np.mean(logs)))


def run(data: Path) -> None:
    """Measure all of it anew."""
    pictures = [read(path).pixels[:DETAIL, :DETAIL] for path in sorted((data / SETS["cid22"]).iterdir())[::EVERY]]
    anchor = Codec(quantizer=ANCHOR)
    anchors = {
        quality: [[measure(anchor, pixels, quality + near) for near in AROUND] for pixels in pictures]
        for quality in QUALITIES
    }
    lines = []
    for quantizer in QUANTIZERS:
        if quantizer.states.is_trellis:
            codec = Codec(quantizer=quantizer.name)
            savings = [
                saving(anchors[quality], [measure(codec, pixels, quality) for pixels in pictures])
                for quality in QUALITIES
            ]
            lines.append({"quantizer": quantizer.name, "per_cent": savings})
            complain(f"states: {quantizer.name}")
    keep("states", [{"pictures": len(pictures), "qualities": QUALITIES}, *lines])
