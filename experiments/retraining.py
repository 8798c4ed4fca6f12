"""What each stage of retraining saves, by file bytes, from the model trained by rounding to the one that ships:

    git show 7624e6d:src/trellic/models/base.trm > runs/rounding.trm
    trellic retrain runs/rounding.trm --stages points,exact,decoder,tables --out runs/retraining/decoder
    trellic retrain runs/rounding.trm --stages points,joint,tables --out runs/retraining/joint
    python experiments/retraining.py kodak=../shared/data/test/kodak gb82=../shared/data/test/gb82

The shipped model is the first chain's last one, calibrated and with tables refitted. The second chain, for comparison,
trained the analysis too, for 45 minutes at a learning rate of 4e-4. Before: the first model without the reconstruction
points that it had, which its synthesis does not want. Writes experiments/results/retraining_NAME.json for each set,
picture by picture, resumable.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from quantizers import RESULTS, Variant, run, without

from trellic.model import DEFAULT, ModelFile, find_model

RUNS = Path("runs")
QUALITIES = (10, 35, 65, 90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", metavar="NAME=FOLDER")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rounding = ModelFile.read(RUNS / "rounding.trm")
        before = without(rounding, Path(folder) / "before.trm", "points_")
        stages = RUNS / "retraining"
        variants: dict[Variant, Path] = {
            ("uniform", "before"): before,
            ("tcq8", "before"): before,
            ("tcq8", "points"): stages / "decoder/1-points/model.trm",
            ("tcq8", "exact"): stages / "decoder/2-exact/model.trm",
            ("tcq8", "decoder"): stages / "decoder/4-tables/model.trm",
            ("tcq8", "shipped"): find_model(DEFAULT),
            ("uniform", "shipped"): find_model(DEFAULT),
            ("tcq8", "joint instead"): stages / "joint/3-tables/model.trm",
        }
        names = {", ".join(variant): ModelFile.read(path).name for variant, path in variants.items()}
        command = f"python experiments/retraining.py {' '.join(sys.argv[1:])}"
        for name, pictures in (text.split("=", 1) for text in options.sets):
            head = {"command": command, "model": names["tcq8, shipped"], "models": names, "set": name}
            run(variants, Path(pictures), RESULTS / f"retraining_{name}.json", head, QUALITIES)


if __name__ == "__main__":
    main()
