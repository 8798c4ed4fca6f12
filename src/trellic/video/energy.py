"""Temporal energy: how much of a frame an earlier one does not explain. It says where scenes begin, and how many frames
are coded at a time.

Source: Cheng et al., Learning Image and Video Compression Through Spatial-Temporal Energy Compaction (2019).
"""

from collections import deque
from collections.abc import Iterator
from functools import cached_property

import numpy as np

from trellic.picture.types import Pixels
from trellic.video.motion import Uint8s
from trellic.video.planes import SEARCH_SIDE, full_search, halved, luma

REACH, FAR_REACH = 8, 16
"""How far blocks are looked for at half size, each way: up to two frames apart, and farther."""
CUT = 0.7
"""A frame begins a scene where the frame before leaves more of it than this, beside what a flat block would leave."""


class Source:
    """A frame to be coded, uint8 (H, W, 3), with what its energies follow from."""

    def __init__(self, pixels: Pixels) -> None:
        self.pixels = pixels

    @cached_property
    def half(self) -> Uint8s:
        """Its luma at half size."""
        return halved(luma(self.pixels))

    @cached_property
    def activity(self) -> float:
        """The mean absolute deviation from the means of blocks, in 8-bit units."""
        height, width = self.half.shape
        blocks = self.half.reshape(height // SEARCH_SIDE, SEARCH_SIDE, width // SEARCH_SIDE, SEARCH_SIDE).astype(
            np.float32
        )
        return float(np.abs(blocks - blocks.mean(axis=(1, 3), keepdims=True)).mean())

    def energy(self, before: "Source", distance: int = 1) -> float:
        """Return the mean absolute difference to an earlier frame, block by block where it is least."""
        reach = REACH if distance <= 2 else FAR_REACH
        _, least = full_search(self.half, before.half, reach)
        return float(least.mean()) / SEARCH_SIDE**2

    def begins_scene(self, before: "Source") -> bool:
        """Return whether the frame before explains so little that an intra frame is better."""
        return self.energy(before) > CUT * self.activity + 1


class Lookahead:
    """Frames that are read as far ahead as is asked for."""

    def __init__(self, frames: Iterator[Pixels]) -> None:
        self._frames, self._read = frames, deque[Source]()

    def peek(self, count: int) -> list[Source]:
        """Return the next frames, as many as there are, at most `count`."""
        while len(self._read) < count:
            pixels = next(self._frames, None)
            if pixels is None:
                break
            self._read.append(Source(pixels))
        return list(self._read)[:count]

    def take(self, count: int) -> list[Source]:
        """Return the next frames, and go on behind them."""
        found = self.peek(count)
        for _ in found:
            self._read.popleft()
        return found
