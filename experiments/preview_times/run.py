"""How long previews take beside decoding, in a warm process of one thread. Run nothing else meanwhile."""

import io
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from PIL import Image

import trellic.pillow
from experiments.large.run import mosaic
from experiments.store import SETS, keep
from trellic.cli.demo import BUNDLED
from trellic.codec import Codec, Target
from trellic.model.previews import SCALES
from trellic.picture.pillow import read
from trellic.picture.types import Picture

SIDE = 4900
REPEATS = {"768×512": 15, "tiled": 2}
THUMBNAIL, PICTURES = 96, 100


def milliseconds(work: Callable[[], Any], repeats: int) -> float:
    """Return the median time of calls after one that is not counted."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return median(times[1:])


def run(data: Path) -> None:
    """Measure all of it anew."""
    codec, lines = Codec(threads=1, effort=4), []
    pictures = {"768×512": read(BUNDLED), "tiled": Picture(mosaic(data / SETS["cid22"], SIDE))}
    for name, picture in pictures.items():
        stream = codec.encode_picture(picture, Target(50)).data
        ways: dict[str, Callable[[], Any]] = {"decode": lambda stream=stream: codec.decode(stream)}
        for scale in SCALES:
            ways[f"preview at 1/{scale}"] = lambda stream=stream, scale=scale: codec.preview(stream, scale)
        for what, work in ways.items():
            lines.append({"picture": name, "what": what, "ms": milliseconds(work, REPEATS[name])})
    stream = codec.encode_picture(pictures["768×512"], Target(50)).data

    def thumbnails(drafted: bool) -> None:
        for _ in range(PICTURES):
            image = Image.open(io.BytesIO(stream))
            if not drafted:
                image.load()
            image.thumbnail((THUMBNAIL, THUMBNAIL))

    assert trellic.pillow.FORMAT in Image.ID
    for what, drafted in (("decode", False), (f"Image.thumbnail(({THUMBNAIL}, {THUMBNAIL}))", True)):
        lines.append(
            {"picture": f"{PICTURES} files", "what": what, "ms": milliseconds(lambda d=drafted: thumbnails(d), 1)}
        )
    keep("preview_times", lines)
