"""What retraining for the trellis saved in the shipped model:

    python -m experiments run retraining

needs runs/before.trm, the model that the shipped one was retrained from, calibrated and fitted as that was, and takes
runs/uniform.trm too where it is there: the same, retrained for `uniform` as long.
"""

from pathlib import Path

from experiments.store import DEPLOYED, SETS, TEST, measure, ours

QUALITIES = (0, 25, 50, 75, 100)
MODELS = {"before": Path("runs/before.trm"), "retrained for uniform": Path("runs/uniform.trm")}


def run(data: Path) -> None:
    """Measure what is missing."""
    if not MODELS["before"].exists():
        print("retraining: skipped, there is no runs/before.trm")
        return
    codecs = [
        ours(quantizer, model=str(path))._replace(name=f"{quantizer}, {name}")
        for name, path in MODELS.items()
        if path.exists()
        for quantizer in (("uniform", DEPLOYED) if name == "before" else ("uniform",))
    ]
    codecs += [ours(quantizer)._replace(name=f"{quantizer}, shipped") for quantizer in ("uniform", DEPLOYED)]
    codecs = [codec._replace(curve=QUALITIES) for codec in codecs]
    measure("retraining", codecs, [data / SETS[group] for group in TEST], ("psnr",))
