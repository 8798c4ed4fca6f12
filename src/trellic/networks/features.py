"""The network of features for machines: z and the first two groups of latents → a map of features.

A stem brings latents to where the teacher's middle is; what follows are blocks of the teacher, with fewer channels.
Pictures are looked at from near, or, large ones, from afar: by a stem that halves the sides.
Source of the blocks: MobileNetV2 (Sandler et al., 2018), EfficientNet-Lite (Liu, 2020).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trellic.codec.tiles import LATENT
from trellic.machine.network import CENTRE, DISTANCES, FEATURES, FORMAT, SCALE, FeatureNetworks, graph_at
from trellic.model import Model
from trellic.model.arrays import Arrays
from trellic.model.eight_bits import EightBits
from trellic.networks.blocks import block, pointwise
from trellic.networks.export import macs_of
from trellic.networks.graphs import to_graph

STEM, STEM_BLOCKS, STEM_INNER, Z_PLANES = 128, 3, 256, 32
MIDDLE, COARSE, HEAD = 112, 192, 704
"""Channels: of the teacher's middle, at 1/16; of its end, at 1/32; and of the last layer's inside."""
INNER = {9: 384, 10: 384, 11: 512, 12: 576, 13: 576}
"""Channels inside each block of the teacher that is kept, by its number."""
LARGEST_ACTIVATION = 6.0
EXAMPLE = (8, 12)
"""Sides of y, in latents, that a graph is recorded with."""


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

    def inside(self, features: Tensor) -> Tensor:
        """Return what is narrowed."""
        wide = _activated(self.expand(features)) if self.expand else features
        return _activated(self.depthwise(F.pad(wide, self.padding)))

    def forward(self, features: Tensor) -> Tensor:
        made: Tensor = self.project(self.inside(features))
        return features + made if self.adds else made


def _activated(values: Tensor) -> Tensor:
    return values.clamp(0.0, LARGEST_ACTIVATION)


class FeatureNetwork(nn.Module):
    """y (N, groups 0 and 1, H/16, W/16), z (N, C, H/64, W/64), quality (N, 1, 1, 1) → (N, 256, H/32d, W/32d).

    y_rms, z_rms  of channels, (2, C): natural logarithm of what they are divided by, affine in quality
    size          of the channels of the teacher's middle, (112,): what the stem gives is multiplied by it
    """

    y_rms: Tensor
    z_rms: Tensor
    size: Tensor

    def __init__(self, y_rms: Tensor, z_rms: Tensor, size: Tensor, ratio: int) -> None:
        """Make an untrained network; z has 1/ratio of the sides of y."""
        super().__init__()
        self.register_buffer("y_rms", y_rms[:, :, None, None].clone())
        self.register_buffer("z_rms", z_rms[:, :, None, None].clone())
        self.register_buffer("size", size[None, :, None, None].clone())
        self.ratio = ratio
        self.widen = pointwise(z_rms.shape[1], Z_PLANES * ratio * ratio)
        self.first = nn.Conv2d(y_rms.shape[1] + Z_PLANES, STEM, 3, padding=1)
        self.by_quality = pointwise(1, STEM)
        self.stem = nn.Sequential(*(block("inverted", STEM, STEM_INNER) for _ in range(STEM_BLOCKS)))
        self.reach = nn.ModuleList(nn.Conv2d(STEM, MIDDLE, distance, distance) for distance in DISTANCES)
        self.blocks = nn.ModuleDict(
            {
                str(number): MobileBlock(
                    MIDDLE if number <= 11 else COARSE, inner, MIDDLE if number < 11 else COARSE, 5, 1 + (number == 11)
                )
                for number, inner in INNER.items()
            }
        )
        self.head = nn.ModuleList([pointwise(COARSE, HEAD), pointwise(HEAD, FEATURES)])

    def numbered_blocks(self) -> Iterator[tuple[int, MobileBlock]]:
        """Yield the blocks that the teacher lends, with their numbers there."""
        for number, one in self.blocks.items():
            assert isinstance(one, MobileBlock)
            yield int(number), one

    def middle(self, y: Tensor, z: Tensor, quality: Tensor, distance: int) -> Tensor:
        """Return (N, 112, H/16d, W/16d): what the teacher has in its middle."""
        planes = F.pixel_shuffle(self.widen(_levelled(z, self.z_rms, quality)), self.ratio)
        first = self.first(torch.cat([_levelled(y, self.y_rms, quality), planes], dim=1))
        seen = self.reach[DISTANCES.index(distance)](self.stem(first + self.by_quality(quality)))
        made: Tensor = seen * self.size
        return made

    def end(self, middle: Tensor) -> Tensor:
        """Return (N, 256, H/32d, W/32d)."""
        for one in self.blocks.values():
            middle = one(middle)
        made: Tensor = self.head[1](_activated(self.head[0](middle)))
        return made

    def forward(self, y: Tensor, z: Tensor, quality: Tensor, distance: int) -> Tensor:
        return self.end(self.middle(y, z, quality, distance))


def _levelled(latents: Tensor, log_rms: Tensor, quality: Tensor) -> Tensor:
    """Return latents alike at all qualities, large ones made small."""
    even = latents / (log_rms[0] + log_rms[1] * quality).exp()
    return even.sign() * even.abs().log1p()


class AtDistance(nn.Module):
    """A network of features at one distance: what a file has."""

    def __init__(self, network: FeatureNetwork, distance: int) -> None:
        super().__init__()
        self.network, self.distance = network, distance

    def forward(self, y: Tensor, z: Tensor, quality: Tensor) -> Tensor:
        found: Tensor = self.network(y, z, quality, self.distance)
        return found


@torch.no_grad()
def round_weights(network: FeatureNetwork) -> None:
    """Round the weights of all layers to eight bits, which their file then has."""
    for weight in network.parameters():
        if weight.ndim > 1:
            weight.copy_(torch.from_numpy(EightBits.rounded(weight.numpy()).values))


def export_features(
    network: FeatureNetwork, model: Model, vectors: npt.NDArray[np.float32], card: dict[str, Any]
) -> FeatureNetworks:
    """Return the networks as a file has them, without gradients.

    vectors  pooled maps of many pictures, (N, 512): later ones are about their mean, and each half has their size
    card     facts of how it was made, which gains format, model, and MACs a pixel
    """
    names = {value.data_ptr(): name for name, value in network.state_dict().items()}
    centre = vectors.mean(axis=0)
    halves = np.square(vectors - centre).reshape(len(vectors), 2, -1).mean(axis=(0, 2)) ** 0.5
    arrays: Arrays = {CENTRE: centre, SCALE: halves.repeat(FEATURES).astype(np.float32)}
    graphs, macs = {}, {}
    inputs = (
        torch.zeros(1, network.y_rms.shape[1], *EXAMPLE, device="cpu"),
        torch.zeros(1, network.z_rms.shape[1], *(side // network.ratio for side in EXAMPLE), device="cpu"),
        torch.full((1, 1, 1, 1), 0.5, device="cpu"),
    )
    for distance in DISTANCES:
        name, one = graph_at(distance), AtDistance(network, distance)
        graphs[name], found = to_graph(one, inputs, names, name)
        arrays |= found
        macs[name] = macs_of(one, inputs, LATENT * LATENT * EXAMPLE[0] * EXAMPLE[1])
    facts = {"format": FORMAT, "model": model.sha256.hex(), "macs_per_pixel": macs, **card}
    return FeatureNetworks.parse(FeatureNetworks(facts, graphs, arrays).pack(), model)
