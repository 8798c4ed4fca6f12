"""What retraining saved, against the model before and against one retrained for uniform."""

from experiments.store import DEPLOYED, TEST, results_of
from trellic.evaluate.report.tables import Table, percent
from trellic.evaluate.summary import PSNR, bits_against, mean_curve, of_group


def slots() -> dict[str, str]:
    """Return the page's slots."""
    results = results_of("retraining")
    anchors = [name for name in results.head.codecs if name.startswith("uniform") and "shipped" not in name]
    rows, saved = [], {}
    for name, about in results.head.codecs.items():
        row = [name, about.split(",")[0].removeprefix("model ")]
        for group in TEST:
            records = of_group(results.records, group)
            for anchor in anchors:
                rate = bits_against(mean_curve(records, anchor, PSNR), mean_curve(records, name, PSNR))
                saved[group, anchor, name] = percent(rate.percent if rate else None, 2)
                row.append(saved[group, anchor, name])
        rows.append(row)
    head = ["quantizer, model", "hash", *(f"{group}, against {anchor}" for group in TEST for anchor in anchors)]
    return {
        "model": results.head.model,
        "command": results.head.command,
        "commit": results.head.commit,
        "table": Table(head, rows).markdown(),
        "deployed": saved["kodak", anchors[-1], f"{DEPLOYED}, shipped"],
        "anchor": anchors[-1],
    }
