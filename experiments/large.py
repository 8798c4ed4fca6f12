"""Large pictures: memory and time from 1 to 100 megapixels, and what tiles cost: writes experiments/results/large.json.

    python experiments/large.py ../shared/data/valid/cid22 ../shared/data/test/tecnick

Pictures of every size are a mosaic of the first folder's, shown over and over; `trellic encode` and
`decode` run in fresh processes, on PNG files, as a user would run them. What tiles cost is measured on a mosaic of
2048 × 2048 pixels that is coded whole, and in tiles, and on every picture of the second folder in tiles of
half its size. Run nothing else meanwhile.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from trellic.codec import Codec, Target
from trellic.container.grid import MOST_SIDE
from trellic.evaluate.bdrate import bd_rate
from trellic.evaluate.memory import LAUNCH, UNIT
from trellic.files import write_atomically
from trellic.jobs.plan import find_files
from trellic.metrics import psnr
from trellic.model import DEFAULT, ModelFile, find_model
from trellic.picture.pillow import SUFFIXES, read
from trellic.picture.types import Picture

RESULTS = Path(__file__).parent / "results" / "large.json"
SIDES = (64, 1024, 2048, 4096, 10_000)
QUALITIES = (0, 15, 30, 50, 70, 90, 100)
REPEATS = 3


def mosaic(folder: Path, side: int) -> np.ndarray:
    """Return a square of a folder's pictures side by side, row after row, uint8 (side, side, 3)."""
    pixels = [read(path).pixels for path, _ in find_files([str(folder)], SUFFIXES)]
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
    """Encode, decode, and decode a region of a mosaic of each size; the median of several times."""
    records = []
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
                runs = sorted((timed(*arguments) for _ in range(REPEATS)), key=lambda run: run["seconds"])
                records.append({"side": side, "megapixels": side * side / 1e6, "verb": verb, **runs[REPEATS // 2]})
                print(records[-1], file=sys.stderr)
    return records


def cost_of_tiles(pixels: np.ndarray, side: int) -> dict[str, Any]:
    """Return rates and PSNR of a picture coded whole and in tiles of a side, and the BD-rate between."""
    curves: dict[str, list[tuple[float, float]]] = {"whole": [], "tiles": []}
    for name, tile in (("whole", MOST_SIDE), ("tiles", side)):
        codec = Codec(tile=tile)
        for quality in QUALITIES:
            data = codec.encode_picture(Picture(pixels), Target(quality)).data
            curves[name].append((8 * len(data) / pixels[:, :, 0].size, psnr(pixels, codec.decode_picture(data).pixels)))
    height, width = pixels.shape[:2]
    return {"width": width, "height": height, "tile": side, **curves,
            "bd_rate": bd_rate(curves["whole"], curves["tiles"]).percent}  # fmt: skip


def main() -> None:
    folder, real = Path(sys.argv[1]), find_files([sys.argv[2]], SUFFIXES)
    shifted = mosaic(folder, 2304)[256:, 256:]  # so that no tile ends where a picture of the mosaic does
    costs = {"mosaic": cost_of_tiles(shifted, 1024)}
    for path, _ in real:
        pixels = read(path).pixels
        costs[path.name] = cost_of_tiles(pixels, max(pixels.shape) // 2)
    result = {
        "command": "python experiments/large.py " + " ".join(sys.argv[1:]),
        "model": ModelFile.read(find_model(DEFAULT)).name,
        "cost_of_tiles": costs,
        "sizes": sizes(folder),
    }
    write_atomically(RESULTS, lambda file: file.write((json.dumps(result, indent=1) + "\n").encode()))


if __name__ == "__main__":
    main()
