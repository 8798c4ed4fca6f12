"""A training run as a folder: its configuration, log, checkpoint, and the model exported from it."""

import json
import pickle
import subprocess
import time
import tomllib
from pathlib import Path
from typing import Any

import torch

from trellic.errors import BadConfig
from trellic.files import write_atomically
from trellic.model.file import ModelFile
from trellic.model.networks import Networks
from trellic.networks.codec import TrainableCodec
from trellic.networks.design import Design
from trellic.train.config import TrainConfig
from trellic.train.data import Pixels, centres, list_pictures
from trellic.train.loop import Report, train
from trellic.train.processes import start_processes, wait_for_all
from trellic.train.retrain import deploy
from trellic.train.stages import STAGES, task_of

JUDGED_SIDE = 256
MAY_CHANGE = {"steps", "minutes", "judge_every"}
"""What a run that goes on may be told anew."""


def read_config(path: Path, replaced: dict[str, Any]) -> TrainConfig:
    """Return a TOML file's configuration, with other values for some keys. Raises BadConfig.

    A table named as the configuration's stage holds what is different for it.
    """
    try:
        values = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadConfig(f"{path}: {error}") from error
    own = values.get({**values, **replaced}.get("stage", ""), {})
    shared = {key: value for key, value in values.items() if key not in STAGES}
    return TrainConfig.from_values({**shared, **own, **replaced})


def run(config: Path, replaced: dict[str, Any], out: Path, cache: Path, report: Report) -> None:
    """Train by a TOML file whose values `replaced` overrides. Raises BadConfig or NoPictures."""
    run_config(read_config(config, replaced), out, cache, report)


def run_config(config: TrainConfig, out: Path, cache: Path, report: Report) -> None:
    """Train by a configuration in the folder `out`, going on where an earlier run stopped."""
    first = start_processes()
    if first:
        _prepare(config, out, cache, report)
    wait_for_all()
    pixels = Pixels.of(list_pictures([Path(folder) for folder in config.pictures]), cache)
    held_out = centres(list_pictures([Path(folder) for folder in config.held_out]), JUDGED_SIDE)
    train(config, task_of(config, pixels, held_out, cache), out, report)


def _prepare(config: TrainConfig, out: Path, cache: Path, report: Report) -> None:
    """Keep the configuration and decode the pictures, once for all processes. Raises BadConfig or NoPictures."""
    kept, text = out / "config.json", json.dumps(config.to_json(), indent=1)
    if kept.exists() and (others := config.unlike(json.loads(kept.read_text()), MAY_CHANGE)):
        raise BadConfig(f"{out} holds a run of another configuration ({', '.join(others)})")
    if config.start:
        started = Design.from_json(ModelFile.read(Path(config.start)).card["design"])
        if not config.design.may_follow(started):
            raise BadConfig(f"{config.start} is a model of another design")
    write_atomically(kept, lambda file: file.write(text.encode()))
    paths = list_pictures([Path(folder) for folder in config.pictures])
    report({"message": f"{len(paths)} training pictures"})
    Pixels.of(paths, cache, lambda text: report({"message": text}))


def load_run(folder: Path) -> tuple[TrainConfig, TrainableCodec, dict[str, Any]]:
    """Return a run's configuration, averaged model, and progress (step, elapsed seconds). Raises BadConfig."""
    try:
        config = TrainConfig.from_values(json.loads((folder / "config.json").read_text()))
        state = torch.load(folder / "checkpoint.pt", weights_only=True)
        model = TrainableCodec(config.design)
        model.load_state_dict(state["average"])
    except (OSError, EOFError, ValueError, KeyError, RuntimeError, pickle.UnpicklingError) as error:
        raise BadConfig(f"{folder}: not a training run ({error})") from error
    return config, model, {"step": state["step"], "seconds": state["elapsed"]}


def _commit() -> str:
    """Return the commit of the working folder, or "unknown"."""
    try:
        git = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return git.stdout.strip() or "unknown"


def export_run(folder: Path, out: Path, summary: str) -> str:
    """Export a run's averaged model with a card that says how it was made; return a line about it.

    A retrained model keeps its quantizer's setting, tables and points. Those of other quantizers were found for
    networks that are no more: `trellic calibrate` and `trellic fit-tables` find new ones.
    """
    from trellic.train.export import export

    config, model, progress = load_run(folder)
    log = folder / "log.jsonl"
    lines = log.read_text().splitlines() if log.exists() else []
    judged = [json.loads(line) for line in lines if "held_out" in line]
    trained = {
        "config": config.to_json(),
        "command": "trellic train --config CONFIG --out RUN && trellic export RUN --out MODEL.trm"
        if config.stage == "pretrain"
        else f"trellic retrain MODEL --quantizer {config.quantizer} --stages {config.stage} --config CONFIG --out RUN",
        "steps": progress["step"],
        "wall_seconds": round(progress["seconds"]),
        "commit": _commit(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "torch": torch.__version__,
    }
    card = {"summary": summary, "trained": trained, "held_out": judged[-1]["held_out"] if judged else None}
    kept: dict[str, bytes] = {}
    if config.start:
        start = ModelFile.read(Path(config.start))
        trained["started_from"] = {"model": start.name, "trained": start.card.get("trained")}
        if config.stage != "pretrain":
            kept = start.entries_of(config.quantizer)
            known = start.quantizer_card(config.quantizer)
            card["quantizers"] = {
                config.quantizer: {**known, "knots": deploy(Networks(start), config).operating_points}
            }
    export(model, card, out, kept)
    file = ModelFile.read(out)
    return f"{out}: model {file.name}, {out.stat().st_size} bytes"
