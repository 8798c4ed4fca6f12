"""Whether gradients in the loop are to each other as rate and distortion really change, latents of each scale apart:

    git show 5c23c44:src/trellic/models/base.trm > runs/before.trm
    python experiments/gradients.py ../shared/data/valid/cid22

For `uniform` by the model before retraining, trained by rounding, and tcq8 by the released one; see
`trellic.train.balance`. Writes experiments/results/gradients.json.
"""

import argparse
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

from quantizers import RESULTS

from trellic.codec.deployed import DeployedQuantizer
from trellic.files import write_atomically
from trellic.model import DEFAULT, ModelFile, Networks, find_model
from trellic.quantize import quantizer_named
from trellic.train.balance import Balance
from trellic.train.data import centres, list_pictures
from trellic.train.load import load
from trellic.train.retrain import Subject

BEFORE = Path("runs/before.trm")
PICTURES, SIDE = 16, 256
QUALITIES = (0.15, 0.5, 0.85)
SCALES = (0.12, 0.2, 0.3, 0.45, 0.7, 1.1, 2.0, 400.0)
"""Between which scales latents are taken together; those of smaller ones are hardly ever coded."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    options = parser.parse_args()
    squares = centres(list_pictures([options.pictures]), SIDE)
    squares = squares[:: max(1, len(squares) // PICTURES)][:PICTURES]
    models = {"uniform": ModelFile.read(BEFORE), "tcq8": ModelFile.read(find_model(DEFAULT))}
    records: list[dict[str, Any]] = []
    for quantizer, file in models.items():
        networks = Networks(file)
        subject = Subject(load(file), DeployedQuantizer.of(networks, quantizer_named(quantizer)), networks.weights)
        for quality in QUALITIES:
            balance = Balance(subject, squares, quality)
            for low, high in pairwise(SCALES):
                found = balance.compare(low, high)._asdict()
                records.append({"quantizer": quantizer, "quality": quality, "low": low, "high": high, **found})
                print(records[-1], flush=True)
    named = {quantizer: file.name for quantizer, file in models.items()}
    result = {"command": f"python experiments/gradients.py {options.pictures}", "models": named, "records": records}
    text = json.dumps(result, indent=0)
    write_atomically(RESULTS / "gradients.json", lambda file: file.write(text.encode()))


if __name__ == "__main__":
    main()
