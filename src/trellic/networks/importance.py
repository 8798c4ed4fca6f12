"""What the channels and blocks of a codec carry on pictures: by what a smaller model is chosen (`cut.py`)."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from trellic.networks.blocks import Residual
from trellic.networks.codec import TrainableCodec
from trellic.networks.surrogates import Rounding

QUALITIES = (0.1, 0.5, 0.9)
"""At which pictures are shown."""

Values = npt.NDArray[np.float64]


class Importance:
    """Sums over pictures at all of QUALITIES.

    channels  of what each dense convolution reads, by its name: mean |activation| · ‖outgoing weights‖, (C,)
    blocks    ‖branch‖ / ‖input‖ of each residual block by its name
    energy    of the latents, in squared quantizer steps, (C,)
    """

    def __init__(self, codec: TrainableCodec, pictures: Tensor) -> None:
        """Show a codec pictures, float32 (N, 3, H, W) in [0, 1]."""
        self.channels: dict[str, Values] = {}
        self.blocks: dict[str, float] = {}
        self.energy: Values = np.zeros(codec.design.latents)
        hooks = [
            module.register_forward_hook(self._notes_block(name) if isinstance(module, Residual) else self._notes(name))
            for name, module in codec.named_modules()
            if isinstance(module, Residual) or getattr(module, "groups", 0) == 1
        ]
        for quality in QUALITIES:
            self._show(codec, pictures, torch.full((len(pictures), 1, 1, 1), quality))
        for hook in hooks:
            hook.remove()

    @torch.no_grad()
    def _show(self, codec: TrainableCodec, pictures: Tensor, quality: Tensor) -> None:
        targets = codec.encode(pictures, quality)
        codec.decode(codec.code(targets, quality, Rounding()).values, quality)
        self.energy += targets["y"].square().mean(dim=(0, 2, 3)).double().numpy()

    def _notes(self, name: str) -> Callable[[Any, tuple[Tensor, ...], Tensor], None]:
        def note(layer: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            outgoing = layer.weight.transpose(0, 1).flatten(1).norm(dim=1)
            importance = (inputs[0].abs().mean(dim=(0, 2, 3)) * outgoing).double().numpy()
            self.channels[name] = self.channels.get(name, 0.0) + importance

        return note

    def _notes_block(self, name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def note(block: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            self.blocks[name] = self.blocks.get(name, 0.0) + float((output - inputs[0]).norm() / inputs[0].norm())

        return note
