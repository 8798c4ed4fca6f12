"""Adapters in training: low-rank matrices and deltas beside frozen weights, rounded as an adapter's file holds them.

Every 1×1 convolution gets W + L·R, with L zero at the start; all biases, depthwise kernels of the transforms, gains,
and log scales that are affine in quality get a delta. Stems and merges stay. Merged when attached
(`trellic.model.merge`), they cost nothing.
Source: Few-Shot Domain Adaptation for Learned Image Compression (AAAI 2025); Hu et al., LoRA (2022).
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from trellic.errors import BadRequest
from trellic.model import Model
from trellic.model.adapter import Adapter
from trellic.model.change import MOST_RANK, Change
from trellic.model.file import HALVES
from trellic.networks.codec import TrainableCodec
from trellic.networks.exact import ExactConv
from trellic.networks.learned import LearnedCodec, shared_names
from trellic.networks.transforms.conditioning import Gain

ADAPTER = "adapter"
"""The part of a codec that an adapter is."""
KERNELS = "kernels"
PARTS = ("analysis", "entropy", "synthesis", KERNELS)
"""What an adapter may change: parts of a codec, and depthwise kernels of those of its transforms."""
LEAST_MOMENT = 1e-16
"""Of a factor's gradient; a factor without any could be rounded as coarsely as one likes."""
BITS = 1.0
"""Of an integer in a file, on average: fewer make a coarser change."""
FINEST, COARSEST = -28.0, 0.0
"""Binary logarithms of the units that `fit` tries."""
HALVINGS = 10


class Addend(nn.Module):
    """What is added to a frozen weight: the product of matrices, or one of the weight's shape.

    rank  0 for a delta
    """

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        self.rank = rank
        shape = weight.shape
        if rank:
            factors = [torch.zeros(shape[0], rank), torch.randn(rank, shape[1]) / math.sqrt(shape[1])]
        else:
            factors = [torch.zeros(shape)]
        self.factors = nn.ParameterList(factors)
        self.exponent: int | None = None
        """Of the unit of the rounded change; None while nothing is rounded."""
        self.steps = [1.0] * len(factors)

    def forward(self, weight: Tensor) -> Tensor:
        rounded = [values + (self._integers(values, step) * step - values).detach() for values, step in self._stepped()]
        change = rounded[0] @ rounded[1] if self.rank else rounded[0]
        return weight + change.view(weight.shape)

    def fit(self, moments: Sequence[float], unit: float) -> None:
        """Round from now on, each factor by a step of its own: the unit over the root of its gradient's second moment.

        The moment stands for how fast the loss grows with a factor's error, so each step costs the loss as much.
        """
        wanted = [unit / math.sqrt(max(moment, LEAST_MOMENT)) for moment in moments]
        exact = math.log2(math.prod(wanted))
        self.exponent = round(exact)
        self.steps = [step * 2.0 ** ((self.exponent - exact) / len(wanted)) for step in wanted]

    def change(self, array: str, shape: Sequence[int]) -> Change:
        """Return the change as an adapter's file holds it, once it is rounded."""
        assert self.exponent is not None
        integers = torch.cat([self._integers(*one).flatten() for one in self._stepped()])
        return Change(array, tuple(shape), self.rank, self.exponent, integers.detach().int().numpy())

    def _stepped(self) -> Iterator[tuple[Tensor, float]]:
        return zip(self.factors, self.steps, strict=True)

    def _integers(self, values: Tensor, step: float) -> Tensor:
        return values / step if self.exponent is None else torch.round(values / step)


def add_adapter(codec: TrainableCodec, rank: int, parts: Sequence[str]) -> None:
    """Give a codec's parts addends, and a part ADAPTER that they make up. Raises BadRequest."""
    if not 1 <= rank <= MOST_RANK:
        raise BadRequest(f"a rank is 1 to {MOST_RANK}, not {rank}")
    if unknown := set(parts) - set(PARTS):
        raise BadRequest(f"no part {sorted(unknown)[0]!r} (there are: {', '.join(PARTS)})")
    shared = shared_names(codec)
    prefixes = tuple(prefix for part in parts if part != KERNELS for prefix in codec.parts[part])
    for name, module in list(codec.named_modules()):
        if name.startswith(prefixes):
            deltas = not name.startswith(codec.parts["entropy"])
            for tensor, used in _adapted(module, rank, deltas, KERNELS in parts):
                if shared[f"{name}.{tensor}"] != f"{name}.{tensor}":
                    raise BadRequest(f"analysis and synthesis share {name}, which cannot be adapted")
                parametrize.register_parametrization(module, tensor, Addend(getattr(module, tensor), used))
    for name in codec.prior.affine:
        if f"prior.{name}".startswith(prefixes):
            parametrize.register_parametrization(codec.prior, name, Addend(codec.affine(name), 0))
    names = tuple(name for name, _ in codec.named_parameters() if ".factors." in name)
    if not names:
        raise BadRequest(f"there is nothing to adapt in {', '.join(parts)} alone")
    codec.parts = {**codec.parts, ADAPTER: names}


def _adapted(module: nn.Module, rank: int, deltas: bool, kernels: bool) -> Iterator[tuple[str, int]]:
    """Yield what of a layer is adapted, with the rank; 0 for deltas, of biases, depthwise kernels and gains."""
    if isinstance(module, ExactConv | nn.Conv2d):
        pointwise = module.weight.shape[2:] == (1, 1)
        if pointwise or (deltas and kernels and module.groups > 1):
            yield "weight", rank * pointwise
        yield "bias", 0
    elif isinstance(module, Gain):
        yield "logs", 0


def addends(codec: nn.Module) -> Iterator[tuple[str, Addend]]:
    """Yield a codec's addends by the name of the tensor that each changes."""
    for name, module in codec.named_modules():
        if parametrize.is_parametrized(module):
            for tensor, found in module.parametrizations.items():  # type: ignore[union-attr,operator]
                yield f"{name}.{tensor}", found[0]


def fit(codec: LearnedCodec, model: Model, moments: Mapping[str, Tensor], bits: float = BITS) -> None:
    """Round addends by the finest unit with which an adapter of the model has at most so many bits for each integer.

    moments  second moments of the gradients of factors, by the names of parameters
    Raises ValueError for numbers that are not finite.
    """
    means = {factor: float(moments[name].mean()) for name, factor in codec.named_parameters() if name in moments}
    most = bits / 8 * sum(factor.numel() for factor in means)
    fine, coarse = FINEST, COARSEST
    for attempt in range(HALVINGS + 1):
        unit = coarse if attempt == HALVINGS else (fine + coarse) / 2
        for _, addend in addends(codec):
            addend.fit([means[factor] for factor in addend.factors], 2.0**unit)
        if len(Adapter.of(model, changes_of(codec, model)).pack()) > most:
            fine = unit
        else:
            coarse = unit


def changes_of(codec: LearnedCodec, model: Model) -> dict[str, list[Change]]:
    """Return the changes of each half of the model that a codec with rounded addends was loaded from."""
    own = {f"prior.{name}": name for name in model.file.arrays["decoder"]}  # a model names so what is affine in quality
    found = {own.get(name, name): addend for name, addend in addends(codec)}
    return {
        half: [found[name].change(name, arrays[name].shape) for name in sorted(found) if name in arrays]
        for half, arrays in ((half, model.file.arrays[half]) for half in HALVES)
    }
