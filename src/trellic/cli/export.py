"""trellic export: a training run → one .trm file."""

from pathlib import Path
from typing import Annotated

import typer

from trellic.cli.options import Force
from trellic.cli.train import need_torch
from trellic.files import check_free, write_bytes


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder that trellic train filled.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="MODEL.trm")],
    summary: Annotated[str, typer.Option(help="One line for `trellic models`.")] = "",
    force: Force = False,
) -> None:
    """Write a run's averaged weights and card as a model file. Needs trellic[train]."""
    need_torch()
    from trellic.train.run import export_run

    check_free(out, force)
    made = export_run(run, summary)
    data = made.pack()
    write_bytes(out, data, replace=force)
    print(f"{out}: model {made.name}, {len(data)} bytes")
