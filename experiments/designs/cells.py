"""What is compared: designs that differ in one option, from one start, on the same pictures, by the same seeds."""

from dataclasses import dataclass, replace
from typing import Any

from trellic.networks.design import Design, Invertible, PriorOptions, TransformOptions
from trellic.networks.options import Attend, Gdn, Guide, Mixed, Near, Shrink

MINUTES, FEWER, GROWN = 2.0, 1.0, 1.0
"""Of CPU time: what cells are trained for, those that start near to where they go, and those that go on as the shipped
model."""
STARTS = {"small": 3.0, "kept": 3.0, "autoencoder": 1.0, "invertible": 1.0}
"""CPU time that the priors of starts are trained for, by the name of the start."""
SHIPPED = "shipped"
"""The start that is the shipped model."""
SEEDS = (1, 2, 3)
ALL_RATES, HIGH_RATES = (0.1, 0.3, 0.5, 0.7, 0.9), (0.5, 0.75, 1.0)
BARE = TransformOptions(fine=(0, 0, 8), coarse=(0, 0, 8))
PRIOR = PriorOptions(groups=(16, 32, 144), z=32, features=96)
FINE, COARSE = 96, 192
"""Inner widths of the reference's blocks; those of others are narrower or wider, so that pictures decode as quickly."""
SMALL = Design(192, transform=TransformOptions(fine=(1, 1, FINE), coarse=(2, 2, COARSE)), prior=PRIOR)

SMALL_BARE = replace(SMALL, transform=BARE)
ALL_LATENTS = PriorOptions(groups=(16, 32, 64, 208, 448), z=32, features=96)
AUTOENCODER = Design(768, transform=TransformOptions(fine=(1, 1, 96), coarse=(2, 2, 128)), prior=ALL_LATENTS)
INVERTIBLE = Design(768, transform=Invertible(fine=(1, 112), coarse=(2, 176)), prior=ALL_LATENTS)
KEPT = Design(192, transform=Invertible(fine=(1, 32), coarse=(1, 32), recovery=32), prior=PRIOR)
CACHED = Design(320, transform=BARE, prior=PriorOptions(z=32, features=96))
"""A prior of the shipped model's latents; its transforms take no part."""
AUTOENCODER_BARE = replace(AUTOENCODER, transform=BARE)


def _bare(design: Design) -> Design:
    """Return an invertible design without couplings."""
    options = design.transform_as(Invertible)
    return replace(design, transform=replace(options, fine=(0, options.fine[1]), coarse=(0, options.coarse[1])))


@dataclass(frozen=True)
class Phase:
    """Training that follows a cell's, of one part of the codec, all else frozen.

    part      "entropy" by the rate, or "synthesis" by the distortion of rounded latents
    denoiser  of an invertible transform, which begins as the identity
    """

    part: str
    minutes: float = 0.5
    denoiser: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Cell:
    """A design in a comparison.

    minutes     of CPU time that training takes
    bare        the design with classical transforms, whose prior is trained once for all cells
    start       what that prior is kept as; SHIPPED for the shipped model, "" for nothing
    reference   the option beside which it is measured
    qualities   at which it is validated; HIGH_RATES are trained for, too
    compaction  weight of the penalty that gathers energy in few channels, in the first part of the training
    then        what follows, each phase kept only where it lowers the cost
    """

    comparison: str
    option: str
    design: Design
    minutes: float
    bare: Design = SMALL_BARE
    start: str = "small"
    qualities: tuple[float, ...] = ALL_RATES
    reference: str = "leaky"
    compaction: float = 0.0
    then: tuple[Phase, ...] = ()

    @property
    def least_quality(self) -> float:
        """The lowest quality that is drawn in training."""
        return 0.45 if self.qualities == HIGH_RATES else 0.0

    @property
    def of_prior(self) -> bool:
        """Whether the prior alone is trained, on cached latents."""
        return self.comparison.endswith("priors")


def _small(fine: int = FINE, coarse: int = COARSE, **changes: Any) -> Design:
    options = {"fine": (1, 1, fine), "coarse": (2, 2, coarse), **changes}
    return replace(SMALL, transform=replace(SMALL.transform, **options))


def _cached(**changes: Any) -> Design:
    return replace(CACHED, prior=replace(CACHED.prior, **changes))


def _transform(option: str, design: Design, **rest: Any) -> Cell:
    return Cell("transforms", option, design, MINUTES, **rest)


def _prior(option: str, design: Design) -> Cell:
    return Cell("priors", option, design, FEWER, start="", reference="local")


def _grown(comparison: str, option: str, **changes: Any) -> Cell:
    """Return a cell of the shipped model's design, with an option that begins silently."""
    part = "prior" if comparison.endswith("priors") else "transform"
    design = replace(Design(), **{part: replace(getattr(Design(), part), **changes)})
    return Cell(comparison, option, design, GROWN, start=SHIPPED, reference="as it is")


DENOISED = (Phase("synthesis", denoiser=(1, 1, 96)),)
STAGES = (Phase("entropy"), Phase("synthesis"))
MIXED = replace(SMALL, prior=replace(PRIOR, mixed=Mixed(16, 32, 1)))

CELLS = (
    _transform("leaky", SMALL, then=STAGES),
    _transform("gdn", _small(64, 128, activation=Gdn())),
    _transform("soft", _small(88, 176, activation=Shrink())),
    _transform("hard", _small(80, 160, activation=Shrink(soft=False))),
    _transform("dense", _small(52, 72, blocks="dense")),
    _transform("gated", _small(64, 128, blocks="gated")),
    _transform("near", _small(80, 128, near=Near(16, 1))),
    _transform("invertible", KEPT, bare=_bare(KEPT), start="kept", then=DENOISED),
    *(_transform(f"compaction {weight:g}", SMALL, compaction=weight) for weight in (0.05, 0.1, 0.2)),
    _transform("mixed", MIXED, then=STAGES),
    Cell("high rates", "autoencoder", AUTOENCODER, FEWER, AUTOENCODER_BARE, "autoencoder", HIGH_RATES, "autoencoder"),
    Cell(
        "high rates", "invertible", INVERTIBLE, FEWER, _bare(INVERTIBLE), "invertible", HIGH_RATES, "autoencoder",
        then=DENOISED,
    ),
    _prior("local", CACHED),
    _prior("guide", _cached(guide=Guide())),
    _prior("attend", _cached(attend=Attend())),
    _prior("distant", _cached(mixed=Mixed(32, 32, 1))),
    _prior("mixed", _cached(mixed=Mixed(16, 32, 1))),
    _grown("grown priors", "as it is"),
    _grown("grown priors", "guide", guide=Guide()),
    _grown("grown priors", "attend", attend=Attend()),
    _grown("grown priors", "mixed", mixed=Mixed(48)),
    _grown("grown transforms", "as it is"),
    _grown("grown transforms", "near", near=Near()),
)  # fmt: skip
"""Each comparison begins with its reference."""
