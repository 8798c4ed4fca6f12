"""What a model offers to be trained and retrained: the interface that losses, stages and judgement are written for."""

from collections.abc import Callable
from typing import ClassVar, NamedTuple

from torch import Tensor, nn

from trellic.networks.prior import Parameters


class CodedLatents(NamedTuple):
    """Latents as decoded, (N, C, h, w), and bits of the latents and of what else is coded, each (N,)."""

    decoded: Tensor
    latent_bits: Tensor
    side_bits: Tensor


class Coded(NamedTuple):
    """What a forward pass returns: pictures (N, 3, H, W), and bits as in `CodedLatents`, each (N,)."""

    pictures: Tensor
    latent_bits: Tensor
    side_bits: Tensor


Search = Callable[[int, int, Tensor, Parameters], tuple[Tensor, Tensor]]
"""A real quantizer in the place of rounding: (group, half, the group's latents, parameters) → decoded latents, with the
gradient of the identity, and bits; both (N, C, h, w), zero outside the half."""


class Retrainable(nn.Module):
    """A learned codec in three parts; pictures are (N, 3, H, W) in [0, 1], quality (N, 1, 1, 1) in [0, 1].

    parts   prefixes of the names of weights, by what they are for: "analysis", "entropy" and "synthesis"
    groups  channels of the latents that are coded together, in order
    """

    parts: ClassVar[dict[str, tuple[str, ...]]]
    groups: tuple[int, ...]

    def analyse(self, pictures: Tensor, quality: Tensor) -> Tensor:
        """Return the latents of pictures in quantizer steps, (N, C, h, w)."""
        raise NotImplementedError

    def code_latents(self, latents: Tensor, quality: Tensor, search: Search | None = None) -> CodedLatents:
        """Code latents: by a search, which gets every pass's parameters in coding order, or by a stand-in for one."""
        raise NotImplementedError

    def rebuild(self, decoded: Tensor, quality: Tensor) -> Tensor:
        """Return the pictures of decoded latents, not clipped."""
        raise NotImplementedError

    def forward(self, pictures: Tensor, quality: Tensor, search: Search | None = None) -> Coded:
        """Code pictures, differentiably."""
        coded = self.code_latents(self.analyse(pictures, quality), quality, search)
        return Coded(self.rebuild(coded.decoded, quality), coded.latent_bits, coded.side_bits)
