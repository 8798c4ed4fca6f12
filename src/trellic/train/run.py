"""A training run as a folder: its configuration, log, checkpoint, and the model exported from it."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trellic.codec.deployed import DeployedQuantizer
from trellic.entropy.parameters import ONE
from trellic.errors import BadConfig
from trellic.files import write_bytes
from trellic.model import Model
from trellic.networks.cut import CUT
from trellic.networks.export import export
from trellic.networks.load import load
from trellic.quantize import quantizer_to_tune
from trellic.train.card import card_of, note_session
from trellic.train.config import TrainConfig
from trellic.train.data import PixelStore, centres, list_pictures
from trellic.train.devices import device_named
from trellic.train.loop import Report, train
from trellic.train.pleasing.training import PleasingTraining
from trellic.train.processes import local_rank, start_processes, wait_for_all
from trellic.train.searched import TargetSearch
from trellic.train.stage import stage_named, stages
from trellic.train.start import CONFIG, load_run, starting_codec, starting_model
from trellic.train.terms import NEAR, PLEASING
from trellic.train.training import DeployedModel, StageTraining

RECIPES = Path(__file__).parent / "recipes"
VALIDATED_SIDE = 256
MAY_CHANGE = {"steps", "minutes", "validate_every", "device", "precision", "optimizer"}
"""What may change when a run is resumed."""


def recipe_named(name: str) -> Path:
    """Return a TOML file by its path, or one of the package's recipes by its name. Raises BadConfig."""
    recipes = {path.stem: path for path in sorted(RECIPES.glob("*.toml"))}
    if name not in recipes and not name.endswith(".toml"):
        raise BadConfig(f"{name} is neither a TOML file nor a recipe (there are: {', '.join(recipes)})")
    return recipes.get(name, Path(name))


def read_config(path: Path, replaced: dict[str, Any]) -> TrainConfig:
    """Return a TOML file's configuration, with other values for some keys. Raises BadConfig.

    A table named as the configuration's stage holds what is different for it.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadConfig(f"{path}: {error}") from error
    own = values.get({**values, **replaced}.get("stage", ""), {})
    shared = {key: value for key, value in values.items() if key not in stages()}
    return TrainConfig.from_values({**shared, **own, **replaced})


def run_config(config: TrainConfig, folder: Path, cache: Path, report: Report) -> None:
    """Train by a configuration in a folder, resuming an earlier run. Raises BadConfig or NoPictures."""
    first = start_processes()
    stage = stage_named(config.stage)
    device = device_named(config.device)
    paths, validation_paths = list_pictures(config.pictures), list_pictures(config.validation)

    def say(text: str) -> None:
        report({"message": text})

    if first:
        _keep_config(config, folder)
        note_session(config, folder)
        report({"message": f"{len(paths)} training pictures"})
    if local_rank() == 0:
        PixelStore.of_files(paths, cache, say)
        if config.mix.graphics:
            PixelStore.of_graphics(cache)
    wait_for_all()
    pictures = PixelStore.of_files(paths, cache)
    validation = centres(validation_paths, VALIDATED_SIDE, device, say if first else lambda text: None)
    model = deployed_model(config, pictures)
    task = PleasingTraining if PLEASING in stage.terms else StageTraining
    train(config, task(config, stage, model, pictures, validation, cache), folder, report)


def deployed_model(config: TrainConfig, pictures: PixelStore) -> DeployedModel:
    """Return the codec that a configuration trains, with its quantizer. Raises BadConfig."""
    codec = starting_codec(config, pictures)
    if not config.quantizer:
        return DeployedModel(codec)
    model = starting_model(config)
    if model is None:
        raise BadConfig(f"quantizer {config.quantizer} needs a model to start from, which has its tables")
    follows = config.follows and NEAR in stage_named(config.stage).terms
    followed = latents_of(Path(config.follows), model) if follows else None
    deployed = deployed_quantizer(model, config)
    search = TargetSearch(model, deployed) if stage_named(config.stage).latents == "searched" else None
    return DeployedModel(codec, deployed, model.weights, followed, search=search)


def latents_of(wide: Path, model: Model) -> Callable[[Tensor, Tensor], Tensor]:
    """Return what a model keeps of the latents of the one that it was cut from: (pictures, qualities) → (N, C, h, w).

    Raises BadConfig where it was not cut from that one.
    """
    followed = Model.read(wide)
    if model.card.get(CUT, {}).get("from") != followed.name:
        raise BadConfig(f"model {model.name} was not cut from {followed.name}")
    analysis, kept = load(followed).analysis.eval(), torch.tensor(model.card[CUT]["latents"], device="cpu")

    def latents(pictures: Tensor, quality: Tensor) -> Tensor:
        found: Tensor = analysis.to(pictures.device)(pictures, quality)[:, kept.to(pictures.device)]
        return found

    return latents


def deployed_quantizer(model: Model, config: TrainConfig) -> DeployedQuantizer:
    """Return the quantizer that a model is trained for: as it is set up, or by the configuration's step."""
    deployed = DeployedQuantizer.of(model, quantizer_to_tune(config.quantizer))
    return deployed.with_parameters(round(config.step * ONE), config.rate_weight) if config.step else deployed


def _keep_config(config: TrainConfig, folder: Path) -> None:
    """Write the configuration into the run's folder. Raises BadConfig where the folder holds a run of another one."""
    kept, text = folder / CONFIG, json.dumps(config.to_json(), indent=1)
    if kept.exists() and (others := config.differences(json.loads(kept.read_text()), MAY_CHANGE)):
        raise BadConfig(f"{folder} holds a run of another configuration ({', '.join(others)})")
    write_bytes(kept, text.encode())


def export_run(folder: Path, summary: str) -> Model:
    """Return the model of a run's averaged weights, with a card that says how it was made.

    A model trained for a quantizer keeps that one's operating points, tables and offsets. Those of others were found
    for networks that are no more: `trellic calibrate` and `trellic fit-tables` find new ones.
    """
    run = load_run(folder)
    made = export(run.codec, card_of(folder, summary))
    before = starting_model(run.config)
    if not run.config.quantizer or before is None:
        return made
    deployed = deployed_quantizer(before, run.config)
    return made.quantizer_of(before, run.config.quantizer).with_quantizer(
        run.config.quantizer, deployed.operating_points, deployed.tables, deployed.offsets
    )
