"""Samples of more than 8 bits, rounded to 8."""

import sys

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile

from trellic.picture.chunks import is_open
from trellic.picture.types import Pixels, warn_of_samples

NATIVE = "L" if sys.byteorder == "little" else "B"
SWAPPED = {"B": "L", "L": "B"}
WIDE = {"RGB;16", "RGBX;16", "RGBA;16", "LA;16"}
"""Layouts of 16-bit samples, without the order of bytes, whose upper halves alone Pillow keeps."""


DIM = 32
"""Of 256 levels: pictures of 12 bits in samples of 16 have 16."""


def warn_rounded(colours: Pixels) -> None:
    """Warn that samples of 16 bits were rounded to these, and where hardly any levels are left."""
    warn_of_samples(", ".join(["16-bit samples rounded to 8 bits", *_nearly_black(colours)]))


def _nearly_black(colours: Pixels) -> list[str]:
    """Return what to say where hardly any levels are left."""
    high = int(colours.max())
    return [f"none of which is above {high}: scale them first"] if 0 < high < DIM else []


def to_eight(values: npt.NDArray[np.uint16]) -> Pixels:
    """Return 16-bit samples in 8 bits, rounded to the nearest."""
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def load(image: Image.Image) -> Image.Image:
    """Load a Pillow image, and return it with 16-bit colour rounded to 8 bits, where Pillow would cut it."""
    layout = _layout(image)
    if layout[:-1] not in WIDE:
        image.load()  # some formats keep metadata behind the pixels
        return image
    lower = _load_again(image, layout)
    image.load()
    values = _joined(image, lower, layout)
    rounded = to_eight(values)
    warn_rounded(rounded[..., : 1 if layout.startswith("LA") else 3])
    eight = Image.fromarray(rounded)
    clear = image.info.get("transparency")  # the colour that stands for nothing at all
    if clear is not None:
        eight.putalpha(Image.fromarray(np.where((values == clear).all(axis=2), 0, 255).astype(np.uint8)))
    eight.info = {key: value for key, value in image.info.items() if key != "transparency"}
    return eight


def from_wide_grey(image: Image.Image) -> Image.Image:
    """Return a grey image of 16-bit, 32-bit or float samples in 8 bits."""
    values = np.asarray(image)
    if image.mode == "F":
        return Image.fromarray(from_floats(values))
    low, high = int(values.min()), int(values.max())
    if image.mode == "I" and low >= 0 and high <= 255:
        eight = values.astype(np.uint8)
    elif low >= 0 and high <= 65535:
        eight = to_eight(values.astype(np.uint16))
        warn_rounded(eight)
    else:
        warn_of_samples(f"samples {low} to {high} stretched to 8 bits")
        eight = np.rint((values.astype(np.float64) - low) * (255 / max(1, high - low))).astype(np.uint8)
    reduced = Image.fromarray(eight)
    if isinstance(clear := image.info.get("transparency"), int):  # the value that stands for nothing at all
        reduced.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    return reduced


def from_floats(values: npt.NDArray[np.float32]) -> Pixels:
    """Return float samples in 8 bits: 0 is black and 1 white, what lies beyond is clipped.

    Whole numbers above 1 were integers once: then white is 255, or 65535. Where most samples lie above 1, it is the
    largest of them.
    """
    finite = np.isfinite(values)
    known = values[finite].astype(np.float64)
    high = float(known.max()) if known.size else 1.0
    if 1 < high <= 65535 and (known == np.rint(known)).all():
        white, scaling = (255.0 if high <= 255 else 65535.0), "whole float samples"
    elif known.size and np.median(known) > 1:
        white, scaling = high, f"float samples, white taken as their largest, {high:g},"
    else:
        white, scaling = 1.0, "float samples from 0 to 1"
    clipped = int((known < 0).sum() + (known > white).sum())
    lost = [f"{clipped / values.size:.2%} clipped"] if clipped else []
    lost += [f"{values.size - known.size} that are no finite numbers replaced"] if known.size < values.size else []
    sound = np.nan_to_num(values.astype(np.float64), nan=0, posinf=white, neginf=0)
    eight: Pixels = np.rint(np.clip(sound / white, 0, 1) * 255).astype(np.uint8)
    warn_of_samples(", ".join([f"{scaling} rounded to 8 bits", *lost, *_nearly_black(eight)]))
    return eight


def _layout(image: Image.Image) -> str:
    """Return how samples lie in a file that is not loaded yet, its order of bytes as L or B; "" where unknown."""
    tiles = getattr(image, "tile", None)
    if not tiles or not is_open(image):
        return ""
    arguments = tiles[0].args
    layout = str(arguments[0] if isinstance(arguments, tuple) and arguments else arguments)
    return layout[:-1] + NATIVE if layout.endswith(";16N") else layout


def _load_again(image: Image.Image, layout: str) -> Image.Image:
    """Return the lower halves of 16-bit samples: the same file, read as if its bytes were in the other order.

    Grey with alpha comes as the four bytes of each pixel.
    """
    assert isinstance(image, ImageFile.ImageFile)
    assert image.fp is not None
    file, at = image.fp, image.fp.tell()
    file.seek(0)
    again = Image.open(file, formats=[str(image.format)])
    assert isinstance(again, ImageFile.ImageFile)
    if image.tell():
        again.seek(image.tell())
    other = "RGBA" if layout.startswith("LA") else layout[:-1] + SWAPPED[layout[-1]]
    again.tile = [
        tile._replace(args=(other, *tile.args[1:]) if isinstance(tile.args, tuple) else other) for tile in again.tile
    ]
    again.load()
    file.seek(at)
    return again


def _joined(upper: Image.Image, lower: Image.Image, layout: str) -> npt.NDArray[np.uint16]:
    """Return whole 16-bit samples, (H, W, C)."""
    halves = np.asarray(lower).astype(np.uint16)
    if layout.startswith("LA"):
        return halves[:, :, ::2] * np.uint16(256) + halves[:, :, 1::2]
    return np.asarray(upper).astype(np.uint16) * np.uint16(256) + halves
