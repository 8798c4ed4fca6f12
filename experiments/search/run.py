"""What the searches of efforts 7 to 9 gain over effort 6, which has none, on test pictures, and what time they take."""

import time
from pathlib import Path
from typing import Any

from experiments.store import SETS, TEST, NotMeasured, keep, lines_of
from trellic import Codec
from trellic.codec import Target
from trellic.evaluate.bdrate import bd_rate
from trellic.jobs.local import complain
from trellic.metrics import psnr
from trellic.picture.pillow import read
from trellic.picture.types import Picture

EFFORTS = (6, 7, 8, 9)
QUALITIES = (10, 30, 50, 70, 90)
LOW, HIGH = slice(0, 3), slice(2, 5)
"""Of the qualities."""
EVERY = {"kodak": 1, "gb82": 5}
"""One picture in so many of a set: all of Kodak, since published curves are means over it."""


def run(data: Path) -> None:
    """Measure what is missing, on one thread; kept after each picture."""
    codecs = {effort: Codec(effort=effort, threads=1) for effort in EFFORTS}
    try:
        lines = lines_of("search")[1][1:]
    except NotMeasured:
        lines = []
    for name in TEST:
        for path in sorted((data / SETS[name]).iterdir())[:: EVERY[name]]:
            if (name, path.name) not in {(line["set"], line["picture"]) for line in lines}:
                lines.append({"set": name, "picture": path.name, **_measured(codecs, Picture(read(path).pixels))})
                complain(f"search: {name} {path.name} {lines[-1]['percent'][EFFORTS[-1]]['all']:+.2f} %")
                keep("search", [{"efforts": EFFORTS, "qualities": QUALITIES}, *lines])


def _measured(codecs: dict[int, Codec], picture: Picture) -> dict[str, Any]:
    """Return what the efforts make of a picture."""
    curves: dict[int, list[tuple[float, float]]] = {}
    seconds: dict[int, float] = {}
    for effort, codec in codecs.items():
        began = time.process_time()
        streams = [codec.encode_picture(picture, Target(quality)).data for quality in QUALITIES]
        seconds[effort] = (time.process_time() - began) / len(QUALITIES)
        shown = [codec.decode_picture(stream).pixels for stream in streams]
        curves[effort] = [
            (8 * len(stream) * 3 / picture.pixels.size, psnr(picture.pixels, pixels))
            for stream, pixels in zip(streams, shown, strict=True)
        ]
    before, *others = EFFORTS
    saved = {
        effort: {
            part: bd_rate(curves[before][qualities], curves[effort][qualities]).percent
            for part, qualities in (("all", slice(None)), ("low", LOW), ("high", HIGH))
        }
        for effort in others
    }
    return {"pixels": picture.width * picture.height, "percent": saved, "curves": curves, "seconds": seconds}
