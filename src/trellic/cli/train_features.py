"""trellic train-features: the network of features of a model."""

from pathlib import Path
from typing import Annotated

import typer

from trellic.cli.options import DEFAULT, Force, Model, PictureFiles
from trellic.cli.train import Cache, end_in_order, need_torch


def train_features(
    inputs: PictureFiles,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where models are installed.")],
    model: Model = DEFAULT,
    views: Annotated[int, typer.Option(min=100, help="Views of pictures to train on, at each distance.")] = 10000,
    steps: Annotated[int, typer.Option(min=1, help="Steps of training.")] = 6000,
    cache: Cache = Path("runs/cache"),
    force: Force = False,
) -> None:
    """Write the network of features of a model, HASH.features, or resume its training. Needs trellic[train,perceptual].

    It learns from EfficientNet-Lite0, on what that sees in the pictures: 600 photographs and an hour of a core are
    enough.
    """
    need_torch()
    end_in_order()
    from trellic import model as models
    from trellic.files import check_free, write_atomically
    from trellic.jobs.local import complain
    from trellic.jobs.plan import find_files
    from trellic.machine.network import DISTANCES, SUFFIX
    from trellic.picture.kinds import readable_suffixes
    from trellic.quantize import DEFAULT_EFFORT, quantizer_for
    from trellic.train.features import Plan
    from trellic.train.features import train_features as run

    of = models.Model.read(models.find_model(model))
    target = out / f"{of.name}{SUFFIX}"
    check_free(target, force)
    paths = [path for path, _ in find_files(inputs, readable_suffixes())]
    plan = Plan(dict.fromkeys(DISTANCES, views), steps)
    made = run(of, quantizer_for(DEFAULT_EFFORT), paths, plan, cache / f"features-{of.name}", complain)
    data = made.pack()
    write_atomically(target, lambda file: file.write(data), replace=force)
    print(f"{target}: {len(data)} bytes")
