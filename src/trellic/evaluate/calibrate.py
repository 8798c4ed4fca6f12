"""Rate-distortion curves of one quantizer at several strengths: what calibration chooses from."""

from collections.abc import Callable

import numpy as np

from trellic.codec import Codec
from trellic.codec.encoder import analyse, code
from trellic.container.header import QUALITY_ONE
from trellic.image import Picture
from trellic.metrics import psnr

STRENGTHS = (0.0, 0.03, 0.06, 0.09, 0.12, 0.16)
QUALITIES = (15, 50, 85)


def curves(
    codec: Codec, pictures: list[Picture], report: Callable[[str], None]
) -> dict[float, list[tuple[float, float]]]:
    """Return (bits a pixel of coded latents, PSNR in dB), means over pictures, at each strength and quality."""
    points: dict[float, list[tuple[float, float]]] = {strength: [] for strength in STRENGTHS}
    analysed = [analyse(codec.networks, picture.pixels) for picture in pictures]
    for strength in STRENGTHS:
        quantization = codec.quantization._replace(strength=strength)
        for quality in (point * QUALITY_ONE for point in QUALITIES):
            rates, qualities = [], []
            for picture, latents in zip(pictures, analysed, strict=True):
                coded = code(codec.networks, latents, quality, quantization)
                rates.append(8 * len(coded.data) / (latents.width * latents.height))
                qualities.append(psnr(picture.pixels, coded.reconstruct(codec.networks, quality, latents)))
            points[strength].append((float(np.mean(rates)), float(np.mean(qualities))))
        report(f"strength {strength:g} measured")
    return points
