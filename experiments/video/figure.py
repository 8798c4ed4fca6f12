"""Rate and distortion of each clip by each codec."""

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from experiments.figures import BLUE, FAINT, INK, ORANGE
from experiments.store import lines_of
from experiments.video.page import ADAPTIVE, points_of
from experiments.video.run import CLIPS, FRAMES

STYLES = {ADAPTIVE: (ORANGE, "o", "trellic"), "x265": (INK, "^", "x265"), "x264": (BLUE, "s", "x264"),
          "mpeg4": (FAINT, "v", "mpeg4")}  # fmt: skip


def video() -> Figure:
    """Draw a panel a clip: mean PSNR over kilobytes a frame."""
    _, lines = lines_of("video")
    figure, axes = plt.subplots(1, len(CLIPS), figsize=(13, 3.2), layout="constrained")
    for panel, clip in zip(axes, CLIPS, strict=True):
        for codec, (colour, marker, label) in STYLES.items():
            points = sorted(points_of(lines, clip, codec))
            sizes = [size / FRAMES / 1000 for size, _ in points]
            panel.plot(sizes, [decibels for _, decibels in points], marker, ls="-", color=colour, ms=4, label=label)
        panel.set(xscale="log", xlabel="kB a frame", title=clip)
        panel.grid(color=FAINT, alpha=0.3)
    axes[0].set_ylabel("PSNR, dB (RGB)")
    axes[0].legend(frameon=False, fontsize=8)
    return figure
