"""A design: every number that shapes the networks, as one small value kept with each model."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

STEMS = ("block", "lapped")
BLOCKS = ("inverted", "gated", "dense")


@dataclass(frozen=True)
class Design:
    """The shape of a model.

    stem       "block" (8×8 cosine) or "lapped" (16×16 lapped orthogonal) start of the 1/8 stage
    blocks     kind of residual block, see `blocks.py`
    latents    channels of y at 1/16
    groups     channels coded together, in order; their sum is `latents`
    context    whether a group sees the groups before it and its own first checkerboard half
    fine       (analysis blocks, synthesis blocks, inner width) at 1/8
    coarse     (analysis blocks, synthesis blocks, inner width) at 1/16
    hyper      channels of the side information z at 1/64
    features   channels of the hyper-synthesis output and of the context networks
    exact      whether the networks between bytes and table rows compute the same on every processor, see `exact.py`
    """

    stem: str = "block"
    blocks: str = "inverted"
    latents: int = 320
    groups: tuple[int, ...] = (16, 32, 64, 208)
    context: bool = True
    fine: tuple[int, int, int] = (3, 4, 256)
    coarse: tuple[int, int, int] = (3, 4, 384)
    hyper: int = 96
    features: int = 192
    exact: bool = False

    def __post_init__(self) -> None:
        if self.stem not in STEMS or self.blocks not in BLOCKS:
            raise ValueError(f"stem {self.stem!r} is one of {STEMS}, blocks {self.blocks!r} one of {BLOCKS}")
        if sum(self.groups) != self.latents:
            raise ValueError(f"groups {self.groups} do not sum to {self.latents} latents")

    def may_follow(self, start: "Design") -> bool:
        """Return whether a model of design `start` can go on as this one.

        It may become exact, or cease to be, and its analysis may have more blocks: these begin as the identity.
        """
        deeper = self.fine[0] >= start.fine[0] and self.coarse[0] >= start.coarse[0]
        fine, coarse = (self.fine[0], *start.fine[1:]), (self.coarse[0], *start.coarse[1:])
        return deeper and replace(start, fine=fine, coarse=coarse, exact=self.exact) == self

    def to_json(self) -> dict[str, Any]:
        """Return the design as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Design":
        """Return the design that `to_json` described; unknown keys raise ValueError."""
        known = {field.name for field in fields(cls)}
        if unknown := set(values) - known:
            raise ValueError(f"unknown design keys: {', '.join(sorted(unknown))}")
        kept: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        return cls(**kept)
