"""trellic train: pictures → a trained model's checkpoint."""

import json
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from trellic.errors import BadConfig

Pictures = Annotated[list[Path] | None, typer.Option("--pictures", help="Train on these folders instead.")]
HeldOut = Annotated[list[Path] | None, typer.Option("--held-out", help="Judge on these folders instead.")]
Cache = Annotated[Path, typer.Option("--cache", help="Where decoded pictures are kept between runs.")]


def need_torch() -> None:
    """Raise BadConfig where torch is not installed."""
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise BadConfig("training needs torch: pip install 'trellic[train]'") from error


def replaced(pictures: list[Path] | None, held_out: list[Path] | None) -> dict[str, Any]:
    """Return the folders that the command line names instead of the configuration's."""
    named = {"pictures": pictures, "held_out": held_out}
    return {key: [str(path) for path in paths] for key, paths in named.items() if paths}


def report(entry: dict[str, Any]) -> None:
    """Print an entry of a run's log: judgements on stdout, as JSON, and the rest on stderr."""
    if "held_out" in entry:
        print(json.dumps(entry), flush=True)
    elif "loss" in entry:
        share, loss = entry["progress"], entry["loss"]
        print(f"{share:6.1%}  step {entry['step']}  loss {loss:.4f}", file=sys.stderr, flush=True)
    else:
        print(entry["message"], file=sys.stderr, flush=True)


def end_in_order() -> None:
    """Let an interrupt and a polite kill alike end a run with its checkpoint written, in the background too."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def train(
    config: Annotated[Path, typer.Option("--config", "-c", help="A TOML file; see trellic/train/recipes.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The run's folder; an unfinished run there goes on.")],
    pictures: Pictures = None,
    held_out: HeldOut = None,
    cache: Cache = Path("runs/cache"),
) -> None:
    """Train a model, or go on with one; works under torchrun on several processes. Needs trellic[train]."""
    need_torch()
    from trellic.train.run import run

    end_in_order()
    run(config, replaced(pictures, held_out), out, cache, report)
