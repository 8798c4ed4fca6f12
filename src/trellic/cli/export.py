"""trellic export: a training run → one .trm file."""

from pathlib import Path
from typing import Annotated

import typer

from trellic.cli.options import Force
from trellic.errors import BadConfig
from trellic.files import check_free


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder that trellic train filled.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="MODEL.trm")],
    summary: Annotated[str, typer.Option(help="One line for `trellic models`.")] = "",
    force: Force = False,
) -> None:
    """Write a run's averaged weights and card as a model file. Needs trellic[train]."""
    try:
        import onnxscript  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise BadConfig("export needs torch and onnxscript: pip install 'trellic[train]'") from error
    from trellic.train.run import export_run

    check_free(out, force)
    print(export_run(run, out, summary))
