"""Half the model file: the weights of the transforms in eight bits."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from trellic.errors import BadRequest
from trellic.model import Model
from trellic.model.eight_bits import EightBits

BRANCH = ".branch."
"""What the names of a residual block's weights have in them."""


def compact(model: Model) -> Model:
    """Return the model with the weights of residual branches in eight bits, those before table indices excepted.

    A branch is added to what it transforms, so that its errors count for little. Stems and merges, which everything
    passes, keep half precision. Raises BadRequest where the model is compact already.
    """
    if "compacted" in model.card:
        raise BadRequest(f"model {model.name} is compact already")
    graphs = model.file.graphs["decoder"]
    exact = {array for name in model.schedule.entropy_graphs for array in graphs[name].weights.values()}

    def compacted(name: str, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        rounds = values.dtype == np.float16 and BRANCH in name and name not in exact
        return EightBits.rounded(values).values if rounds else values

    arrays = {
        half: {name: compacted(name, values) for name, values in found.items()}
        for half, found in model.file.arrays.items()
    }
    return Model.of(replace(model.file, card={**model.card, "compacted": model.name}, arrays=arrays))
