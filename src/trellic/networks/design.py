"""A design: every number that shapes the networks, as small values kept with each model."""

from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar

from trellic.networks import options
from trellic.networks.options import LEAKY, Activation, Attend, Guide, Mixed, Near, Stepwise

Options = TypeVar("Options")

STEMS = (8, 12)
BLOCKS = ("inverted", "gated", "dense")


@dataclass(frozen=True)
class TransformOptions:
    """The shape of analysis and synthesis.

    family       a name of `trellic.networks.transforms.FAMILIES`
    stem         side of the first filters in pixels, at a stride of 8
    blocks       kind of residual block, see `blocks.py`
    fine         (analysis blocks, synthesis blocks, inner width) at 1/8
    coarse       (analysis blocks, synthesis blocks, inner width) at 1/16
    conditioned  whether features are scaled and shifted by the quality
    gain_knots   qualities at which each channel has a gain of its own, evenly spaced; log-linear in between
    activation   of the blocks, see `activations.py`
    near         attention before the last block at 1/16 of analysis and synthesis
    """

    family: str = "residual"
    stem: int = 12
    blocks: str = "inverted"
    fine: tuple[int, int, int] = (5, 4, 256)
    coarse: tuple[int, int, int] = (7, 4, 384)
    conditioned: bool = True
    gain_knots: int = 5
    activation: Activation = LEAKY
    near: Near | None = None

    def __post_init__(self) -> None:
        if self.stem not in STEMS or self.blocks not in BLOCKS or self.gain_knots < 2:
            raise ValueError(f"stem is one of {STEMS}, blocks one of {BLOCKS}, gain_knots 2 or more")
        if not isinstance(self.activation, Activation) or not isinstance(self.near, Near | None):
            raise ValueError("activation or near is an option of another kind")

    def grows_from(self, start: "TransformOptions | Invertible") -> bool:
        """Return whether a model of options `start` can go on as this one, see `Design.grows_from`."""
        if not isinstance(start, TransformOptions):
            return False
        larger = all(
            new >= old
            for new, old in (
                (self.stem, start.stem),
                (self.fine[0], start.fine[0]),
                (self.coarse[0], start.coarse[0]),
                (self.conditioned, start.conditioned),
            )
        )
        knots = (self.gain_knots - 1) % (start.gain_knots - 1) == 0
        rest = replace(
            self,
            stem=start.stem,
            fine=(start.fine[0], *self.fine[1:]),
            coarse=(start.coarse[0], *self.coarse[1:]),
            conditioned=start.conditioned,
            gain_knots=start.gain_knots,
            near=self.near and start.near,
        )
        return larger and knots and rest == start


@dataclass(frozen=True)
class Invertible:
    """The shape of an analysis whose inverse is the synthesis, see `transforms/invertible.py`.

    fine        (couplings, inner width) at 1/8
    coarse      (couplings, inner width) at 1/16
    recovery    inner width of the network that recovers latents beyond those that are kept
    denoiser    (blocks at 1/16, blocks at 1/8, inner width), of the synthesis alone
    gain_knots  qualities at which each channel has a gain of its own
    """

    family: str = "invertible"
    fine: tuple[int, int] = (4, 96)
    coarse: tuple[int, int] = (4, 128)
    recovery: int = 128
    denoiser: tuple[int, int, int] = (0, 0, 128)
    gain_knots: int = 5

    def __post_init__(self) -> None:
        if self.gain_knots < 2:
            raise ValueError("gain_knots is 2 or more")

    def grows_from(self, start: "TransformOptions | Invertible") -> bool:
        """Return whether a model of options `start` can go on as this one: a denoiser may have more blocks."""
        if not isinstance(start, Invertible):
            return False
        larger = all(new >= old for new, old in zip(self.denoiser[:2], start.denoiser[:2], strict=True))
        silent = start.denoiser[:2] == (0, 0) or self.denoiser[2] == start.denoiser[2]
        return larger and silent and replace(self, denoiser=start.denoiser) == start


@dataclass(frozen=True)
class PriorOptions:
    """The shape of the prior.

    family    a name of `trellic.networks.priors.FAMILIES`
    groups    channels of y that are coded together, in order; their sum is the design's `latents`
    context   whether a group sees the groups before it and its own anchors
    z         channels of the hyper-latents at 1/64
    features  channels of the hyper-synthesis output and of the context networks
    guide     context of each group at several scales
    attend    exact attention on the features that all groups see
    mixed     hyper-latents by attention beside local ones
    stepwise  hyper-latents in passes, each predicted from those before
    """

    family: str = "groups"
    groups: tuple[int, ...] = (16, 32, 64, 208)
    context: bool = True
    z: int = 96
    features: int = 192
    guide: Guide | None = None
    attend: Attend | None = None
    mixed: Mixed | None = None
    stepwise: Stepwise | None = None

    def __post_init__(self) -> None:
        kinds = (self.guide, Guide), (self.attend, Attend), (self.mixed, Mixed), (self.stepwise, Stepwise)
        if not all(isinstance(option, kind | None) for option, kind in kinds):
            raise ValueError("guide, attend, mixed or stepwise is an option of another kind")
        if self.mixed and not 0 < self.mixed.distant <= self.z:
            raise ValueError(f"{self.mixed.distant} of {self.z} hyper-latents cannot be distant")


@dataclass(frozen=True)
class Design:
    """The shape of a model.

    latents  channels of y at 1/16
    exact    whether the networks before table indices compute the same on every processor, see `exact.py`
    """

    latents: int = 320
    exact: bool = False
    transform: TransformOptions | Invertible = field(default_factory=TransformOptions)
    prior: PriorOptions = field(default_factory=PriorOptions)

    def __post_init__(self) -> None:
        if sum(self.prior.groups) != self.latents:
            raise ValueError(f"groups {self.prior.groups} do not sum to {self.latents} latents")

    def transform_as(self, kind: type[Options]) -> Options:
        """Return the transform's options, which are of a kind. Raises ValueError for those of another one."""
        if not isinstance(self.transform, kind):
            raise ValueError(f"the transform is not {kind.__name__}")
        return self.transform

    def grows_from(self, start: "Design") -> bool:
        """Return whether a model of design `start` can go on as this one, from the same pictures and bits.

        It may become exact, or cease to be. Its analysis may have more blocks, which begin as the identity; its stem
        may be larger, new weights beginning at zero; it may become conditioned on quality, and gain knots may be added.
        An invertible transform may get a denoiser, another one attention, a prior a guide or attention, the last of its
        hyper-latents may become distant, and all of them may be coded stepwise.
        """
        prior, old = self.prior, start.prior
        known = {name: getattr(prior, name) and getattr(old, name) for name in ("guide", "attend", "mixed", "stepwise")}
        if self.prior.mixed and not old.mixed and self.prior.mixed.distant > prior.features:
            return False  # distant hyper-latents begin as what convolutions found, in as many features
        prior = replace(prior, **known)
        return (self.latents, prior) == (start.latents, old) and self.transform.grows_from(start.transform)

    def to_json(self) -> dict[str, Any]:
        """Return the design as plain JSON values, without options that are at their defaults."""
        return _to_json(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Design":
        """Return the design that `to_json` described. Raises ValueError or TypeError where it is none."""
        given = values.get("transform")
        invertible = isinstance(given, dict) and given.get("family") == Invertible.family
        transform = Invertible if invertible else TransformOptions
        parts = {"transform": transform, "prior": PriorOptions}
        kept = {name: _from_json(parts[name], value) if name in parts else value for name, value in values.items()}
        return _from_json(cls, kept)


def _to_json(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in fields(value):
        own = getattr(value, each.name)
        if isinstance(own, options.KINDS):
            if own != each.default:
                found[each.name] = options.to_json(own)
        elif own is not None:
            found[each.name] = _to_json(own) if is_dataclass(own) else own
    return found


def _from_json(kind: Any, values: dict[str, Any]) -> Any:
    known = {each.name for each in fields(kind)}
    if unknown := set(values) - known:
        raise ValueError(f"unknown design keys: {', '.join(sorted(unknown))}")
    return kind(**{key: _value(value) for key, value in values.items()})


def _value(value: Any) -> Any:
    match value:
        case list():
            return tuple(value)
        case dict():
            return options.from_json(value)
        case _:
            return value
