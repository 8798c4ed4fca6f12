"""Tables of accuracy and of retrieval."""

from statistics import mean, stdev

from experiments.machine.run import KINDS, QUALITIES, RETRIEVED_AT
from experiments.store import lines_of
from trellic.evaluate.report.tables import Table

NAMES = {
    "base": "features of the base",
    "pixels": "Lite0 on the decoded picture",
    "latents": "the base's latents, pooled",
    "colour": "colour and contrast",
}


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, lines = lines_of("machine")
    heads = {kind: [line for line in lines if line.get("kind") == kind and "seed" in line] for kind in KINDS}
    rows = [
        [NAMES[kind], *(_interval([one["accuracy"][str(quality)] for one in heads[kind]]) for quality in QUALITIES)]
        for kind in KINDS
    ]
    found = {(line["kind"], line["quality"]): line for line in lines if "retrieved" in line}
    retrieved = [
        [NAMES[kind], *(f"{100 * found[kind, quality]['retrieved']:.1f}" for quality in RETRIEVED_AT)] for kind in KINDS
    ]
    behind = [
        100 * (pixels["accuracy"]["50"] - base["accuracy"]["50"])
        for pixels, base in zip(heads["pixels"], heads["base"], strict=True)
    ]
    fall = mean(100 * (one["accuracy"]["80"] - one["accuracy"]["10"]) for one in heads["base"])
    (costs,) = (line for line in lines if "macs" in line)
    macs = costs["macs"]
    any_found = found["base", RETRIEVED_AT[0]]
    return {
        **{key: head[key] for key in ("command", "commit", "model")},
        "accuracy": Table(["", *(f"quality {quality}" for quality in QUALITIES)], rows).markdown(),
        "retrieved": Table(["", *(f"quality {quality}" for quality in RETRIEVED_AT)], retrieved).markdown(),
        "pictures": str(costs["pictures"]),
        "seeds": str(len(heads["base"])),
        "fall": f"{fall:.1f}",
        "behind": f"{mean(behind):.1f}",
        "behind_error": _error(behind),
        "seconds": f"{mean(one['seconds'] for one in heads['base']):.1f}",
        "objects": str(any_found["objects"]),
        "photographs": str(any_found["of"]),
        "parts": ", ".join(
            f"{100 * line['part']:.0f} % at quality {line['quality']}" for line in lines if "part" in line
        ),
        "bytes": f"{costs['bytes']:,}",
        "macs_base": f"{macs['base'] / 1000:.1f}",
        "macs_pixels": f"{macs['pixels'] / 1000:.1f}",
        "macs_part": f"{100 * macs['base'] / macs['pixels']:.0f}",
    }


def _interval(fractions: list[float]) -> str:
    """Return mean and standard error in percent."""
    percents = [100 * one for one in fractions]
    return f"{mean(percents):.1f} {_error(percents)}"


def _error(values: list[float]) -> str:
    return f"± {stdev(values) / len(values) ** 0.5:.1f}"
