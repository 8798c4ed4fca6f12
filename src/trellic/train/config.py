"""A training configuration: one TOML file that says what is trained, on what, for how long."""

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from trellic.errors import BadConfig
from trellic.networks.design import Design


@dataclass(frozen=True)
class TrainConfig:
    """What one training run needs to be repeated.

    pictures       folders to train on
    held_out       folders to judge on; never trained on
    steps          optimizer steps in all; 0 to be bound by `minutes` instead
    minutes        wall-clock budget, over all resumes, when `steps` is 0
    batch          crops a step, over all processes
    crop           side of a crop in pixels, a multiple of 64
    late_crop      the same for the second half of the run; 0 for no change
    learning_rate  of Adam; falls to zero at the end
    warmup         steps in which the learning rate rises
    average        half-life of the weight average, in steps
    bfloat16       whether the blocks compute in half the bits, where the processor can: quicker, a little coarser
    seed           of crops, qualities, noise and initial weights
    judge_every    seconds between judgements on held-out pictures
    start          a .trm file to start from, whose design may become this one; else the classical transforms
    stage          what is trained, and on what latents; a name of `trellic.train.stages.STAGES`
    quantizer      whose latents, in the stages of retraining
    step           of that quantizer, in units of the latents, and
    rate_weight    latent squared error, in steps², that a bit is worth; 0 for both: as the model is set up
    cached         how many crops' latents a stage keeps on disk, where it trains on those
    """

    pictures: tuple[str, ...]
    held_out: tuple[str, ...]
    steps: int = 0
    minutes: float = 0.0
    batch: int = 8
    crop: int = 256
    late_crop: int = 0
    learning_rate: float = 1e-3
    warmup: int = 100
    average: int = 500
    bfloat16: bool = False
    seed: int = 1
    judge_every: float = 600.0
    start: str = ""
    stage: str = "pretrain"
    quantizer: str = ""
    step: float = 0.0
    rate_weight: float = 0.0
    cached: int = 4000
    design: Design = field(default_factory=Design)

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as plain JSON values."""
        return asdict(self)

    def unlike(self, kept: dict[str, Any], allowed: set[str]) -> list[str]:
        """Return the keys, but for those allowed, of which a configuration kept as JSON says something else."""
        now = json.loads(json.dumps(self.to_json()))
        return sorted(key for key in now if key not in allowed and kept.get(key) != now[key])

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> "TrainConfig":
        """Return the configuration that a parsed TOML or JSON document describes.

        Raises BadConfig for unknown keys and values that cannot work.
        """
        known = {item.name for item in fields(cls)}
        if unknown := set(values) - known:
            raise BadConfig(f"unknown keys: {', '.join(sorted(unknown))} (known: {', '.join(sorted(known))})")
        kept: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        try:
            kept["design"] = Design.from_json(dict(values.get("design", {})))
            config = cls(**kept)
        except (TypeError, ValueError) as error:
            raise BadConfig(str(error)) from error
        for name in ("pictures", "held_out"):
            if not isinstance(getattr(config, name), tuple):
                raise BadConfig(f"{name} is a list of folders")
        if not all(isinstance(value, int | float) for value in (config.steps, config.minutes, config.learning_rate)):
            raise BadConfig("steps, minutes and learning_rate are numbers")
        if min(config.batch, config.warmup, config.average) < 1:
            raise BadConfig("batch, warmup and average are 1 or more")
        if config.stage != "pretrain" and not (config.start and config.quantizer):
            raise BadConfig(f"stage {config.stage} needs a model to start from and a quantizer")
        if (config.step > 0) != (config.rate_weight > 0):
            raise BadConfig("step and rate_weight go together")
        if (config.steps > 0) == (config.minutes > 0):
            raise BadConfig("give either steps or minutes")
        for crop in (config.crop, config.late_crop or config.crop):
            if crop < 64 or crop % 64:
                raise BadConfig(f"crop {crop} is not a multiple of 64")
        return config
