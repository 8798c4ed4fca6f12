"""trellic calibrate: how hard a quantizer should try, found on held-out pictures and kept in the model."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from trellic.cli.options import DEFAULT, Force, Inputs, Model


def calibrate(
    inputs: Inputs,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="MODEL.trm")],
    quantizer: Annotated[str, typer.Option(help="The quantizer to calibrate.")],
    model: Model = DEFAULT,
    every: Annotated[int, typer.Option(min=1, help="Take one picture in so many.")] = 1,
    force: Force = False,
) -> None:
    """Write a model with the quantizer's strength that takes the fewest bits at equal PSNR on held-out pictures."""
    from trellic.cli.batch import find_files
    from trellic.codec import Codec
    from trellic.evaluate.bdrate import bd_rate
    from trellic.evaluate.calibrate import STRENGTHS, curves
    from trellic.files import check_free, write_atomically
    from trellic.image import SUFFIXES, read
    from trellic.model import ModelFile

    check_free(out, force)
    codec = Codec(model, quantizer=quantizer)
    pictures = [read(path) for path, _ in find_files(inputs, SUFFIXES)[::every]]
    found = curves(codec, pictures, lambda message: print(message, file=sys.stderr, flush=True))
    rates = {strength: bd_rate(found[0.0], found[strength]).percent for strength in STRENGTHS}
    best = min(rates, key=lambda strength: rates[strength])
    setting = {
        "strength": best,
        "calibration": {"command": shlex.join(["trellic", *sys.argv[1:]]), "bd_rate_by_strength": rates},
    }
    data = codec.model.pack_with(quantizer, setting, {})
    write_atomically(out, lambda file: file.write(data))
    for strength, rate in rates.items():
        print(f"strength {strength:<6g} {rate:+.2f} %{'  ← chosen' if strength == best else ''}")
    print(f"{out}: model {ModelFile.read(out).name}")
