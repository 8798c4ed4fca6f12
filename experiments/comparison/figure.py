"""Quality over bits of every codec at its best on Kodak, and its bits against JPEG over its decoding time."""

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from experiments.comparison.page import all_of, seconds
from experiments.figures import FAINT
from trellic.evaluate.codecs import BEST, LABELS
from trellic.evaluate.report.tables import NOTHING
from trellic.evaluate.summary import PSNR, mean_curve, pictures_of, saving

COLOURS = ("#c2410c", "#5f6672", "#0e7490", "#6d3fd1", "#b0246d", "#86680b", "#1d5fd6", "#237a3b")
"""Of codecs, as on the page of a comparison."""
MARKERS = "osD^vPX*"


def comparison() -> Figure:
    """Draw both panels."""
    records, codecs = all_of("kodak")
    looks = {name: look for name, *look in zip(BEST, COLOURS, MARKERS, strict=True) if name in codecs}
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), width_ratios=(1.6, 1), layout="constrained")
    ours = mean_curve(records, "trellic", PSNR)
    low, high = ours[0][0] / 1.2, ours[-1][0] * 1.2
    for name, (colour, marker) in looks.items():
        shown = [point for point in mean_curve(records, name, PSNR) if low <= point[0] <= high]
        width, order = (2.6, 3) if name == "trellic" else (1.2, 2)
        axes[0].plot(
            *zip(*shown, strict=True), color=colour, marker=marker, lw=width, zorder=order, ms=4.5, label=LABELS[name]
        )
    axes[0].set(xscale="log", xlabel="bits a pixel", ylabel="PSNR (dB)")
    axes[0].set_title(f"kodak: {len(pictures_of(records))} pictures", loc="left", fontsize=11)
    axes[0].legend(frameon=False)
    for name, (colour, marker) in looks.items():
        time, bits = seconds(name, "decode"), saving(records, name, "jpeg", PSNR).mean
        if time != NOTHING and bits is not None:
            axes[1].scatter(float(time), bits, color=colour, marker=marker, s=50, zorder=2)
            axes[1].annotate(LABELS[name], (float(time), bits), (7, 4), textcoords="offset points", fontsize=9)
    axes[1].set(xscale="log", xlabel="decoding, seconds a megapixel, one thread", ylabel="bits against JPEG (%)")
    axes[1].margins(x=0.25)
    for panel in axes:
        panel.grid(color=FAINT, alpha=0.25)
        panel.xaxis.set_major_formatter("{x:g}")
    return figure
