"""What is compared: designs that differ in one option, from one start, on the same pictures, by the same seeds."""

from dataclasses import dataclass, replace
from typing import Any

from trellic.networks.design import Design, Invertible, PriorOptions, TransformOptions
from trellic.networks.options import Gdn, Guide, Mixed, Shrink

MINUTES, FEWER = 1.0, 0.5
"""Of CPU time: what cells are trained for, and those that start near to where they go."""
STARTS = {"small": 2.0, "autoencoder": 0.5, "invertible": 0.5}
"""CPU time that the priors of starts are trained for, by the name of the start."""
SEEDS = (1, 2, 3)
ALL_RATES, HIGH_RATES = (0.1, 0.3, 0.5, 0.7, 0.9), (0.5, 0.75, 1.0)
BARE = TransformOptions(fine=(0, 0, 8), coarse=(0, 0, 8))
PRIOR = PriorOptions(groups=(16, 32, 144), z=32, features=96)
SMALL = Design(192, transform=TransformOptions(fine=(1, 1, 96), coarse=(2, 2, 192)), prior=PRIOR)

SMALL_BARE = replace(SMALL, transform=BARE)
ALL_LATENTS = PriorOptions(groups=(16, 32, 64, 208, 448), z=32, features=96)
AUTOENCODER = Design(768, transform=TransformOptions(fine=(1, 1, 96), coarse=(2, 2, 128)), prior=ALL_LATENTS)
INVERTIBLE = Design(768, transform=Invertible(fine=(1, 96), coarse=(2, 128)), prior=ALL_LATENTS)
CACHED = Design(320, transform=BARE, prior=PriorOptions(z=32, features=96))
"""A prior of the shipped model's latents; its transforms take no part."""
AUTOENCODER_BARE = replace(AUTOENCODER, transform=BARE)
INVERTIBLE_BARE = replace(INVERTIBLE, transform=Invertible(fine=(0, 96), coarse=(0, 128)))


@dataclass(frozen=True)
class Cell:
    """A design in a comparison.

    minutes    of CPU time that training takes
    bare       the design with classical transforms, whose prior is trained once for all cells
    start      what that prior is kept as
    reference  the option beside which it is measured
    qualities  at which it is validated; HIGH_RATES are trained for, too
    """

    comparison: str
    option: str
    design: Design
    minutes: float
    bare: Design = SMALL_BARE
    start: str = "small"
    qualities: tuple[float, ...] = ALL_RATES
    reference: str = "leaky"

    @property
    def least_quality(self) -> float:
        """The lowest quality that is drawn in training."""
        return 0.45 if self.qualities == HIGH_RATES else 0.0


def _small(**changes: Any) -> Design:
    return replace(SMALL, transform=replace(SMALL.transform, **changes))


def _cached(**changes: Any) -> Design:
    return replace(CACHED, prior=replace(CACHED.prior, **changes))


CELLS = (
    Cell("activations", "leaky", SMALL, MINUTES),
    Cell("activations", "gdn", _small(activation=Gdn()), MINUTES),
    Cell("activations", "soft", _small(activation=Shrink()), MINUTES),
    Cell("activations", "hard", _small(activation=Shrink(soft=False)), MINUTES),
    Cell("high rates", "autoencoder", AUTOENCODER, FEWER, AUTOENCODER_BARE, "autoencoder", HIGH_RATES, "autoencoder"),
    Cell("high rates", "invertible", INVERTIBLE, FEWER, INVERTIBLE_BARE, "invertible", HIGH_RATES, "autoencoder"),
    Cell("priors", "local", CACHED, FEWER, reference="local"),
    Cell("priors", "guide", _cached(guide=Guide()), FEWER, reference="local"),
    Cell("priors", "mixed", _cached(mixed=Mixed(16, 32, 1)), FEWER, reference="local"),
)
"""Each comparison begins with its reference."""
