"""All quantizers on test pictures, the same networks, by file bytes:

    python experiments/quantizers.py kodak=../shared/data/test/kodak gb82=../shared/data/test/gb82

writes experiments/results/quantizers_NAME.json for each set, picture by picture, resumable. `untuned` is the model
without what `trellic fit-tables` added (so with Gaussian tables), `refitted` the model as it is.
Every stream is decoded, and its latents compared with the encoder's. With `--ablation`, one part of the trellis at a
time is left out instead: channel weights, or points; or the latents of a pass are taken by falling scale.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from trellic.codec import Codec, Target, passes
from trellic.codec.decoder import decode_latents
from trellic.codec.encoder import analyse, code
from trellic.codec.positions import Positions, coded_positions
from trellic.container import SectionType, read_stream
from trellic.entropy.parameters import Parameters
from trellic.files import write_atomically
from trellic.jobs.plan import find_files
from trellic.metrics import psnr
from trellic.model import DEFAULT, ModelFile, find_model
from trellic.picture.pillow import SUFFIXES, read
from trellic.picture.types import Picture
from trellic.quantize import QUANTIZERS

RESULTS = Path(__file__).parent / "results"
QUALITIES = (0, 25, 50, 75, 100)
THREADS = 2
Variant = tuple[str, str]
"""Name of a quantizer, and of what was changed."""


def without(file: ModelFile, path: Path, *prefixes: str) -> Path:
    """Write a model without the entries that begin so."""
    path.write_bytes(ModelFile.pack({n: data for n, data in file.entries.items() if not n.startswith(prefixes)}))
    return path


def by_falling_scale(*arguments: Any) -> tuple[Positions, Parameters]:
    """Stand in for `coded_positions`: the same, the most uncertain latents first."""
    positions, parameters = coded_positions(*arguments)
    order = np.argsort(-parameters.scale_indices.astype(int), kind="stable")
    return positions[order], Parameters(parameters.scale_indices[order], parameters.means[order])


def measure(codec: Codec, picture: Picture, quality: float) -> dict[str, Any]:
    """Return bytes and PSNR of a picture that was really coded and decoded; raise where the latents differ."""
    encoded = codec.encode_picture(picture, Target(quality))
    header, sections = read_stream(encoded.data)
    payload = next(section.payload for section in sections if section.type == SectionType.LATENTS)
    latents = decode_latents(codec.networks, header, payload)
    analysed = analyse(codec.networks, picture.pixels)
    coded = code(codec.networks, analysed, header.quality, codec.deployed)
    if not np.array_equal(latents, coded.latents):
        raise AssertionError("the decoder's latents are not the encoder's")
    pixels = coded.reconstruct(codec.networks, header.quality, analysed)
    bpp = 8 * len(encoded.data) / (header.width * header.height)
    return {"quality": quality, "bytes": len(encoded.data), "bpp": bpp, "psnr": psnr(picture.pixels, pixels)}


def run(
    variants: dict[Variant, Path],
    folder: Path,
    target: Path,
    head: dict[str, Any],
    qualities: Sequence[float] = QUALITIES,
) -> None:
    """Measure every picture of a folder by every variant; what was measured of models that are the same is kept."""
    old = {"models": {}, "records": []} | (json.loads(target.read_text()) if target.exists() else {})
    models = {" ".join(variant): ModelFile.read(model).name for variant, model in variants.items()}
    stale = {name for name, model in models.items() if old["models"].get(name) != model}
    records = [record for record in old["records"] if f"{record['quantizer']} {record['variant']}" not in stale]
    head = {**head, "models": {**old["models"], **models}}
    done = {(record["image"], record["quantizer"], record["variant"]) for record in records}
    codecs = {variant: Codec(str(model), threads=1, quantizer=variant[0]) for variant, model in variants.items()}
    with ThreadPoolExecutor(THREADS) as pool:
        for path, _ in find_files([str(folder)], SUFFIXES):
            picture = read(path)
            tasks = [(variant, quality) for variant in variants if (path.name, *variant) not in done
                     for quality in qualities]  # fmt: skip
            found = pool.map(lambda task: measure(codecs[task[0]], picture, task[1]), tasks)  # noqa: B023 — done within
            records += [
                {"image": path.name, "quantizer": quantizer, "variant": variant, **record}
                for ((quantizer, variant), _), record in zip(tasks, found, strict=True)
            ]
            text = json.dumps({**head, "records": records}, indent=0)
            write_atomically(target, lambda file, text=text: file.write(text.encode()))
            print(target.stem, path.name, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--ablation", action="store_true")
    options = parser.parse_args()
    model = find_model(DEFAULT)
    file = ModelFile.read(model)
    command = f"python experiments/quantizers.py {' '.join(sys.argv[1:])}"
    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        plain = without(file, scratch / "plain.trm", "tables_side", *(f"tables_{q.name}" for q in QUANTIZERS))
        for name, folder in (text.split("=", 1) for text in options.sets):
            head = {"command": command, "model": file.name, "set": name}
            if not options.ablation:
                whole = {(q.name, variant): path for q in QUANTIZERS
                         for variant, path in (("untuned", plain), ("refitted", model))}  # fmt: skip
                run(whole, Path(folder), RESULTS / f"quantizers_{name}.json", head)
                continue
            parts = {
                ("uniform", "refitted"): model,
                ("tcq8", "refitted"): model,
                ("tcq8", "no weights"): without(file, scratch / "weights.trm", "sensitivity"),
                ("tcq8", "no points"): without(file, scratch / "points.trm", "points_"),
            }
            target = RESULTS / f"ablation_{name}.json"
            run(parts, Path(folder), target, head)
            with mock.patch.object(passes, "coded_positions", by_falling_scale):
                run({("tcq8", "falling scale"): model}, Path(folder), target, head)


if __name__ == "__main__":
    main()
