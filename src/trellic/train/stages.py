"""Stages of training by name."""

from pathlib import Path

from torch import Tensor

from trellic.errors import BadConfig
from trellic.train.config import TrainConfig
from trellic.train.data import Pixels
from trellic.train.loop import Task
from trellic.train.pretrain import Pretraining
from trellic.train.retrain import Decoder, Entropy, Exact, Joint, Noise, Retraining, Rounding, Subject, Synthesis

EXACT = "exact"

STAGES: dict[str, type[Retraining]] = {
    "synthesis": Synthesis,
    "noise": Noise,
    "entropy": Entropy,
    "decoder": Decoder,
    "joint": Joint,
    "rounding": Rounding,
    EXACT: Exact,
}


def task_of(config: TrainConfig, pixels: Pixels, held_out: Tensor, cache: Path) -> Task:
    """Return the task of a configuration; held_out is float32 (N, 3, H, W) in [0, 1]. Raises BadConfig."""
    if config.stage == "pretrain":
        return Pretraining(config, pixels, held_out)
    if config.stage not in STAGES:
        raise BadConfig(f"no stage {config.stage!r} (there are: pretrain, {', '.join(STAGES)})")
    return STAGES[config.stage](config, pixels, held_out, cache, Subject.of(config, pixels))  # type: ignore[return-value]
