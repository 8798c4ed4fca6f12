"""Adaptation: an adapter trained on a few pictures of one kind, and kept only where it makes others of them smaller.

Two runs of the stage "adapt", or of "layers" for coarse planes of layers: one at constant rate with factors in floating
point, then one that decays to zero with factors rounded as the file holds them. The last fifth of the pictures is for
validation, by real bytes of the deployed model.
"""

import copy
import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from trellic.codec.deployed import DeployedQuantizer
from trellic.errors import DamagedAdapter, DamagedModel, NotBetter
from trellic.evaluate.bdrate import bd_rate
from trellic.model import Model
from trellic.model.adapter import Adapter
from trellic.networks.adapter import ADAPTER, add_adapter, changes_of, fit
from trellic.networks.load import load
from trellic.quantize import NESTED, quantizer_to_tune
from trellic.train.checkpoint import read_state
from trellic.train.config import TrainConfig
from trellic.train.data import PixelStore, centres, divide
from trellic.train.loop import train
from trellic.train.points import points_of_pictures, points_of_prefixes
from trellic.train.stage import stage_named
from trellic.train.training import DeployedModel, StageTraining
from trellic.tune.pictures import spread

STAGE, STAGE_OF_LAYERS = "adapt", "layers"
CROPS = (192, 128, 64)
"""Sides of crops in pixels: the largest that NINE_TENTHS of the pictures have room for. Fewer, larger crops a step were
not better on validation pictures: a step then sees fewer qualities."""
NINE_TENTHS = 0.9
BATCH = 4
WARMUP = 30
RATES = {"prior.parametrizations.*": 10.0}
"""Factors of the learning rate: log scales of hyper-latents, few and far from where they should be, learn faster."""
RATE_OF_LAYERS = 5e-4
"""Of pictures of all kinds, and of larger changes than those for one kind."""
MOST_HELD = 25
"""Validation pictures that are used, at most."""


@dataclass(frozen=True)
class Adaptation:
    """How an adapter is trained.

    rank, parts  of what is changed, see `trellic.networks.adapter.PARTS`
    quantizer    in the loop
    minutes      in all; or steps, where these are not 0
    crop         side of a crop in pixels, a multiple of 64; smaller pictures are skipped; 0: by the pictures' size
    rate         learning rate of Adam
    """

    rank: int = 2
    parts: tuple[str, ...] = ("analysis", "entropy", "synthesis", "kernels")
    quantizer: str = "tcq8"
    minutes: float = 4.0
    steps: int = 0
    crop: int = 0
    rate: float = 1e-3
    seed: int = 1

    @classmethod
    def of_layers(cls, **how: Any) -> "Adaptation":
        """Return how an adapter of coarse planes of layers is trained; an analysis is for all planes."""
        found = cls(parts=("entropy", "synthesis", "kernels"), quantizer=NESTED.name, rate=RATE_OF_LAYERS)
        return replace(found, **how)

    @property
    def is_of_layers(self) -> bool:
        """Whether it is for coarse planes of layers."""
        return self.quantizer == NESTED.name


class Adapted(NamedTuple):
    """An adapter, and what validation says.

    saved_percent  of the base's bits at equal PSNR
    picture_bytes  of a validation picture, or its middle, at medium quality by the base, on average
    """

    adapter: Adapter
    saved_percent: float
    picture_bytes: float

    @property
    def pays_after(self) -> int:
        """How many such pictures save as many bytes as the adapter has."""
        return math.ceil(len(self.adapter.pack()) / (self.saved_percent / 100 * self.picture_bytes))


def adapt(base: Model, paths: Sequence[Path], how: Adaptation, say: Callable[[str], None]) -> Adapted:
    """Return an adapter for pictures of the kind of some files.

    Pictures smaller than a crop are skipped, and reported. Raises NoPictures, BadRequest, or NotBetter where
    validation pictures do not become smaller.
    """
    trained_on, held = divide(paths)
    validated_on = spread(held, MOST_HELD)

    def report(entry: dict[str, Any]) -> None:
        if "loss" in entry:
            say(f"step {entry['step']}, {entry['seconds']:.0f} s: loss {entry['loss']:.4f}")

    torch.manual_seed(how.seed)
    codec = load(base).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    plain = copy.deepcopy(codec).requires_grad_(False) if how.is_of_layers else None
    add_adapter(codec, how.rank, how.parts)
    deployed = DeployedQuantizer.of(base, NESTED if how.is_of_layers else quantizer_to_tune(how.quantizer))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        pictures = PixelStore.of_files(trained_on, folder, say)
        sides = [min(picture.shape[:2]) for picture in pictures.pictures]
        crop = how.crop or crop_for(sides)
        if small := sum(side < crop for side in sides):
            say(f"{small} of {len(sides)} pictures are smaller than {crop} pixels, skipped")
        validation = centres(validated_on, crop, torch.device("cpu"), say)
        model = DeployedModel(codec, deployed, base.weights, plain=plain)
        branch = ""
        for name, schedule in (("free", "constant"), ("rounded", "decay")):
            config = _config(how, crop, schedule, branch)
            task = StageTraining(config, stage_named(config.stage), model, pictures, validation, folder)
            model = model._replace(codec=train(config, task, folder / name, report))
            branch = str(folder / name)
            if name == "free":
                optimizer = read_state(folder / name)["optimizer"]
                fit(model.codec, base, {name: optimizer[name]["exp_avg_sq"] for name in model.codec.parts[ADAPTER]})
    try:
        adapter = Adapter.of(base, changes_of(model.codec, base))
        adapted = adapter.attach_to(base)
        if how.is_of_layers:
            before, after = (points_of_prefixes(base, one, deployed, validated_on) for one in (base, adapted))
        else:
            before, after = (points_of_pictures(one, deployed, validated_on) for one in (base, adapted))
        saved = -bd_rate(before.curve, after.curve).percent
    except (ValueError, DamagedAdapter, DamagedModel) as error:  # too large changes, or curves without a common range
        raise NotBetter(f"training went astray ({error}): nothing is written") from error
    if saved <= 0:
        raise NotBetter(f"{-saved:+.2f} % bits on {len(validated_on)} validation pictures: nothing is written")
    return Adapted(adapter, saved, before.picture_bytes)


def crop_for(sides: Sequence[int]) -> int:
    """Return the side of crops for pictures of these shorter sides."""
    room = (crop for crop in CROPS if sum(side >= crop for side in sides) >= NINE_TENTHS * len(sides))
    return next(room, CROPS[-1])


def _config(how: Adaptation, crop: int, schedule: str, branch: str) -> TrainConfig:
    """Return the configuration of one half of the training."""
    return TrainConfig(
        pictures=(),
        validation=(),
        steps=how.steps // 2,
        minutes=0 if how.steps else how.minutes / 2,
        batch=BATCH,
        crop=crop,
        learning_rate=how.rate,
        rates=RATES,
        warmup=min(WARMUP, 1 + how.steps // 8) if how.steps else WARMUP,
        schedule=schedule,
        branch=branch,
        average=50,
        precision="bfloat16",
        seed=how.seed,
        validate_every=float("inf"),
        stage=STAGE_OF_LAYERS if how.is_of_layers else STAGE,
        quantizer=how.quantizer,
    )
