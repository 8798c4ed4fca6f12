"""Tables of what was measured on earlier models: mean curves of (bits a pixel, PSNR) by study, set and codec."""

import json
from typing import Any

from experiments.store import PUBLISHED, ROOT
from trellic.evaluate.report.published import read_published
from trellic.evaluate.report.tables import NOTHING, Table, percent
from trellic.evaluate.summary import Points, bits_against

RESULTS = ROOT / "history" / "results"
GRID, RETRAINED, PARTS = "c5620302c1e50d06", "0a251aca2d1b284a", "07e7e822848f6fef"
QUANTIZERS = ("uniform", "rdoq", "tcq4", "tcq8")
STAGES = ("before", "A", "A+B", "A+B+C", "A+B+C+D", "A+B+C+rounding", "control", "B", "exact", "joint", "released")
"""The order of rows, by what results call the stages."""
NAMES = {
    "A": "synthesis",
    "B": "entropy",
    "C": "both again",
    "D": "in the loop",
    "A+B+C+rounding": "by rounding instead",
}
"""What stages are called on the page, where results have letters."""
SETS = ("gb82", "kodak", "cid22")
SEED = "seed 5"
"""The second seed of the grid."""
Curves = dict[tuple[str, str], Points]
"""By set and codec."""


def lines_of(name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the head and the lines of a file."""
    head, *lines = map(json.loads, (RESULTS / f"{name}.jsonl").read_text().splitlines())
    return head, lines


def curves_of(model: str, study: str) -> Curves:
    """Return the mean curves of a study."""
    curves: Curves = {}
    for line in lines_of(model)[1]:
        if line["study"] == study:
            curves.setdefault((line["group"], line["codec"]), []).append((line["bpp"], line["psnr"]))
    return curves


def against(curves: Curves, group: str, anchor: str, codec: str) -> float | None:
    """Return the BD-rate of a codec against another on a set, or None where one was not measured."""
    pair = [curves.get((group, name)) for name in (anchor, codec)]
    rate = bits_against(pair[0], pair[1]) if pair[0] and pair[1] else None
    return rate.percent if rate else None


def in_order(codec: str) -> tuple[int, int, str]:
    """Return where a quantizer after a stage, and perhaps with a seed, stands in a table."""
    quantizer, stage, *rest = codec.split(", ")
    return QUANTIZERS.index(quantizer), STAGES.index(stage), " ".join(rest)


def table_of(curves: Curves, anchors: dict[str, str]) -> Table:
    """Return a row a codec, a column a set and an anchor; "" stands for the codec's own quantizer before."""
    rows = []
    for codec in sorted({codec for _, codec in curves}, key=in_order):
        quantizer, stage, *seed = codec.split(", ")
        name = NAMES.get(stage) or " + ".join(NAMES.get(part, part) for part in stage.split("+"))
        cells = [
            percent(against(curves, group, anchor or f"{quantizer}, before", codec), 2)
            for group in SETS
            for anchor in anchors.values()
        ]
        rows.append([quantizer, ", ".join([name, *seed]), *cells])
    return Table(["quantizer", "stage", *(f"{group}, against {name}" for group in SETS for name in anchors)], rows)


def slots() -> dict[str, str]:
    """Return the page's slots."""
    grid, retrained = curves_of(GRID, "grid"), curves_of(RETRAINED, "retrained")
    stages = ("A", "A+B", "A+B+C")
    chance = [
        rate
        for group in SETS
        for stage in stages
        if (rate := against(grid, group, f"tcq8, {stage}", f"tcq8, {stage}, {SEED}")) is not None
    ]
    in_loop = [
        f"{group} {percent(against(grid, group, f'tcq8, A+B+C+rounding, {SEED}', f'tcq8, A+B+C+D, {SEED}'), 2)}"
        for group in SETS
    ]
    minutes = lines_of(RETRAINED)[0]["minutes"]
    return {
        "minutes_released": str(minutes["released"]),
        "minutes_joint": str(minutes["joint"]),
        "grid_model": GRID,
        "retrained_model": RETRAINED,
        "parts_model": PARTS,
        "grid": table_of(grid, {"uniform": "uniform, before", "itself": ""}).markdown(),
        "retrained": table_of(
            retrained, {"uniform": "uniform, before", "uniform retrained": "uniform, joint"}
        ).markdown(),
        **{f"own_{group}": percent(against(retrained, group, "uniform, joint", "tcq8, released")) for group in SETS},
        "paper_kodak": percent(against(grid, "kodak", "uniform, before", "tcq8, A+B+C+D"), 2),
        "chance": f"{max(map(abs, chance)):.2f} %",
        "in_loop": ", ".join(in_loop),
        "parts": _parts().markdown(),
        "vtm": _vtm(),
        **_gradients(),
        **_designs(),
    }


def _parts() -> Table:
    curves = curves_of(PARTS, "parts of the trellis")
    parts = ("refitted", "no weights", "falling scale")
    cells = [percent(against(curves, "cid22", "uniform, refitted", f"tcq8, {part}"), 2) for part in parts]
    return Table(["set", "tcq8", "without channel weights", "latents by falling scale"], [["cid22", *cells]])


def _vtm() -> str:
    ours = curves_of(RETRAINED, "rate and distortion")["kodak", "tcq8"]
    rate = bits_against(read_published(PUBLISHED)["kodak"]["vtm"], ours)
    return percent(rate.percent) if rate else NOTHING


def _gradients() -> dict[str, str]:
    """Return what latents of each scale cost and buy, and how true gradients are."""
    head, lines = lines_of("gradients")
    qualities = sorted({line["quality"] for line in lines})
    columns = [(quantizer, quality) for quantizer in head["models"] for quality in qualities]
    tables = {}
    for key, name in (("price", "marginal rate"), ("balance", "gradient ratio")):
        rows = []
        for low, high in sorted({(line["low"], line["high"]) for line in lines}):
            own = {(line["quantizer"], line["quality"]): line[key] for line in lines if line["low"] == low}
            scales = f"{low:g} to {high:g}" if high < 100 else f"{low:g} and more"
            rows.append([scales, *(f"{own[column]:.2f}" for column in columns)])
        titles = [f"{quantizer}, quality {100 * quality:g}" for quantizer, quality in columns]
        tables[key] = Table([f"{name}, scales", *titles], rows).markdown()
    models = ", ".join(f"{quantizer} `{model}`" for quantizer, model in head["models"].items())
    return {**tables, "gradient_models": models}


def _designs() -> dict[str, str]:
    head, lines = lines_of("designs")
    rows = [
        [
            line["design"],
            "diverged" if line["cost"] is None else f"{line['cost']:.3f}",
            str(line["steps"]),
            f"{line['decoder_kmac']:.1f}",
            NOTHING if line["decode_ms"] is None else f"{line['decode_ms']:.0f}",
        ]
        for line in lines
    ]
    table = Table(["design", "cost", "steps", "decoder kMAC/px", "decode 768×512 (ms)"], rows)
    return {"designs": table.markdown(), "minutes": f"{head['minutes']:g}"}
