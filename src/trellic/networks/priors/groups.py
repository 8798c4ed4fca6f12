"""The family "groups": hyper-latents z, then channel groups of y, each in two checkerboard passes.

Every pass is predicted from z, all earlier groups, and the anchors of its own group
(after He et al., ELIC: unevenly grouped space-channel contextual adaptive coding, 2022).
"""

import torch
from torch import Tensor, nn

from trellic.model.schedule import ALL, ANCHORS, NON_ANCHORS, Code, Run, Step, Variable
from trellic.networks.blocks import Plus, activation, depthwise, full_precision, pointwise
from trellic.networks.design import Design, PriorOptions
from trellic.networks.options import Guide
from trellic.networks.priors.attend import Attended
from trellic.networks.priors.base import CONTEXT_GAIN, Head, Prior, affine_log_scales
from trellic.networks.priors.guide import Guided
from trellic.networks.priors.mixed import MixedLast
from trellic.networks.priors.stepwise import networks_in_passes, z_in_passes

Y_STRIDE, Z_STRIDE = 16, 64


class HyperAnalysis(nn.Module):
    """Latents y (N, latents, H/16, W/16) → hyper-latents z (N, z, H/64, W/64). Encoder only."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        width = design.prior.features
        self.layers = nn.Sequential(
            pointwise(design.latents, width), activation(), depthwise(width), pointwise(width, width), activation(),
            nn.Conv2d(width, width, 2, stride=2), activation(), depthwise(width), activation(),
        )  # fmt: skip
        mixed, z = design.prior.mixed, design.prior.z
        self.last = MixedLast(width, z, mixed) if mixed else nn.Conv2d(width, z, 2, stride=2)

    def forward(self, latents: Tensor) -> tuple[Tensor]:
        features = self.layers(latents.sign() * torch.log1p(latents.abs()))
        with full_precision(features):
            return (self.last(features.float()),)


class HyperSynthesis(nn.Module):
    """Hyper-latents z (N, z, H/64, W/64), quality (N, 1, 1, 1) → features (N, features, H/16, W/16)."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        width = design.prior.features
        self.layers = nn.Sequential(
            pointwise(design.prior.z, 4 * width), nn.PixelShuffle(2), activation(), depthwise(width), activation(),
            pointwise(width, 4 * width), nn.PixelShuffle(2), activation(), depthwise(width),
        )  # fmt: skip
        self.by_quality = nn.Parameter(torch.zeros(1, width, 1, 1))
        self.sum = Plus(width)
        self.last = nn.Sequential(activation(), pointwise(width, width), activation())
        self.attend = Attended(width, design.prior.attend) if design.prior.attend else nn.Identity()

    def forward(self, z: Tensor, quality: Tensor) -> tuple[Tensor]:
        return (self.attend(self.last(self.sum(self.layers(z), self.by_quality * quality))),)


class First(nn.Module):
    """Features, and earlier groups where there are any → a group's own features, and the prediction of its anchors."""

    def __init__(self, width: int, earlier: int, channels: int, guide: Guide | None) -> None:
        super().__init__()
        self.guide = Guided(width + earlier, guide) if guide else nn.Identity()
        self.layers = nn.Sequential(
            pointwise(width + earlier, width), activation(), depthwise(width), pointwise(width, width), activation()
        )
        self.head = Head(width, channels)

    def forward(self, features: Tensor, earlier: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        joined = features if earlier is None else torch.cat([features, earlier * CONTEXT_GAIN], dim=1)
        own = self.layers(self.guide(joined))
        return own, *self.head(own)


class Second(nn.Module):
    """A group's own features and its anchors (zero elsewhere) → the prediction of the rest."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.anchors = nn.Sequential(pointwise(channels, width), depthwise(width))
        self.sum = Plus(width)
        self.layers = nn.Sequential(activation(), pointwise(width, width), activation())
        self.head = Head(width, channels)

    def forward(self, own: Tensor, group: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_scale = self.head(self.layers(self.sum(own, self.anchors(group * CONTEXT_GAIN))))
        return mean, log_scale


class GroupsPrior(Prior):
    """The prior of channel groups."""

    affine = ("z_log_scale",)

    def __init__(self, design: Design) -> None:
        super().__init__()
        options = design.prior
        self.networks = nn.ModuleDict({
            "hyper_analysis": HyperAnalysis(design), "hyper_synthesis": HyperSynthesis(design)
        })  # fmt: skip
        if options.stepwise:
            self.networks.update(networks_in_passes(options))
        self.z_log_scale = affine_log_scales(options.z)
        self.variables = {"z": Variable(options.z, Z_STRIDE), "y": Variable(design.latents, Y_STRIDE)}
        self.encode = (Run("hyper_analysis", ("y",), ("z",)),)
        code: list[Step] = [Code("z", 0, options.z, ALL, "", "z_log_scale", tables="z")]
        if options.stepwise:
            code = z_in_passes(options.z, "z_log_scale")
        code.append(Run("hyper_synthesis", ("z", "quality"), ("features",)))
        start = 0
        for number, channels in enumerate(options.groups):
            code += self._group(number, start, start + channels, options)
            start += channels
        self.code = tuple(code)

    def _group(self, number: int, start: int, stop: int, options: PriorOptions) -> list[Step]:
        """Build a group's networks and return its steps."""
        width, context = options.features, options.context
        earlier = start if context else 0
        self.networks[f"first_{number}"] = First(width, earlier, stop - start, options.guide)
        reads = ("features", f"y[0:{start}]") if earlier else ("features",)
        predicted = ("mean", "log_scale")
        steps: list[Step] = [
            Run(f"first_{number}", reads, ("own", *predicted)),
            Code("y", start, stop, ANCHORS if context else ALL, *predicted),
        ]
        if context:
            self.networks[f"second_{number}"] = Second(width, stop - start)
            steps.append(Run(f"second_{number}", ("own", f"y[{start}:{stop}]"), predicted))
            steps.append(Code("y", start, stop, NON_ANCHORS, *predicted))
        return steps
