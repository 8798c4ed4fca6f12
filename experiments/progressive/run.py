"""Layers: every prefix of a stream, cut files, and JPEG 2000's layers beside them. What is measured stays.

Single-layer streams of the same networks are those of `quantizers`.
"""

import io
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from experiments.store import SETS, TEST, NotMeasured, keep, lines_of
from trellic.codec import Codec, Target
from trellic.codec.layer_targets import LayerTargets
from trellic.container import Stream
from trellic.evaluate.codecs.pillow import JPEG2000_BEST
from trellic.jobs.local import complain
from trellic.jobs.plan import find_files
from trellic.metrics import psnr
from trellic.picture.kinds import readable_suffixes
from trellic.picture.pillow import readable
from trellic.picture.types import Picture, Pixels

QUALITY = 85
LAYERS = {"halving": 10, "trits": 3}
"""Every sweep a layer, and every plane."""
DECIBELS = (28, 31, 34, 37, 40)
"""Of JPEG 2000's layers."""
CUTS, OF_PICTURES = 50, 2
"""How often the streams of the first pictures of each set are cut at random: 200 cuts."""
EVERY = 6
"""Every sixth picture comes first, then those after them: what is measured at any time is spread over the sets."""


def prefixes(codec: Codec, picture: Picture, layers: int) -> dict[str, Any]:
    """Return bytes, PSNR in dB, and seconds of a processor that decoding took, of every prefix."""
    stream = Stream.parse(codec.encode_picture(picture, Target(QUALITY, layers=LayerTargets.of(layers))).data)
    sizes, found, seconds = [], [], []
    for count in range(1, stream.layer_count + 1):
        data = stream.keeping(count).copy()
        start = time.process_time()
        shown = codec.decode(data)
        seconds.append(time.process_time() - start)
        sizes.append(len(data))
        found.append(psnr(picture.pixels, np.asarray(shown)))
    return {"bytes": sizes, "psnr": found, "seconds": seconds}


def cuts(codec: Codec, picture: Picture) -> dict[str, Any]:
    """Return where a stream was cut at random, rising, and the PSNR in dB of what is shown then."""
    data = codec.encode_picture(picture, Target(QUALITY, layers=LayerTargets.of(LAYERS["halving"]))).data
    first = Stream.parse(data).end_of(1)
    ends = sorted(np.random.default_rng(0).integers(first, len(data), CUTS).tolist())
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that something is cut
        for end in ends:
            shown = codec.decode(Stream.parse(data[:end], partial=True))
            found.append(psnr(picture.pixels, np.asarray(shown)))
    return {"bytes": ends, "psnr": found}


def jpeg2000(pixels: Pixels) -> dict[str, Any]:
    """Return bytes and PSNR in dB of JPEG 2000's layers: a prefix is a file of so many layers."""
    sizes, found = [], []
    for count in range(1, len(DECIBELS) + 1):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG2000", quality_layers=DECIBELS[:count], **JPEG2000_BEST)
        sizes.append(len(file.getvalue()))
        found.append(psnr(pixels, np.asarray(Image.open(file))))
    return {"bytes": sizes, "psnr": found}


def single(codec: Codec, picture: Picture) -> dict[str, Any]:
    """Return seconds of a processor that decoding the deployed quantizer's stream took, beside its bytes and PSNR."""
    data = codec.encode_picture(picture, Target(QUALITY)).data
    start = time.process_time()
    shown = codec.decode(data)
    return {
        "bytes": [len(data)],
        "seconds": [time.process_time() - start],
        "psnr": [psnr(picture.pixels, np.asarray(shown))],
    }


def run(data: Path) -> None:
    """Measure what is missing."""
    layered, plain = Codec(threads=1), Codec(threads=1, quantizer="tcq8")
    layered.refinement = plain.refinement  # as the quantizers that layers are compared with
    try:
        lines = {(line["set"], line["picture"]): line for line in lines_of("progressive")[1]}
    except NotMeasured:
        lines = {}
    files = {name: [path for path, _ in find_files([str(data / SETS[name])], readable_suffixes())] for name in TEST}
    ordered = [(name, path) for first in range(EVERY) for name in TEST for path in files[name][first::EVERY]]
    cut = {path for paths in files.values() for path in paths[::EVERY][:OF_PICTURES]}
    for name, path in ordered:
        for _, picture in readable([path], complain):
            measured: dict[str, Callable[[], dict[str, Any]]] = {
                "halving": partial(prefixes, layered, picture, LAYERS["halving"]),
                "trits": partial(prefixes, layered, picture, LAYERS["trits"]),
                "jpeg2000": partial(jpeg2000, picture.pixels),
                "single": partial(single, plain, picture),
                **({"cuts": partial(cuts, layered, picture)} if path in cut else {}),
            }
            facts = {"set": name, "picture": path.name, "pixels": picture.width * picture.height}
            line = lines.setdefault((name, path.name), facts)
            missing = measured.keys() - line.keys()
            line |= {kind: measured[kind]() for kind in measured if kind in missing}
            if missing:
                keep("progressive", list(lines.values()))
                complain(f"progressive: {name} {path.name}")
