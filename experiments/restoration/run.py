"""What the restoration filter saves: files of the shipped model at the default effort, with it and without.

Times are the processor's, of one thread, by turns.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.store import SETS, keep
from trellic import Codec
from trellic.codec import Target
from trellic.container import Stream
from trellic.evaluate.bdrate import bd_rate
from trellic.evaluate.ssimulacra2 import ssimulacra2
from trellic.jobs.local import complain
from trellic.metrics import psnr
from trellic.picture.pillow import read
from trellic.picture.types import Picture, Pixels

QUALITIES = (10, 30, 50, 70, 90)
EVERY = {"cid22": 4, "kodak": 1, "gb82": 2}
"""One picture in so many of a set."""
PARTS = {"all": slice(None), "low": slice(0, 3), "high": slice(2, 5)}
"""Of the qualities."""
MEASURES: dict[str, Callable[[Pixels, Pixels], float]] = {"psnr": psnr, "ssimulacra2": ssimulacra2}


def run(data: Path) -> None:
    """Measure all of it anew, on one thread."""
    codecs = Codec(threads=1, restore=False), Codec(threads=1)
    lines: list[dict[str, Any]] = [{"qualities": QUALITIES}]
    for name, every in EVERY.items():
        for path in sorted((data / SETS[name]).iterdir())[::every]:
            line = _measured(codecs, Picture(read(path).pixels))
            lines.append({"set": name, "picture": path.name, **line})
            complain(f"restoration: {name} {path.name} {line['percent']['psnr']['all']:+.2f} %")
    keep("restoration", lines)


def _measured(codecs: tuple[Codec, Codec], picture: Picture) -> dict[str, Any]:
    """Return bits at equal quality with the filter against without, its bytes, and seconds of both."""
    curves: dict[str, list[list[tuple[float, float]]]] = {name: [[], []] for name in MEASURES}
    encoding, decoding, weights = [0.0, 0.0], [0.0, 0.0], []
    for quality in QUALITIES:
        for number, codec in enumerate(codecs):
            begun = time.thread_time()
            stream = codec.encode_picture(picture, Target(quality)).data
            coded = time.thread_time()
            shown = codec.decode_picture(stream).pixels
            encoding[number] += (coded - begun) / len(QUALITIES)
            decoding[number] += (time.thread_time() - coded) / len(QUALITIES)
            rate = 8 * len(stream) / (picture.width * picture.height)
            for name, measure in MEASURES.items():
                curves[name][number].append((rate, measure(picture.pixels, shown)))
        weights.append(len(Stream.parse(stream).header.restoration))
    percent = {
        name: {part: bd_rate(before[some], after[some]).percent for part, some in PARTS.items()}
        for name, (before, after) in curves.items()
    }
    return {
        "percent": percent, "weights": weights, "encoding": encoding, "decoding": decoding,
        "pixels": picture.width * picture.height,
    }  # fmt: skip
