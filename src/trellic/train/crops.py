"""Batches: random crops of photographs and graphics at random qualities, by a mix that the configuration names."""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from trellic.errors import NoPictures
from trellic.train.config import Mix
from trellic.train.data import Patch, PixelStore, to_device

LOW_QUALITY, HIGH_QUALITY = 0.3, 0.65
"""Below and above qualities may be more frequent, and rarer (`Mix`)."""
REDUCED = 0.5
"""Fraction of photographs that are reduced where the mix reduces any."""

Random = np.random.Generator
Drawn = tuple[list[Patch], list[float]]
_POOL = ThreadPoolExecutor(1)


class Crops:
    """Draws batches. Each of several processes draws by its own seed."""

    def __init__(self, photographs: PixelStore, graphics: PixelStore | None, mix: Mix, crop: int, seed: int) -> None:
        """Draw crops of `crop` pixels a side. Photographs that are smaller are never drawn; raises NoPictures."""
        self.mix, self.crop, self.random = mix, crop, np.random.default_rng(seed)
        self.beside = np.random.default_rng((seed, 1))  # for what is drawn with a batch: crops may be drawn ahead
        fitting = [number for number, one in enumerate(photographs.pictures) if min(one.shape[:2]) >= crop]
        self.photographs = [photographs.pictures[number] for number in fitting]
        self.qualities = [photographs.qualities[number] for number in fitting]
        if not self.photographs:
            raise NoPictures(f"no training picture has both sides of {crop} pixels or more")
        areas = np.array([picture.size for picture in self.photographs], dtype=np.float64)
        self.chances = np.cumsum(areas / areas.sum())
        self.graphics = graphics.pictures if graphics else []
        self.ahead: Future[Drawn] | None = None

    @classmethod
    def of(cls, photographs: PixelStore, cache: Path, mix: Mix, crop: int, seed: int) -> "Crops":
        """Draw from photographs, and from the cached graphics where the mix has any."""
        return cls(photographs, PixelStore.of_graphics(cache) if mix.graphics else None, mix, crop, seed)

    def draw(self, count: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Return new pictures, float32 (N, 3, H, W) in [0, 1], and qualities, (N, 1, 1, 1) in [0, 1].

        No batch is larger than the first.
        """
        patches, qualities = self.ahead.result() if self.ahead else self._drawn(count)
        if device.type != "cpu":  # the next batch is cut while the device computes
            self.ahead = _POOL.submit(self._drawn, count)
        return to_device(patches[:count], device), torch.tensor(qualities[:count], device=device).view(-1, 1, 1, 1)

    def _drawn(self, count: int) -> Drawn:
        drawn = [self._patch() for _ in range(count)]
        return [patch for patch, _ in drawn], [self._quality() if own is None else own for _, own in drawn]

    def _quality(self) -> float:
        if self.mix.low_qualities and self.random.random() < self.mix.low_qualities:
            return LOW_QUALITY * float(self.random.random())
        quality = float(self.random.random())
        if quality > HIGH_QUALITY and self.random.random() >= self.mix.high_qualities:
            return HIGH_QUALITY * float(self.random.random())
        return quality

    def _patch(self) -> tuple[Patch, float | None]:
        """Return a crop, turned and mirrored at random, and the quality that it is for, where it is for one."""
        quality = None
        if self.random.random() < self.mix.graphics:
            source = self.graphics[int(self.random.integers(len(self.graphics)))]
            patch = _cut(source, self.crop, self.random)
        else:
            number = int(np.searchsorted(self.chances, self.random.random()))
            number = min(number, len(self.photographs) - 1)
            patch, quality = self._cropped(self.photographs[number]), self.qualities[number]
        patch = np.rot90(patch, int(self.random.integers(4)))
        return patch[:, ::-1] if self.random.random() < 0.5 else patch, quality

    def _cropped(self, picture: Patch) -> Patch:
        """Return a crop of a photograph, perhaps reduced or grey."""
        side = self.crop
        if self.random.random() < REDUCED * (self.mix.shrink < 1):
            side = min(round(self.crop / self.random.uniform(self.mix.shrink, 1)), *picture.shape[:2])
        patch = _cut(picture, side, self.random)
        if side != self.crop:
            patch = np.asarray(Image.fromarray(patch).resize((self.crop, self.crop), Image.Resampling.BICUBIC))
        if self.random.random() < self.mix.grey:
            patch = np.asarray(Image.fromarray(patch).convert("L").convert("RGB"))
        return patch


def _cut(picture: Patch, side: int, random: Random) -> Patch:
    top, left = (int(random.integers(length - side + 1)) for length in picture.shape[:2])
    return picture[top : top + side, left : left + side]
