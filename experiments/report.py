"""Make docs/results.md and the README's table from the results files.

`python experiments/report.py`; with `--check` it only compares.
"""

import json
import math
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
from comparison import PUBLISHED, RESULTS, Comparison

from trellic.evaluate.bdrate import bd_rate, curve, pchip
from trellic.evaluate.report import read_published
from trellic.evaluate.tables import Table

ROOT = Path(__file__).parent.parent
RATES = (0.15, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
PARTS = ("no weights", "no points", "falling scale")
QUANTIZERS = ("uniform", "rdoq", "tcq4", "tcq8")
STAGES = ("before", "A", "A+B", "A+B+C", "A+B+C+D", "A+B+C+rounding", "control", "B", "exact", "joint", "released")
"""The order of rows."""
SEED = "seed 5"
"""The second seed of the grid."""
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
    """Return one set's tables, for trellic as it comes and with the uniform quantizer."""
    result = json.loads(path.read_text())
    records = result["records"]
    name = path.stem.removeprefix("rate_distortion_")
    images = sorted({record["image"] for record in records})
    lines = [f"## {name}: {len(images)} pictures", "", f"Model {result['model']}, `{result['command']}`."]
    for codec, quantizer in result["quantizers"].items():
        lines += ["", f"### {name}, quantizer {quantizer}", ""]
        rows = []
        for setting in sorted({r["quality"] for r in records if r["codec"] == codec}):
            group = [r for r in records if r["codec"] == codec and r["quality"] == setting]
            means = [float(np.mean([r[key] for r in group])) for key in ("bpp", "estimated_bpp", "psnr", "ms_ssim")]
            rows.append([f"{setting:g}", f"{means[0]:.4f}", f"{means[1]:.4f}", f"{means[2]:.3f}", f"{means[3]:.5f}"])
        lines += [
            Table(["quality", "bpp", "estimated bpp", "PSNR (dB)", "MS-SSIM"], rows).markdown(),
            "",
            "BD-rate (negative: fewer bits at equal PSNR), and bits at equal PSNR where the other codec has the rate",
            "at the head of the column.",
            "",
        ]
        rows = []
        ours = mean_points(records, codec)
        for other in ("webp", "jpeg2000", "jpeg"):
            theirs = mean_points(records, other)
            whole = bd_rate(theirs, ours)
            single = [
                bd_rate(picture_points(records, other, i), picture_points(records, codec, i)).percent for i in images
            ]
            cells = [bits_at_equal_psnr(theirs, ours, rate) for rate in RATES]
            shown = ["–" if cell is None else f"{cell:+.1f} %" for cell in cells]
            span, mean = f"{whole.low:.1f}–{whole.high:.1f}", f"{float(np.mean(single)):+.1f} %"
            rows.append([other, f"{whole.percent:+.1f} %", span, mean, *shown])
        head = ["against", "BD-rate, mean curve", "range (dB)", "BD-rate, mean of pictures"]
        lines.append(Table([*head, *(f"{rate:g} bpp" for rate in RATES)], rows).markdown())
    return "\n".join(lines)


def published() -> str:
    """Return BD-rates of the Kodak curves by quantizer against published curves."""
    result = json.loads((RESULTS / "rate_distortion_kodak.json").read_text())
    ours = {codec: mean_points(result["records"], codec) for codec in result["quantizers"]}
    lines = [
        "## Against published curves, Kodak",
        "",
        "BD-rate of trellic by quantizer. Source of each curve: `experiments/results/published.json`.",
        "",
    ]
    rows = []
    for codec, anchor in read_published(PUBLISHED)["kodak"].items():
        rates = [bd_rate(anchor, points) for points in ours.values()]
        rows.append([codec, *(f"{rate.percent:+.1f} %" for rate in rates), f"{rates[0].low:.1f}–{rates[0].high:.1f}"])
    lines.append(Table(["against", *result["quantizers"].values(), "range (dB)"], rows).markdown())
    return "\n".join(lines)


def anchors() -> str:
    """Return how far published curves come out here."""
    result = json.loads((RESULTS / "anchors.json").read_text())
    found = result["against_published"]
    theirs = json.loads(PUBLISHED.read_text())["kodak"]["jpeg"]["bpp_psnr"]
    ours = found["jpeg"]["Pillow's own settings"]["bpp_psnr"]
    gaps = [(100 * (x / pub_x - 1), y - pub_y) for (x, y), (pub_x, pub_y) in zip(ours, theirs, strict=True)]
    lines = [
        "## Published curves, made again, Kodak",
        "",
        f"`{result['command']}`: bits at equal PSNR against the published curve, which is of Pillow 7.1.2 and its",
        "own settings. JPEG made so has, setting by setting, the published bits within",
        f"{max(abs(bits) for bits, _ in gaps):.1f} %, and {min(gain for _, gain in gaps):.2f} to"
        f" {max(gain for _, gain in gaps):.2f} dB more. Why other curves differ, in the table of the comparison: the",
        "published `av1` took 6 to 43 seconds a picture; JPEG 2000 is set by PSNR here, by rate there; HEVC is x265 at",
        "10 bits; VVC has colour at half size, because vvenc codes nothing else, where `vtm` has it at full size.",
        "",
    ]
    rows = [
        [codec, way, f"{rate['percent']:+.2f} %", f"{rate['low']:.1f}–{rate['high']:.1f}"]
        for codec, ways in found.items()
        for way, rate in ways.items()
    ]
    return "\n".join([*lines, Table(["codec", "set by", "against published", "range (dB)"], rows).markdown()])


def variant_points(records: list[dict[str, Any]], quantizer: str, variant: str) -> Points:
    """Return mean (bpp, PSNR) of a quantizer in a variant, a point a quality."""
    chosen = [{**r, "codec": "it"} for r in records if (r["quantizer"], r["variant"]) == (quantizer, variant)]
    return mean_points(chosen, "it")


def quantizers() -> str:
    """Return the quantizers' table: BD-rates against uniform, set by set."""
    results = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("quantizers_*.json"))]
    lines = [
        "## Quantizers, by file bytes",
        "",
        "BD-rate against `uniform` of the same networks: untuned against untuned (Gaussian tables), refitted against",
        "refitted, and refitted against untuned `uniform`; steps, strengths and weights are calibrated in all. The",
        "released networks were retrained for tcq8; the tables under Retraining compare with networks trained for",
        "`uniform`. Every stream's latents were decoded and compared with the encoder's. By quality: per cent at the",
        "PSNR that `uniform` reaches at each quality but the lowest and the highest.",
        f"Model {results[0]['model']}, `{results[0]['command']}`.",
        "",
    ]
    rows = []
    for result in results:
        records = result["records"]
        names = list(dict.fromkeys(record["quantizer"] for record in records))
        anchors = {variant: variant_points(records, "uniform", variant) for variant in ("untuned", "refitted")}
        for name in names:
            points = {variant: variant_points(records, name, variant) for variant in anchors}
            rates = [
                bd_rate(anchors[anchor], points[variant]).percent
                for anchor, variant in (("untuned", "untuned"), ("refitted", "refitted"), ("untuned", "refitted"))
            ]
            gaps = [
                bits_at_equal_psnr(anchors["refitted"], points["refitted"], rate) for rate, _ in anchors["refitted"]
            ]
            by_quality = ", ".join("–" if gap is None else f"{gap:+.1f}" for gap in gaps[1:-1])
            rows.append([result["set"], name, *(f"{rate:+.2f} %" for rate in rates), by_quality])
    head = ["set", "quantizer", "untuned", "refitted", "refitted, against untuned uniform", "refitted, by quality"]
    lines.append(Table(head, rows).markdown())
    return "\n".join(lines)


def in_order(variant: tuple[str, str]) -> tuple[int, int, str]:
    """Return where a quantizer's variant, named by its stage and perhaps a seed, stands in a table."""
    quantizer, name = variant
    return QUANTIZERS.index(quantizer), STAGES.index(name.split(",")[0]), name


def against_before(results: list[dict[str, Any]]) -> str:
    """Return the table of all variants against `uniform` before, and against the same quantizer before, a row each."""
    records = [record for result in results for record in result["records"]]
    rows = []
    for quantizer, variant in sorted({(record["quantizer"], record["variant"]) for record in records}, key=in_order):
        cells = []
        for result in results:
            points = variant_points(result["records"], quantizer, variant)
            for anchor in ("uniform", quantizer):
                before = variant_points(result["records"], anchor, "before")
                cells.append(f"{bd_rate(before, points).percent:+.2f} %" if before and points else "–")
        rows.append([quantizer, variant, *cells])
    against = [head for result in results for head in (f"{result['set']}, against uniform", "against itself")]
    return Table(["quantizer", "stage", *against], rows).markdown()


def released() -> str:
    """Return what retraining saves in the released model."""
    results = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("released_*.json"))]
    lines = [
        "## The released model, retrained for tcq8, and others for their own quantizers",
        "",
        "BD-rate by file bytes against `uniform` before retraining, and against the same quantizer before; all models",
        "calibrated and fitted alike. `joint`: all weights of the released model, retrained further for that",
        "quantizer. What is saved is repair and further training together; the grid below, of shorter training, tells",
        "them apart.",
        f"Model {results[0]['model']}, `{results[0]['command']}`;",
        "recipes: `retrain.toml` and `own.toml` in `src/trellic/train/recipes`.",
        "",
        against_before(results),
        "",
        "![Rate-distortion curves before and after retraining](figures/retraining.svg)",
        "",
        "![Savings picture by picture](figures/savings.svg)",
    ]
    return "\n".join(lines)


def retraining() -> str:
    """Return what each stage of retraining saves."""
    results = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("retraining_*.json"))]

    def against(variant: str, other: str) -> list[float]:
        pairs = [[variant_points(result["records"], "tcq8", v) for v in (other, variant)] for result in results]
        return [bd_rate(*pair).percent for pair in pairs]

    chance = max(abs(rate) for stage in ("A", "A+B", "A+B+C") for rate in against(f"{stage}, {SEED}", stage))
    in_loop = against(f"A+B+C+D, {SEED}", f"A+B+C+rounding, {SEED}")
    lines = [
        "## Retraining",
        "",
        "BD-rate by file bytes, stage by stage; decoding is the same network throughout. Against `uniform` before",
        "retraining, and against the same quantizer before. A: synthesis on the quantizer's latents; B: entropy",
        "networks; C: both again; D: all weights, the quantizer in the loop; tables refitted each time. Controls: A on",
        "noise; all weights by rounding where D has the quantizer. As many steps a stage, another seed where one is",
        "named; only what is listed was measured. D of no named seed is as gradients were before they counted for more",
        "where scales are small (above).",
        "`python experiments/retraining.py NAME=FOLDER ...`, and `--seed` where one is named; from model",
        f"{results[0]['model']}, trained by rounding.",
        "",
        "What is repair: `uniform` is what these networks were trained for, so its own stages are further training and",
        "nothing else, and another quantizer's gain beyond them is repair. The control says what noise is worth as",
        "data, not how much further training does. `exact` against `B` is what exact networks cost.",
        f"By another seed A, B and C take up to {chance:.2f} % more bits or fewer. All weights trained with the",
        "quantizer in the loop, against as many steps by rounding, of one seed: "
        + ", ".join(f"{result['set']} {rate:+.2f} %" for result, rate in zip(results, in_loop, strict=True))
        + ".",
        "",
    ]
    lines.append(against_before(results))
    return "\n".join(lines)


def gradients() -> str:
    """Return what latents really cost and buy, and how true gradients are, by scale."""
    result = json.loads((RESULTS / "gradients.json").read_text())
    records = result["records"]
    qualities = sorted({record["quality"] for record in records})
    columns = [(quantizer, quality) for quantizer in result["models"] for quality in qualities]
    lines = [
        "## Gradients through the quantizer",
        "",
        f"`{result['command']}`: latents by their scales, counted in steps. Price: bits that a little more of their",
        "size really costs for the squared error that it saves, over λ; where prices differ, bits are spent badly.",
        "Balance: the same by gradients over what is real; less than 1 where they promise too much. At low quality few",
        "latents have large scales, and their figures are chance.",
        "By model: " + ", ".join(f"{quantizer} {model}" for quantizer, model in result["models"].items()) + ".",
    ]
    for what in ("price", "balance"):
        rows = []
        for low, high in sorted({(record["low"], record["high"]) for record in records}):
            own = {(r["quantizer"], r["quality"]): r[what] for r in records if r["low"] == low}
            span = f"{low:g} to {high:g}" if high < 100 else f"{low:g} and more"
            rows.append([span, *(f"{own[column]:.2f}" for column in columns)])
        head = [f"{what}, scales", *(f"{quantizer}, quality {100 * quality:.0f}" for quantizer, quality in columns)]
        lines += ["", Table(head, rows).markdown()]
    return "\n".join(lines)


def ablation() -> str:
    """Return what the parts of the trellis contribute."""
    results = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("ablation_*.json"))]
    lines = [
        "## Parts of the trellis",
        "",
        "BD-rate of tcq8 against `uniform`, one part left out or changed at a time.",
        f"Model {results[0]['model']}, `{results[0]['command']}`.",
        "",
    ]
    rows = []
    for result in results:
        anchor = variant_points(result["records"], "uniform", "refitted")
        rates = [
            bd_rate(anchor, variant_points(result["records"], "tcq8", part)).percent for part in ("refitted", *PARTS)
        ]
        rows.append([result["set"], *(f"{rate:+.2f} %" for rate in rates)])
    lines.append(Table(["set", "tcq8", *PARTS], rows).markdown())
    return "\n".join(lines)


def sources() -> str:
    """Return the gains on sources of known theory."""
    result = json.loads((RESULTS / "sources.json").read_text())
    granular = result["granular_gain_db"]
    lines = [
        "## Trellis on sources of known theory",
        "",
        f"`{result['command']}`. Granular gain on a uniform source at high rate: {granular['tcq4']:.3f} dB with",
        f"4 states (theory 0.996), {granular['tcq8']:.3f} dB with 8 (theory 1.084). Gain over rdoq in dB, measured /",
        "expected:",
        "",
    ]
    head = ["source", "quantizer", *(f"{rate:g} bit" for rate in result["rates"])]
    rows = []
    for source, gains in result["gain_over_rdoq_db"].items():
        for name, found in gains.items():
            pairs = zip(found, result["expected_db"][source][name], strict=True)
            rows.append([source, name, *(f"{gain:.2f} / {expected:.2f}" for gain, expected in pairs)])
    lines += [
        Table(head, rows).markdown(),
        "",
        "The same in dB below the source's variance. No code does better on a Gaussian source than 6.02 dB a bit.",
        "",
    ]
    rows = [
        [source, name, *(f"{value:.2f}" for value in found)]
        for source, by_quantizer in result["decibels"].items()
        for name, found in by_quantizer.items()
    ]
    lines.append(Table(head, rows).markdown())
    return "\n".join(lines)


def designs() -> str:
    """Return the comparison of designs."""
    lines = ["## Designs at equal training time", ""]
    result = json.loads((RESULTS / "designs.json").read_text())
    lines += [
        f"`{result['command']}`: {result['minutes']:g} minutes each. Cost is the mean over five qualities of",
        "log(bpp + λ·MSE) on held-out pictures: 0.01 lower is 1 % better.",
        "",
    ]
    rows = []
    for record in result["records"]:
        cost, time = ("diverged" if record[key] is None else f"{record[key]:{form}}" for key, form in FORMS)
        rows.append([record["design"], cost, str(record["steps"]), f"{record['decoder_kmac']:.1f}", time])
    lines.append(Table(["design", "cost", "steps", "decoder kMAC/px", "decode 768×512 (ms)"], rows).markdown())
    return "\n".join(lines)


def exactness() -> str:
    """Return which streams decoded to the same indices, by writer and reader."""
    result = json.loads((RESULTS / "exactness.json").read_text())
    lines = [
        "## Streams that decode anywhere",
        "",
        f"`{result['command']}`: three qualities, five quantizers.",
        "Streams of a writer (row) whose indices came out the same in a reader (column), of so many; after that, the",
        "same for a model whose networks are not exact. Emulated: an older processor, by qemu.",
    ]
    for kind in ("exact, whole pictures", "exact, details", "floating, details"):
        pairs = result[kind]["pairs"]
        readers = list(dict.fromkeys(pair["reader"] for pair in pairs))
        rows = []
        for writer in dict.fromkeys(pair["writer"] for pair in pairs):
            own = {pair["reader"]: f"{pair['same']} / {pair['streams']}" for pair in pairs if pair["writer"] == writer}
            rows.append([writer, *(own[reader] for reader in readers)])
        lines += ["", Table([kind, *readers], rows).markdown()]
    times = result["decode_ms"]
    lines += [
        "",
        f"Decoding a 768×512 photograph: {times['exact']:.1f} ms by the exact model, {times['floating']:.1f} ms by",
        "the other, whose decoder has as many layers. What exactness costs in bits: `exact` against `B` above.",
    ]
    return "\n".join(lines)


def damaged() -> str:
    """Return what became of damaged streams."""
    results = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("fuzz_*.json"))]
    outcomes = list(dict.fromkeys(name for result in results for name in result["outcomes"]))
    lines = [
        "## Damaged streams",
        "",
        "`python tests/fuzz.py --streams 100000 --seed N --json experiments/results/fuzz_N.json`: what became of",
        "streams with bits flipped, parts cut, moved and changed, most with their checksums made right again.",
        "",
    ]
    rows = []
    for result in results:
        counts = [result["seed"], result["streams"], *(result["outcomes"].get(name, 0) for name in outcomes)]
        bounds = f"{result['slowest_seconds']:.2f}", f"{result['peak_gigabytes']:.2f}"
        rows.append([*map(str, [*counts, len(result["failures"])]), *bounds])
    head = ["seed", "streams", *outcomes, "failures", "slowest (s)", "peak memory (GB)"]
    lines.append(Table(head, rows).markdown())
    return "\n".join(lines)


def large() -> str:
    """Return what large pictures take, and what tiles cost."""
    result = json.loads((RESULTS / "large.json").read_text())
    lines = [
        "## Large pictures",
        "",
        f"`{result['command']}`, model {result['model']},",
        "PNG to .tlic and back in fresh processes, medians. Seconds a further megapixel: against the next smaller",
        "picture; the first of them pays for memory and code that a fresh process touches for the first time.",
        "",
    ]
    rows = []
    smaller: dict[str, dict[str, Any]] = {}
    for record in result["sizes"]:
        verb = record["verb"]
        each = "–"
        if verb in smaller and verb != "decode a region":
            further = record["seconds"] - smaller[verb]["seconds"]
            each = f"{further / (record['megapixels'] - smaller[verb]['megapixels']):.3f}"
        smaller[verb] = record
        times = f"{record['seconds']:.2f}", each, f"{record['cpu_seconds']:.2f}"
        rows.append([f"{record['megapixels']:.3g}", verb, *times, f"{record['peak_bytes'] / 1e6:.0f}"])
    head = ["megapixels", "verb", "seconds", "seconds a further megapixel", "processors' seconds", "peak memory (MB)"]
    lines.append(Table(head, rows).markdown())
    lines += ["", "What tiles cost, BD-rate against the same picture coded whole:", ""]
    rows = []
    for name, cost in result["cost_of_tiles"].items():
        size, tile = f"{cost['width']}×{cost['height']}", f"{cost['tile']}×{cost['tile']}"
        rows.append([name, size, tile, f"{cost['bd_rate']:+.2f} %"])
    lines.append(Table(["picture", "size", "tiles", "cost"], rows).markdown())
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
    ]
    rows = [[name, f"{value:.3g} {unit}"] for name, value, unit in result["figures"]]
    return "\n".join([*lines, Table(["what", "measured"], rows).markdown()])


def report() -> str:
    """Return docs/results.md."""
    parts = ["# Results", "Made by `python experiments/report.py` from the files in `experiments/results/`."]
    parts += [Comparison().section(), anchors()]
    parts += [rate_distortion(path) for path in sorted(RESULTS.glob("rate_distortion_*.json"))]
    parts += [published(), released(), gradients(), retraining(), quantizers(), ablation(), sources()]
    parts += [exactness(), damaged(), large(), speed(), designs()]
    return "\n\n".join(parts) + "\n"


def readme(text: str) -> str:
    """Return the README with its table as it was measured."""
    table = Comparison().table()
    return re.sub(r"(<!-- compared -->\n).*?(?=\n\n)", lambda found: found[1] + table, text, flags=re.DOTALL)


def main() -> int:
    made = {
        ROOT / "docs" / "results.md": report(),
        ROOT / "README.md": readme((ROOT / "README.md").read_text()),
    }
    if "--check" in sys.argv:
        return int(any(path.read_text() != text for path, text in made.items()))
    for path, text in made.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
