"""trellic train: pictures → a trained model's checkpoint."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from trellic.errors import BadConfig


def train(
    config: Annotated[Path, typer.Option("--config", "-c", help="A TOML file; see trellic/train/recipes.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The run's folder; an unfinished run there goes on.")],
    pictures: Annotated[list[Path] | None, typer.Option(help="Train on these folders instead.")] = None,
    held_out: Annotated[list[Path] | None, typer.Option(help="Judge on these folders instead.")] = None,
    cache: Annotated[Path, typer.Option(help="Where decoded pictures are kept between runs.")] = Path("runs/cache"),
) -> None:
    """Train a model, or go on with one; works under torchrun on several processes. Needs trellic[train]."""
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise BadConfig("training needs torch: pip install 'trellic[train]'") from error
    from trellic.train.run import run

    replaced: dict[str, Any] = {}
    if pictures:
        replaced["pictures"] = [str(path) for path in pictures]
    if held_out:
        replaced["held_out"] = [str(path) for path in held_out]

    def report(entry: dict[str, Any]) -> None:
        if "held_out" in entry:
            print(json.dumps(entry), flush=True)
        elif "loss" in entry:
            share, loss = entry["progress"], entry["loss"]
            print(f"{share:6.1%}  step {entry['step']}  loss {loss:.4f}", file=sys.stderr, flush=True)
        else:
            print(entry["message"], file=sys.stderr, flush=True)

    run(config, replaced, out, cache, report)
