"""Files of one setting of the encoder beside those of another: bits at equal quality, and time.

Times are the processor's, of one thread, by turns.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from experiments.store import SETS, Line, by_set, keep
from trellic import Codec
from trellic.codec import Target
from trellic.container import Stream
from trellic.evaluate.bdrate import bd_rate
from trellic.evaluate.report.tables import Table, percent
from trellic.evaluate.ssimulacra2 import ssimulacra2
from trellic.jobs.local import complain
from trellic.metrics import psnr
from trellic.picture.pillow import read
from trellic.picture.types import Picture, Pixels

QUALITIES = (10, 30, 50, 70, 90)
WHAT = ("encoding", "decoding")
PARTS = {"all": slice(None), "low": slice(0, 3), "high": slice(2, 5)}
"""Which of the qualities a BD-rate is over."""
MEASURES: dict[str, Callable[[Pixels, Pixels], float]] = {"psnr": psnr, "ssimulacra2": ssimulacra2}


def measure_pair(experiment: str, codecs: tuple[Codec, Codec], data: Path, every: dict[str, int]) -> None:
    """Measure the second codec against the first, on one picture in so many of each set, all anew, and keep it."""
    lines: list[dict[str, Any]] = [{"qualities": QUALITIES}]
    for name, many in every.items():
        for path in sorted((data / SETS[name]).iterdir())[::many]:
            line = _measured(codecs, Picture(read(path).pixels))
            lines.append({"set": name, "picture": path.name, **line})
            complain(f"{experiment}: {name} {path.name} {line['percent']['psnr']['all']:+.2f} %")
    keep(experiment, lines)


def _measured(codecs: tuple[Codec, Codec], picture: Picture) -> dict[str, Any]:
    """Return bits at equal quality of the second codec against the first, its bytes of weights, and seconds of both."""
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


def bits_of(qualities: list[int], lines: list[Line]) -> Table:
    """Return how many bits the second codec takes at equal quality, by set."""
    rows, middle = [], qualities[len(qualities) // 2]
    for name, found in by_set(lines):
        means = [percent(float(np.mean([line["percent"]["psnr"][part] for line in found])), 2) for part in PARTS]
        eye = percent(float(np.mean([line["percent"]["ssimulacra2"]["all"] for line in found])), 2)
        each = [line["percent"]["psnr"]["all"] for line in found]
        rows.append([name, str(len(found)), *means, percent(max(each), 2), percent(min(each), 2), eye])
    titles = ["set", "pictures", "bits", f"up to quality {middle}", f"from quality {middle}", "least gain", "largest",
              "bits at equal SSIMULACRA2"]  # fmt: skip
    return Table(titles, rows)


def times_of(lines: list[Line]) -> Table:
    """Return seconds a megapixel of both codecs, by set: medians, since kernels are compiled with the first picture."""
    rows = []
    for name, found in by_set(lines):
        rates = {what: [np.divide(line[what], line["pixels"] / 1e6) for line in found] for what in WHAT}
        seconds = [np.median(rates[what], axis=0) for what in WHAT]
        rows.append([name, *(f"{each:.2f} s" for pair in seconds for each in pair)])
    return Table(["set", "encode without", "with", "decode without", "with"], rows)
