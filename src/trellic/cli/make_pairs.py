"""trellic make-pairs: residual pictures of video clips, to adapt a model to."""

from pathlib import Path
from typing import Annotated

import typer

from trellic.cli.options import DEFAULT, Model
from trellic.cli.train import need_torch


def make_pairs(
    clips: Annotated[list[Path], typer.Argument(metavar="CLIP...", help="Video files.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER")],
    times: Annotated[int, typer.Option(min=1, help="How often each clip is coded, at other qualities.")] = 2,
    model: Model = DEFAULT,
    adapter: Annotated[str, typer.Option(metavar="NAME", help="By which frames are coded; none for the model.")] = "",
    seed: int = 1,
) -> None:
    """Make residual pictures of video clips for `trellic adapt`. Needs trellic[train,video]."""
    need_torch()
    from trellic.jobs.local import complain
    from trellic.train.pairs import EFFORT, make_pairs
    from trellic.video.codec import VideoCodec

    made = make_pairs(clips, out, times, VideoCodec(model, 1, EFFORT, adapter), seed, complain)
    complain(f"{made} residual pictures in {out}")
