"""A photograph as its file arrives, and rate and distortion of prefixes beside streams of one quality."""

from collections.abc import Sequence
from statistics import mean

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from experiments.figures import BLUE, FAINT, INK, ORANGE
from experiments.progressive.run import DECIBELS, LAYERS, QUALITY
from experiments.store import Line, lines_of, results_of
from trellic.codec import Codec
from trellic.container import Stream
from trellic.limits import MOST_PIXELS
from trellic.metrics import psnr
from trellic.model.store import SHIPPED
from trellic.picture.pillow import read

SHOWN = (1, 3, 6, 10)
"""Of the layers."""
LEFT, TOP, WIDTH, HEIGHT = 120, 96, 208, 144
"""Of the detail that is shown."""


def draw_strip(panels: Sequence[plt.Axes]) -> None:
    """Show a detail after some of the layers."""
    pixels = read(SHIPPED / "demo.webp", MOST_PIXELS).pixels[TOP : TOP + HEIGHT, LEFT : LEFT + WIDTH]
    codec = Codec(threads=1)
    stream = Stream.parse(codec.encode(pixels, QUALITY, layers=LAYERS["halving"]))
    for panel, layers in zip(panels, SHOWN, strict=True):
        shown = np.asarray(codec.decode(stream, layers=layers))
        panel.imshow(shown, interpolation="none")
        panel.axis("off")
        facts = f"{stream.end_of(layers)} bytes, {psnr(pixels, shown):.1f} dB"
        panel.set_title(f"layer {layers}: {facts}", loc="left", fontsize=9)


def means(lines: Sequence[Line], kind: str, count: int) -> tuple[list[float], list[float]]:
    """Return mean rates in bits per pixel and mean PSNR of prefixes."""
    rates = [mean(8 * line[kind]["bytes"][n] / line["pixels"] for line in lines) for n in range(count)]
    return rates, [mean(line[kind]["psnr"][n] for line in lines) for n in range(count)]


def draw_curves(panel: plt.Axes, lines: Sequence[Line]) -> None:
    """Draw mean rate and PSNR over all pictures that were measured."""
    there = {(line["set"], line["picture"]) for line in lines}
    for quantizer, colour in (("tcq8", INK), ("deadzone", FAINT)):
        records = [
            one
            for one in results_of("quantizers").records
            if one.codec == f"trellic {quantizer}" and (one.group, one.picture) in there
        ]
        settings = sorted({one.setting for one in records})
        own = [[one for one in records if one.setting == setting] for setting in settings]
        rates = [mean(one.bpp for one in each) for each in own]
        panel.plot(
            rates,
            [mean(one.psnr or 0 for one in each) for each in own],
            color=colour,
            label=f"{quantizer}, one quality",
        )
    counts = {"halving": BLUE, "trits": ORANGE}
    for kind, colour in counts.items():
        panel.plot(*means(lines, kind, LAYERS[kind]), "o-", ms=4, color=colour, label=f"prefixes, {kind}")
    panel.plot(*means(lines, "jpeg2000", len(DECIBELS)), "s--", ms=4, color=FAINT, label="layers of JPEG 2000")
    panel.set(xscale="log", xlabel="bits per pixel", ylabel="PSNR (dB)")
    panel.legend(frameon=False, fontsize=9)


def progressive() -> Figure:
    """Draw the strip, and the curves below it."""
    _, lines = lines_of("progressive")
    figure = plt.figure(figsize=(10, 6), layout="constrained")
    grid = figure.add_gridspec(2, len(SHOWN), height_ratios=(1, 1.6))
    draw_strip([figure.add_subplot(grid[0, n]) for n in range(len(SHOWN))])
    draw_curves(figure.add_subplot(grid[1, :]), lines)
    return figure
