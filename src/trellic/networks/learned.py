"""A trainable codec: the interface that losses, stages and validation are written for."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trellic.codec.coding import no_passes, run
from trellic.codec.positions import positions_in
from trellic.model.schedule import Code, Mask, Schedule, parse_reference
from trellic.networks.priors.base import Gaussian


class Coder(Protocol):
    """Codes one pass of a batch: noise, rounding, or the deployed quantizer."""

    def __call__(self, step: Code, target: Tensor, gaussian: Gaussian) -> tuple[Tensor, Tensor]:
        """Return decoded latents, with a gradient for the target, and their bits.

        All are (N, C, h, w) of the step's channels; what is returned is zero outside the step's mask.
        """


class Decoded(NamedTuple):
    """Decoded variables (N, C, h, w), and bits of each, (N,)."""

    values: dict[str, Tensor]
    bits: dict[str, Tensor]


class Coded(NamedTuple):
    """The result of a forward pass: pictures (N, 3, H, W), not clipped, and bits by variable, each (N,)."""

    pictures: Tensor
    bits: dict[str, Tensor]


class Tensors:
    """Variables of a batch by name, (N, C, h, w): the `Values` of training."""

    def __init__(self, **values: Tensor) -> None:
        self.by_name = values

    def read(self, reference: str) -> Tensor:
        """Return a variable, or channels of it."""
        name, start, stop = parse_reference(reference)
        return self.by_name[name] if stop is None else self.by_name[name][:, start:stop]

    def write(self, name: str, value: Tensor) -> None:
        """Keep a variable."""
        self.by_name[name] = value

    def coded(self, step: Code) -> None:
        """Take note of a pass that is coded."""


def positions_of(mask: Mask, like: Tensor) -> Tensor:
    """Return a mask at every position of a tensor (N, C, h, w), float32 (1, 1, h, w)."""
    height, width = like.shape[-2:]
    return torch.from_numpy(positions_in(mask, height, width)).to(like.device, torch.float32)[None, None]


class LearnedCodec(nn.Module):
    """A learned codec whose networks follow a schedule; pictures are (N, 3, H, W) in [0, 1], quality (N, 1, 1, 1).

    schedule  the order of coding
    networks  by graph name, each from the tensors that a Run step reads to those that it writes
    parts     prefixes of the names of weights, by what they are for: "analysis", "entropy" and "synthesis"
    """

    parts: dict[str, tuple[str, ...]]
    schedule: Schedule

    def network(self, graph: str) -> nn.Module:
        """Return the network of that name."""
        raise NotImplementedError

    def affine(self, name: str) -> Tensor:
        """Return log scales affine in quality, (2, channels), that a Code step names."""
        found: Tensor = self.get_parameter(name)
        return found

    def _run_graph(self, graph: str, inputs: list[Tensor]) -> tuple[Tensor, ...]:
        outputs: Any = self.network(graph)(*inputs)
        return outputs if isinstance(outputs, tuple) else (outputs,)

    def encode(self, pictures: Tensor, quality: Tensor) -> dict[str, Tensor]:
        """Return the variables of pictures before they are quantized, (N, C, h, w), in the latents' unit."""
        values = Tensors(picture=pictures, quality=quality)
        run(self.schedule.encode, self._run_graph, values, no_passes)
        return {name: values.by_name[name] for name in self.schedule.variables}

    def code(
        self,
        targets: dict[str, Tensor],
        quality: Tensor,
        coder: Coder,
        values_of: Callable[..., Tensors] = Tensors,
    ) -> Decoded:
        """Code variables pass by pass, each pass seeing what was decoded before it.

        values_of  returns what holds the variables, by name
        """
        values = values_of(quality=quality, **{name: torch.zeros_like(target) for name, target in targets.items()})
        bits = {name: target.new_zeros(len(target)) for name, target in targets.items()}

        def code_pass(step: Code) -> None:
            whole = values.by_name[step.variable]
            target = targets[step.variable][:, step.channels]
            decoded, cost = coder(step, target, self._predict(step, values, target, quality))
            around = (0, 0, 0, 0, step.start, whole.shape[1] - step.stop)
            values.write(step.variable, whole + F.pad(decoded, around))
            values.coded(step)
            bits[step.variable] = bits[step.variable] + cost.sum(dim=(1, 2, 3))

        run(self.schedule.code, self._run_graph, values, code_pass)
        return Decoded({name: values.by_name[name] for name in targets}, bits)

    def _predict(self, step: Code, values: Tensors, target: Tensor, quality: Tensor) -> Gaussian:
        mean = values.by_name[step.mean] if step.mean else torch.zeros_like(target)
        if step.log_scale in values.by_name:
            return Gaussian(mean, values.by_name[step.log_scale])
        base, slope = self.affine(step.log_scale)[:, None, step.channels, None, None]
        return Gaussian(mean, (base + slope * quality).expand_as(target))

    def decode(self, values: dict[str, Tensor], quality: Tensor) -> Tensor:
        """Return the pictures of decoded variables, not clipped."""
        decoded = Tensors(quality=quality, **values)
        run(self.schedule.decode, self._run_graph, decoded, no_passes)
        return decoded.by_name["pixels"]

    def forward(self, pictures: Tensor, quality: Tensor, coder: Coder) -> Coded:
        """Code pictures, differentiably."""
        decoded = self.code(self.encode(pictures, quality), quality, coder)
        return Coded(self.decode(decoded.values, quality), decoded.bits)


def shared_names(codec: nn.Module) -> dict[str, str]:
    """Return the name that each weight and buffer goes by in a model's file, where several names may be of one."""
    state = codec.state_dict()
    last = {value.data_ptr(): name for name, value in state.items() if value.numel()}
    return {name: last[value.data_ptr()] if value.numel() else name for name, value in state.items()}
