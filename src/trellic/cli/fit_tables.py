"""trellic fit-tables: a model with probability tables refitted on pictures."""

import io
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from trellic.cli.options import DEFAULT, DEFAULT_QUANTIZER, Force, Inputs, Model

QUALITIES = (0, 15, 30, 45, 60, 75, 90, 100)


def fit_tables(
    inputs: Inputs,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="MODEL.trm")],
    model: Model = DEFAULT,
    quantizer: Annotated[str, typer.Option(help="Whose tables to fit.")] = DEFAULT_QUANTIZER,
    every: Annotated[int, typer.Option(min=1, help="Take one picture in so many.")] = 1,
    force: Force = False,
) -> None:
    """Write a model whose probability tables are those of the indices it emits on training pictures."""
    import numpy as np
    from rich.progress import Progress

    from trellic.cli.batch import console, find_files
    from trellic.codec import Codec
    from trellic.codec.fit_tables import count_indices
    from trellic.container.header import QUALITY_ONE
    from trellic.files import check_free, write_atomically
    from trellic.image import SUFFIXES, read
    from trellic.model import ModelFile

    check_free(out, force)
    codec = Codec(model, quantizer=quantizer)
    paths = [path for path, _ in find_files(inputs, SUFFIXES)][::every]
    qualities = [quality * QUALITY_ONE for quality in QUALITIES]
    with Progress(console=console(), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("counting", total=len(paths))
        pictures = [partial(read, path) for path in paths]
        histogram = count_indices(codec.networks, pictures, qualities, codec.quantization, lambda: bar.advance(task))
    buffer = io.BytesIO()
    np.save(buffer, histogram.fitted().frequency)
    command = shlex.join(["trellic", *sys.argv[1:]])
    fitted = {"command": command, "pictures": len(paths), "before": codec.model.name}
    tables = {f"tables_{quantizer}.npy": buffer.getvalue()}
    data = codec.model.pack_with(quantizer, {"tables": fitted}, tables)
    write_atomically(out, lambda file: file.write(data))
    print(f"{out}: model {ModelFile.read(out).name}, tables of {len(paths)} pictures")
