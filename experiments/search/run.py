"""What the search of effort 9 gains over effort 8 on test pictures, and the processor time that it takes."""

import time
from pathlib import Path

from experiments.store import SETS, TEST, keep
from trellic import Codec
from trellic.codec import Target
from trellic.evaluate.bdrate import bd_rate
from trellic.jobs.local import complain
from trellic.metrics import psnr
from trellic.picture.pillow import read
from trellic.picture.types import Picture

EFFORTS = (8, 9)
QUALITIES = (10, 30, 50, 70, 90)
LOW, HIGH = slice(0, 3), slice(2, 5)
"""Of the qualities."""


def run(data: Path) -> None:
    """Measure all of it anew, on one thread; kept after each picture."""
    codecs = {effort: Codec(effort=effort, threads=1) for effort in EFFORTS}
    lines = []
    for name in TEST:
        for path in sorted((data / SETS[name]).iterdir()):
            picture = Picture(read(path).pixels)
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
            before, after = (curves[effort] for effort in EFFORTS)
            saved = {
                part: bd_rate(before[qualities], after[qualities]).percent
                for part, qualities in (("all", slice(None)), ("low", LOW), ("high", HIGH))
            }
            pixels = picture.width * picture.height
            lines.append({"set": name, "picture": path.name, "pixels": pixels, "percent": saved, "curves": curves,
                          "seconds": seconds})  # fmt: skip
            complain(f"search: {name} {path.name} {saved['all']:+.2f} %")
            keep("search", [{"efforts": EFFORTS, "qualities": QUALITIES}, *lines])
