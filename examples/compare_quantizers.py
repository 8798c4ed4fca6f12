"""Rate-distortion curves of two quantizers with the same networks, by bytes of whole files.

python examples/compare_quantizers.py [PICTURE...]
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import trellic
from trellic.evaluate.bdrate import bd_rate
from trellic.metrics import psnr

PHOTOGRAPH = Path(trellic.__file__).parent / "models" / "demo.webp"
QUALITIES = (20, 40, 60, 80)


def curve(quantizer: str, image: Image.Image) -> list[tuple[float, float]]:
    """Return (bits per pixel, PSNR) at each quality."""
    codec, pixels = trellic.Codec(quantizer=quantizer), np.asarray(image)
    points = []
    for quality in QUALITIES:
        data = codec.encode(image, quality)
        points.append((8 * len(data) / (image.width * image.height), psnr(pixels, np.asarray(codec.decode(data)))))
    return points


for path in sys.argv[1:] or [PHOTOGRAPH]:
    image = Image.open(path).convert("RGB")
    uniform, trellis = curve("uniform", image), curve("tcq8", image)
    for name, points in (("uniform", uniform), ("tcq8", trellis)):
        print(name, *(f"{rate:.3f} bpp {quality:.2f} dB" for rate, quality in points), sep="  ")
    # Bjøntegaard delta rate: negative means that tcq8 takes fewer bits at equal PSNR.
    print(f"tcq8 against uniform: {bd_rate(uniform, trellis).percent:+.2f} %")
