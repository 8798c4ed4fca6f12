"""trellic train-head: a classifier of pictures by their features."""

import json
from pathlib import Path
from typing import Annotated

import typer

from trellic.cli.options import DEFAULT, Force, Json, Model


def train_head(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Its subfolders are classes, of pictures or .tlic.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="NAME.trh")],
    model: Model = DEFAULT,
    validation: Annotated[float, typer.Option(min=0, max=0.9, help="Part of each class that is not trained on.")] = 0.2,
    seed: Annotated[int, typer.Option(min=0, help="Chooses that part, and qualities.")] = 0,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Train a classifier on a folder of pictures, in seconds; `trellic classify` then names the class of streams."""
    from trellic.files import check_free, write_bytes
    from trellic.jobs.local import complain
    from trellic.jobs.machine import labelled_files, reader_named
    from trellic.machine.fit_head import fit_head

    check_free(out, force)
    reader = reader_named(model, 0)
    classes, pictures = labelled_files(folder, reader.codec)
    head = fit_head(reader, classes, pictures, validation, seed, complain)
    data = head.pack()
    write_bytes(out, data, replace=force)
    if as_json:
        print(json.dumps(head.card, indent=1))
        return
    accuracy = ", ".join(f"{value:.1%} at quality {at}" for at, value in head.card["accuracy"].items())
    print(f"{out}: {len(classes)} classes, {len(data)} bytes; {accuracy or 'no pictures for validation'}")
