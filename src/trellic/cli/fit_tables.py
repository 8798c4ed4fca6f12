"""trellic fit-tables: a model with probability tables refitted on pictures."""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from trellic.cli.options import DEFAULT, Force, Inputs, Model, Quantizers

ROUNDS = 2
"""A search chooses by the tables it has; with the tables of its first choices it chooses again."""


def fit_tables(
    inputs: Inputs,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="MODEL.trm")],
    model: Model = DEFAULT,
    quantizer: Quantizers = None,
    every: Annotated[int, typer.Option(min=1, help="Take one picture in so many.")] = 1,
    force: Force = False,
) -> None:
    """Write a model whose tables are those of the indices that quantizers emit on training pictures."""
    from rich.progress import Progress

    from trellic.codec.deployed import DeployedQuantizer
    from trellic.codec.fit_tables import QUALITIES, take_census
    from trellic.files import check_free, write_atomically
    from trellic.jobs.local import complain, console
    from trellic.jobs.plan import find_files
    from trellic.model import ModelFile, Networks, find_model
    from trellic.picture.kinds import readable_suffixes
    from trellic.picture.pillow import readable
    from trellic.quantize import QUANTIZERS, quantizer_named

    check_free(out, force)
    file = ModelFile.read(find_model(model))
    networks = Networks(file, threads=1)  # several quantizers at a time
    chosen = [quantizer_named(name) for name in quantizer] if quantizer else QUANTIZERS
    deployed = [DeployedQuantizer.of(networks, each) for each in chosen]
    paths = [path for path, _ in find_files(inputs, readable_suffixes())][::every]
    with Progress(console=console(), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("counting", total=ROUNDS * len(paths))
        for _ in range(ROUNDS):
            pictures = (picture for _, picture in bar.track(readable(paths, complain), task_id=task))
            censuses = take_census(networks, pictures, QUALITIES, deployed)
            deployed = [census.refit() for census in censuses]
    count = censuses[0].pictures
    facts = {"command": shlex.join(["trellic", *sys.argv[1:]]), "pictures": count, "before": file.name}
    arrays: dict[str, Any] = {"tables_side.npy": deployed[0].z_tables.frequency}
    settings = {}
    for each in deployed:
        name = each.quantizer.name
        arrays[f"tables_{name}.npy"] = each.tables.frequency
        settings[name] = {"tables": facts}
    data = file.pack_with(settings, arrays)
    write_atomically(out, lambda target: target.write(data))
    print(f"{out}: model {ModelFile.read(out).name}, tables of {', '.join(settings)} from {count} pictures")
