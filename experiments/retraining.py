"""The grid of retraining, by file bytes, from one base model that was trained by rounding:

    git show 7624e6d:src/trellic/models/base.trm > runs/rounding.trm
    python experiments/retraining.py runs/rounding.trm kodak=../shared/data/test/kodak gb82=../shared/data/test/gb82

The base is that model without reconstruction points, calibrated and with refitted tables: what it had was found with
points that its synthesis does not want. For each quantizer one chain
of stages (A the synthesis, B the entropy networks, C the synthesis again, D everything with the quantizer in the loop;
tables refitted after each) and its control, the synthesis on noisy latents for as many steps. The model that ships
stands beside them. Writes experiments/results/retraining_NAME.json for each set, picture by picture. Both halves resume
where they stopped.
"""

import argparse
import json
import sys
from pathlib import Path

from quantizers import RESULTS, Variant, run, without

from trellic.cli.calibrate import calibrate
from trellic.cli.fit_tables import fit_tables
from trellic.model import DEFAULT, ModelFile, find_model
from trellic.train.chain import TABLES, retrain

DATA = Path("../shared/data")
CONFIG = Path(__file__).with_suffix(".toml")
QUANTIZERS = ("tcq8", "uniform", "rdoq", "tcq4")
CHAIN = ("synthesis", TABLES, "entropy", TABLES, "synthesis", TABLES, "joint", TABLES)
STAGES = {"A": 2, "A+B": 4, "A+B+C": 6, "A+B+C+D": 8}
"""How many stages of the chain each column of the grid has behind it."""
CONTROL = ("noise", TABLES)
QUALITIES = (10, 35, 65, 90)


def base_of(trained: Path, runs: Path) -> Path:
    """Return a trained model with its quantizers calibrated and their tables refitted, as it was rounded."""
    bare, calibrated, base = (runs / f"{name}.trm" for name in ("bare", "calibrated", "base"))
    runs.mkdir(parents=True, exist_ok=True)
    if not calibrated.exists():
        without(ModelFile.read(trained), bare, "points_")
        calibrate([str(DATA / "valid/cid22")], calibrated, str(bare), every=6, force=True)
    if not base.exists():
        fit_tables([str(DATA / "train")], base, str(calibrated), every=15)
    return base


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trained", type=Path, metavar="MODEL.trm")
    parser.add_argument("sets", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--quantizers", nargs="+", default=QUANTIZERS, help="those of the grid's rows")
    parser.add_argument("--runs", type=Path, default=Path("runs/retraining"))
    options = parser.parse_args()
    base = base_of(options.trained, options.runs)
    variants: dict[Variant, Path] = {}

    def retrained(name: str, stages: tuple[str, ...], folder: str) -> Path:
        return retrain(base, stages, CONFIG, {"quantizer": name}, options.runs / folder, options.runs / "cache",
                       lambda entry: print(json.dumps(entry), file=sys.stderr, flush=True))  # fmt: skip

    for name in options.quantizers:
        variants[name, "before"] = base
        for column, count in STAGES.items():
            variants[name, column] = retrained(name, CHAIN[:count], name)
        variants[name, "control"] = retrained(name, CONTROL, f"{name}-control")
    variants["tcq8", "shipped"] = find_model(DEFAULT)
    head = {
        "command": f"python experiments/retraining.py {' '.join(sys.argv[1:])}",
        "model": ModelFile.read(base).name,
        "models": {f"{name}, {column}": ModelFile.read(path).name for (name, column), path in variants.items()},
    }
    for name, folder in (text.split("=", 1) for text in options.sets):
        run(variants, Path(folder), RESULTS / f"retraining_{name}.json", {**head, "set": name}, QUALITIES)


if __name__ == "__main__":
    main()
