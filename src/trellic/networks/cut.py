"""A smaller model cut from a larger one: what it keeps is what carries most on pictures of one kind (`importance.py`).

Blocks stay by ‖branch‖ / ‖input‖, latents by energy, and all other channels by what the layers that read them make of
them. Exact layers stay exact: bounds of sums only shrink when rows and columns go. Training then mends what is broken.
Sources: Li et al., pruning filters for efficient convnets (2017); Cloud 3D application-specific compression (2022).
"""

from collections.abc import Iterator
from dataclasses import astuple, dataclass, replace
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trellic.errors import BadRequest
from trellic.model import Model
from trellic.model.model import SENSITIVITY
from trellic.networks.codec import TrainableCodec
from trellic.networks.design import Design, PriorOptions, TransformOptions
from trellic.networks.export import export
from trellic.networks.importance import Importance, Values
from trellic.networks.load import load
from trellic.networks.options import LEAKY
from trellic.networks.priors.stepwise import LATER

CUT = "cut"
"""The card's entry: of which model, and which of its latents are kept."""
STACKS = ("fine", "coarse")
OF_ANY_PRIOR: dict[str, Any] = {"groups": (), "z": 0, "features": 0, "stepwise": None}
"""What a prior that can be cut may have as it will."""

Kept = dict[str, npt.NDArray[np.int64]]
"""What stays, rising, by the name of a space: the channels that a layer writes, named as the layer; "y", "z"."""


@dataclass(frozen=True)
class Size:
    """A smaller size: blocks of analysis and of synthesis with their inner width, at 1/8 and at 1/16; channels."""

    fine: tuple[int, int, int]
    coarse: tuple[int, int, int]
    latents: int
    features: int
    z: int

    @classmethod
    def of(cls, design: Design) -> "Size":
        """Return the size of a design."""
        options, prior = design.transform_as(TransformOptions), design.prior
        return cls(options.fine, options.coarse, design.latents, prior.features, prior.z)


SIZES = {
    "medium": Size((2, 2, 192), (2, 2, 256), 320, 128, 64),
    "slim": Size((2, 1, 96), (2, 1, 192), 224, 96, 48),
    "xslim": Size((1, 1, 48), (1, 1, 96), 192, 64, 32),
}


class Piece(NamedTuple):
    """Channels of a space, from start to stop."""

    space: str
    start: int
    stop: int


Pieces = tuple[Piece, ...]
"""What the rows or columns of a layer are, in order; none where they stay as they are."""


class Wire(NamedTuple):
    """A layer, or a tensor, of the smaller model: from which of the larger one, its rows and columns there."""

    source: str
    rows: Pieces
    columns: Pieces


def cut(model: Model, size: Size, pictures: Tensor) -> Model:
    """Return the model in a smaller size, its card saying what was kept. Quantizers stay as they are.

    pictures  float32 (N, 3, H, W) in [0, 1], of the kind that the model is for
    Raises BadRequest for a model that has other networks than the base model, or is smaller.
    """
    wide = load(model).eval()
    if not _is_plain(wide.design):
        raise BadRequest(f"model {model.name} has networks that cannot be cut")
    if any(np.greater(new, old).any() for new, old in zip(astuple(size), astuple(Size.of(wide.design)), strict=True)):
        raise BadRequest(f"model {model.name} is not larger than the preset")
    importance = Importance(wide, pictures)
    blocks = _blocks(importance, wide, size)
    wires = dict(_wires(wide.design, blocks))
    kept = _channels(importance, wires, wide.design, size)
    small = _filled(wide, wires, kept, _design(wide.design, size, kept["y"]))
    made = export(small, {CUT: {"from": model.name, "latents": kept["y"].tolist()}})
    for quantizer in model.card.get("quantizers", {}):
        made = made.quantizer_of(model, quantizer)
    sensitivity = model.file.arrays["encoder"].get(SENSITIVITY)
    return made if sensitivity is None else made.with_sensitivity(sensitivity[:, kept["y"]])


def _is_plain(design: Design) -> bool:
    """Return whether a model has networks of the base model's kinds."""
    options, prior = design.transform, design.prior
    if not isinstance(options, TransformOptions):
        return False
    kinds = (options.family, options.blocks, options.activation, options.near)
    same_prior = replace(prior, **OF_ANY_PRIOR) == PriorOptions(**OF_ANY_PRIOR)
    return same_prior and kinds == ("residual", "inverted", LEAKY, None)


def _blocks(importance: Importance, wide: TrainableCodec, size: Size) -> dict[str, npt.NDArray[np.int64]]:
    """Return the numbers of the blocks that stay, by stack."""
    found = {}
    for side, name in enumerate(("analysis", "synthesis")):
        for stack in STACKS:
            count = len(getattr(wide.network(name), stack))
            ratios = [importance.blocks[f"{name}.{stack}.{number}"] for number in range(count)]
            found[f"{name}.{stack}"] = _largest(np.array(ratios), getattr(size, stack)[side])
    return found


def _wires(design: Design, blocks: dict[str, npt.NDArray[np.int64]]) -> Iterator[tuple[str, Wire]]:
    """Yield all that is cut, by its name in the smaller model."""
    y = (Piece("y", 0, design.latents),)
    for stack, numbers in blocks.items():
        inner = getattr(design.transform, stack.split(".")[1])[2]
        outside: Pieces = y if stack.endswith("coarse") else ()
        for new, old in enumerate(numbers):
            source, own = f"{stack}.{old}.branch", (Piece(f"{stack}.{old}.branch.0", 0, inner),)
            for layer, rows, columns in ((0, own, outside), (2, own, own), (4, outside, own)):
                yield f"{stack}.{new}.branch.{layer}", Wire(f"{source}.{layer}", rows, columns)
    for name, rows, columns in (
        ("analysis.merge", y, ()), ("analysis.conditions.1", (), y), ("analysis.gain", y, ()),
        ("synthesis.gain", y, ()), ("synthesis.conditions.0", (), y),
        ("synthesis.merge.weight", y, ()), ("synthesis.merge.scale", y, ()),
        ("prior.z_log_scale", (), (Piece("z", 0, design.prior.z),)),
        *((f"prior.networks.{name}", rows, columns) for name, rows, columns in _prior_wires(design, y)),
    ):  # fmt: skip
        yield name, Wire(name, rows, columns)


def _prior_wires(design: Design, y: Pieces) -> Iterator[tuple[str, Pieces, Pieces]]:
    """Yield names, rows and columns of the layers of `trellic.networks.priors.groups` and `stepwise`."""
    width = design.prior.features
    z, features = (Piece("z", 0, design.prior.z),), (Piece("features", 0, width),)

    def own(layer: str) -> Pieces:
        return (Piece(layer, 0, width),)

    name = "hyper_analysis"
    a, b, c = own(f"{name}.0"), own(f"{name}.3"), own(f"{name}.5")
    yield from ((f"{name}.layers.0", a, y), (f"{name}.layers.2", a, a), (f"{name}.layers.3", b, a))
    yield from ((f"{name}.layers.5", c, b), (f"{name}.layers.7", c, c), (f"{name}.last", z, c))
    name = "hyper_synthesis"
    a, b = own(f"{name}.0"), own(f"{name}.5")
    yield from ((f"{name}.layers.0", a, z), (f"{name}.layers.3", a, a), (f"{name}.layers.5", b, a))
    yield from ((f"{name}.layers.8", b, b), (f"{name}.by_quality", (), b), (f"{name}.last.1", features, b))
    yield from ((f"{name}.sum.{term}", (), b) for term in ("first", "second"))
    for name, _ in LATER if design.prior.stepwise else ():
        a = own(f"{name}.0")
        yield from ((f"{name}.layers.0", a, z), (f"{name}.layers.2", a, a), (f"{name}.head", z + z, a))
        yield from ((f"{name}.{part}", (), z) for part in ("by_quality", "sum.first", "sum.second"))
    for number, (start, stop) in enumerate(pairwise(accumulate(design.prior.groups, initial=0))):
        group, earlier = (Piece("y", start, stop),), (Piece("y", 0, start),)
        name = f"first_{number}"
        a, b = own(f"{name}.0"), own(f"{name}.3")
        yield from ((f"{name}.layers.0", a, features + earlier), (f"{name}.layers.2", a, a))
        yield from ((f"{name}.layers.3", b, a), (f"{name}.head.layer", group + group, b))
        name = f"second_{number}"
        c = own(f"{name}.1")
        yield from ((f"{name}.anchors.0", b, group), (f"{name}.anchors.1", b, b), (f"{name}.layers.1", c, b))
        yield from ((f"{name}.head.layer", group + group, c),)
        yield from ((f"{name}.sum.{term}", (), b) for term in ("first", "second"))


def _channels(importance: Importance, wires: dict[str, Wire], design: Design, size: Size) -> Kept:
    """Return the channels that stay: latents by energy, one of each group at least; others by their readers."""
    energy = importance.energy.copy()
    for start, stop in pairwise(accumulate(design.prior.groups, initial=0)):
        energy[start + int(np.argmax(energy[start:stop]))] = np.inf
    kept, read = {"y": _largest(energy, size.latents)}, dict[str, Values]()
    for wire in wires.values():
        found, at = importance.channels.get(wire.source), 0
        for piece in wire.columns if found is not None else ():
            total = read.setdefault(piece.space, np.zeros(piece.stop))
            if piece.space != "y":
                total += found[at : at + piece.stop]  # type: ignore[index]
            at += piece.stop - piece.start
    for space, values in read.items():
        kept.setdefault(space, _largest(values, _count(space, size)))
    return kept


def _count(space: str, size: Size) -> int:
    if space == "z":
        return size.z
    stack = space.split(".")[1] if ".branch." in space else ""
    return int(getattr(size, stack)[2]) if stack else size.features


def _largest(values: Values, count: int) -> npt.NDArray[np.int64]:
    """Return the indices of the largest values, rising."""
    return np.sort(np.argsort(-values, kind="stable")[:count])


def _design(wide: Design, size: Size, latents: npt.NDArray[np.int64]) -> Design:
    bounds = np.searchsorted(latents, list(accumulate(wide.prior.groups, initial=0)))
    prior = replace(wide.prior, groups=tuple(int(n) for n in np.diff(bounds)), features=size.features, z=size.z)
    transform = replace(wide.transform_as(TransformOptions), fine=size.fine, coarse=size.coarse)
    return replace(wide, latents=size.latents, transform=transform, prior=prior)


def _filled(wide: TrainableCodec, wires: dict[str, Wire], kept: Kept, design: Design) -> TrainableCodec:
    """Return the smaller model, with the larger one's numbers."""
    small, known, state = TrainableCodec(design), wide.state_dict(), {}
    for name in small.state_dict():
        layer = next((one for one in wires if name == one or name.startswith(f"{one}.")), name)
        wire = wires.get(layer, Wire(name, (), ()))
        values = known[wire.source + name.removeprefix(layer)]
        for dimension, pieces in enumerate((wire.rows, wire.columns)):
            values = _selected(values, dimension, pieces, kept)
        state[name] = values
    small.load_state_dict(state)
    return small


def _selected(values: Tensor, dimension: int, pieces: Pieces, kept: Kept) -> Tensor:
    """Return the rows or columns that stay; several of a channel, as before a shuffle of pixels, lie together."""
    width = sum(piece.stop - piece.start for piece in pieces)
    if not pieces or values.ndim <= dimension or values.shape[dimension] < width:
        return values
    chosen, at = [], 0
    for space, start, stop in pieces:
        channels = kept[space]
        chosen.append(at + channels[(channels >= start) & (channels < stop)] - start)
        at += stop - start
    several = values.shape[dimension] // width
    index = np.concatenate(chosen)[:, None] * several + np.arange(several)
    return values.index_select(dimension, torch.from_numpy(index.ravel()))
