"""What retraining saves, quantizer by quantizer and stage by stage, by file bytes:

    git show 7624e6d:src/trellic/models/base.trm > runs/rounding.trm
    python experiments/retraining.py kodak=../shared/data/test/kodak gb82=../shared/data/test/gb82

From a model trained by rounding, for every quantizer: its tables refitted (before), A the synthesis retrained on its
latents, B the entropy networks, C both once more, D all weights with the quantizer in the loop, tables refitted each
time; and controls of as many steps: A on noise, and all weights by rounding in place of D. For tcq8 also B alone, and
the same with the entropy networks made exact: the difference is what exactness costs. Training goes on where it was
stopped, in runs/retraining, and so does measuring; `--quantizers` and `--cells` name what to do, and `--seed` trains
cells once more, to see what is chance. Writes experiments/results/retraining_NAME.json for each set, picture by
picture.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from quantizers import RESULTS, Variant, run, without

from trellic.model import ModelFile
from trellic.train.chain import retrain

RUNS = Path("runs")
RECIPE = Path(__file__).parent.parent / "src/trellic/train/recipes/grid.toml"
QUALITIES = (10, 35, 65, 90)
STAGES = ["tables", "synthesis", "tables", "entropy", "tables", "synthesis", "entropy", "tables", "joint", "tables"]
CELLS = {"before": 1, "A": 3, "A+B": 5, "A+B+C": 8, "A+B+C+D": 10}
"""By how many of the stages they take."""
OTHERS = {"control": "noise", "B": "entropy", "exact": "exact"}
"""By the one stage that they take between tables."""
CONTROL_OF_D = "A+B+C+rounding"
ALL = [*CELLS, CONTROL_OF_D, *OTHERS]
COST_OF_EXACTNESS = ("B", "exact")
"""Cells of tcq8 alone."""
SETTINGS: dict[str, dict[str, float]] = {
    "uniform": {},
    "rdoq": {"step": 1.04, "rate_weight": 0.02},
    "tcq4": {"step": 1.5625, "rate_weight": 0.02},
    "tcq8": {"step": 1.5625, "rate_weight": 0.02},
}
"""One step and rate weight for all qualities and cells, those that calibration finds most often after retraining."""


def cells_of(quantizer: str, cells: list[str], start: Path, seed: int | None) -> dict[Variant, Path]:
    """Train what is missing of a quantizer's cells; return their models."""
    values: dict[str, Any] = {"quantizer": quantizer, **SETTINGS[quantizer]}
    place, suffix = RUNS / "retraining" / quantizer, ""
    if seed is not None:
        values["seed"], place, suffix = seed, place / f"seed-{seed}", f", seed {seed}"

    def chain(model: Path, stages: list[str], name: str) -> Path:
        return retrain(model, stages, RECIPE, values, place / name, RUNS / "cache", print)

    def train(cell: str) -> Path:
        if cell == CONTROL_OF_D:
            return chain(train("A+B+C"), ["rounding", "tables"], cell)
        if cell in OTHERS:
            return chain(start, ["tables", OTHERS[cell], "tables"], cell)
        return chain(start, STAGES[: CELLS[cell]], "stages")

    wanted = [cell for cell in cells if quantizer == "tcq8" or cell not in COST_OF_EXACTNESS]
    return {(quantizer, f"{cell}{suffix}"): train(cell) for cell in wanted}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--quantizers", nargs="+", choices=list(SETTINGS), default=list(SETTINGS))
    parser.add_argument("--cells", nargs="+", choices=ALL, default=ALL)
    parser.add_argument("--seed", type=int, help="another seed than the recipe's, in cells of its own")
    options = parser.parse_args()
    start = RUNS / "retraining" / "start.trm"
    start.parent.mkdir(parents=True, exist_ok=True)
    without(ModelFile.read(RUNS / "rounding.trm"), start, "points_")
    variants: dict[Variant, Path] = {}
    for quantizer in options.quantizers:
        variants |= cells_of(quantizer, options.cells, start, options.seed)
    command = f"python experiments/retraining.py {' '.join(sys.argv[1:])}"
    for name, pictures in (text.split("=", 1) for text in options.sets):
        head = {"command": command, "model": ModelFile.read(start).name, "set": name}
        run(variants, Path(pictures), RESULTS / f"retraining_{name}.json", head, QUALITIES)


if __name__ == "__main__":
    main()
