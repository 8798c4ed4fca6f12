"""Slim models for one application: cut from a larger model by the user's pictures, then trained on them.

The first half of the time keeps latents near those of the larger model, which it does not have to find anew; the second
half is free. The last fifth of the pictures is for validation.
Source: Application-Specific Learned Image Compression in Cloud 3D (2022).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from trellic.errors import BadConfig
from trellic.files import write_bytes
from trellic.model import Model
from trellic.networks.cut import SIZES, cut
from trellic.train.chain import retrain
from trellic.train.data import centres, divide
from trellic.train.loop import Report
from trellic.train.run import recipe_named

QUANTIZER = "tcq8"
STAGES = ("follow", "joint")
SHOWN, SHOWN_SIDE = 16, 256
"""How many pictures, and what squares of them in pixels, say what the larger model can do without."""


def make_slim(
    wide: Path, preset: str, paths: Sequence[Path], budget: dict[str, Any], folder: Path, cache: Path, report: Report
) -> Model:
    """Return a slim model for pictures like those of some files; an unfinished run in the folder is resumed.

    wide     the model file to cut from
    preset   a name of `trellic.networks.cut.SIZES`
    budget   "minutes" or "steps" of each half; empty for the recipe's
    Raises BadConfig, BadRequest, or NoPictures.
    """
    if preset not in SIZES:
        raise BadConfig(f"no preset {preset!r} (there are: {', '.join(SIZES)})")
    trained_on, validated_on = divide(paths)
    start = folder / "cut.trm"
    if not start.exists():
        shown = centres(trained_on[:: -(-len(trained_on) // SHOWN)], SHOWN_SIDE, torch.device("cpu"))
        data = cut(Model.read(wide), SIZES[preset], shown).pack()
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(start, data)
    values: dict[str, Any] = {
        "pictures": [str(path) for path in trained_on],
        "validation": [str(path) for path in validated_on],
        "quantizer": QUANTIZER,
        "follows": str(wide),
        **budget,
    }
    before = Model.read(start)
    made = Model.read(retrain(start, STAGES, recipe_named("slim"), values, folder, cache, report))
    for quantizer in before.card.get("quantizers", {}):
        if quantizer != QUANTIZER:
            made = made.quantizer_of(before, quantizer)  # found for the larger model, whose latents these still are
    return made
