"""Do streams decode to the same indices whatever wrote them and whatever reads them?

Every picture is encoded at three qualities by every kind of quantizer, and in layers, under every setting, each in a
process of its own, and every stream that any of them wrote, and every prefix of one in layers, is decoded under all of
them: all pairs of writer and reader. The same for
a detail with emulated processors, which only read; they need qemu-user and are skipped where it is missing.
What other runtimes make of the networks is held by tests.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from experiments.quantizers.run import NAMES
from experiments.store import ROOT, SETS, keep
from trellic.codec import Codec, Target
from trellic.codec.layer_targets import LayerTargets
from trellic.container import Stream
from trellic.errors import TrellicError
from trellic.jobs.local import complain
from trellic.jobs.plan import find_files
from trellic.picture.kinds import readable_suffixes
from trellic.picture.pillow import read

QUALITIES, LAYERS = (10, 50, 90), 6
EVERY = 6
"""One picture of cid22 in so many."""
OLD_NUMPY = {"NPY_DISABLE_CPU_FEATURES": "AVX512_ICL AVX512_CLX AVX512_SKX AVX512F FMA3 AVX2"}
GENERIC = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
SETTINGS: dict[str, dict[str, str]] = {
    "native": {},
    "one thread": {"THREADS": "1"},
    "three threads": {"THREADS": "3"},
    "graphs as they are": {"GRAPHS": "plain"},
    "generic kernels": {**GENERIC, **OLD_NUMPY},
}
EMULATED: dict[str, dict[str, str]] = {
    "emulated Haswell": {"EMULATED": "Haswell", "THREADS": "1", **GENERIC},
    "emulated Sandy Bridge": {"EMULATED": "SandyBridge", "THREADS": "1", **GENERIC},
}
"""With AVX2 and fused multiplication, and without; numpy as PyPI has it starts on nothing older."""
SIDE = 128
"""Of the detail that emulated processors read."""


def optimize_no_graphs() -> None:
    """Let onnxruntime run graphs as they are."""
    import onnxruntime

    class Plain(onnxruntime.SessionOptions):
        def __init__(self) -> None:
            super().__init__()
            self.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL

    onnxruntime.SessionOptions = Plain


def write(folder: Path, out: Path) -> dict[str, str]:
    """Encode every picture; keep streams by their SHA-256, and return the indices' hash of each."""
    made = {}
    targets = {"": LayerTargets(LAYERS), **dict.fromkeys(NAMES)}
    for quantizer, layers in targets.items():
        codec = Codec(threads=int(os.environ.get("THREADS", "2")), quantizer=quantizer)
        for path, _ in find_files([str(folder)], readable_suffixes()):
            for quality in QUALITIES:
                whole = Stream.parse(codec.encode_picture(read(path), Target(quality, layers=layers)).data)
                prefixes = [whole.keeping(count) for count in range(1, whole.layer_count + 1)] if layers else [whole]
                for data in (prefix.copy() for prefix in prefixes):
                    stream = hashlib.sha256(data).hexdigest()
                    (out / stream).write_bytes(data)
                    made[stream] = codec.verify(data)
    return made


def decode_all(streams: list[str], out: Path) -> dict[str, str]:
    """Return what the indices of each stream hash to, or the error."""
    codec, found = Codec(threads=int(os.environ.get("THREADS", "2"))), {}
    for stream in streams:
        try:
            found[stream] = codec.verify((out / stream).read_bytes())
        except TrellicError as error:
            found[stream] = type(error).__name__
    return found


def in_process(settings: dict[str, str], *request: Any) -> Any:
    """Run an action in a process of its own under settings."""
    values = dict(settings)
    if "NUMBA_CPU_NAME" in values:  # an emulator takes minutes to compile: it finds what "generic kernels" compiled
        values["NUMBA_CACHE_DIR"] = str(Path(request[-1]) / "kernels")
    emulator = ["qemu-x86_64", "-cpu", values["EMULATED"]] if "EMULATED" in values else []
    done = subprocess.run(
        [*emulator, sys.executable, "-m", "experiments.exactness.run"], cwd=ROOT.parent, text=True, check=True,
        env={**os.environ, **values}, input=json.dumps([str(r) if isinstance(r, Path) else r for r in request]),
        stdout=subprocess.PIPE,
    )  # fmt: skip
    return json.loads(done.stdout)


def pairs(what: str, folder: Path, readers: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    """Write under every setting and read under all readers; return how many streams agreed, a line a pair."""
    with tempfile.TemporaryDirectory() as place:
        made = {name: in_process(settings, "write", folder, Path(place)) for name, settings in SETTINGS.items()}
        complain(f"exactness: {what} written")
        streams = sorted({stream for cases in made.values() for stream in cases})
        lines = []
        for reader, settings in readers.items():
            found = in_process(settings, "read", streams, Path(place))
            complain(f"exactness: {what} read by {reader}")
            for writer, cases in made.items():
                same = sum(found[stream] == indices for stream, indices in cases.items())
                lines.append({
                    "what": what, "writer": writer, "reader": reader, "streams": len(cases), "same": same,
                })  # fmt: skip
    return lines


def run(data: Path) -> None:
    """Measure all of it anew."""
    emulated = EMULATED if shutil.which("qemu-x86_64") else {}
    with tempfile.TemporaryDirectory() as place:
        whole, details = Path(place, "whole"), Path(place, "details")
        for folder in (whole, details):
            folder.mkdir()
        chosen = find_files([str(data / SETS["cid22"])], readable_suffixes())[::EVERY]
        for path, _ in chosen:
            (whole / path.name).symlink_to(path.resolve())
        first = read(chosen[0][0]).pixels
        Image.fromarray(first[:SIDE, :SIDE]).save(details / "detail.png")
        lines = pairs("whole pictures", whole, SETTINGS)
        lines += pairs("a detail", details, SETTINGS | emulated) if emulated else []
    keep("exactness", lines)


if __name__ == "__main__":
    if os.environ.get("GRAPHS") == "plain":
        optimize_no_graphs()
    action, first, second = json.load(sys.stdin)
    print(json.dumps(write(Path(first), Path(second)) if action == "write" else decode_all(first, Path(second))))
