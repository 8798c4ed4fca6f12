"""Gains on sources of known theory."""

from experiments.store import NO_MODEL, lines_of
from trellic.evaluate.report.tables import Table

GRANULAR = {"tcq4": 0.99, "tcq8": 1.09}
"""dB of trellises of four and of eight states: Marcellin and Fischer, IEEE Trans. Comm. 38 (1990)."""


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, lines = lines_of("theory", NO_MODEL)
    granular = {line["quantizer"]: line["granular_gain"] for line in lines if line["source"] == "uniform"}
    decibels = {(line["source"], line["quantizer"]): line["decibels"] for line in lines if "rates" in line}
    rates = next(line["rates"] for line in lines if "rates" in line)
    titles = ["source", "quantizer", *(f"{rate:g} bit" for rate in rates)]
    gains = [
        [source, name, *(f"{mine - rdoq:.2f}" for mine, rdoq in zip(found, decibels[source, "rdoq"], strict=True))]
        for (source, name), found in decibels.items()
        if name != "rdoq"
    ]
    below = [[source, name, *(f"{value:.2f}" for value in found)] for (source, name), found in decibels.items()]
    return {
        **head,
        "granular": Table(
            ["quantizer", "measured (dB)", "theory (dB)"],
            [[name, f"{gain:.3f}", f"{GRANULAR[name]:.2f}"] for name, gain in granular.items()],
        ).markdown(),
        "gains": Table(titles, gains).markdown(),
        "decibels": Table(titles, below).markdown(),
    }
