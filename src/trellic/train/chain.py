"""Retraining as a chain of stages, each starting from the model of the one before; resumable at any point."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from trellic.errors import BadConfig
from trellic.files import write_bytes
from trellic.model import Model
from trellic.model.pleasing import SUFFIX
from trellic.quantize import quantizer_to_tune
from trellic.train.card import validations
from trellic.train.config import TrainConfig
from trellic.train.loop import Report
from trellic.train.pleasing.companion import companion_of
from trellic.train.processes import start_processes, wait_for_all
from trellic.train.run import MAY_CHANGE, export_run, read_config, run_config
from trellic.train.stage import stage_named, stages
from trellic.train.start import CONFIG, MODEL, design_of
from trellic.train.terms import PLEASING
from trellic.train.tuning import TUNING, tune

OUTCOME = "outcome.json"


class Position(NamedTuple):
    """Where a chain stands: a run's folder or model file with the weights, and the model file they make."""

    weights: Path
    model: Path


def retrain(
    start: Path, names: Sequence[str], config: Path, replaced: dict[str, Any], out: Path, cache: Path, report: Report
) -> Path:
    """Take a model through stages and return the last one's file, of a model or its companion, below the folder `out`.

    start   a model file, or a run's folder
    names   of training stages (`stages.toml`) and of tuning steps (`tuning.py`)
    config  a TOML file of how each stage trains; `replaced` overrides values, and names the quantizer
    Each stage leaves a folder with its model; those that are there already are skipped. Where a stage that should make
    the model better does not, or makes a companion of it, the chain continues from the model before. Under torchrun the
    first process writes them.
    Raises BadConfig, also where what is there was made from another model, or otherwise.
    """
    first = start_processes()
    if unknown := set(names) - set(TUNING) - set(stages()):
        there = ", ".join([*stages(), *TUNING])
        raise BadConfig(f"no stage {sorted(unknown)[0]!r} (there are: {there})")
    quantizer_to_tune(replaced["quantizer"])
    at = Position(start, start)
    if start.is_dir():
        at = Position(start, out / "0-start" / MODEL)
        if first and not at.model.exists():
            write_bytes(at.model, export_run(start, "").pack())
        wait_for_all()
    made: Path | None = None
    for number, name in enumerate(names, 1):
        folder = out / f"{number}-{name}"
        chosen = _config_for(name, at, config, replaced)
        if (folder / OUTCOME).exists():
            _check_same(folder, at, chosen)
        else:
            _make(number, name, at, chosen, folder, cache, report)
        wait_for_all()
        at, made = _next(name, at, folder), _companion(name, at, folder)
    return made or at.model


def _config_for(name: str, at: Position, config: Path, replaced: dict[str, Any]) -> TrainConfig:
    """Return how a stage trains: from where the chain stands, its design the same or exact."""
    design = design_of(at.weights).to_json()
    if name in stages():
        design["exact"] = design["exact"] or stage_named(name).exact
        replaced = {**replaced, "stage": name}
    values = {**replaced, "start": str(at.weights), "tuned": str(at.model), "design": design}
    return read_config(config, values)


def _make(number: int, name: str, at: Position, config: TrainConfig, folder: Path, cache: Path, report: Report) -> None:
    """Train or tune in a stage's folder; the first process writes its model and, last, its outcome."""
    first = start_processes()
    if first:
        report({"message": f"stage {number}: {name}"})
    before = Model.read(at.model)
    outcome: dict[str, Any] = {"from": before.name, "kept": True}
    if name in stages():
        run_config(config, folder, cache, report)
        if first and (companion := _companion(name, at, folder)):
            write_bytes(companion, companion_of(folder, before).pack())
            write_bytes(folder / OUTCOME, json.dumps({**outcome, "kept": False}).encode())
            return
        if first:
            summary = f"{before.card.get('summary', '')}; {name} for {config.quantizer}".lstrip("; ")
            made = export_run(folder, summary)
            costs = [validated["cost"] for validated in (validations(folder)[0], validations(folder)[-1])]
            outcome |= {"costs": costs, "kept": costs[1] < costs[0] or not stage_named(name).keep_if_better}
    elif first:
        made = tune(name, before, config, report)
        write_bytes(folder / CONFIG, json.dumps(config.to_json(), indent=1).encode())
    if first:
        write_bytes(folder / MODEL, made.pack())
        write_bytes(folder / OUTCOME, json.dumps(outcome).encode())
        if not outcome["kept"]:
            report({"message": f"stage {number}: not better, the model before is kept"})


def _companion(name: str, at: Position, folder: Path) -> Path | None:
    """Return the file of the companion that a stage makes of the model where the chain stands, None for a model."""
    if name in TUNING or PLEASING not in stage_named(name).terms:
        return None
    return folder / f"{Model.read(at.model).name}{SUFFIX}"


def _next(name: str, at: Position, folder: Path) -> Position:
    """Return where the chain stands after a stage."""
    if not json.loads((folder / OUTCOME).read_text())["kept"]:
        return at
    return Position(folder if name in stages() else at.weights, folder / MODEL)


def _check_same(folder: Path, at: Position, config: TrainConfig) -> None:
    """Raise BadConfig unless a stage's model was made from this model by this configuration."""
    before = json.loads((folder / OUTCOME).read_text())["from"]
    others = config.differences(json.loads((folder / CONFIG).read_text()), MAY_CHANGE - {"steps", "minutes"})
    name = Model.read(at.model).name
    if before != name or others:
        what = ", ".join(others) or f"from model {before}, not {name}"
        raise BadConfig(f"{folder} holds a stage that was made otherwise ({what})")
