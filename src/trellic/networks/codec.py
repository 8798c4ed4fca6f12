"""The whole model as one torch module: what training runs and what export takes apart."""

from typing import TypeVar

from torch import Tensor, nn

from trellic.model.schedule import Run, Schedule
from trellic.networks import priors, transforms
from trellic.networks.design import Design
from trellic.networks.exact import make_exact
from trellic.networks.learned import LearnedCodec

Family = TypeVar("Family")


def check_families(design: Design) -> None:
    """Raise ValueError where a design has a family that this process does not know."""
    _named(design.transform.family, transforms.FAMILIES, "transforms")
    _named(design.prior.family, priors.FAMILIES, "priors")


def _named(name: str, families: dict[str, Family], what: str) -> Family:
    if name not in families:
        known = ", ".join(families)
        raise ValueError(f"no family of {what} {name!r} (there are: {known}; others where a script puts them there)")
    return families[name]


class TrainableCodec(LearnedCodec):
    """Analysis, prior and synthesis of a design. Raises ValueError where it has a family that is not known."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.design = design
        self.family = _named(design.transform.family, transforms.FAMILIES, "transforms")
        self.analysis, self.synthesis = self.family.build(design)
        self.prior = _named(design.prior.family, priors.FAMILIES, "priors")(design)
        self.schedule = Schedule(
            self.prior.variables,
            (Run("analysis", ("picture", "quality"), ("y",)), *self.prior.encode),
            self.prior.code,
            (Run("synthesis", ("y", "quality"), ("pixels",)),),
        )
        encoder = [f"prior.networks.{step.graph}." for step in self.prior.encode]
        self.parts = {
            "analysis": ("analysis.", *encoder, *(f"prior.{name}" for name in self.prior.affine)),
            "entropy": tuple(f"prior.networks.{name}." for name in self.schedule.entropy_graphs),
            "synthesis": ("synthesis.",),
        }
        if design.exact:
            for name in self.schedule.entropy_graphs:
                make_exact(self.prior.networks[name])

    def network(self, graph: str) -> nn.Module:
        """Return the network of that name."""
        own = {"analysis": self.analysis, "synthesis": self.synthesis}
        return own[graph] if graph in own else self.prior.networks[graph]

    def affine(self, name: str) -> Tensor:
        """Return log scales affine in quality, (2, channels)."""
        found: Tensor = getattr(self.prior, name)  # an adapter may stand in place of the parameter
        return found
