"""trellic compact: a model in about half the bytes."""

from pathlib import Path
from typing import Annotated

import typer

from trellic.cli.options import DEFAULT, Force, Model


def compact(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="MODEL.trm")],
    model: Model = DEFAULT,
    force: Force = False,
) -> None:
    """Write a model with the weights of its transforms in eight bits. It has a name of its own, and its own streams."""
    from trellic import model as models
    from trellic.files import check_free, write_bytes
    from trellic.tune.compact import compact as run

    check_free(out, force)
    before = models.Model.read(models.find_model(model))
    made = run(before)
    data = made.pack()
    write_bytes(out, data, replace=force)
    print(f"{out}: model {made.name}, {len(data)} bytes instead of {len(before.pack())}")
