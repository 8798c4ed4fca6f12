"""The levels and states of the trellis, and what it gains on sources of known theory."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from experiments.figures import BLUE, FAINT, INK, ORANGE
from experiments.store import NO_MODEL, lines_of
from trellic.entropy.states import States
from trellic.quantize import quantizer_named


def draw_levels(axes: plt.Axes) -> None:
    """Draw the two sets of levels on one line each, coloured by the parity of their index."""
    for level_set, height in ((0, 1), (1, 0)):
        axes.plot([-3.2, 3.2], [height, height], color=FAINT, lw=0.8, zorder=0)
        for index in range(-3, 4):
            level = index - 0.5 * level_set * np.sign(index)
            axes.scatter(level, height, s=70, color=ORANGE if index % 2 else BLUE, zorder=2)
            axes.annotate(str(index), (level, height), (0, 9), textcoords="offset points", ha="center", fontsize=9)
        axes.text(-3.9, height, f"Q{level_set}", ha="right", va="center")
    axes.set(xlim=(-5.2, 3.5), ylim=(-0.7, 1.6), xticks=range(-3, 4), yticks=[], xlabel="level, in steps")
    axes.spines["left"].set_visible(False)
    axes.set_title("Levels, and the indices that name them", loc="left", fontsize=11)


def draw_states(axes: plt.Axes, states: States) -> None:
    """Draw one step of the trellis: branches of even indices and of odd ones."""
    count = len(states.sets)
    for state in range(count):
        for parity, colour in ((0, BLUE), (1, ORANGE)):
            axes.plot([0, 1], [-state, -int(states.transitions[state, parity])], color=colour, lw=1.3, zorder=1)
        for x in (0, 1):
            filled = INK if states.sets[state] else "white"
            axes.scatter(x, -state, s=60, facecolor=filled, edgecolor=INK, zorder=2)
        axes.text(-0.12, -state, str(state), ha="right", va="center", fontsize=9)
    axes.set(xlim=(-0.35, 1.2), ylim=(-count + 0.4, 0.6))
    axes.axis("off")
    axes.set_title(f"{count} states", loc="left", fontsize=11)


def trellis() -> Figure:
    """Draw levels and states."""
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), width_ratios=(2.2, 1, 1), layout="constrained")
    draw_levels(axes[0])
    draw_states(axes[1], quantizer_named("tcq4").states)
    draw_states(axes[2], quantizer_named("tcq8").states)
    figure.text(0.5, -0.04, "blue: even index   orange: odd index   open circle: Q0   filled: Q1", ha="center")
    return figure


def gain() -> Figure:
    """Draw what the trellis gains over rdoq."""
    _, lines = lines_of("theory", NO_MODEL)
    decibels = {(line["source"], line["quantizer"]): line["decibels"] for line in lines if "rates" in line}
    rates = next(line["rates"] for line in lines if "rates" in line)
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.4), sharey=True, layout="constrained")
    for panel, source in zip(axes, ("gaussian", "laplacian"), strict=True):
        for name, colour in (("tcq8", ORANGE), ("tcq4", BLUE)):
            gains = np.subtract(decibels[source, name], decibels[source, "rdoq"])
            panel.plot(rates, gains, "o-", color=colour, lw=1.5, ms=5, label=name)
        panel.set_title(f"{source.capitalize()} source", loc="left", fontsize=11)
        panel.set_xlabel("bits a sample")
        panel.grid(color=FAINT, alpha=0.25)
    axes[0].set_ylabel("gain over rdoq (dB)")
    axes[0].legend(frameon=False)
    return figure
