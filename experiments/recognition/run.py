"""Does the encoder recognize pictures that `--hold` has coded before, and no others?"""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from experiments.store import SETS, TEST, NotMeasured, keep, lines_of
from trellic.codec import Codec, Target
from trellic.codec.analysis import analyse
from trellic.codec.deployed import DeployedQuantizer
from trellic.container.header import QUALITY_ONE
from trellic.jobs.local import complain
from trellic.jobs.plan import find_files
from trellic.picture.kinds import readable_suffixes
from trellic.picture.pillow import readable
from trellic.picture.types import Picture, Pixels
from trellic.quantize import LATTICE
from trellic.quantize.lattice import were_coded

QUALITIES, OTHER = (20, 50, 85), 57
"""What pictures are coded at; and what one coded at 50 is taken for, wrongly."""
JPEG = (75, 95)


def is_recognized(codec: Codec, pixels: Pixels, quality: int) -> bool:
    """Return whether a picture shows that it was coded before at a quality in points."""
    units = quality * QUALITY_ONE
    step = DeployedQuantizer.of(codec.model, LATTICE).step_at(units)
    return were_coded(analyse(codec.sessions, pixels, units).targets["y"], step)


def jpeg(pixels: Pixels, quality: int) -> Pixels:
    """Return a picture as JPEG leaves it."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def facts(codec: Codec, pixels: Pixels) -> dict[str, Any]:
    """Return what is recognized of a fresh picture, of one from JPEG, of one coded before, and at another quality."""
    coded = {
        quality: codec.decode_picture(codec.encode_picture(Picture(pixels), Target(quality)).data).pixels
        for quality in QUALITIES
    }
    return {
        "fresh": {str(quality): is_recognized(codec, pixels, quality) for quality in QUALITIES},
        "jpeg": {str(quality): is_recognized(codec, jpeg(pixels, quality), 50) for quality in JPEG},
        "coded": {str(quality): is_recognized(codec, coded[quality], quality) for quality in QUALITIES},
        "other": is_recognized(codec, coded[50], OTHER),
    }


def run(data: Path) -> None:
    """Measure what is missing."""
    codec = Codec(threads=1, quantizer=LATTICE.name)
    try:
        lines = lines_of("recognition")[1]
    except NotMeasured:
        lines = []
    done = {(line["set"], line["picture"]) for line in lines}
    for name in TEST:
        files = [path for path, _ in find_files([str(data / SETS[name])], readable_suffixes())]
        for path, picture in readable([path for path in files if (name, path.name) not in done], complain):
            lines.append({"set": name, "picture": path.name, **facts(codec, picture.pixels)})
            keep("recognition", lines)
            complain(f"recognition: {name} {path.name}")
