"""trellic make-pairs: residual pictures of video clips, to adapt a model to."""

from pathlib import Path
from typing import Annotated

import typer

from trellic.cli.options import DEFAULT, Model
from trellic.cli.train import need_torch


def make_pairs(
    clips: Annotated[list[Path], typer.Argument(metavar="CLIP...", help="Video files.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER")],
    count: Annotated[int, typer.Option(min=1, help="Pictures of each clip.")] = 14,
    model: Model = DEFAULT,
    seed: int = 1,
) -> None:
    """Make residual pictures of video clips for `trellic adapt`. Needs trellic[train,video]."""
    need_torch()
    from trellic.codec import Codec
    from trellic.jobs.local import complain
    from trellic.train.pairs import coding_by, make_pairs

    made = make_pairs(clips, out, count, coding_by(Codec(model, quantizer="tcq8")), seed, complain)
    complain(f"{made} residual pictures in {out}")
