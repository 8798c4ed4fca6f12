"""Fit the motion tables of the .tlv format to training clips: `python -m experiments.video.fit CLIPS`.

Made once: the tables are part of the format. Each run codes clips by the tables that are there, and writes better ones.
"""

import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from trellic.codec.rate_control import Target
from trellic.container.video import Kind, read_group
from trellic.entropy.rans import Decoder
from trellic.entropy.tables import TOTAL
from trellic.video import Reader, Structure, VideoCodec
from trellic.video.field import indices_of, pull_field
from trellic.video.frames import probe, read_frames
from trellic.video.tables import FILE, RADII, USED, motion_tables

FRAMES = 9
QUALITIES = (15.0, 30.0, 45.0, 65.0)
DOUBT = 30.0
"""Indices that a table starts with, as the tables before it have them."""
EVERY, SPARED = 7, 3
"""Of seven clips, the one that is not fitted to."""


def fit(paths: Sequence[Path]) -> None:
    """Code clips as chains and as pyramids, and write tables of what their motion holds."""
    codec, before = VideoCodec(adapter="none", threads=1), motion_tables()
    counts = [before.frequency[start:stop] / TOTAL * DOUBT for start, stop in pairwise(before.start)][:USED]
    for number, path in enumerate(paths):
        clip = probe(path)
        frames = list(read_frames(clip, FRAMES))
        target = Target(QUALITIES[number % len(QUALITIES)])
        for size in (1, 4):
            data = codec.encode(lambda: frames, clip.rate, target, Structure(size), clip.matrix).data  # noqa: B023
            _count(Reader(data), counts)
        print(path.name, flush=True)
    tables = [_frequencies(each) - 1 for each in counts]
    np.save(FILE, np.concatenate(tables).astype(np.uint16))


def _count(reader: Reader, counts: list[np.ndarray]) -> None:
    width, height = reader.size
    for group in reader.stream.groups:
        for frame in read_group(reader.stream.read(group.entry)):
            if frame.kind != Kind.PREDICTED:
                continue
            field = pull_field(Decoder(frame.payload, single=True), height, width, len(frame.references))
            for cdf_index, index in zip(*indices_of(field, len(frame.references)), strict=True):
                radius = RADII[cdf_index]
                counts[cdf_index][min(index + radius, 2 * radius + 1) if index >= -radius else -1] += 1


def _frequencies(counts: np.ndarray) -> np.ndarray:
    """Return positive frequencies of sum 2¹⁶, in proportion to counts."""
    room = TOTAL - len(counts)
    found = 1 + np.floor(counts / counts.sum() * room).astype(np.int64)
    found[np.argmax(found)] += TOTAL - found.sum()
    return found


if __name__ == "__main__":
    fit([Path(name) for number, name in enumerate(sorted(sys.argv[1:])) if number % EVERY != SPARED])
