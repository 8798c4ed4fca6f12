"""trellic fit-previews: the previews of a model, fitted on pictures."""

from pathlib import Path
from typing import Annotated

import typer

from trellic.cli.options import DEFAULT, Force, Model, PictureFiles


def fit_previews(
    inputs: PictureFiles,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where models are installed.")],
    model: Model = DEFAULT,
    most: Annotated[int, typer.Option(min=1, help="Use at most this many pictures, evenly spread.")] = 60,
    force: Force = False,
) -> None:
    """Write the previews of a model, HASH.previews: what makes small pictures of a stream's first groups."""
    from trellic import model as models
    from trellic.files import check_free, write_bytes
    from trellic.jobs.local import complain
    from trellic.jobs.plan import find_pictures
    from trellic.model.previews import SUFFIX, write_previews
    from trellic.picture.kinds import readable_suffixes
    from trellic.quantize import DEFAULT_EFFORT, quantizer_for
    from trellic.tune.fit_previews import fit_previews as run
    from trellic.tune.pictures import some_pictures

    of = models.Model.read(models.find_model(model))
    target = out / f"{of.name}{SUFFIX}"
    check_free(target, force)
    pictures = some_pictures([path for path, _ in find_pictures(inputs, readable_suffixes(), complain)], most, complain)
    data = write_previews(run(of, pictures, quantizer_for(DEFAULT_EFFORT), complain))
    write_bytes(target, data, replace=force)
    print(f"{target}: {len(data)} bytes, from {len(pictures)} pictures")
