"""trellic train: pictures → a training run, or a slim model of one's own."""

import json
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from trellic.cli.options import DEFAULT, Force, Model, refuse
from trellic.errors import BadConfig, BadRequest

Pictures = Annotated[list[Path] | None, typer.Option("--pictures", help="Train on these folders instead.")]
ValidationFolders = Annotated[
    list[Path] | None, typer.Option("--validation", help="Validate on these folders instead.")
]
Cache = Annotated[Path, typer.Option("--cache", help="Where decoded pictures are kept between runs.")]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, … or auto, instead of the configuration's.")]

Minutes = Annotated[float, typer.Option(min=0, help="Minutes to train, instead of the configuration's.")]


def need_torch() -> None:
    """Raise BadConfig where torch is not installed."""
    import trellic.train  # noqa: F401  # before torch, whose threads it keeps from spinning

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
    context: typer.Context,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The run's folder, where an unfinished run is resumed; or a .trm file.")
    ],
    frames: Annotated[
        list[str] | None, typer.Argument(metavar="[IN]...", help="With --preset: pictures of what the model is for.")
    ] = None,
    config: Annotated[str, typer.Option("--config", "-c", help="A TOML file, or a recipe: quick, base, ….")] = "",
    preset: Annotated[
        str, typer.Option(help="Instead of a configuration: cut a slim model: medium, slim or xslim.")
    ] = "",
    model: Model = DEFAULT,
    pictures: Pictures = None,
    validation: ValidationFolders = None,
    start: Annotated[
        str, typer.Option(help="Begin with this .trm file or run's folder, instead of the configuration's.")
    ] = "",
    device: Device = "",
    minutes: Minutes = 0,
    cache: Cache = Path("runs/cache"),
    force: Force = False,
) -> None:
    """Train a model, or resume a run; works under torchrun on several processes. Needs trellic[train].

    With --preset, cut a slim model from a larger one (-m) by pictures of one kind, and train it on them.
    """
    if bool(config) == bool(preset) or bool(frames) != bool(preset):
        raise BadRequest("give --config, or --preset with pictures")
    need_torch()
    end_in_order()
    if preset:
        refuse(context, "is for --config: give pictures alone", "pictures", "validation", "start", "device")
        _train_slim(frames or [], preset, model, minutes, out, cache, force)
        return
    from trellic.train.run import read_config, recipe_named, run_config

    refuse(context, "is for --preset", "model", "force")
    values = replaced(pictures, validation, device, minutes) | ({"start": start} if start else {})
    run_config(read_config(recipe_named(config), values), out, cache, report)


def _train_slim(
    frames: list[str], preset: str, model: str, minutes: float, out: Path, cache: Path, force: bool
) -> None:
    """Write a slim model; its run is kept in the cache, and resumed there."""
    from trellic.files import check_free, write_bytes
    from trellic.jobs.local import complain
    from trellic.jobs.plan import find_pictures
    from trellic.model import find_model
    from trellic.picture.kinds import readable_suffixes
    from trellic.train.slim import STAGES, make_slim

    check_free(out, force)
    paths = [path for path, _ in find_pictures(frames, readable_suffixes(), complain)]
    budget = {"minutes": minutes / len(STAGES)} if minutes else {}
    made = make_slim(find_model(model), preset, paths, budget, cache / f"{preset}-{out.stem}", cache, report)
    data = made.pack()
    write_bytes(out, data, replace=force)
    print(f"{out}: model {made.name}, {len(data)} bytes")
