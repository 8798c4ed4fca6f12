"""Do streams decode to the same indices whatever wrote them and whatever reads them?

    python experiments/exactness.py ../shared/data/valid/cid22 --floating runs/rounding.trm

Every picture is encoded at three qualities by every quantizer under every setting of WHOLE, each in a process of its
own, and every stream that any of them wrote is decoded under all of them: all pairs of writer and reader. The settings
of PARTIAL, which are slow, write the first pictures only, and read what all wrote of these. A reader's SHA-256 of the
indices is compared with the writer's own. The control is a model whose entropy networks are not exact, on the first
pictures. Writes experiments/results/exactness.json.

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
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from trellic.codec import Codec, Target
from trellic.codec.encoder import analyse, quantize_in_order
from trellic.container.header import QUALITY_ONE
from trellic.errors import TrellicError
from trellic.files import write_atomically
from trellic.image import SUFFIXES, read
from trellic.model import DEFAULT, find_model
from trellic.quantize import QUANTIZERS

RESULTS = Path(__file__).parent / "results" / "exactness.json"
QUALITIES = (10, 50, 90)
OLD_NUMPY = {"NPY_DISABLE_CPU_FEATURES": "AVX512_ICL AVX512_CLX AVX512_SKX AVX512F FMA3 AVX2"}
GENERIC = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
WHOLE: dict[str, dict[str, str]] = {
    "native": {},
    "one thread": {"THREADS": "1"},
    "three threads": {"THREADS": "3"},
    "graphs as they are": {"GRAPHS": "plain"},
    "generic kernels": {**GENERIC, **OLD_NUMPY},
    "torch, native": {"RUNTIME": "torch"},
    "torch, SSE4.1": {"RUNTIME": "torch", "ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"},
}
PARTIAL: dict[str, dict[str, str]] = {
    "numpy, double precision": {"RUNTIME": "numpy"},
    "emulated-Haswell": {"EMULATED": "Haswell", "THREADS": "1", **GENERIC},
    "emulated-Nehalem": {"EMULATED": "Nehalem", "THREADS": "1", **GENERIC},
}
SETTINGS = WHOLE | PARTIAL
FEW = 2
"""Pictures for the settings of PARTIAL."""


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

        networks = {name: network for name, (network, _) in networks_of(load(codec.model).eval()).items()}
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

    def side(self, rows: Any, indices: Any) -> None:
        self.digest.update(indices.astype("<i4").tobytes())

    def latents(self, table_rows: Any, indices: Any, line: Any, parameters: Any) -> None:
        self.digest.update(indices.astype("<i4").tobytes())


def write(folder: Path, out: Path) -> dict[str, dict[str, str]]:
    """Encode every picture; keep streams by their own SHA-256, and return it with the indices', by case."""
    found, made = codecs(), {}
    for path in pictures(folder):
        picture = read(path)
        for (name, codec), quality in ((item, quality) for item in found.items() for quality in QUALITIES):
            data = codec.encode_picture(picture, Target(quality)).data
            sink = Hashed()
            analysed = analyse(codec.networks, picture.pixels)
            quantize_in_order(codec.networks, analysed, quality * QUALITY_ONE, codec.quantization, sink)
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


def pictures(folder: Path) -> Iterator[Path]:
    few = int(os.environ.get("FEW", "0"))
    paths = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
    yield from paths[: few or len(paths)]


def in_process(setting: str, few: int, model: Path, action: str, request: tuple[Any, Path]) -> Any:
    """Run an action in a process of its own under a setting."""
    values = {**SETTINGS[setting], "MODEL": str(model), "TRELLIC_MODELS": str(model.parent), "FEW": str(few)}
    if "NUMBA_CPU_NAME" in values:  # an emulator takes minutes to compile: it finds what "generic kernels" compiled
        values["NUMBA_CACHE_DIR"] = str(request[1] / "kernels")
    emulator = ["qemu-x86_64", "-cpu", values["EMULATED"]] if "EMULATED" in values else []
    done = subprocess.run(
        [*emulator, sys.executable, __file__, "--worker", action],
        env={**os.environ, **values}, input=json.dumps([request[0], str(request[1])]),
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def compare(folder: Path, model: Path, settings: dict[str, int], out: Path) -> dict[str, Any]:
    """Write and read under every setting, of so many pictures each, 0 for all; return what agreed."""
    made, started = {}, time.monotonic()
    for setting, few in settings.items():
        made[setting] = in_process(setting, few, model, "write", (str(folder), out))
        print(f"{setting}: {len(made[setting])} written, {time.monotonic() - started:.0f} s", file=sys.stderr)
    expected = {case["stream"]: case["indices"] for cases in made.values() for case in cases.values()}
    small = {case["stream"] for setting, few in settings.items() if few for case in made[setting].values()}
    small |= {cases[name]["stream"] for cases in made.values() for name in made[list(settings)[-1]] if name in cases}
    pairs = []
    for reader, few in settings.items():
        streams = sorted(small if few else expected)
        found = in_process(reader, few, model, "read", (streams, out))
        print(f"{reader}: {len(streams)} read, {time.monotonic() - started:.0f} s", file=sys.stderr)
        for writer, cases in made.items():
            read_of = [case for case in cases.values() if case["stream"] in found]
            same = Counter(found[case["stream"]] == case["indices"] for case in read_of)
            pairs.append({"writer": writer, "reader": reader, "streams": len(read_of), "same": same[True]})
    native = made[next(iter(settings))]
    identical = {
        setting: sum(case["stream"] == native[name]["stream"] for name, case in cases.items())
        for setting, cases in made.items()
    }
    return {"model": model.stem, "pairs": pairs, "streams": len(expected), "same_bytes_as_native": identical}


def main() -> None:
    if sys.argv[1:2] == ["--worker"]:
        first, second = json.load(sys.stdin)
        done = write(Path(first), Path(second)) if sys.argv[2] == "write" else decode_all(first, Path(second))
        print(json.dumps(done))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--floating", type=Path, required=True, help="A model whose networks are not exact.")
    options = parser.parse_args()
    settings = dict.fromkeys(WHOLE, 0)
    settings |= {name: FEW for name, own in PARTIAL.items() if "EMULATED" not in own or shutil.which("qemu-x86_64")}
    few = dict.fromkeys(settings, FEW)
    with tempfile.TemporaryDirectory() as exact, tempfile.TemporaryDirectory() as floating:
        result = {
            "command": "python experiments/exactness.py " + " ".join(sys.argv[1:]),
            "settings": {name: SETTINGS[name] for name in settings},
            "exact": compare(options.folder, find_model(DEFAULT), settings, Path(exact)),
            "floating": compare(options.folder, options.floating, few, Path(floating)),
        }
    write_atomically(RESULTS, lambda file: file.write((json.dumps(result, indent=1) + "\n").encode()))


if __name__ == "__main__":
    main()
