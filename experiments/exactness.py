"""Do streams decode to the same indices whatever wrote them and whatever reads them?

    python experiments/exactness.py ../shared/data/valid/cid22 --floating runs/rounding.trm

Every picture is encoded at three qualities by every quantizer under every setting of QUICK, each in a process of its
own, and every stream that any of them wrote is decoded under all of them: all pairs of writer and reader. The same for
a detail of a picture with the settings of SLOW as well, of which emulated processors only read. A reader's SHA-256 of
the indices is compared with the writer's own. The control is a model whose entropy networks are not exact, on the
detail; both models' decoding is timed, so run nothing else. Writes experiments/results/exactness.json.

    git show 7624e6d:src/trellic/models/base.trm > runs/rounding.trm    # for --floating

`emulated-…` settings need qemu-user (Debian's package of that name) and are left out where it is missing.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from trellic.cli.demo import BUNDLED
from trellic.codec import Codec, Target
from trellic.codec.encoder import analyse, quantize_in_order
from trellic.container.header import QUALITY_ONE
from trellic.errors import TrellicError
from trellic.files import write_atomically
from trellic.jobs.plan import find_files
from trellic.model import DEFAULT, ModelFile, find_model
from trellic.picture.pillow import SUFFIXES, read
from trellic.quantize import QUANTIZERS

RESULTS = Path(__file__).parent / "results" / "exactness.json"
QUALITIES = (10, 50, 90)
OLD_NUMPY = {"NPY_DISABLE_CPU_FEATURES": "AVX512_ICL AVX512_CLX AVX512_SKX AVX512F FMA3 AVX2"}
GENERIC = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
QUICK: dict[str, dict[str, str]] = {
    "native": {},
    "one thread": {"THREADS": "1"},
    "three threads": {"THREADS": "3"},
    "graphs as they are": {"GRAPHS": "plain"},
    "generic kernels": {**GENERIC, **OLD_NUMPY},
    "torch, SSE4.1": {"RUNTIME": "torch", "ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"},
}
SLOW: dict[str, dict[str, str]] = {
    "numpy, double precision": {"RUNTIME": "numpy"},
    "emulated-Haswell": {"EMULATED": "Haswell", "THREADS": "1", **GENERIC},
    "emulated-Nehalem": {"EMULATED": "Nehalem", "THREADS": "1", **GENERIC},
}
SETTINGS = QUICK | SLOW
DETAILS, SIDE = 1, 128
"""How many pictures, and the side of the part of each."""
REPEATS = 31


def codecs() -> dict[str, Codec]:
    """Return a codec for each quantizer, running as this process's setting says."""
    threads, runtime = int(os.environ.get("THREADS", "2")), os.environ.get("RUNTIME")
    if os.environ.get("GRAPHS") == "plain":
        import onnxruntime

        class Plain(onnxruntime.SessionOptions):
            def __init__(self) -> None:
                super().__init__()
                self.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL

        onnxruntime.SessionOptions = Plain
    found = {quantizer.name: Codec(os.environ["MODEL"], threads, quantizer=quantizer.name) for quantizer in QUANTIZERS}
    networks = found["uniform"].networks
    if runtime:
        networks._run = by_runtime(found["uniform"], runtime, networks._run)
    for codec in found.values():
        codec.networks = codec._one_threaded = networks
    return found


def by_runtime(codec: Codec, runtime: str, otherwise: Any) -> Any:
    """Return what runs the networks between bytes and indices in torch, or in numpy alone, and leaves the others."""
    if runtime == "torch":
        import torch

        from trellic.train.export import networks_of
        from trellic.train.load import load

        networks = {name: network for name, (network, _) in networks_of(load(codec.model, frozen=True).eval()).items()}
    else:
        sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
        from test_exact import interpret

    def run(name: str, arrays: list[Any], shapes: list[Any], *rest: Any) -> list[Any]:
        if not name.startswith(("hyper_synthesis", "first_", "second_")):
            return otherwise(name, arrays, shapes, *rest)
        if runtime == "numpy":
            return [output[0] for output in interpret(codec.model.entries[f"{name}.onnx"], [a[None] for a in arrays])]
        with torch.no_grad():
            outputs = networks[name](*[torch.from_numpy(np.ascontiguousarray(array[None])) for array in arrays])
        return [output[0].numpy() for output in (outputs if isinstance(outputs, tuple) else (outputs,))]

    return run


class Hashed:
    """A sink that hashes the indices as `trellic verify` does."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    def z(self, scale_indices: Any, indices: Any) -> None:
        self.digest.update(indices.astype("<i4").tobytes())

    def latents(self, cdf_indices: Any, indices: Any, line: Any, parameters: Any) -> None:
        self.z(cdf_indices, indices)


def write(folder: Path, out: Path) -> dict[str, dict[str, str]]:
    """Encode every picture; keep streams by their own SHA-256, and return it with the indices', by case."""
    found, made = codecs(), {}
    for path, _ in find_files([str(folder)], SUFFIXES):
        picture = read(path)
        for (name, codec), quality in ((item, quality) for item in found.items() for quality in QUALITIES):
            data = codec.encode_picture(picture, Target(quality)).data
            sink = Hashed()
            analysed = analyse(codec.networks, picture.pixels)
            quantize_in_order(codec.networks, analysed, quality * QUALITY_ONE, codec.deployed, sink)
            stream = hashlib.sha256(data).hexdigest()
            (out / stream).write_bytes(data)
            made[f"{path.name} {quality} {name}"] = {"stream": stream, "indices": sink.digest.hexdigest()}
    return made


def decode_all(streams: list[str], out: Path) -> dict[str, str]:
    """Return what the indices of each stream hash to, or the error."""
    codec, found = codecs()["uniform"], {}
    for stream in streams:
        try:
            found[stream] = codec.verify((out / stream).read_bytes())
        except TrellicError as error:
            found[stream] = type(error).__name__
    return found


def in_process(setting: str, model: Path, action: str, request: tuple[Any, Path]) -> Any:
    """Run an action in a process of its own under a setting."""
    values = {**SETTINGS[setting], "MODEL": str(model), "TRELLIC_MODELS": str(model.parent)}
    if "NUMBA_CPU_NAME" in values:  # an emulator takes minutes to compile: it finds what "generic kernels" compiled
        values["NUMBA_CACHE_DIR"] = str(request[1] / "kernels")
    emulator = ["qemu-x86_64", "-cpu", values["EMULATED"]] if "EMULATED" in values else []
    done = subprocess.run(
        [*emulator, sys.executable, __file__, "--worker", action],
        env={**os.environ, **values}, input=json.dumps([request[0], str(request[1])]),
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def compare(folder: Path, model: Path, settings: list[str], out: Path) -> dict[str, Any]:
    """Write and read every picture of a folder under every setting; return what agreed."""
    made, started = {}, time.monotonic()
    for setting in settings:
        if "EMULATED" not in SETTINGS[setting]:
            made[setting] = in_process(setting, model, "write", (str(folder), out))
            print(f"{setting}: {len(made[setting])} written, {time.monotonic() - started:.0f} s", file=sys.stderr)
    streams = sorted({case["stream"] for cases in made.values() for case in cases.values()})
    pairs = []
    for reader in settings:
        found = in_process(reader, model, "read", (streams, out))
        print(f"{reader}: {len(streams)} read, {time.monotonic() - started:.0f} s", file=sys.stderr)
        for writer, cases in made.items():
            same = sum(found[case["stream"]] == case["indices"] for case in cases.values())
            pairs.append({"writer": writer, "reader": reader, "streams": len(cases), "same": same})
    return {"model": ModelFile.read(model).name, "pairs": pairs, "streams": len(streams)}


def save_details(folder: Path, out: Path) -> None:
    """Save what slow settings code instead of whole pictures."""
    for path, _ in find_files([str(folder)], SUFFIXES)[:DETAILS]:
        Image.fromarray(read(path).pixels[:SIDE, :SIDE]).save(out / f"{path.stem}.png")


def decode_milliseconds(models: dict[str, Path], picture: Path) -> dict[str, float]:
    """Return the median time in which each model decodes a picture at quality 50, taken in turns."""
    codecs = {name: Codec(str(model)) for name, model in models.items()}
    streams = {name: codec.encode_picture(read(picture), Target(50)).data for name, codec in codecs.items()}
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(REPEATS):
        for name, codec in codecs.items():
            start = time.perf_counter()
            codec.decode_picture(streams[name])
            times[name].append(1000 * (time.perf_counter() - start))
    return {name: float(np.median(found[1:])) for name, found in times.items()}


def main() -> None:
    if sys.argv[1:2] == ["--worker"]:
        first, second = json.load(sys.stdin)
        done = write(Path(first), Path(second)) if sys.argv[2] == "write" else decode_all(first, Path(second))
        print(json.dumps(done))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=1, help="Take one picture in so many.")
    parser.add_argument("--floating", type=Path, required=True, help="A model whose networks are not exact.")
    options = parser.parse_args()
    every = [name for name, own in SETTINGS.items() if "EMULATED" not in own or shutil.which("qemu-x86_64")]
    exact = find_model(DEFAULT)
    with tempfile.TemporaryDirectory() as place:
        names = ("whole", "exact", "floating", "details", "pictures")
        whole, detailed, floating, details, pictures = (Path(place) / name for name in names)
        for folder in (whole, detailed, floating, details, pictures):
            folder.mkdir()
        for path, _ in find_files([str(options.folder)], SUFFIXES)[:: options.every]:
            (pictures / path.name).symlink_to(path.resolve())
        save_details(pictures, details)
        result = {
            "command": "python experiments/exactness.py " + " ".join(sys.argv[1:]),
            "settings": {name: SETTINGS[name] for name in every},
            "decode_ms": decode_milliseconds({"exact": exact, "floating": options.floating}, BUNDLED),
            "exact, details": compare(details, exact, every, detailed),
            "floating, details": compare(details, options.floating, every, floating),
            "exact, whole pictures": compare(pictures, exact, list(QUICK), whole),
        }
    write_atomically(RESULTS, lambda file: file.write((json.dumps(result, indent=1) + "\n").encode()))


if __name__ == "__main__":
    main()
