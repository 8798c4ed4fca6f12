"""What retraining did for the released model, and does for other quantizers as such, by file bytes:

    git show 5c23c44:src/trellic/models/base.trm > runs/before.trm
    python experiments/released.py kodak=../shared/data/test/kodak gb82=../shared/data/test/gb82

That commit has the model which the released one was retrained from, trained by rounding. `joint` is the released model
retrained for another quantizer; what is missing of it in runs/own is trained first. All are calibrated, and their
tables fitted, alike and by the same code. Writes experiments/results/released_NAME.json for each set, picture by
picture; resumable.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from quantizers import RESULTS, Variant, run

from trellic.evaluate.calibrate import GRIDS
from trellic.model import DEFAULT, ModelFile, find_model
from trellic.train.chain import retrain

RUNS = Path("runs")
RECIPE = Path(__file__).parent.parent / "src/trellic/train/recipes/own.toml"
OTHERS = ("uniform", "rdoq")
TRELLIS = ("tcq4", "tcq8")
DATA = "../shared/data"
CALIBRATE, FIT = ("calibrate", f"{DATA}/valid/cid22", "--every", "6"), ("fit-tables", f"{DATA}/train", "--every", "20")


def own(quantizer: str, start: Path) -> Path:
    """Return a model retrained for a quantizer, set up for it; trained if not there."""
    place = RUNS / "own" / quantizer
    model = retrain(start, ["joint"], RECIPE, {"quantizer": quantizer}, place, RUNS / "cache", print)
    return set_up(model, place, [quantizer])


def set_up(model: Path, place: Path, quantizers: Sequence[str]) -> Path:
    """Return a model calibrated for those quantizers that have settings, and fitted; made in a folder if not there."""
    place.mkdir(parents=True, exist_ok=True)
    with_settings = [quantizer for quantizer in quantizers if quantizer in GRIDS]
    for (verb, *options), names in ((CALIBRATE, with_settings), (FIT, quantizers)):
        if not names:
            continue
        made = place / f"{verb}.trm"
        if not made.exists():
            chosen = [word for name in names for word in ("--quantizer", name)]
            command = [sys.executable, "-m", "trellic", verb, *options, *chosen]
            subprocess.run([*command, "--model", str(model), "--out", str(made)], check=True)
        model = made
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", metavar="NAME=FOLDER")
    options = parser.parse_args()
    before = set_up(RUNS / "before.trm", RUNS / "own" / "before", (*OTHERS, *TRELLIS))
    shipped = find_model(DEFAULT)
    variants: dict[Variant, Path] = {(quantizer, "before"): before for quantizer in (*OTHERS, *TRELLIS)}
    variants |= {(quantizer, "joint"): own(quantizer, shipped) for quantizer in OTHERS}
    variants |= {(quantizer, "released"): shipped for quantizer in ("uniform", *TRELLIS)}
    command = f"python experiments/released.py {' '.join(options.sets)}"
    for name, pictures in (text.split("=", 1) for text in options.sets):
        head = {"command": command, "model": ModelFile.read(shipped).name, "set": name}
        run(variants, Path(pictures), RESULTS / f"released_{name}.json", head)


if __name__ == "__main__":
    main()
