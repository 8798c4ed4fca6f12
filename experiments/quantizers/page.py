"""What each quantizer saves against uniform quantization by the same networks."""

from experiments.quantizers.run import NAMES
from experiments.store import DEPLOYED, TEST, results_of
from trellic.evaluate.report.tables import NOTHING, Table, percent
from trellic.evaluate.summary import PSNR, bits_against, bits_at, mean_curve, of_group, pictures_of, saving


def slots() -> dict[str, str]:
    """Return the page's slots."""
    results = results_of("quantizers")
    rows = []
    best = {}
    for group in TEST:
        records = of_group(results.records, group)
        curves = {name: mean_curve(records, f"trellic {name}", PSNR) for name in NAMES}
        anchor = curves["uniform"]
        for name, curve in curves.items():
            rate = bits_against(anchor, curve)
            assert rate
            best[group, name] = percent(rate.percent, 2)
            mean = saving(records, f"trellic {name}", "trellic uniform", PSNR).mean
            at = [bits_at(anchor, curve, bpp) for bpp, _ in anchor[1:-1]]
            by_quality = ", ".join(NOTHING if gap is None else percent(gap) for gap in at)
            rows.append([group, name, best[group, name], percent(mean, 2), by_quality, f"{curve[-1][1]:.2f}"])
    head = ["set", "quantizer", "BD-rate, mean curve", "mean of pictures", "by quality", "PSNR at quality 100 (dB)"]
    return {
        "model": results.head.model,
        "command": results.head.command,
        "commit": results.head.commit,
        "pictures": " and ".join(f"{len(pictures_of(of_group(results.records, g)))} of {g}" for g in TEST),
        "table": Table(head, rows).markdown(),
        "deployed": best["kodak", DEPLOYED],
    }
