"""trellic retrain: a model adapted to the indices that a quantizer emits."""

from pathlib import Path
from typing import Annotated

import typer

from trellic.cli.options import DEFAULT
from trellic.cli.train import (
    Cache,
    Device,
    Minutes,
    Pictures,
    ValidationFolders,
    end_in_order,
    need_torch,
    replaced,
    report,
)


def retrain(
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder of all stages; finished stages are kept.")],
    model: Annotated[
        str, typer.Argument(metavar="[MODEL]", help="A model's name, hash or .trm file, or a run's folder.")
    ] = DEFAULT,
    quantizer: Annotated[str, typer.Option(help="The quantizer to retrain for.")] = "tcq8",
    stages: Annotated[
        str,
        typer.Option(
            help="In order, of: synthesis, entropy, decoder, searched, exact, joint, blocks, calibrate, tables, "
            "offsets, noise, rounding, pleasing."
        ),
    ] = "decoder,tables",
    config: Annotated[
        str,
        typer.Option("--config", "-c", help="How each stage trains: a TOML file, or a recipe: joint, exact, searched."),
    ] = "joint",
    pictures: Pictures = None,
    validation: ValidationFolders = None,
    device: Device = "",
    minutes: Minutes = 0,
    cache: Cache = Path("runs/cache"),
) -> None:
    """Retrain parts of a model on latents that a quantizer produced. Needs trellic[train]."""
    need_torch()
    from trellic.model import find_model
    from trellic.train.chain import retrain as run
    from trellic.train.processes import rank
    from trellic.train.run import recipe_named

    end_in_order()
    values = {**replaced(pictures, validation, device, minutes), "quantizer": quantizer}
    start = Path(model) if Path(model).is_dir() else find_model(model)
    made = run(start, stages.split(","), recipe_named(config), values, out, cache, report)
    if rank() == 0:
        print(made)
