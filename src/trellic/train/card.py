"""How a run was made, for the card of the model that it becomes: everything that is needed to repeat it."""

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import torch

from trellic.files import write_bytes
from trellic.model import Model
from trellic.provenance import command, commit
from trellic.train.config import TrainConfig
from trellic.train.data import list_pictures
from trellic.train.processes import world
from trellic.train.start import load_run, starting_model

SESSIONS, LOG = "sessions.json", "log.jsonl"


def note_session(config: TrainConfig, folder: Path) -> None:
    """Add this session to a run's folder: a run of many restarts lists them all."""
    path = folder / SESSIONS
    sessions = json.loads(path.read_text()) if path.exists() else []
    sessions.append(
        {
            "command": command(),
            "commit": commit(),
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "torch": torch.__version__,
            "device": config.device,
            "optimizer": config.optimizer,
            "processes": world(),
        }
    )
    text = json.dumps(sessions, indent=1)
    write_bytes(path, text.encode())


def _data(folders: tuple[str, ...]) -> dict[str, Any]:
    """Return how many pictures lie below folders, and a digest of their names and sizes."""
    paths = list_pictures(folders)
    facts = "\n".join(f"{path.name} {path.stat().st_size}" for path in paths)
    return {"folders": list(folders), "pictures": len(paths), "digest": hashlib.sha256(facts.encode()).hexdigest()[:16]}


def validations(folder: Path) -> list[dict[str, Any]]:
    """Return the validations in a run's log, in order."""
    log = folder / LOG
    entries = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return [entry["validation"] for entry in entries if "validation" in entry]


def card_of(folder: Path, summary: str) -> dict[str, Any]:
    """Return the card of a run's model: data, seed, commands, time, and what it started from."""
    run = load_run(folder)
    sessions = folder / SESSIONS
    validated = validations(folder)
    trained: dict[str, Any] = {
        "config": run.config.to_json(),
        "pictures": _data(run.config.pictures),
        "sessions": json.loads(sessions.read_text()) if sessions.exists() else [],
        "steps": run.step,
        "wall_seconds": round(run.seconds),
    }
    if start := run.config.branch or run.config.start:
        trained["started_from"] = _card_of_start(Path(start))
    model = starting_model(run.config)
    if run.config.quantizer and model:
        trained["tuned_by"] = model.name
    return {"summary": summary, "trained": trained, "validation": validated[-1] if validated else None}


def _card_of_start(start: Path) -> dict[str, Any]:
    if not start.is_dir():
        model = Model.read(start)
        return {"model": model.name, "trained": model.card.get("trained")}
    return {"run": start.name, "trained": card_of(start, "")["trained"]}
