"""What retraining did for the released model, and does for other quantizers as such, by file bytes:

    git show 5c23c44:src/trellic/models/base.trm > runs/before.trm
    python experiments/released.py kodak=../shared/data/test/kodak gb82=../shared/data/test/gb82

That commit has the model which the released one was retrained from, trained by rounding. Both were calibrated, and
their tables fitted, by the same commands. `joint` is the same model retrained for another quantizer, whose steps and
strengths stay as they were before; what is missing of it in runs/own is trained first. Writes
experiments/results/released_NAME.json for each set, picture by picture; resumable.
"""

import argparse
from pathlib import Path

from quantizers import RESULTS, Variant, run

from trellic.model import DEFAULT, ModelFile, find_model
from trellic.train.chain import retrain

RUNS = Path("runs")
RECIPE = Path(__file__).parent.parent / "src/trellic/train/recipes/own.toml"
OTHERS = ("uniform", "rdoq")


def own(quantizer: str, start: Path) -> Path:
    """Return a model retrained for a quantizer, trained if it is not there."""
    place, cache = RUNS / "own" / quantizer, RUNS / "cache"
    return retrain(start, ["joint", "tables"], RECIPE, {"quantizer": quantizer}, place, cache, print)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", metavar="NAME=FOLDER")
    options = parser.parse_args()
    before, shipped = RUNS / "before.trm", find_model(DEFAULT)
    variants: dict[Variant, Path] = {(quantizer, "before"): before for quantizer in (*OTHERS, "tcq8")}
    variants |= {(quantizer, "joint"): own(quantizer, before) for quantizer in OTHERS}
    variants |= {(quantizer, "released"): shipped for quantizer in ("uniform", "tcq8")}
    command = f"python experiments/released.py {' '.join(options.sets)}"
    for name, pictures in (text.split("=", 1) for text in options.sets):
        head = {"command": command, "model": ModelFile.read(shipped).name, "set": name}
        run(variants, Path(pictures), RESULTS / f"released_{name}.json", head)


if __name__ == "__main__":
    main()
