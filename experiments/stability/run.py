"""What generations leave of a picture: the lattice, a trellis, rounding, and other codecs from the same PSNR on."""

from pathlib import Path

import numpy as np

from experiments.store import SETS, TEST, command_of, ours, path_of
from trellic.evaluate.codecs import codec_named
from trellic.evaluate.stability import Chains
from trellic.jobs.local import complain
from trellic.jobs.plan import find_files
from trellic.picture.kinds import readable_suffixes
from trellic.picture.pillow import readable
from trellic.picture.types import Pixels

QUALITY, GENERATIONS, EVERY, WIDTH, HEIGHT = 50, 20, 6, 384, 256
QUANTIZERS = ("lattice", "tcq8", "uniform")
RIVALS = ("jpeg-usual", "webp-usual", "avif-usual")


def detail(pixels: Pixels) -> Pixels:
    """Return the middle of a picture."""
    top, left = (pixels.shape[0] - HEIGHT) // 2, (pixels.shape[1] - WIDTH) // 2
    return np.ascontiguousarray(pixels[top : top + HEIGHT, left : left + WIDTH])


def run(data: Path) -> None:
    """Measure what is missing."""
    mine = [ours(quantizer=name, threads=1) for name in QUANTIZERS]
    rivals = [codec_named(name, "", 0) for name in RIVALS]
    chains = Chains(path_of("stability"), [*mine, *rivals], command_of("stability"))
    for name in TEST:
        files = [path for path, _ in find_files([str(data / SETS[name])], readable_suffixes())][::EVERY]
        for path, picture in readable(files, complain):
            for number, codec in enumerate(mine):
                beside = rivals if number == 0 else []
                chains.measure(codec, beside, name, path.name, detail(picture.pixels), QUALITY, GENERATIONS)
            complain(f"stability: {name} {path.name}")
