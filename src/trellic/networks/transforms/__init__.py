"""Transforms by family: pictures to latents, and latents to pictures."""

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor, nn

from trellic.networks.design import Design
from trellic.networks.transforms import invertible, residual


class Family(NamedTuple):
    """A family of transforms.

    build   a design → analysis, (pictures, quality) → y; and synthesis, (y, quality) → pictures
    fit_to  scales untrained ones to pictures (N, 3, H, W) in [0, 1]
    margin  how far around a tile those of a design look, in pixels; a multiple of 16
    """

    build: Callable[[Design], tuple[nn.Module, nn.Module]]
    fit_to: Callable[[Tensor, Any, Any], None]
    margin: Callable[[Design], int]


FAMILIES: dict[str, Family] = {
    "residual": Family(residual.build, residual.fit_to, residual.margin_of),
    "invertible": Family(invertible.build, invertible.fit_to, invertible.margin_of),
}
