"""The grid of retraining, from the shipped model, by file bytes:

    python experiments/retraining.py kodak=../shared/data/test/kodak gb82=../shared/data/test/gb82

For each quantizer one chain of stages (A the synthesis, B the entropy networks, C both again, D everything with the
quantizer in the loop; tables refitted after each) and its control, the synthesis on noisy latents for as many steps.
Writes experiments/results/retraining_NAME.json for each set, picture by picture. Both halves resume where they stopped.
"""

import argparse
import json
import sys
from pathlib import Path

from quantizers import RESULTS, Variant, run

from trellic.cli.retrain import RECIPE
from trellic.model import DEFAULT, ModelFile, find_model
from trellic.train.chain import TABLES, retrain

QUANTIZERS = ("tcq8", "uniform", "rdoq", "tcq4")
CHAIN = ("synthesis", TABLES, "entropy", TABLES, "synthesis", TABLES, "joint", TABLES)
STEPS = {"A": 2, "A+B": 4, "A+B+C": 6, "A+B+C+D": 8}
"""How many stages of the chain each column of the grid has behind it."""
CONTROL = ("noise", TABLES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--runs", type=Path, default=Path("runs/retraining"))
    parser.add_argument("--config", type=Path, default=RECIPE)
    parser.add_argument("--quantizers", nargs="+", default=QUANTIZERS)
    options = parser.parse_args()
    base = find_model(DEFAULT)
    variants: dict[Variant, Path] = {}

    def retrained(name: str, stages: tuple[str, ...], folder: str) -> Path:
        values = {"quantizer": name}
        return retrain(base, stages, options.config, values, options.runs / folder, options.runs / "cache",
                       lambda entry: print(json.dumps(entry), file=sys.stderr, flush=True))  # fmt: skip

    for name in options.quantizers:
        variants[name, "before"] = base
        for column, count in STEPS.items():
            variants[name, column] = retrained(name, CHAIN[:count], name)
        variants[name, "control"] = retrained(name, CONTROL, f"{name}-control")
    if ("uniform", "before") not in variants:
        variants["uniform", "before"] = base  # what every gain is measured from
    head = {"command": f"python experiments/retraining.py {' '.join(sys.argv[1:])}", "model": ModelFile.read(base).name}
    for name, folder in (text.split("=", 1) for text in options.sets):
        run(variants, Path(folder), RESULTS / f"retraining_{name}.json", {**head, "set": name})


if __name__ == "__main__":
    main()
