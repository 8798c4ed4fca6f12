"""trellic calibrate: a model with operating points of its quantizers found on validation pictures."""

from pathlib import Path
from typing import Annotated

import typer

from trellic.cli.options import DEFAULT, Force, Model, PictureFiles, Quantizers
from trellic.provenance import command


def calibrate(
    inputs: PictureFiles,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="MODEL.trm")],
    model: Model = DEFAULT,
    quantizer: Quantizers = None,
    most: Annotated[int, typer.Option(min=1, help="Use at most this many pictures, evenly spread.")] = 12,
    force: Force = False,
) -> None:
    """Write a model whose quantizers take the fewest bits at equal PSNR on validation pictures.

    Measures what an error in each channel of the latents costs the picture, then finds steps and rate weights. Run it
    before fit-tables.
    """
    from trellic import model as models
    from trellic.files import check_free, write_bytes
    from trellic.jobs.local import complain
    from trellic.jobs.plan import find_pictures
    from trellic.picture.kinds import readable_suffixes
    from trellic.quantize import quantizer_to_tune
    from trellic.tune import RELEASED
    from trellic.tune.calibrate import REFERENCE
    from trellic.tune.calibrate import calibrate as run
    from trellic.tune.pictures import some_pictures

    check_free(out, force)
    chosen = [quantizer_to_tune(name) for name in quantizer or [name for name in RELEASED if name != REFERENCE]]
    before = models.Model.read(models.find_model(model))
    pictures = some_pictures([path for path, _ in find_pictures(inputs, readable_suffixes(), complain)], most, complain)
    made = run(before, pictures, chosen, complain, {"command": command(), "before": before.name})
    data = made.pack()
    write_bytes(out, data, replace=force)
    print(f"{out}: model {made.name}, operating points of {', '.join(each.name for each in chosen)}")
