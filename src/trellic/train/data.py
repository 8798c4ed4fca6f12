"""Training pictures: decoded once to a file of pixels that every process maps, then cropped at random."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from trellic.errors import NoPictures
from trellic.picture.kinds import readable_suffixes
from trellic.train.config import TrainConfig
from trellic.train.processes import world


def list_pictures(folders: list[Path]) -> list[Path]:
    """Return the picture files below the folders, sorted, so that a seed means the same everywhere."""
    paths = [
        path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix.lower() in readable_suffixes()
    ]
    if not paths:
        raise NoPictures(f"{', '.join(map(str, folders))}: no pictures found")
    return paths


class Pixels:
    """Pictures as uint8 (H, W, 3) views into one memory map, shared by all training processes."""

    def __init__(self, store: Path) -> None:
        index = json.loads((store / "index.json").read_text())
        flat = np.memmap(store / "pixels.bin", dtype=np.uint8, mode="r")
        self.pictures = [flat[at : at + h * w * 3].reshape(h, w, 3) for at, h, w in index]

    @classmethod
    def of(cls, paths: list[Path], cache: Path, report: Callable[[str], None] = lambda message: None) -> "Pixels":
        """Decode the pictures into the cache, unless this very list is there already; unreadable ones are left out."""
        facts = "\n".join(f"{path.resolve()} {path.stat().st_size}" for path in paths)
        store = cache / hashlib.sha256(facts.encode()).hexdigest()[:16]
        if not (store / "index.json").exists():
            store.mkdir(parents=True, exist_ok=True)
            index, position = [], 0
            with (store / "pixels.bin").open("wb") as file:
                for number, path in enumerate(paths):
                    if number % 100 == 0:
                        report(f"decoding picture {number + 1} of {len(paths)}")
                    try:
                        with Image.open(path) as picture:
                            pixels = np.asarray(picture.convert("RGB"))
                    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
                        report(f"{path}: left out, {error}")
                        continue
                    file.write(pixels.tobytes())
                    index.append((position, *pixels.shape[:2]))
                    position += pixels.size
            if not index:
                raise NoPictures("none of the training pictures can be read")
            (store / "index.json").write_text(json.dumps(index))
        return cls(store)

    def batches(self, size: int, crop: int, seed: int) -> Iterator[Tensor]:
        """Yield random crops for ever, float32 (size, 3, crop, crop) in [0, 1], turned and mirrored at random.

        Pictures are drawn in proportion to their area; those smaller than a crop are left out.
        """
        large = [picture for picture in self.pictures if min(picture.shape[:2]) >= crop]
        if not large:
            raise NoPictures(f"no training picture has both sides of {crop} pixels or more")
        areas = np.array([picture.size for picture in large], dtype=np.float64)
        chances = np.cumsum(areas / areas.sum())
        random = np.random.default_rng(seed)
        while True:
            yield torch.stack([self._crop(large, chances, crop, random) for _ in range(size)])

    @staticmethod
    def _crop(large: list[np.ndarray], chances: np.ndarray, crop: int, random: np.random.Generator) -> Tensor:
        picture = large[min(int(np.searchsorted(chances, random.random())), len(large) - 1)]
        top = random.integers(picture.shape[0] - crop + 1)
        left = random.integers(picture.shape[1] - crop + 1)
        patch = np.rot90(picture[top : top + crop, left : left + crop], int(random.integers(4)))
        if random.random() < 0.5:
            patch = patch[:, ::-1]
        return torch.from_numpy(np.ascontiguousarray(patch)).permute(2, 0, 1).float() / 255.0


class Crops:
    """This process's share of the batches of a run: random crops, larger in the second half, at random qualities."""

    def __init__(self, config: TrainConfig, pixels: Pixels, seed: int) -> None:
        share = max(1, config.batch // world())
        self.early = pixels.batches(share, config.crop, seed)
        self.late = pixels.batches(share, config.late_crop or config.crop, seed + 50)

    def draw(self, progress: float) -> tuple[Tensor, Tensor]:
        """Return new pictures (N, 3, H, W), and qualities (N, 1, 1, 1) in [0, 1]."""
        pictures = next(self.early if progress < 0.5 else self.late).contiguous(memory_format=torch.channels_last)
        return pictures, torch.rand(len(pictures), 1, 1, 1)


def centres(paths: list[Path], size: int) -> Tensor:
    """Return the central squares of held-out pictures, float32 (N, 3, size, size) in [0, 1]."""
    patches = []
    for path in paths:
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        top, left = (pixels.shape[0] - size) // 2, (pixels.shape[1] - size) // 2
        if min(top, left) >= 0:
            patches.append(torch.from_numpy(pixels[top : top + size, left : left + size].copy()).permute(2, 0, 1))
    if not patches:
        raise NoPictures(f"no held-out picture has both sides of {size} pixels or more")
    return torch.stack(patches).float() / 255.0
