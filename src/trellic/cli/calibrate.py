"""trellic calibrate: a model with the operating points of its quantizers found on held-out pictures."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from trellic.cli.options import DEFAULT, Force, Inputs, Model, Quantizers


def calibrate(
    inputs: Inputs,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="MODEL.trm")],
    model: Model = DEFAULT,
    quantizer: Quantizers = None,
    every: Annotated[int, typer.Option(min=1, help="Take one picture in so many.")] = 1,
    force: Force = False,
) -> None:
    """Write a model whose quantizers take the fewest bits at equal PSNR on held-out pictures.

    Measures what an error in each channel of the latents costs the picture, then tries steps and rate weights
    by it. Run it before fit-tables.
    """
    import numpy as np

    from trellic.codec.deployed import DeployedQuantizer
    from trellic.codec.encoder import analyse
    from trellic.errors import BadRequest
    from trellic.evaluate.calibrate import GRIDS, REFERENCE_QUALITIES, Bench
    from trellic.evaluate.calibrate import calibrate as run
    from trellic.evaluate.sensitivity import corners_of, measure_sensitivity
    from trellic.files import check_free, write_atomically
    from trellic.jobs.local import complain
    from trellic.jobs.plan import find_files
    from trellic.model import ModelFile, Networks, find_model
    from trellic.picture.kinds import readable_suffixes
    from trellic.picture.pillow import readable
    from trellic.quantize import quantizer_named

    check_free(out, force)
    chosen = [quantizer_named(name) for name in quantizer or GRIDS]
    if fixed := [each.name for each in chosen if each.name not in GRIDS]:
        raise BadRequest(f"{', '.join(fixed)} has no setting to find (there are: {', '.join(GRIDS)})")
    file = ModelFile.read(find_model(model))
    networks = Networks(file, threads=1)  # several settings at a time
    uniform = DeployedQuantizer.of(networks, quantizer_named("uniform"))
    paths = [path for path, _ in find_files(inputs, readable_suffixes())[::every]]
    pictures = [picture for _, picture in readable(paths, complain)]
    complain(f"sensitivity of {networks.latents} channels")
    corners = corners_of(pictures)
    weights = measure_sensitivity(networks, uniform, [(pixels, analyse(networks, pixels)) for pixels in corners])
    file = ModelFile.of(file.pack_with({}, {"sensitivity.npy": weights}))
    networks = Networks(file, threads=1)
    bench = Bench(networks, [(picture, analyse(networks, picture.pixels)) for picture in pictures])
    reference = bench.measure(uniform, REFERENCE_QUALITIES)
    settings = {}
    command = shlex.join(["trellic", *sys.argv[1:]])
    for each in chosen:
        operating_points, gaps = run(bench, reference, DeployedQuantizer.of(networks, each), complain)
        settings[each.name] = {
            "knots": operating_points,
            "calibration": {"command": command, "log_rate_by_setting": gaps},
        }
        gained = np.mean([min(gap[number] for gap in gaps.values()) for number in range(len(operating_points))])
        print(f"{each.name}: {100 * (np.exp(gained) - 1):+.2f} % of uniform's bits at equal PSNR")
    data = file.pack_with(settings, {})
    write_atomically(out, lambda target: target.write(data))
    print(f"{out}: model {ModelFile.read(out).name}")
