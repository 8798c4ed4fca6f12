"""Hyper-latents in three passes, each but the first predicted from those that are decoded.

Of every 2×2 positions the first pass codes one, the second the one across, the third the two between, which then have
four known neighbours. Means are whole, so that z stays so, and networks that read z need not change.
"""

import torch
from torch import Tensor, nn

from trellic.codec.coding import SMALLEST_Z_SCALE
from trellic.model.schedule import NON_ANCHORS, Code, Mask, Run, Step
from trellic.networks.blocks import Plus, activation, depthwise, full_precision, pointwise
from trellic.networks.design import PriorOptions
from trellic.networks.priors.base import LARGEST_LOG_SCALE

FIRST: Mask = ("10", "00")
LATER: tuple[tuple[str, Mask], ...] = (("hyper_second", ("00", "01")), ("hyper_third", NON_ANCHORS))
"""Later passes: the graph that predicts each, and its mask."""


class Neighbours(nn.Module):
    """Hyper-latents (N, z, h, w), zero where not decoded, and quality (N, 1, 1, 1) → means and log scales of z.

    It begins by predicting nothing: means of 0, and log scales affine in quality, as those of the first pass.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(pointwise(channels, width), activation(), depthwise(width), activation())
        self.head = pointwise(width, 2 * channels)
        for weight in self.head.parameters():
            nn.init.zeros_(weight)
        self.by_quality = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.sum = Plus(channels)

    @torch.no_grad()
    def begin_as(self, log_scales: Tensor) -> None:
        """Predict these log scales, affine in quality, (2, channels), and nothing else."""
        base, slope = log_scales
        self.head.state_dict()["bias"][len(base) :] = base
        self.by_quality.copy_(slope[None, :, None, None])

    def forward(self, z: Tensor, quality: Tensor) -> tuple[Tensor, Tensor]:
        with full_precision(z):
            mean, log_scale = self.head(self.layers(z.float())).chunk(2, dim=1)
            log_scale = self.sum(log_scale, self.by_quality * quality.float())
        whole = mean + (mean.round() - mean).detach() if mean.requires_grad else mean.round()
        return whole, log_scale.clamp(float(SMALLEST_Z_SCALE), LARGEST_LOG_SCALE)


def networks_in_passes(options: PriorOptions) -> dict[str, nn.Module]:
    """Return the networks of the later passes, by graph name."""
    return {graph: Neighbours(options.z, options.features) for graph, _ in LATER}


def z_in_passes(z: int, log_scales: str) -> list[Step]:
    """Return the steps that code z, of so many channels; `log_scales` names those of the first pass."""
    steps: list[Step] = [Code("z", 0, z, FIRST, "", log_scales, tables="z")]
    for graph, mask in LATER:
        predicted = f"{graph}_mean", f"{graph}_log_scale"
        steps.append(Run(graph, ("z", "quality"), predicted))
        steps.append(Code("z", 0, z, mask, *predicted, tables="z"))
    return steps
