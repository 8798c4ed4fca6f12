"""The pictures of the golden streams."""

import numpy as np
from PIL import Image

QUALITY, TILE = 80, 256


def waves(width: int = 75, height: int = 50) -> Image.Image:
    """Return pixels of waves with an alpha ramp."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [128 + 90 * np.sin(x / (5 + 3 * c)) * np.cos(y / (9 - 2 * c)) for c in range(3)]
    return Image.fromarray(np.stack([*planes, np.minimum(x * 3, 255)], axis=2).astype(np.uint8))
