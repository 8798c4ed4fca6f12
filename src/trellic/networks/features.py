"""The network of features for machines: EfficientNet-Lite0 on a small picture, and a projection of what it sees.

Source: MobileNetV2 (Sandler et al., 2018), EfficientNet-Lite (Liu, 2020).
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trellic.machine.network import CENTRE, FEATURES, FORMAT, GRAPH, STRIDE, FeatureNetworks, arrays_of
from trellic.model import Model
from trellic.model.arrays import Arrays
from trellic.model.eight_bits import EightBits
from trellic.model.previews import Preview
from trellic.networks.blocks import pointwise
from trellic.networks.export import macs_of
from trellic.networks.graphs import to_graph

FIRST_CHANNELS, LAST_CHANNELS = 32, 1280
LAYOUT = (
    (1, 16, 3, 1, 1), (6, 24, 3, 2, 2), (6, 40, 5, 2, 2), (6, 80, 3, 2, 3), (6, 112, 5, 1, 3), (6, 192, 5, 2, 4),
    (6, 320, 3, 1, 1),
)  # fmt: skip
"""Of blocks: widening, channels, kernel, stride of the first, how many."""
SHIFT, SCALE = 127.0, 128.0
LARGEST_ACTIVATION = 6.0
EXAMPLE = (2 * STRIDE, 3 * STRIDE)
"""Sides of the picture, in samples, that the graph is recorded with."""


class MobileBlock(nn.Module):
    """1×1 widen, depthwise, 1×1 narrow, its input added where that fits; zero around, as in TensorFlow."""

    def __init__(self, inputs: int, inner: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.expand = pointwise(inputs, inner) if inner != inputs else None
        self.depthwise = nn.Conv2d(inner, inner, kernel, stride, groups=inner)
        self.project = pointwise(inner, outputs)
        rest = kernel - stride
        self.padding = [rest // 2, rest - rest // 2] * 2
        self.adds = stride == 1 and inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        wide = _activated(self.expand(features)) if self.expand else features
        made: Tensor = self.project(_activated(self.depthwise(F.pad(wide, self.padding))))
        return features + made if self.adds else made


def _activated(values: Tensor) -> Tensor:
    return values.clamp(0.0, LARGEST_ACTIVATION)


class Lite0(nn.Module):
    """EfficientNet-Lite0 without its classifier, its normalizations folded into its convolutions: untrained."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, FIRST_CHANNELS, 3, 2)
        blocks, inputs = [], FIRST_CHANNELS
        for wider, outputs, kernel, stride, count in LAYOUT:
            for number in range(count):
                blocks.append(MobileBlock(inputs, inputs * wider, outputs, kernel, 1 if number else stride))
                inputs = outputs
        self.blocks = nn.ModuleList(blocks)
        self.last = nn.Conv2d(inputs, LAST_CHANNELS, 1)

    def forward(self, samples: Tensor) -> Tensor:
        """Return (N, 1280, H/32, W/32) of pictures, samples of 0 to 255, (N, 3, H, W); sides are multiples of 32."""
        features = _activated(self.first(F.pad((samples - SHIFT) / SCALE, (0, 1, 0, 1))))
        for one in self.blocks:
            features = one(features)
        return _activated(self.last(features))


class Projection(NamedTuple):
    """What is kept of the features of pictures: matrix float32 (512, 1280), of features less `mean`, (1280,)."""

    mean: npt.NDArray[np.float32]
    matrix: npt.NDArray[np.float32]


class FeatureNetwork(nn.Module):
    """Pictures, samples of 0 to 255, (N, 3, H, W) → (N, 512, H/32, W/32)."""

    def __init__(self, seer: Lite0, projection: Projection) -> None:
        super().__init__()
        self.seer, self.project = seer, pointwise(LAST_CHANNELS, FEATURES)
        matrix = torch.from_numpy(projection.matrix)
        self.project.weight.data = matrix[:, :, None, None].clone()
        self.project.bias.data = -matrix @ torch.from_numpy(projection.mean)  # type: ignore[union-attr]

    def forward(self, samples: Tensor) -> Tensor:
        made: Tensor = self.project(self.seer(samples))
        return made


@torch.no_grad()
def round_weights(network: nn.Module) -> None:
    """Round the weights of all layers to eight bits, which their file then has."""
    for weight in network.parameters():
        if weight.ndim > 1:
            weight.copy_(torch.from_numpy(EightBits.rounded(weight.numpy()).values))


@torch.no_grad()
def export_features(
    network: FeatureNetwork, model: Model, preview: Preview, centre: npt.NDArray[np.float32], card: dict[str, Any]
) -> FeatureNetworks:
    """Return the network as a file has it.

    preview  a map from latents to what is seen
    centre   what vectors are about, (512,)
    card     facts of how it was made, which gains format, model, and MACs for each sample that is seen
    """
    names = {value.data_ptr(): name for name, value in network.state_dict().items()}
    inputs = (torch.zeros(1, 3, *EXAMPLE, device="cpu"),)
    graph, arrays = to_graph(network, inputs, names, GRAPH)
    every: Arrays = {**arrays, **arrays_of(preview), CENTRE: centre}
    macs = macs_of(network, inputs, EXAMPLE[0] * EXAMPLE[1])
    facts = {"format": FORMAT, "model": model.sha256.hex(), "macs_per_sample": macs, **card}
    return FeatureNetworks.parse(FeatureNetworks(facts, {GRAPH: graph}, every).pack(), model)
