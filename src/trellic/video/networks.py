"""What videos are coded by: a model, and an adapter of it for residual pictures."""

from typing import NamedTuple

from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.options import BEST_ADAPTER, NO_ADAPTER
from trellic.codec.tiles import Workers
from trellic.container.video import Kind
from trellic.errors import BadRequest
from trellic.model import Model, Sessions
from trellic.model.adapter import Adapter
from trellic.model.adapter_store import RESIDUAL, find_adapter, shipped_adapter

SHIPPED = ""
FRAMES_AT_ONCE = 4
"""That are decoded at a time, where there are as many processors."""


class Networks(NamedTuple):
    """What frames are coded by.

    intra      the model's networks
    predicted  the same with the adapter for residual pictures, where there is one
    deployed   the quantizer
    """

    intra: Sessions
    predicted: Sessions
    deployed: DeployedQuantizer

    def of(self, kind: Kind) -> Sessions:
        """Return those of a kind of frame."""
        return self.intra if kind == Kind.INTRA else self.predicted


def adapter_named(name: str, model: Model) -> Adapter | None:
    """Return the adapter for residual pictures: by its name, hash prefix or path; the shipped one; or none.

    Raises MissingAdapter, DamagedAdapter or BadRequest.
    """
    if name == NO_ADAPTER:
        return None
    if name == SHIPPED:
        return shipped_adapter(RESIDUAL, model.sha256)
    if name == BEST_ADAPTER:
        raise BadRequest("the best of several adapters is for pictures; videos take one by its name")
    adapter = find_adapter(name)
    adapter.check_base(model)
    return adapter


def attached(model: Model, adapter: Adapter | None) -> Model:
    """Return a model with an adapter, or as it is. Raises DamagedAdapter or BadRequest."""
    return adapter.attach_to(model) if adapter else model


def networks_of(model: Model, deployed: DeployedQuantizer, adapter: Adapter | None, threads: int) -> Networks:
    """Return the networks for one frame at a time, by so many threads, 0 for as many as there are processors."""
    return Networks(Sessions(model, threads), Sessions(attached(model, adapter), threads), deployed)


def resources_of(
    model: Model, deployed: DeployedQuantizer, adapter: Adapter | None, threads: int
) -> tuple[Networks, Workers]:
    """Return the networks for several frames at a time, and the threads, each of which does one."""
    workers = Workers(threads, FRAMES_AT_ONCE)
    return networks_of(model, deployed, adapter, 1 if workers.count > 1 else threads), workers
