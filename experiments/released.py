"""What retraining did for the released model, by file bytes:

    git show 5c23c44:src/trellic/models/base.trm > runs/before.trm
    python experiments/released.py kodak=../shared/data/test/kodak gb82=../shared/data/test/gb82

That commit has the model which the released one was retrained from, trained by rounding. Both were calibrated, and
their tables fitted, by the same commands. Writes experiments/results/released_NAME.json for each set, picture by
picture; resumable.
"""

import argparse
from pathlib import Path

from quantizers import RESULTS, Variant, run

from trellic.model import DEFAULT, ModelFile, find_model

BEFORE = Path("runs/before.trm")
SHOWN = ("uniform", "tcq8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", metavar="NAME=FOLDER")
    options = parser.parse_args()
    shipped = find_model(DEFAULT)
    variants: dict[Variant, Path] = {
        (quantizer, stage): model for stage, model in (("before", BEFORE), ("released", shipped)) for quantizer in SHOWN
    }
    command = f"python experiments/released.py {' '.join(options.sets)}"
    for name, pictures in (text.split("=", 1) for text in options.sets):
        head = {"command": command, "model": ModelFile.read(shipped).name, "set": name}
        run(variants, Path(pictures), RESULTS / f"released_{name}.json", head)


if __name__ == "__main__":
    main()
