"""The shipped model's card as tables."""

from collections.abc import Iterator
from typing import Any

from trellic.cli.options import DEFAULT
from trellic.evaluate.report.tables import Table
from trellic.model import Model, find_model

HOUR, THOUSAND = 3600, 1000
DIGITS = 12
"""Of hashes: a page names one model in full, the shipped one."""
ENCODER = ("analysis", "hyper_analysis")

Card = dict[str, Any]


def slots() -> dict[str, str]:
    """Return the page's slots."""
    model = Model.read(find_model(DEFAULT))
    card = model.card
    runs = list(_runs(card["trained"]))
    last = runs[0]["config"]
    return {
        "model": model.name,
        "pictures": str(runs[0]["pictures"]["pictures"]),
        "digest": runs[0]["pictures"]["digest"][:DIGITS],
        "mix": ", ".join(f"`{name}` {value:g}" for name, value in last["mix"].items()),
        "precision": last["precision"],
        "runs": Table(
            ["stage", "quantizer", "steps", "hours", "batch", "optimizer", "rate", "schedule", "seed", "commits"],
            [_row(run) for run in runs],
        ).markdown(),
        "before": _before(runs[-1].get("started_from", {}).get("model", "")),
        "tuned": Table(
            ["quantizer", "operating points"],
            [
                [name, ", ".join(f"{100 * quality:g}: {step:g}" for quality, step, _ in found["operating_points"])]
                for name, found in card["quantizers"].items()
                if found.get("operating_points")
            ],
            words=True,
        ).markdown(),
        "macs": _computation(card["macs_per_pixel"]).markdown(),
    }


def _runs(trained: Card | None) -> Iterator[Card]:
    """Yield what a card says of each run, the last one first."""
    while trained:
        yield trained
        trained = trained.get("started_from", {}).get("trained")


def _before(model: str) -> str:
    if not model:
        return "The first of them began with nothing."
    return f"The first of them began with model `{model[:DIGITS]}`, an unreleased state whose card was not kept."


def _row(run: Card) -> list[str]:
    config, commits = run["config"], [session["commit"][:12] for session in run["sessions"]]
    return [
        config["stage"],
        config["quantizer"],
        f"{run['steps']:,}",
        f"{run['wall_seconds'] / HOUR:.2f}",
        str(config["batch"]),
        config["optimizer"],
        f"{config['learning_rate']:g}",
        config["schedule"],
        str(config["seed"]),
        " … ".join(dict.fromkeys((commits[0], commits[-1]))),
    ]


def _computation(macs: dict[str, float]) -> Table:
    decoder = sum(found for name, found in macs.items() if name not in ENCODER)
    rows = [[name, f"{found / THOUSAND:.2f}"] for name, found in macs.items()]
    return Table(["network", "kMAC a pixel"], [*rows, ["decoder in all", f"{decoder / THOUSAND:.2f}"]])
