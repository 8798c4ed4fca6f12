"""Transforms by family: pictures to latents, and latents to pictures."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor, nn

from trellic.networks.design import Design
from trellic.networks.transforms import residual


class Family(NamedTuple):
    """A family of transforms.

    analysis   a design → (pictures, quality) → y; synthesis: (y, quality) → pictures
    fit_to     scales untrained ones to pictures (N, 3, H, W) in [0, 1]
    margin     how far around a tile they look, in pixels; a multiple of 16
    """

    analysis: Callable[[Design], nn.Module]
    synthesis: Callable[[Design], nn.Module]
    fit_to: Callable[[Tensor, nn.Module, nn.Module], None]
    margin: int


FAMILIES: dict[str, Family] = {
    "residual": Family(residual.Analysis, residual.Synthesis, residual.fit_to, residual.MARGIN),  # type: ignore[arg-type]
}
