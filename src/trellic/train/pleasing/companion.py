"""The companion file of a trained run: its adapter, rounded as the file holds it."""

from pathlib import Path

from trellic.model import Model
from trellic.model.adapter import Adapter
from trellic.networks.adapter import ADAPTER, add_adapter, addends, changes_of, fit
from trellic.networks.load import load
from trellic.train.checkpoint import read_state
from trellic.train.pleasing.training import PARTS, RANK

BITS = 4.0
"""Of an integer in the file, on average."""
KEPT = 0.3
"""Of the trained change, the part that is realism 1: beyond it, validation pictures please a network that the loss does
not know (EfficientNet-Lite2) less again."""


def companion_of(folder: Path, base: Model) -> Adapter:
    """Return what a run in a folder made of a model. Raises BadConfig, or ValueError for what cannot be packed."""
    state, codec = read_state(folder), load(base)
    add_adapter(codec, RANK, PARTS)
    codec.load_state_dict(state["average"])
    for _, addend in addends(codec):
        addend.factors[0].data *= KEPT
    moments = {name: state["optimizer"][name]["exp_avg_sq"] for name in codec.parts[ADAPTER]}
    fit(codec, base, moments, BITS)
    return Adapter.of(base, changes_of(codec, base))
