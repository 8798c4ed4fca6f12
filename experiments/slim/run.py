"""Slim models of one game's frames: cut and trained on them, beside one trained on photographs, and beside an adapter.

    python -m experiments run slim

trains what is missing in runs/slim (the adapter: runs/adapters), some minutes of one processor each, then measures all
of it anew. Times are the processor's, of one thread.
"""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from experiments.adapters.run import DOMAINS, whole
from experiments.adapters.run import FOLDER as ADAPTERS
from experiments.adapters.run import train as train_adapter
from experiments.store import keep, ours
from trellic.cli.train import report
from trellic.codec import Codec, Target
from trellic.evaluate.measure import Harness, Results, processes
from trellic.files import write_bytes
from trellic.jobs.local import complain
from trellic.jobs.plan import find_files
from trellic.model import DEFAULT, Model, Sessions, find_model
from trellic.picture.kinds import readable_suffixes
from trellic.picture.pillow import read, readable
from trellic.picture.types import Picture

FOLDER = Path("runs/slim")
DOMAIN, PRESET = "game3d", "slim"
STEPS = 1200
"""Of each of the two stages."""
KINDS = {"frames": ("domains/game3d/adapt", 1), "photographs": ("train/photos", 10)}
"""What slim models are trained on: a folder, and every how many of its pictures."""
EVERY = 4
"""Of the test pictures."""
QUALITIES = (10, 30, 50, 70, 90)
REPEATS = 7

Line = dict[str, Any]


def run(data: Path) -> None:
    """Train what is missing, and measure."""
    os.environ["TRELLIC_MODELS"] = str(ADAPTERS.resolve())
    for kind, (folder, every) in KINDS.items():
        train(data / folder, every, FOLDER / f"{kind}.trm")
    models = {"wide": DEFAULT, **{f"slim, {kind}": str(FOLDER / f"{kind}.trm") for kind in KINDS}}
    codecs = [ours(threads=1, model=model)._replace(name=name, model="") for name, model in models.items()]
    if train_adapter(data / "domains" / DOMAIN / "adapt", ADAPTERS / f"{DOMAIN}.tra", DOMAINS[DOMAIN]):
        codecs.append(whole("wide, adapter", DOMAIN, "adapted"))
    results = Results(None)
    paths = sorted((data / "domains" / DOMAIN / "test").iterdir())[::EVERY]
    with processes(beside=0) as pool:
        harness = Harness([codec._replace(curve=QUALITIES) for codec in codecs], results, ("psnr",), pool, complain)
        for path, picture in readable(paths, complain):
            harness.measure(DOMAIN, path.name, picture.pixels)
            complain(f"slim: {path.name}")
    keep("slim", [*costs(models, read(paths[0])), *(asdict(record) for record in results.records)])


def train(pictures: Path, every: int, out: Path) -> None:
    """Train a slim model, unless it is there."""
    from trellic.train.slim import make_slim  # here, so that pages need no torch

    if not out.exists():
        paths = [path for path, _ in find_files([str(pictures)], readable_suffixes())][::every]
        budget = {"steps": STEPS, "minutes": 0}
        made = make_slim(find_model(DEFAULT), PRESET, paths, budget, FOLDER / out.stem, FOLDER / "cache", report)
        write_bytes(out, made.pack())


def costs(models: Mapping[str, str], picture: Picture) -> list[Line]:
    """Return what decoding a frame costs by each model: kMAC a pixel, bytes, and milliseconds, taken in turn."""
    streams, work = {}, dict[str, dict[str, Callable[[], object]]]()
    for name, model in models.items():
        codec = Codec(model, threads=1)
        streams[name] = codec.encode_picture(picture, Target(50)).data
        sessions, shape = codec.sessions, tuple(-(-side // 64) * 4 for side in picture.pixels.shape[:2])
        latents = np.random.default_rng(0).normal(0, 1, (codec.model.latents, *shape)).astype(np.float32)
        work[name] = {
            "decode_ms": lambda codec=codec, name=name: codec.decode_picture(streams[name]),  # type: ignore[misc]
            "synthesis_ms": lambda sessions=sessions, latents=latents: _synthesize(sessions, latents),  # type: ignore[misc]
        }
    times: dict[tuple[str, str], list[float]] = {}
    for _ in range(REPEATS + 1):
        for name, each in work.items():
            for what, call in each.items():
                start = time.process_time()
                call()
                times.setdefault((name, what), []).append(1000 * (time.process_time() - start))
    lines = []
    for name, model in models.items():
        read_model = Model.read(find_model(model))
        macs = {graph: value / 1000 for graph, value in read_model.card["macs_per_pixel"].items()}
        decoder = sum(value for graph, value in macs.items() if graph in read_model.file.graphs["decoder"])
        lines.append({
            "model": name, "hash": read_model.name, "bytes": len(read_model.pack()), "decoder_kmacs": decoder,
            "synthesis_kmacs": macs["synthesis"],
            **{what: median(times[name, what][1:]) for what in ("decode_ms", "synthesis_ms")},
        })  # fmt: skip
    return lines


def _synthesize(sessions: Sessions, latents: np.ndarray) -> object:
    return sessions.run("synthesis", [latents, np.float32(0.5)])
