"""The order of frames: which are coded before others, and what each is predicted from.

A group begins with an intra frame. Mini-groups follow, of 1, 2, 4 or 8 frames: the last is predicted from the one
before the mini-group, and the others, halving what lies between two decoded frames, from both. The order is written
into the stream, so that it is the encoder's business alone.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Generic, NamedTuple, TypeVar

from trellic.errors import DamagedStream

MOST_KEPT = 4
"""Frames that a decoder keeps for later ones to refer to."""
MOST_WAITING = 16
"""Decoded frames that may wait for one that is shown before them."""
SIZES = (1, 2, 4, 8)
"""Frames of a mini-group."""

Value = TypeVar("Value")


class Turn(NamedTuple):
    """When a frame is coded, and from what.

    number      of the frame
    references  numbers of those that it is predicted from
    level       0 for the last frame of a mini-group, one more with each halving
    kept        whether others refer to it
    """

    number: int
    references: tuple[int, ...]
    level: int
    kept: bool


def mini_group(before: int, size: int) -> Iterator[Turn]:
    """Yield the frames of a mini-group in coding order; `before` is the frame that precedes it."""
    yield Turn(before + size, (before,), 0, True)
    yield from _between(before, before + size, 1)


def _between(low: int, high: int, level: int) -> Iterator[Turn]:
    if high - low < 2:
        return
    middle = (low + high) // 2
    yield Turn(middle, (low, high), level, high - low > 2)
    yield from _between(low, middle, level + 1)
    yield from _between(middle, high, level + 1)


class Kept(Generic[Value]):
    """The decoded frames of a group that others may refer to: of more than MOST_KEPT, the one longest unused goes."""

    def __init__(self) -> None:
        self._frames: OrderedDict[int, Value] = OrderedDict()

    def find(self, number: int) -> Value:
        """Return a frame that is referred to. Raises DamagedStream where it is not kept."""
        if number not in self._frames:
            raise DamagedStream(f"a frame refers to frame {number}, which is not kept")
        self._frames.move_to_end(number)
        return self._frames[number]

    def copy(self) -> "Kept[Value]":
        """Return the same frames, to go on from."""
        other = type(self)()
        other._frames = self._frames.copy()
        return other

    def keep(self, number: int, frame: Value) -> None:
        """Keep a frame."""
        self._frames[number] = frame
        if len(self._frames) > MOST_KEPT:
            self._frames.popitem(last=False)
