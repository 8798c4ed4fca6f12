"""Make docs/results.md from the results files: `python experiments/report.py` (`--check` only compares)."""

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np

from trellic.evaluate.bdrate import bd_rate, curve, pchip

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "experiments" / "results"
RATES = (0.15, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
FORMS = (("cost", ".3f"), ("decode_ms", ".0f"))
Points = list[tuple[float, float]]


def mean_points(records: list[dict[str, Any]], codec: str) -> Points:
    """Return (bpp, PSNR), each averaged over pictures, a point a setting."""
    chosen = [record for record in records if record["codec"] == codec]
    settings = sorted({record["quality"] for record in chosen})
    groups = [[record for record in chosen if record["quality"] == setting] for setting in settings]
    return [(float(np.mean([r["bpp"] for r in group])), float(np.mean([r["psnr"] for r in group]))) for group in groups]


def picture_points(records: list[dict[str, Any]], codec: str, image: str) -> Points:
    return [(r["bpp"], r["psnr"]) for r in records if r["codec"] == codec and r["image"] == image]


def bits_at_equal_psnr(anchor: Points, test: Points, rate: float) -> float | None:
    """Return the per cent of bits that `test` takes against `anchor` where the anchor has this rate."""
    anchor_psnr, anchor_rate = curve(anchor)
    test_psnr, test_rate = curve(test)
    at = np.interp(math.log(rate), anchor_rate, anchor_psnr)
    if not (anchor_rate[0] <= math.log(rate) <= anchor_rate[-1] and test_psnr[0] <= at <= test_psnr[-1]):
        return None
    return 100 * (math.exp(float(pchip(test_psnr, test_rate, np.array([at]))[0])) / rate - 1)


def rate_distortion(path: Path) -> str:
    result = json.loads(path.read_text())
    records = result["records"]
    name = path.stem.removeprefix("rate_distortion_")
    images = sorted({record["image"] for record in records})
    ours = mean_points(records, "trellic")
    lines = [f"## {name}: {len(images)} pictures", "", f"Model {result['model']}, `{result['command']}`.", ""]
    lines += ["| quality | bpp | estimated bpp | PSNR (dB) | MS-SSIM |", "|---|---|---|---|---|"]
    for setting in sorted({r["quality"] for r in records if r["codec"] == "trellic"}):
        group = [r for r in records if r["codec"] == "trellic" and r["quality"] == setting]
        means = [float(np.mean([r[key] for r in group])) for key in ("bpp", "estimated_bpp", "psnr", "ms_ssim")]
        lines.append(f"| {setting:g} | {means[0]:.4f} | {means[1]:.4f} | {means[2]:.3f} | {means[3]:.5f} |")
    lines += [
        "",
        "BD-rate of trellic (negative: fewer bits at equal PSNR), and bits at equal PSNR where the other",
        "codec has the rate at the head of the column.",
        "",
    ]
    lines.append("| against | BD-rate, mean curve | range (dB) | BD-rate, mean of pictures | " +
                 " | ".join(f"{rate:g} bpp" for rate in RATES) + " |")  # fmt: skip
    lines.append("|---" * (4 + len(RATES)) + "|")
    for codec in ("webp", "jpeg2000", "jpeg"):
        theirs = mean_points(records, codec)
        whole = bd_rate(theirs, ours)
        single = [
            bd_rate(picture_points(records, codec, i), picture_points(records, "trellic", i)).percent for i in images
        ]
        cells = [bits_at_equal_psnr(theirs, ours, rate) for rate in RATES]
        shown = " | ".join("–" if cell is None else f"{cell:+.1f} %" for cell in cells)
        lines.append(f"| {codec} | {whole.percent:+.1f} % | {whole.low:.1f}–{whole.high:.1f} | "
                     f"{float(np.mean(single)):+.1f} % | {shown} |")  # fmt: skip
    return "\n".join(lines)


def published() -> str:
    """Return BD-rates of the Kodak curve against the published curves that the result keeps beside it."""
    path = RESULTS / "published_kodak.json"
    ours = mean_points(json.loads((RESULTS / "rate_distortion_kodak.json").read_text())["records"], "trellic")
    lines = [
        "## Against published curves, Kodak",
        "",
        "Source of each curve: `experiments/results/published_kodak.json`.",
        "",
        "| against | BD-rate of trellic | range (dB) |",
        "|---|---|---|",
    ]
    for codec, entry in json.loads(path.read_text()).items():
        rate = bd_rate([tuple(point) for point in entry["bpp_psnr"]], ours)
        lines.append(f"| {codec} | {rate.percent:+.1f} % | {rate.low:.1f}–{rate.high:.1f} |")
    return "\n".join(lines)


def designs() -> str:
    """Return the comparison of designs."""
    lines = ["## Designs at equal training time", ""]
    result = json.loads((RESULTS / "designs.json").read_text())
    lines += [
        f"`{result['command']}`: {result['minutes']:g} minutes each. Cost is the mean over five qualities of",
        "log(bpp + λ·MSE) on held-out pictures: 0.01 lower is 1 % better.",
        "",
        "| design | cost | steps | decoder kMAC/px | decode 768×512 (ms) |",
        "|---|---|---|---|---|",
    ]
    for record in result["records"]:
        cost, time = ("diverged" if record[key] is None else f"{record[key]:{form}}" for key, form in FORMS)
        lines.append(f"| {record['design']} | {cost} | {record['steps']} | "
                     f"{record['decoder_kmac']:.1f} | {time} |")  # fmt: skip
    return "\n".join(lines)


def speed() -> str:
    """Return what `experiments/speed.py` measured."""
    result = json.loads((RESULTS / "speed.json").read_text())
    lines = [
        "## Speed",
        "",
        f"`{result['command']}`, {result['processors']} processors ({result['processor']}), medians; a 768×512",
        "photograph at quality 50.",
        "",
        "| what | measured |",
        "|---|---|",
    ]
    return "\n".join([*lines, *[f"| {name} | {value:.3g} {unit} |" for name, value, unit in result["figures"]]])


def report() -> str:
    """Return docs/results.md."""
    parts = ["# Results", "Made by `python experiments/report.py` from the files in `experiments/results/`."]
    parts += [rate_distortion(path) for path in sorted(RESULTS.glob("rate_distortion_*.json"))]
    if (RESULTS / "published_kodak.json").exists():
        parts.append(published())
    if (RESULTS / "speed.json").exists():
        parts.append(speed())
    if (RESULTS / "designs.json").exists():
        parts.append(designs())
    return "\n\n".join(parts) + "\n"


def main() -> int:
    target = ROOT / "docs" / "results.md"
    if "--check" in sys.argv:
        return int(target.read_text() != report())
    target.write_text(report())
    return 0


if __name__ == "__main__":
    sys.exit(main())
