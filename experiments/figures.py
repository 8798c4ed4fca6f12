"""Draw the figures of the docs from results files: `python experiments/figures.py` (needs the figures extra)."""

import json
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from comparison import Comparison
from report import RESULTS, ROOT, Points, variant_points

from trellic.entropy.states import EIGHT_STATES, FOUR_STATES, States
from trellic.evaluate.bdrate import bd_rate, curve, pchip

FIGURES = ROOT / "docs" / "figures"
SOURCES = RESULTS / "sources.json"
COLOURS = ("#c2410c", "#5f6672", "#0e7490", "#6d3fd1", "#b0246d", "#86680b", "#1d5fd6", "#237a3b")
"""Of codecs, as on the page of a comparison."""
EVEN, ODD, INK, FAINT = "#1f6fb4", "#d1651a", "#30343b", "#9aa1ab"
STYLE = {
    "svg.hashsalt": "trellic", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10,
    "axes.edgecolor": FAINT, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK, "text.color": INK,
    "axes.spines.top": False, "axes.spines.right": False,
}  # fmt: skip


def draw_levels(axes: plt.Axes) -> None:
    """Draw the two sets of levels on one line each, coloured by the parity of their index."""
    for level_set, height in ((0, 1), (1, 0)):
        axes.plot([-3.2, 3.2], [height, height], color=FAINT, lw=0.8, zorder=0)
        for index in range(-3, 4):
            level = index - 0.5 * level_set * np.sign(index)
            axes.scatter(level, height, s=70, color=ODD if index % 2 else EVEN, zorder=2)
            axes.annotate(str(index), (level, height), (0, 9), textcoords="offset points", ha="center", fontsize=9)
        axes.text(-3.9, height, f"Q{level_set}", ha="right", va="center")
    axes.set(xlim=(-5.2, 3.5), ylim=(-0.7, 1.6), xticks=range(-3, 4), yticks=[], xlabel="level, in steps")
    axes.spines["left"].set_visible(False)
    axes.set_title("Levels, and the indices that name them", loc="left", fontsize=11)


def draw_machine(axes: plt.Axes, states: States) -> None:
    """Draw one step of the trellis: even branches and odd ones."""
    for state in range(len(states.sets)):
        for parity, colour in ((0, EVEN), (1, ODD)):
            axes.plot([0, 1], [-state, -int(states.transitions[state, parity])], color=colour, lw=1.3, zorder=1)
        for x in (0, 1):
            filled = INK if states.sets[state] else "white"
            axes.scatter(x, -state, s=60, facecolor=filled, edgecolor=INK, zorder=2)
        axes.text(-0.12, -state, str(state), ha="right", va="center", fontsize=9)
    axes.set(xlim=(-0.35, 1.2), ylim=(-states + 0.4, 0.6))
    axes.axis("off")
    axes.set_title(f"{states} states", loc="left", fontsize=11)


def trellis() -> None:
    """Draw levels and state machines."""
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), width_ratios=(2.2, 1, 1), layout="constrained")
    draw_levels(axes[0])
    draw_machine(axes[1], FOUR_STATES)
    draw_machine(axes[2], EIGHT_STATES)
    figure.text(0.5, -0.04, "blue: even index   orange: odd index   open circle: Q0   filled: Q1", ha="center")
    figure.savefig(FIGURES / "trellis.svg", metadata={"Date": None}, bbox_inches="tight")


def gains() -> None:
    """Draw what the trellis gains over rdoq on sources of known theory."""
    result = json.loads(SOURCES.read_text())
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.4), sharey=True, layout="constrained")
    for panel, (source, gains) in zip(axes, result["gain_over_rdoq_db"].items(), strict=True):
        for name, colour in (("tcq8", ODD), ("tcq4", EVEN)):
            panel.plot(result["rates"], gains[name], "o-", color=colour, lw=1.5, ms=5, label=f"{name}, measured")
            panel.plot(result["rates"], result["expected_db"][source][name], "x", color=INK, ms=7,
                       label="expected" if name == "tcq4" else None)  # fmt: skip
        panel.set_title(f"{source.capitalize()} source", loc="left", fontsize=11)
        panel.set_xlabel("bits a sample")
        panel.grid(color=FAINT, alpha=0.25)
    axes[0].set_ylabel("gain over rdoq (dB)")
    axes[0].legend(frameon=False)
    figure.savefig(FIGURES / "gain.svg", metadata={"Date": None}, bbox_inches="tight")


def curves_of(result: dict[str, Any]) -> dict[str, Points]:
    """Return the rate-distortion curves that tell what retraining did, by label."""
    wanted = {
        "uniform, before": ("uniform", "before"),
        "tcq8, before": ("tcq8", "before"),
        "uniform, released": ("uniform", "released"),
        "tcq8, released": ("tcq8", "released"),
    }
    return {label: variant_points(result["records"], *variant) for label, variant in wanted.items()}


def retraining() -> None:
    """Draw rate-distortion curves before and after, as they are and against the first."""
    results = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("released_*.json"))]
    figure, axes = plt.subplots(2, len(results), figsize=(10, 6), layout="constrained", squeeze=False)
    for panels, result in zip(axes.T, results, strict=True):
        curves = curves_of(result)
        psnrs, rates = curve(curves["uniform, before"])
        for (label, points), colour in zip(curves.items(), (FAINT, INK, EVEN, ODD), strict=True):
            panels[0].plot(*zip(*points, strict=True), "o-", color=colour, lw=1.5, ms=4, label=label)
            own_psnrs, own_rates = curve(points)
            at = np.linspace(max(psnrs[0], own_psnrs[0]), min(psnrs[-1], own_psnrs[-1]), 100)
            gap = pchip(own_psnrs, own_rates, at) - pchip(psnrs, rates, at)
            panels[1].plot(at, 100 * (np.exp(gap) - 1), color=colour, lw=1.5)
        panels[0].set_title(result["set"], loc="left", fontsize=11)
        panels[0].set(xlabel="bits a pixel", ylabel="PSNR (dB)")
        panels[1].set(xlabel="PSNR (dB)", ylabel="bits against uniform, before (%)")
        for panel in panels:
            panel.grid(color=FAINT, alpha=0.25)
    axes[0, 0].legend(frameon=False)
    figure.savefig(FIGURES / "retraining.svg", metadata={"Date": None}, bbox_inches="tight")


def savings() -> None:
    """Draw what each picture saves: the released model's tcq8 against uniform and tcq8 before retraining."""
    results = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("released_*.json"))]
    figure, axes = plt.subplots(1, len(results), figsize=(10, 3.2), layout="constrained", squeeze=False, sharey=True)
    for panel, result in zip(axes[0], results, strict=True):
        images = sorted({record["image"] for record in result["records"]})
        for name, colour in (("uniform", FAINT), ("tcq8", ODD)):
            rates = []
            for image in images:
                own = [record for record in result["records"] if record["image"] == image]
                before, after = (variant_points(own, *v) for v in ((name, "before"), ("tcq8", "released")))
                rates.append(bd_rate(before, after).percent)
            panel.plot(sorted(rates), "o", color=colour, ms=4, label=f"against {name}, before")
        panel.axhline(0, color=INK, lw=0.8)
        panel.set_title(f"{result['set']}: {len(images)} pictures", loc="left", fontsize=11)
        panel.set_xticks([])
        panel.grid(color=FAINT, alpha=0.25)
    axes[0, 0].set_ylabel("BD-rate, tcq8 released (%)")
    axes[0, 0].legend(frameon=False)
    figure.savefig(FIGURES / "savings.svg", metadata={"Date": None}, bbox_inches="tight")


def comparison() -> None:
    """Draw quality over bits of every codec on Kodak, and what trellic takes against each over its decoding time."""
    found = Comparison()
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), width_ratios=(1.6, 1), layout="constrained")
    group = next(iter(found.results.sets))
    curves = found.curves(group)
    low, high = curves["trellic"][0][0] / 1.2, curves["trellic"][-1][0] * 1.2
    for (label, points), marker, colour in zip(curves.items(), "osD^vPX*", COLOURS, strict=False):
        shown = [point for point in points if low <= point[0] <= high]
        own = label == "trellic"
        style = {"color": colour, "marker": marker, "lw": 2.6 if own else 1.2, "zorder": 3 if own else 2}
        axes[0].plot(*zip(*shown, strict=True), ms=4.5, label=label, **style)
    axes[0].set(xscale="log", xlabel="bits a pixel", ylabel="PSNR (dB)")
    axes[0].set_title(f"{group}: {len(found.results.sets[group])} pictures", loc="left", fontsize=11)
    axes[0].legend(frameon=False)
    for (label, time, bits), marker, colour in zip(found.speeds(group), "osD^vPX*", COLOURS, strict=False):
        axes[1].scatter(time, bits, color=colour, marker=marker, s=50, zorder=2)
        axes[1].annotate(label, (time, bits), (7, 4), textcoords="offset points", fontsize=9)
    axes[1].set(xscale="log", xlabel="decoding, seconds a megapixel, one thread", ylabel="bits against JPEG (%)")
    axes[1].margins(x=0.25)
    for panel in axes:
        panel.grid(color=FAINT, alpha=0.25)
        panel.xaxis.set_major_formatter("{x:g}")
    figure.savefig(FIGURES / "comparison.svg", metadata={"Date": None}, bbox_inches="tight")


def main() -> None:
    mpl.use("svg")
    FIGURES.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        comparison()
        trellis()
        gains()
        retraining()
        savings()


if __name__ == "__main__":
    main()
