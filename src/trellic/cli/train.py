"""trellic train: pictures → a training run."""

import json
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from trellic.errors import BadConfig

Pictures = Annotated[list[Path] | None, typer.Option("--pictures", help="Train on these folders instead.")]
ValidationFolders = Annotated[
    list[Path] | None, typer.Option("--validation", help="Validate on these folders instead.")
]
Cache = Annotated[Path, typer.Option("--cache", help="Where decoded pictures are kept between runs.")]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, … or auto, instead of the configuration's.")]

Minutes = Annotated[float, typer.Option(min=0, help="Minutes to train, instead of the configuration's.")]


def need_torch() -> None:
    """Raise BadConfig where torch is not installed."""
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise BadConfig("training needs torch: pip install 'trellic[train]'") from error


def replaced(
    pictures: list[Path] | None, validation: list[Path] | None, device: str, minutes: float = 0
) -> dict[str, Any]:
    """Return the values that the command line names instead of the configuration's."""
    folders = {"pictures": pictures, "validation": validation}
    values: dict[str, Any] = {key: [str(path) for path in paths] for key, paths in folders.items() if paths}
    values |= {"minutes": minutes, "steps": 0} if minutes else {}
    return {**values, "device": device} if device else values


def report(entry: dict[str, Any]) -> None:
    """Print an entry of a run's log: validations on stdout, as JSON, and the rest on stderr."""
    if "validation" in entry:
        print(json.dumps(entry), flush=True)
    elif "loss" in entry:
        line = f"{entry['progress']:6.1%}  step {entry['step']}  loss {entry['loss']:.4f}"
        print(line, file=sys.stderr, flush=True)
    else:
        print(entry["message"], file=sys.stderr, flush=True)


def end_in_order() -> None:
    """Let an interrupt and a polite kill alike end a run with its checkpoint written, in the background too."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def train(
    config: Annotated[str, typer.Option("--config", "-c", help="A TOML file, or a recipe: quick, base, ….")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The run's folder; an unfinished run there is resumed.")],
    pictures: Pictures = None,
    validation: ValidationFolders = None,
    device: Device = "",
    minutes: Minutes = 0,
    cache: Cache = Path("runs/cache"),
) -> None:
    """Train a model, or resume a run; works under torchrun on several processes. Needs trellic[train]."""
    need_torch()
    from trellic.train.run import read_config, recipe_named, run_config

    end_in_order()
    values = replaced(pictures, validation, device, minutes)
    run_config(read_config(recipe_named(config), values), out, cache, report)
