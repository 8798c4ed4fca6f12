"""Training pictures: decoded or drawn once to a file of pixels that every process maps."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from trellic.errors import NoPictures
from trellic.files import write_atomically, write_bytes
from trellic.picture.kinds import readable_suffixes
from trellic.train.graphics import draw

Patch = npt.NDArray[np.uint8]
"""Pixels, uint8 (H, W, 3)."""

GRAPHICS, GRAPHICS_SIDE = 2000, 384
"""How many synthetic graphics are drawn, and the sides of each in pixels: crops are smaller, so that few are alike."""


LEAST_HELD, FEWEST = 2, 3
"""Pictures for validation, and in all: one to train on is the least."""
EVERY = 5
"""How many pictures there are for each that is for validation."""


def list_pictures(folders: Iterable[str]) -> list[Path]:
    """Return picture files, and those below folders, sorted in each, so that a seed means the same everywhere."""
    roots = [Path(folder) for folder in folders]
    suffixes = readable_suffixes()
    found = (path for root in roots for path in ([root] if root.is_file() else sorted(root.rglob("*"))))
    paths = [path for path in found if path.suffix.lower() in suffixes]
    if not paths:
        raise NoPictures(f"{', '.join(map(str, roots))}: no pictures found")
    return paths


def divide(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Return pictures to train on, and those for validation: of each folder the last fifth, or of all, two at least.

    Neighbours in a folder are often of one scene, patient or page. Raises NoPictures where there are too few.
    """
    if len(paths) < FEWEST:
        raise NoPictures(f"{len(paths)} pictures are too few: {FEWEST} or more are needed, 25 are good")
    count, folders = max(LEAST_HELD, len(paths) // EVERY), defaultdict[Path, list[Path]](list)
    for path in paths:
        folders[path.parent].append(path)
    held = {path for folder in folders.values() for path in folder[len(folder) - len(folder) // EVERY :]}
    if 2 * len(held) < count or len(held) < LEAST_HELD:  # of many small folders, some whole ones
        held = set(paths[-count:])
    return [path for path in paths if path not in held], [path for path in paths if path in held]


PIXELS, INDEX = "pixels.bin", "pictures.json"
"""Of each picture: position, height, width, quality. Other columns need another name: older caches are refilled."""
QUALITY = "quality"
"""The text of a PNG file that says, 0 to 100, which quality its picture is for."""


class PixelStore:
    """Pictures as uint8 (H, W, 3) views into one memory map, shared by all training processes of a machine.

    qualities  0 to 1, of pictures that are for one quality; None for all others
    """

    def __init__(self, folder: Path) -> None:
        index = json.loads((folder / INDEX).read_text())
        flat = np.memmap(folder / PIXELS, dtype=np.uint8, mode="r")
        self.pictures: list[Patch] = [flat[at : at + h * w * 3].reshape(h, w, 3) for at, h, w, _ in index]
        self.qualities: list[float | None] = [quality for *_, quality in index]

    @classmethod
    def of_files(
        cls, paths: list[Path], cache: Path, report: Callable[[str], None] = lambda message: None
    ) -> "PixelStore":
        """Decode pictures into the cache, unless this very list is there already; unreadable ones are skipped."""
        facts = "\n".join(f"{path.resolve()} {path.stat().st_size}" for path in paths)
        return cls._filled(cache / _digest(facts), _decoded(paths, report))

    @classmethod
    def of_graphics(cls, cache: Path) -> "PixelStore":
        """Draw synthetic graphics into the cache, unless they are there already."""
        drawn = ((draw(seed, GRAPHICS_SIDE), None) for seed in range(GRAPHICS))
        return cls._filled(cache / f"graphics-{GRAPHICS}-{GRAPHICS_SIDE}", drawn)

    @classmethod
    def _filled(cls, folder: Path, pictures: Iterable[tuple[Patch, float | None]]) -> "PixelStore":
        if not (folder / INDEX).exists():
            folder.mkdir(parents=True, exist_ok=True)
            index: list[tuple[int, int, int, float | None]] = []

            def fill(file: IO[bytes]) -> None:
                for pixels, quality in pictures:
                    file.write(np.ascontiguousarray(pixels).data)
                    index.append((file.tell() - pixels.size, *pixels.shape[:2], quality))
                if not index:
                    raise NoPictures("none of the training pictures can be read")

            write_atomically(folder / PIXELS, fill)  # a run that has the file of before mapped goes on with it
            write_bytes(folder / INDEX, json.dumps(index).encode())
        return cls(folder)


def _digest(facts: str) -> str:
    return hashlib.sha256(facts.encode()).hexdigest()[:16]


def _decoded(paths: Sequence[Path], report: Callable[[str], None]) -> Iterator[tuple[Patch, float | None]]:
    for number, path in enumerate(paths):
        if number and number % 100 == 0:
            report(f"decoding picture {number + 1} of {len(paths)}")
        try:
            with Image.open(path) as picture:
                quality = float(picture.info[QUALITY]) / 100 if QUALITY in picture.info else None
                yield np.asarray(picture.convert("RGB")), quality
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            report(f"{path}: skipped, {error}")


def centres(
    paths: Sequence[Path], side: int, device: torch.device, report: Callable[[str], None] = lambda message: None
) -> Tensor:
    """Return the central squares of validation pictures, float32 (N, 3, side, side) in [0, 1].

    Unreadable ones are skipped. Raises NoPictures where none is large enough.
    """
    patches = []
    for pixels, _ in _decoded(paths, report):
        top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
        if min(top, left) >= 0:
            patches.append(pixels[top : top + side, left : left + side])
    if not patches:
        raise NoPictures(f"no validation picture has both sides of {side} pixels or more")
    return to_device(patches, device)


def to_device(patches: list[Patch], device: torch.device) -> Tensor:
    """Return pictures of one size as float32 (N, 3, H, W) in [0, 1]; a quarter of those bytes are moved."""
    pixels = torch.from_numpy(np.stack(patches)).to(device, non_blocking=True)
    return pixels.permute(0, 3, 1, 2).float() / 255.0  # channels last, as the blocks like it
