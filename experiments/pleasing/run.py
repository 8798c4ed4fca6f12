"""Pleasing pictures from the same bits: distortion, and distances that the loss has not seen, at several realisms.

Qualities and realisms were fixed beforehand; what training depends on was chosen on valid/cid22.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from experiments.pleasing.statistics import (
    Pixels,
    kernel_distance,
    octave_energies,
    patches_of,
    sliced_wasserstein,
)
from experiments.store import ROOT, SETS, TEST, Line, keep
from trellic.codec import Codec
from trellic.evaluate.ssimulacra2 import ssimulacra2
from trellic.jobs.local import complain
from trellic.jobs.plan import find_files
from trellic.metrics import psnr
from trellic.picture.kinds import readable_suffixes
from trellic.picture.pillow import readable

QUALITIES, REALISMS, SEEN = (10, 30), (0.0, 0.25, 0.5, 0.75, 1.0), (0.0, 0.5, 1.0)
"""SEEN are the realisms at which SSIMULACRA2 is computed, which takes long."""
SCREENS = "gb82_screens"
GROUPS = {**{name: SETS[name] for name in TEST}, SCREENS: f"test/{SCREENS}"}
PATCH = 160
"""Side of what is compared by features, in pixels."""
CACHE = Path("runs/pleasing")
CROPS = (("kodak", "kodim13.webp", 300, 250), ("kodak", "kodim05.webp", 120, 140), ("kodak", "kodim15.webp", 330, 150))
"""Of the figure: set, picture, left, top."""
SHOWN, SIDE = (0.0, 0.5, 1.0), 192


class Cell(NamedTuple):
    """A quality and a realism; None for originals."""

    quality: int
    realism: float | None


def run(data: Path) -> None:
    """Measure all sets, and draw the figure."""
    from experiments.pleasing.networks import lite2, own

    CACHE.mkdir(parents=True, exist_ok=True)
    embeddings = {"lite2": lite2(), "own": own(data / "train" / "photos", CACHE)}
    codec, lines = Codec(threads=1), []
    features: dict[str, dict[Cell, list[Any]]] = {name: defaultdict(list) for name in (*embeddings, "levels")}
    for name, folder in GROUPS.items():
        for path, picture in readable(files_of(data / folder), complain):
            for cell, shown in views(codec, picture.pixels):
                if cell.realism is not None:
                    lines.append({"set": name, "picture": path.name, **_facts(picture.pixels, shown, cell)})
                if name != SCREENS:
                    for kind, embed in embeddings.items():
                        features[kind][cell].append(embed(cut(shown)))
                    features["levels"][cell].append(patches_of(shown, len(features["levels"][cell])))
            complain(f"pleasing: {name} {path.name}")
    lines += [_distances(features, Cell(quality, realism)) for quality in QUALITIES for realism in REALISMS]
    keep("pleasing", lines)
    figure(codec, data)


def files_of(folder: Path) -> list[Path]:
    """Return the pictures of a folder."""
    return [path for path, _ in find_files([str(folder)], readable_suffixes())]


def views(codec: Codec, pixels: Pixels) -> Iterator[tuple[Cell, Pixels]]:
    """Yield a picture, and what decoders show of its streams."""
    yield Cell(0, None), pixels
    for quality in QUALITIES:
        data = codec.encode(pixels, quality)
        for realism in REALISMS:
            yield Cell(quality, realism), np.asarray(codec.decode(data, realism=realism).convert("RGB"))


def cut(pixels: Pixels) -> list[Pixels]:
    """Return the squares of PATCH pixels that a picture has room for, from the left and the top."""
    tops, lefts = (range(0, side - PATCH + 1, PATCH) for side in pixels.shape[:2])
    return [pixels[top : top + PATCH, left : left + PATCH] for top in tops for left in lefts]


def _facts(original: Pixels, shown: Pixels, cell: Cell) -> Line:
    """Return what is measured of one picture: energies of octaves are over the original's."""
    octaves = [own / whole for own, whole in zip(octave_energies(shown), octave_energies(original), strict=True)]
    return {
        "quality": cell.quality,
        "realism": cell.realism,
        "mse": float(np.square(original.astype(np.int32) - shown).mean()),
        "psnr": psnr(original, shown),
        "octaves": octaves,
        "ssimulacra2": ssimulacra2(original, shown) if cell.realism in SEEN else None,
    }


def _distances(features: dict[str, dict[Cell, list[Any]]], cell: Cell) -> Line:
    """Return the distances of all photographs' patches, coded, from their originals'."""
    original = Cell(0, None)
    levels = [_levels(features["levels"][each]) for each in (cell, original)]
    return {
        "set": "photographs",
        "quality": cell.quality,
        "realism": cell.realism,
        "kernel": {
            kind: kernel_distance(*(np.concatenate(found[each]) for each in (cell, original)))
            for kind, found in features.items()
            if kind != "levels"
        },
        "patches": sum(map(len, features["lite2"][original])),
        "wasserstein": sliced_wasserstein(*levels),
    }


def _levels(pictures: Sequence[Sequence[Any]]) -> list[Any]:
    return [np.concatenate(level) for level in zip(*pictures, strict=True)]


def figure(codec: Codec, data: Path) -> None:
    """Draw crops at the lower quality: faithful, half-way, pleasing and original, from left to right."""
    strip = Image.new("RGB", (SIDE * (len(SHOWN) + 1), SIDE * len(CROPS)))
    for row, (name, picture, left, top) in enumerate(CROPS):
        pixels = np.asarray(Image.open(data / SETS[name] / picture).convert("RGB"))
        stream, box = codec.encode(pixels, QUALITIES[0]), (left, top, left + SIDE, top + SIDE)
        shown = [codec.decode(stream, realism=realism) for realism in SHOWN] + [Image.fromarray(pixels)]
        for column, image in enumerate(shown):
            strip.paste(image.convert("RGB").crop(box), (column * SIDE, row * SIDE))
    strip.save(ROOT.parent / "docs" / "figures" / "pleasing.webp", quality=90, method=6)
