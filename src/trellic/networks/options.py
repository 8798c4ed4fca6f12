"""Options of a design, each a small frozen value; the modules that build them `match` them.

In a model's card an option is an object with its name as "kind": {"kind": "shrink", "soft": true, "start": 0.02}.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any

MOST_IN_A_HEAD = 16
"""Channels, so that the products of exact attention sum to integers that single precision holds."""


@dataclass(frozen=True)
class Leaky:
    """LeakyReLU, see `activations.py`."""


@dataclass(frozen=True)
class Shrink:
    """Shrinkage by a threshold for each channel, see `activations.py`.

    soft   whether what stays is moved towards zero by the threshold
    start  the thresholds at the start
    """

    soft: bool = True
    start: float = 0.02

    def __post_init__(self) -> None:
        if not 0 < self.start <= 1:
            raise ValueError("a threshold starts between 0 and 1")


@dataclass(frozen=True)
class Gdn:
    """Generalized divisive normalization, see `activations.py`."""


@dataclass(frozen=True)
class Near:
    """Neighbourhood attention, see `near.py`: so many channels inside, in so many heads."""

    inner: int = 64
    heads: int = 2

    def __post_init__(self) -> None:
        if self.heads < 1 or self.inner % self.heads:
            raise ValueError("the channels of attention are divided among its heads")


@dataclass(frozen=True)
class Guide:
    """Context at several scales, see `priors/guide.py`; `width` channels at each of them."""

    width: int = 32


@dataclass(frozen=True)
class Attend:
    """Exact attention in the prior, see `priors/attend.py`: channels inside, in heads of 16 at most."""

    inner: int = 32
    heads: int = 2

    def __post_init__(self) -> None:
        if self.heads < 1 or self.inner % self.heads or self.inner // self.heads > MOST_IN_A_HEAD:
            raise ValueError(f"the channels of attention are divided among its heads, {MOST_IN_A_HEAD} each at most")


@dataclass(frozen=True)
class Mixed:
    """Hyper-latents by attention beside local ones, see `priors/mixed.py`.

    distant       how many of z
    inner, heads  of the attention
    """

    distant: int = 16
    inner: int = 64
    heads: int = 2


@dataclass(frozen=True)
class Stepwise:
    """Hyper-latents in passes, each predicted from those before, see `priors/stepwise.py`."""


Activation = Leaky | Shrink | Gdn
LEAKY = Leaky()

KINDS = (Leaky, Shrink, Gdn, Near, Guide, Attend, Mixed, Stepwise)


def to_json(option: Any) -> dict[str, Any]:
    """Return an option as plain JSON values."""
    return {"kind": type(option).__name__.lower(), **asdict(option)}


def from_json(values: dict[str, Any]) -> Any:
    """Return the option that `to_json` described. Raises ValueError."""
    known = {kind.__name__.lower(): kind for kind in KINDS}
    rest = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items() if key != "kind"}
    kind: Any = known.get(values.get("kind", ""))
    if kind is None:
        raise ValueError(f"unknown option {values.get('kind')!r} (known: {', '.join(known)})")
    if unknown := set(rest) - {each.name for each in fields(kind)}:
        raise ValueError(f"unknown keys of option {values['kind']}: {', '.join(sorted(unknown))}")
    return kind(**rest)
