"""Large pictures: memory and time from 1 to 100 megapixels, and what tiles cost. Run nothing else meanwhile.

Pictures of every size are a mosaic of cid22, shown over and over; `trellic encode` and `decode` run in fresh processes,
on PNG files, as a user would run them. What tiles cost is measured on a mosaic of 2048×2048 pixels that is coded whole,
and in tiles, and on Tecnick's picture in tiles of half its size.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from experiments.store import SETS, keep
from trellic.codec import Codec, Target
from trellic.container.grid import MOST_SIDE
from trellic.evaluate.bdrate import bd_rate
from trellic.evaluate.peak import LAUNCH, UNIT
from trellic.jobs.local import complain
from trellic.jobs.plan import find_files
from trellic.metrics import psnr
from trellic.picture.kinds import readable_suffixes
from trellic.picture.pillow import read
from trellic.picture.types import Picture

SIDES = (64, 1024, 2048, 4096, 10_000)
QUALITIES = (0, 15, 30, 50, 70, 90, 100)
TILES_EFFORT = 4
"""At which what tiles cost is measured."""
REPEATS = 3
"""But for the two largest, which take minutes."""


def mosaic(folder: Path, side: int) -> np.ndarray:
    """Return a square of a folder's pictures side by side, row after row, uint8 (side, side, 3)."""
    pixels = [read(path).pixels for path, _ in find_files([str(folder)], readable_suffixes())]
    height, width = pixels[0].shape[:2]
    out = np.empty((side, side, 3), np.uint8)
    for number, (top, left) in enumerate((y, x) for y in range(0, side, height) for x in range(0, side, width)):
        place = out[top : top + height, left : left + width]
        place[:] = pixels[number % len(pixels)][: place.shape[0], : place.shape[1]]
    return out


def timed(*arguments: str) -> dict[str, float]:
    """Run trellic in a fresh process; return its wall-clock seconds, the processors' seconds, and its peak in bytes."""
    with tempfile.NamedTemporaryFile() as peak:
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        command = [sys.executable, "-I", "-S", "-c", LAUNCH, peak.name, sys.executable, "-m", "trellic", *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {"seconds": seconds, "cpu_seconds": busy, "peak_bytes": int(Path(peak.name).read_text()) * UNIT}


def sizes(folder: Path) -> list[dict[str, Any]]:
    """Encode, decode, and decode a region of a mosaic of each size; medians of several times, the two largest once."""
    lines = []
    with tempfile.TemporaryDirectory() as place:
        picture, stream, decoded = (str(Path(place) / name) for name in ("picture.png", "stream.tlic", "decoded.png"))
        for side in SIDES:
            Image.fromarray(mosaic(folder, side)).save(picture, compress_level=1)
            region = f"{side // 4},{side // 4},{min(side // 2, 512)},{min(side // 2, 512)}"
            verbs = {
                "encode": ("encode", picture, "-o", stream, "--force"),
                "decode": ("decode", stream, "-o", decoded, "--force"),
                "decode a region": ("decode", stream, "-o", decoded, "--force", "--crop", region),
            }
            for verb, arguments in verbs.items():
                repeats = 1 if side in SIDES[-2:] else REPEATS
                runs = sorted((timed(*arguments) for _ in range(repeats)), key=lambda run: run["seconds"])
                lines.append({"megapixels": side * side / 1e6, "verb": verb, **runs[repeats // 2]})
                complain(f"large: {lines[-1]}")
    return lines


def cost_of_tiles(name: str, pixels: np.ndarray, side: int) -> dict[str, Any]:
    """Return the BD-rate of a picture in tiles of a side against the same coded whole."""
    curves: dict[int, list[tuple[float, float]]] = {MOST_SIDE: [], side: []}
    for tile, points in curves.items():
        codec = Codec(tile=tile, effort=TILES_EFFORT)
        for quality in QUALITIES:
            data = codec.encode_picture(Picture(pixels), Target(quality)).data
            points.append((8 * len(data) / pixels[:, :, 0].size, psnr(pixels, codec.decode_picture(data).pixels)))
    height, width = pixels.shape[:2]
    cost = bd_rate(curves[MOST_SIDE], curves[side]).percent
    return {"picture": name, "width": width, "height": height, "tile": side, "bd_rate": cost}


def run(data: Path) -> None:
    """Measure all of it anew."""
    folder = data / SETS["cid22"]
    shifted = mosaic(folder, 2304)[256:, 256:]  # so that no tile ends where a picture of the mosaic does
    costs = [cost_of_tiles("mosaic", shifted, 1024)]
    for path, _ in find_files([str(data / "test" / "tecnick")], readable_suffixes()):
        pixels = read(path).pixels
        costs.append(cost_of_tiles(path.name, pixels, max(pixels.shape) // 2))
    keep("large", [*sizes(folder), *costs])
