"""A training configuration: one TOML file with everything that a run needs."""

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from trellic.errors import BadConfig
from trellic.networks.codec import check_families
from trellic.networks.design import Design
from trellic.train.data import GRAPHICS_SIDE

SCHEDULES = ("cosine", "constant", "decay")
PRECISIONS = ("float32", "bfloat16")
OPTIMIZERS = ("adam", "soap")
BASIS_RATE = 0.2
"""Of the learning rate, for weights that begin as a cosine or Haar transform: they are good from the start."""


@dataclass(frozen=True)
class Mix:
    """What batches are drawn from. The defaults are photographs as they are, at all qualities alike.

    graphics        fraction of crops that are synthetic graphics
    grey            fraction of photographs that lose their colour
    shrink          half of the photographs are reduced by a factor between this and 1
    high_qualities  probability that a quality drawn above 65 is kept, and not drawn again below
    low_qualities   fraction of qualities that are drawn below 30, whatever else
    """

    graphics: float = 0.0
    grey: float = 0.0
    shrink: float = 1.0
    high_qualities: float = 1.0
    low_qualities: float = 0.0

    def __post_init__(self) -> None:
        if not all(isinstance(value, int | float) and 0 <= value <= 1 for value in asdict(self).values()):
            raise ValueError("all values of mix lie between 0 and 1")
        if self.shrink < 0.25:
            raise ValueError("shrink is 0.25 or more")


@dataclass(frozen=True)
class TrainConfig:
    """What one training run needs to be repeated.

    pictures        folders or files to train on
    validation      those to validate on; never trained on
    mix             what batches are drawn from
    steps           optimizer steps in all; 0 to be bound by `minutes` instead
    minutes         wall-clock budget, over all resumes, when `steps` is 0
    batch           crops a step, over all processes
    crop            side of a crop in pixels, a multiple of 64
    optimizer       "adam", or "soap": fewer steps for the same, each some time longer
    learning_rate   at its peak
    rates           factors of it by weight name patterns, for weights that move slower or faster
    warmup          steps in which the learning rate rises
    schedule        then "cosine" (level, then to zero), "constant", or "decay" (to zero from the first step)
    branch          folder of a run whose weights, average and optimizer state this run begins with
    average         half-life of the weight average, in steps
    device          "cpu", "cuda", …, or "auto" for an accelerator where there is one
    precision       of the blocks: "float32", or "bfloat16" where the device has it
    seed            of crops, qualities, noise and initial weights
    validate_every  seconds between validations
    start           a .trm file or a run's folder to start from, of which the design may grow; else classical transforms
    follows         a .trm file from which `start` was cut, for the term "near"
    tuned           a .trm file whose tables and operating points the quantizer has; empty for those of `start`
    stage           what is trained, and on what latents: a name in `stages.toml`
    quantizer       the deployed quantizer; empty to train and validate by rounding
    step            of that quantizer, in the latents' unit, and
    rate_weight     its λ in steps²; 0 for both: the model's operating points
    cached          how many crops' latents a stage keeps on disk, where it trains on those
    """

    pictures: tuple[str, ...]
    validation: tuple[str, ...]
    mix: Mix = field(default_factory=Mix)
    steps: int = 0
    minutes: float = 0.0
    batch: int = 8
    crop: int = 256
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    rates: dict[str, float] = field(default_factory=lambda: {"*.stem.weight": BASIS_RATE, "*.merge.weight": BASIS_RATE})
    warmup: int = 100
    schedule: str = "cosine"
    branch: str = ""
    average: int = 500
    device: str = "cpu"
    precision: str = "float32"
    seed: int = 1
    validate_every: float = 600.0
    start: str = ""
    tuned: str = ""
    follows: str = ""
    stage: str = "pretrain"
    quantizer: str = ""
    step: float = 0.0
    rate_weight: float = 0.0
    cached: int = 4000
    design: Design = field(default_factory=Design)

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as plain JSON values."""
        return {**asdict(self), "design": self.design.to_json()}

    def differences(self, kept: dict[str, Any], allowed: set[str]) -> list[str]:
        """Return the keys, but for those allowed, for which a configuration kept as JSON has another value.

        Keys that did not exist when it was kept have their defaults. Raises BadConfig.
        """
        now, then = (json.loads(json.dumps(config.to_json())) for config in (self, self.from_values(kept)))
        return sorted(key for key in now if key not in allowed and then[key] != now[key])

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
            kept["mix"] = Mix(**values.get("mix", {}))
            config = cls(**kept)
            _check(config)
        except (TypeError, ValueError) as error:
            raise BadConfig(str(error)) from error
        return config


def _check(config: TrainConfig) -> None:
    """Raise ValueError for values that cannot work."""
    for name in ("pictures", "validation"):
        if not isinstance(getattr(config, name), tuple):
            raise ValueError(f"{name} is a list of folders")
    if not all(isinstance(value, int | float) for value in (config.steps, config.minutes, config.learning_rate)):
        raise ValueError("steps, minutes and learning_rate are numbers")
    if min(config.batch, config.warmup, config.average) < 1:
        raise ValueError("batch, warmup and average are 1 or more")
    for name, names in (("schedule", SCHEDULES), ("precision", PRECISIONS), ("optimizer", OPTIMIZERS)):
        if getattr(config, name) not in names:
            raise ValueError(f"{name} is one of {', '.join(names)}")
    if config.cached < config.batch:
        raise ValueError("cached crops are fewer than those of a batch")
    check_families(config.design)
    if (config.schedule == "decay") != bool(config.branch):
        raise ValueError("schedule decay and branch go together")
    if (config.step > 0) != (config.rate_weight > 0):
        raise ValueError("step and rate_weight go together")
    if (config.steps > 0) == (config.minutes > 0):
        raise ValueError("give either steps or minutes")
    if config.mix.graphics and config.crop > GRAPHICS_SIDE:
        raise ValueError(f"graphics are drawn for crops of {GRAPHICS_SIDE} pixels or less, not {config.crop}")
    if config.crop < 64 or config.crop % 64:
        raise ValueError(f"crop {config.crop} is not a multiple of 64")
