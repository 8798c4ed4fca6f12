"""Previews and groups: PSNR of the small pictures and of every group boundary, with the shipped model.

A preview is compared with the averaged squares of the original, both in 8 bits.
"""

from pathlib import Path
from typing import Any

import numpy as np

from experiments.store import SETS, TEST, keep
from trellic.codec import Codec, Target
from trellic.codec.view import averaged
from trellic.container import Stream
from trellic.jobs.local import complain
from trellic.jobs.plan import find_files
from trellic.metrics import psnr
from trellic.model.previews import SCALES
from trellic.picture.kinds import readable_suffixes
from trellic.picture.pillow import readable
from trellic.picture.types import Pixels

QUALITIES = (20, 50, 80)


def facts(codec: Codec, pixels: Pixels, data: bytes) -> dict[str, Any]:
    """Return the PSNR in dB of a stream's previews, by scale, and of the picture that each group boundary shows.

    With how many bytes the stream has, how many its prefixes take, and how many are read for the first groups.
    """
    previews = {scale: psnr(averaged(pixels, scale), np.asarray(codec.preview(data, scale))) for scale in SCALES}
    count = len(codec.model.schedule.groups)
    groups = [psnr(pixels, np.asarray(codec.decode(data, groups=groups))) for groups in range(count + 1)]
    stream = Stream.parse(data)
    front, prefixes = stream.entries[0].start, stream.prefixes
    read = [front + sum(entry.length for entry in stream.of_groups(groups).entries) for groups in range(1, count + 1)]
    return {
        "previews": previews, "groups": groups, "bytes": len(data),
        "prefixes": prefixes.length if prefixes else 0, "read": read,
    }  # fmt: skip


def run(data: Path) -> None:
    """Measure all of it anew."""
    codec, lines = Codec(threads=1, effort=4), []
    for name in TEST:
        files = [path for path, _ in find_files([str(data / SETS[name])], readable_suffixes())]
        for path, picture in readable(files, complain):
            for quality in QUALITIES:
                stream = codec.encode_picture(picture, Target(quality, prefixes=True)).data
                found = facts(codec, picture.pixels, stream)
                lines.append({"set": name, "picture": path.name, "quality": quality, **found})
            complain(f"previews: {name} {path.name}")
    keep("previews", lines)
