"""Samples of more than 8 bits, converted to 8."""

import warnings

import numpy as np
from PIL import Image

from trellic.picture.types import Converted


def to_eight_bits(image: Image.Image) -> Image.Image:
    """Scale wider samples to 8 bits: integers as 16-bit, floats as 0 to 1, anything else by its own range."""
    values = np.nan_to_num(np.asarray(image).astype(np.float64))
    low, high = float(values.min()), float(values.max())
    if image.mode != "F" and low >= 0 and high <= 65535:
        eight, told = values / 257, "16-bit samples rounded to 8 bits"
    elif image.mode == "F" and low >= 0 and high <= 1:
        eight, told = values * 255, "samples from 0 to 1 rounded to 8 bits"
    elif low >= 0 and high <= 255:
        eight, told = values, "samples rounded to 8 bits"
    else:
        eight, told = (
            (values - low) * (255 / max(high - low, 1e-12)),
            f"samples {low:g} to {high:g} stretched to 8 bits",
        )
    warnings.warn(told, Converted, stacklevel=3)
    reduced = Image.fromarray(np.rint(eight).astype(np.uint8))
    if isinstance(clear := image.info.get("transparency"), int):  # the value that stands for nothing at all
        reduced.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    return reduced
