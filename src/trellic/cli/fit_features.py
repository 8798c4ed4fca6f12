"""trellic fit-features: the network of features of a model."""

from pathlib import Path
from typing import Annotated

import typer

from trellic.cli.options import DEFAULT, Force, Model, PictureFiles
from trellic.cli.train import need_torch

MAPPED = 60
"""Pictures that what is seen of latents is fitted on."""


def fit_features(
    inputs: PictureFiles,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where models are installed.")],
    model: Model = DEFAULT,
    most: Annotated[int, typer.Option(min=20, help="Use at most this many pictures, evenly spread.")] = 400,
    force: Force = False,
) -> None:
    """Write the network of features of a model, HASH.features. Needs trellic[train,perceptual].

    It is EfficientNet-Lite0 on previews of the first groups; the pictures say what it sees most often.
    """
    need_torch()
    from trellic.codec import Codec
    from trellic.files import check_free, write_bytes
    from trellic.jobs.local import complain
    from trellic.jobs.plan import find_pictures
    from trellic.machine.network import SUFFIX
    from trellic.picture.kinds import readable_suffixes
    from trellic.picture.pillow import readable
    from trellic.train.fit_features import fit_features as fit
    from trellic.train.teacher import Teacher
    from trellic.tune.pictures import some_pictures, spread

    codec = Codec(model)
    target = out / f"{codec.model.name}{SUFFIX}"
    check_free(target, force)
    paths = [path for path, _ in find_pictures(inputs, readable_suffixes(), complain)]
    pictures = (picture for _, picture in readable(spread(paths, most), complain))
    made = fit(codec, Teacher(), some_pictures(paths, MAPPED, complain), pictures, complain)
    data = made.pack()
    write_bytes(target, data, replace=force)
    print(f"{target}: {len(data)} bytes, from {made.card['pictures']} pictures")
