"""How many frames are coded at a time, where nothing says it: as many as took fewest bits when sizes were last tried.

What a small mini-group gains depends on noise, light and motion, which an energy does not show, but stays for a while.
"""

from collections.abc import Sequence
from typing import Protocol, Self, TypeVar

from trellic.video.energy import Source
from trellic.video.structure import SIZES

ALIKE = 1.5
"""A factor of the energy of a mini-group's last frame, up to which a size that was best is not tried again."""


class Growing(Protocol):
    """A group of frames while it is coded."""

    last: Source

    def in_steps(self, sources: Sequence[Source], size: int) -> Self:
        """Return the group and mini-groups of a size, or one smaller mini-group."""

    def cost_of(self, longer: Self) -> float:
        """Return what frames cost that another group has after these."""


Group = TypeVar("Group", bound=Growing)


class Pace:
    """The size of mini-groups that was best when sizes were tried, and the energy then."""

    def __init__(self) -> None:
        self.size, self.energy = 0, 0.0

    def plus(self, group: Group, sources: Sequence[Source], quicker: Group | None = None) -> Group:
        """Return a group that goes on with frames, 1, 2, 4 or 8, in mini-groups of that size.

        quicker  the group as an encoder continues it that sizes are tried by; None to try by the group itself
        Of eight frames that move otherwise than those that it was found by, sizes are tried anew, from the largest on:
        a smaller one only where it is better than the one before.
        """
        energy = sources[-1].energy(group.last, len(sources))
        moves_alike = self.energy / ALIKE <= energy <= self.energy * ALIKE
        if self.size and (moves_alike or len(sources) < max(SIZES)):
            return group.in_steps(sources, self.size)
        tried = quicker or group
        best, self.size, self.energy = tried.in_steps(sources, len(sources)), len(sources), energy
        while self.size > 1:
            other = tried.in_steps(sources, self.size // 2)
            if tried.cost_of(other) >= tried.cost_of(best):
                break
            best, self.size = other, self.size // 2
        return group.in_steps(sources, self.size) if quicker else best
