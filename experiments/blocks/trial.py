"""What the stage `blocks` brings: the shipped model's entropy networks, trained on blocks with rings for some minutes.

Its result cannot ship by itself, since a model is named by its hash: it says what the next model may gain.
"""

import tempfile
from pathlib import Path

import numpy as np

from experiments.store import DEPLOYED, Line
from trellic.codec import Codec, Target
from trellic.jobs.local import complain
from trellic.metrics import psnr
from trellic.model import DEFAULT, find_model
from trellic.picture.types import Picture

MINUTES, QUALITIES = 8.0, (20, 35, 50)
OPTIONS = {
    "stage": "blocks", "quantizer": DEPLOYED, "minutes": MINUTES, "batch": 4, "crop": 256, "learning_rate": 1e-4,
    "schedule": "cosine", "warmup": 10, "validate_every": 100_000.0,
}  # fmt: skip


def trial(training: Path, validation: Path, others: list[Picture], side: int) -> Line:
    """Train, and return the bytes and PSNR of blocks of other pictures, with the model before and after."""
    from trellic.train.config import TrainConfig
    from trellic.train.run import export_run, run_config

    start = find_model(DEFAULT)
    with tempfile.TemporaryDirectory() as place:
        folders = {"pictures": [str(training)], "validation": [str(validation)], "start": str(start)}
        steps: list[Line] = []
        run_config(TrainConfig.from_values({**folders, **OPTIONS}), Path(place) / "run", Path(place), steps.append)
        complain(f"blocks: {steps[-1]}")
        after = Path(place) / "after.trm"
        after.write_bytes(export_run(Path(place) / "run", "trial of the stage blocks").pack())
        curves = {name: _curves(Codec(str(path), 1, tile=side, predict=True), others)
                  for name, path in (("before", start), ("after", after))}  # fmt: skip
    return {"minutes": MINUTES, "steps": steps[-1].get("step", 0), "qualities": QUALITIES, **curves}


def _curves(codec: Codec, pictures: list[Picture]) -> list[tuple[float, float]]:
    """Return mean log bytes and mean PSNR at each quality."""
    found = []
    for quality in QUALITIES:
        coded = [codec.encode_picture(one, Target(quality)).data for one in pictures]
        shown = [codec.decode_picture(data).pixels for data in coded]
        errors = [psnr(one.pixels, pixels) for one, pixels in zip(pictures, shown, strict=True)]
        found.append((float(np.mean(np.log([len(data) for data in coded]))), float(np.mean(errors))))
    return found
