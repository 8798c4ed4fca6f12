"""What the network of features is trained on: views of pictures, as latents, and what the teacher makes of them.

Views are made once, and kept on disk. A view is a square of a picture that was reduced by chance, perhaps with a
rectangle of another one in it: the teacher says what it sees in any. Latents are those that the quantizer emits at a
quality drawn for each view.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from trellic.codec.deployed import DeployedQuantizer
from trellic.container.header import HIGHEST_QUALITY
from trellic.errors import NoPictures
from trellic.machine.latents import base_of_pixels
from trellic.model import Model, Sessions
from trellic.picture.types import Pixels
from trellic.quantize import Quantizer
from trellic.train.data import Patch
from trellic.train.teacher import Teacher

SIDE = 256
"""Of what the teacher sees of a view, in pixels."""
WIDEST = 2.25
"""A view is at least this part of its picture's shorter side: 1 / WIDEST."""
MIRRORED, PASTED, COLOURED = 0.5, 0.3, 0.5
"""Probabilities that a view is mirrored, has a rectangle of another picture, and has its colours changed."""
Random = np.random.Generator
Halves = npt.NDArray[np.float16]
Whitening = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
"""What is subtracted from the teacher's end, (1280,), and what the rest is multiplied by, (256, 1280)."""


@dataclass(frozen=True)
class Views:
    """Views at one distance; all arrays have one row a view.

    y, z      float16: the latents of the first groups, and z, as decoded
    quality   float32: 0 to 1
    middle    float16 (N, 112, 16, 16): what the teacher has in its middle
    end       float16 (N, 256, 8, 8): what it has at its end, whitened
    """

    y: Halves
    z: Halves
    quality: npt.NDArray[np.float32]
    middle: Halves
    end: Halves

    @classmethod
    def read(cls, folder: Path) -> "Views":
        """Return the views of a folder, mapped."""
        return cls(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in cls.__dataclass_fields__))

    @classmethod
    def make(cls, folder: Path, count: int, look: "Looking", distance: int, report: Callable[[str], None]) -> "Views":
        """Return the views of a folder, made first where it has none."""
        if not (folder / "quality.npy").exists():
            folder.mkdir(parents=True, exist_ok=True)
            stores: dict[str, Any] = {}
            for number in range(count):
                found = look.view(distance)
                for name, values in found.items():
                    if name not in stores:
                        shape, kind = (count, *values.shape), values.dtype
                        place = folder / f"{name if name != 'quality' else 'quality.part'}.npy"
                        stores[name] = np.lib.format.open_memmap(place, "w+", kind, shape)
                    stores[name][number] = values
                if number % 500 == 499:
                    report(f"{number + 1} of {count} views at distance {distance}")
            for store in stores.values():
                store.flush()
            (folder / "quality.part.npy").rename(folder / "quality.npy")
        return cls.read(folder)


class Looking:
    """Makes views of pictures."""

    def __init__(self, model: Model, quantizer: Quantizer, teacher: Teacher, pictures: list[Patch], seed: int) -> None:
        self.sessions = Sessions(model, torch.get_num_threads())
        self.deployed = DeployedQuantizer.of(model, quantizer)
        self.teacher, self.pictures, self.random = teacher, pictures, np.random.default_rng(seed)
        self.whitening: Whitening | None = None

    def view(self, distance: int) -> dict[str, npt.NDArray[Any]]:
        """Return a row of each array of `Views`."""
        assert self.whitening is not None
        pixels = self._pixels(distance * SIDE)
        quality = float(self.random.random())
        decoded = base_of_pixels(self.sessions, pixels, round(quality * HIGHEST_QUALITY), self.deployed)
        seen = self.teacher(_tensor(_halved(pixels, distance)))
        mean, matrix = self.whitening
        flat = seen.end[0].flatten(1).numpy()
        end = (matrix @ (flat - mean[:, None])).reshape(len(matrix), *seen.end.shape[2:])
        return {
            "y": decoded.y.astype(np.float16),
            "z": decoded.z.astype(np.float16),
            "quality": np.float32(quality),  # type: ignore[dict-item]
            "middle": seen.middle[0].numpy().astype(np.float16),
            "end": end.astype(np.float16),
        }

    def whiten(self, count: int, features: int) -> Whitening:
        """Return what whitens the teacher's end, as it is on so many views: its largest principal components."""
        sums: Any = 0.0
        products: Any = 0.0
        positions = 0
        for _ in range(count):
            end = self.teacher(_tensor(self._pixels(SIDE))).end[0].flatten(1).numpy().astype(np.float64)
            sums, products, positions = sums + end.sum(axis=1), products + end @ end.T, positions + end.shape[1]
        mean = sums / positions
        variances, directions = np.linalg.eigh(products / positions - np.outer(mean, mean))
        largest = np.argsort(-variances)[:features]
        matrix = directions[:, largest].T / np.sqrt(variances[largest])[:, None]
        return mean.astype(np.float32), matrix.astype(np.float32)

    def _pixels(self, side: int) -> Pixels:
        pixels = self._square(side)
        if self.random.random() < PASTED:
            height, width = (int(side * self.random.uniform(0.3, 0.7)) for _ in range(2))
            top, left = int(self.random.integers(side - height)), int(self.random.integers(side - width))
            pixels[top : top + height, left : left + width] = self._square(side)[:height, :width]
        return pixels

    def _square(self, side: int) -> Pixels:
        """Return a square of a random picture."""
        fitting = [picture for picture in self.pictures if min(picture.shape[:2]) >= side]
        if not fitting:
            raise NoPictures(f"no picture has both sides of {side} pixels or more")
        picture = fitting[int(self.random.integers(len(fitting)))]
        shorter = min(picture.shape[:2])
        cut = int(side * np.exp(self.random.uniform(0, np.log(min(shorter / side, WIDEST)))))
        top, left = (int(self.random.integers(length - cut + 1)) for length in picture.shape[:2])
        pixels = np.asarray(picture[top : top + cut, left : left + cut])
        if cut != side:
            pixels = np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC))
        if self.random.random() < COLOURED:
            pixels = _coloured(pixels, self.random)
        return pixels[:, ::-1].copy() if self.random.random() < MIRRORED else pixels.copy()


def _coloured(pixels: Pixels, random: Random) -> Pixels:
    """Return pixels with other brightness, contrast, saturation and tint."""
    values = pixels.astype(np.float32) / 255
    grey = values.mean(axis=2, keepdims=True)
    values = grey + (values - grey) * random.uniform(0.3, 1.5)
    values = 0.5 + (values * random.uniform(0.9, 1.1, 3) - 0.5) * random.uniform(0.7, 1.3) + random.uniform(-0.1, 0.1)
    return (values.clip(0, 1) * 255).round().astype(np.uint8)


def _halved(pixels: Pixels, distance: int) -> Pixels:
    if distance == 1:
        return pixels
    height, width = (side // distance for side in pixels.shape[:2])
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))


def _tensor(pixels: Pixels) -> torch.Tensor:
    """Return pixels as the teacher takes them."""
    return torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None] / 255
