"""Designs of the networks at equal training time: held-out cost against decoding cost and time.

    python experiments/designs.py --minutes 3 --data ../shared/data --runs runs

writes experiments/results/designs.json; finished designs are not trained again. Every design trains with Adam on the
same pictures, from the same seed.
"""

import argparse
import json
import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from trellic.codec import Codec, Target
from trellic.evaluate.macs import count
from trellic.files import write_atomically
from trellic.model import ModelFile
from trellic.networks.design import Design
from trellic.picture.pillow import read
from trellic.train.config import TrainConfig
from trellic.train.data import Pixels, centres, list_pictures
from trellic.train.export import export
from trellic.train.loop import train
from trellic.train.pretrain import Pretraining

START = Design()
DESIGNS: dict[str, Design] = {
    "start": START,
    "lapped": replace(START, stem="lapped"),
    "no-context": replace(START, context=False),
    "dense": replace(START, blocks="dense", fine=(3, 4, 96), coarse=(3, 4, 128)),
    "gated": replace(START, blocks="gated", fine=(3, 4, 128), coarse=(3, 4, 256)),
}
RESULTS = Path(__file__).parent / "results" / "designs.json"
REPEATS = 9


def decode_milliseconds(model: Path) -> float:
    """Return the median time of decoding the demonstration's picture, 768×512, at quality 50 in a warm process."""
    from trellic.cli.demo import BUNDLED

    codec = Codec(str(model))
    data = codec.encode_picture(read(BUNDLED), Target(50)).data
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        codec.decode_picture(data)
        times.append(1000 * (time.perf_counter() - start))
    return sorted(times)[REPEATS // 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    options = parser.parse_args()
    train_folder, held_folder = options.data / "train", options.data / "valid" / "cid22"
    pixels = Pixels.of(list_pictures([train_folder]), options.runs / "cache")
    held_out = centres(list_pictures([held_folder]), 256)
    command = f"python experiments/designs.py --minutes {options.minutes:g}"
    records: list[dict[str, Any]] = []
    for name, design in DESIGNS.items():
        config = TrainConfig(
            pictures=(str(train_folder),), held_out=(str(held_folder),), minutes=options.minutes, warmup=40, average=40,
            judge_every=math.inf, design=design,
        )  # fmt: skip
        out = options.runs / f"design-{name}"
        out.mkdir(parents=True, exist_ok=True)
        model = train(config, Pretraining(config, pixels, held_out), out, lambda entry: None)
        judged = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()][-1]
        export(model, {"summary": name}, out / "model.trm")
        cost = judged["held_out"]["cost"]
        records.append({
            "design": name, "steps": judged["step"],
            "cost": cost if math.isfinite(cost) else None, "bpp": judged["held_out"]["bpp"],
            "psnr": judged["held_out"]["psnr"], "parameters": sum(weight.numel() for weight in model.parameters()),
            "decoder_kmac": count(ModelFile.read(out / "model.trm"))["decoder"] / 1000,
            "decode_ms": decode_milliseconds(out / "model.trm") if math.isfinite(cost) else None,
        })  # fmt: skip
        report = {"command": command, "minutes": options.minutes, "torch": torch.__version__, "records": records}
        write_atomically(RESULTS, lambda file, report=report: file.write(json.dumps(report, indent=1).encode()))
        print(name, cost, flush=True)


if __name__ == "__main__":
    main()
