"""trellic fit-tables: a model with probability tables fitted on pictures."""

from pathlib import Path
from typing import Annotated

import typer

from trellic.cli.options import DEFAULT, Force, Model, PictureFiles, Quantizers
from trellic.provenance import command


def fit_tables(
    inputs: PictureFiles,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="MODEL.trm")],
    model: Model = DEFAULT,
    quantizer: Quantizers = None,
    most: Annotated[int, typer.Option(min=1, help="Use at most this many pictures, evenly spread.")] = 50,
    force: Force = False,
) -> None:
    """Write a model whose tables are those of the indices that quantizers emit on training pictures."""
    from trellic import model as models
    from trellic.files import check_free, write_bytes
    from trellic.jobs.local import complain
    from trellic.jobs.plan import find_pictures
    from trellic.picture.kinds import readable_suffixes
    from trellic.quantize import quantizer_to_tune
    from trellic.tune import RELEASED
    from trellic.tune.fit_tables import fit_tables as run
    from trellic.tune.pictures import some_pictures

    check_free(out, force)
    before = models.Model.read(models.find_model(model))
    chosen = [quantizer_to_tune(name) for name in quantizer or RELEASED]
    pictures = some_pictures([path for path, _ in find_pictures(inputs, readable_suffixes(), complain)], most, complain)
    facts = {"command": command()}
    made = run(before, pictures, chosen, facts, report=complain)
    data = made.pack()
    write_bytes(out, data, replace=force)
    names = ", ".join(each.name for each in chosen)
    print(f"{out}: model {made.name}, tables of {names} from {len(pictures)} pictures")
