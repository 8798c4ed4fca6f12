"""Latents, the bits of each, and a map of them: what an encoder does, step by step.

python examples/latents.py [PICTURE]
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import trellic
from trellic.codec.analysis import analyse
from trellic.codec.coding import Pass
from trellic.codec.encoder import encode_latents, reconstruct
from trellic.container.header import QUALITY_ONE
from trellic.entropy.bits import bits_of
from trellic.metrics import psnr

PHOTOGRAPH = Path(trellic.__file__).parent / "models" / "demo.webp"

image = Image.open(sys.argv[1] if sys.argv[1:] else PHOTOGRAPH).convert("RGB")
pixels = np.asarray(image)
codec = trellic.Codec(quantizer="tcq8", restore=False)  # no search, no restoration: the plain path
analysed = analyse(codec.sessions, pixels, 50 * QUALITY_ONE)
for name, targets in analysed.targets.items():
    print(f"{name}: {targets.dtype} {targets.shape}")

channels, height, width = analysed.targets["y"].shape
by_channel, by_place = np.zeros(channels), np.zeros(height * width)
of_variable = dict.fromkeys(analysed.targets, 0.0)


def see(at: Pass, indices: np.ndarray, cdf_indices: np.ndarray, decoded: np.ndarray) -> None:
    """Count the bits of a pass, whose latents come in coding order."""
    bits = bits_of(cdf_indices, indices, codec.deployed.tables_of(at.step.tables))
    of_variable[at.step.variable] += bits.sum()
    if at.step.variable == "y":
        channel, place = np.divmod(at.positions, height * width)
        by_channel[at.step.channels] += np.bincount(channel, bits, at.step.stop - at.step.start)
        by_place[:] += np.bincount(place, bits, height * width)


coded = encode_latents(codec.sessions, analysed, codec.deployed, see)
print(f"{len(coded.data)} bytes coded;", ", ".join(f"{name}: {bits / 8:.0f}" for name, bits in of_variable.items()))
print(f"most bits take channels {by_channel.argsort()[::-1][:5].tolist()}")
print(f"{psnr(pixels, reconstruct(codec.sessions, coded, analysed)):.2f} dB")
shown = np.rint(255 * (by_place / by_place.max()) ** 0.5).astype(np.uint8).reshape(height, width)
Image.fromarray(shown).resize(image.size, Image.Resampling.NEAREST).save("bits.png")
