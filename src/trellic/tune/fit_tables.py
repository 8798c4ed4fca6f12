"""Probability tables and reconstruction offsets fitted to the indices that a quantizer emits.

A trained prior promises a Gaussian of some scale; the indices that arrive follow a law with a sharper peak and longer
tails, more so where a search chose them. Counting them on training pictures gives tables that cost fewer bits for the
same indices.

The mean of the residuals behind an index is where its level should lie, for the squared error of latents. A synthesis
that was trained on the levels themselves has learned that shift already, and takes it twice: offsets are moved only
where it will be trained on them.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from trellic.codec.analysis import analyse
from trellic.codec.deployed import DeployedQuantizer
from trellic.container.header import QUALITY_ONE
from trellic.errors import NoPictures
from trellic.model import Model, Sessions
from trellic.picture.types import Picture
from trellic.processors import processors
from trellic.quantize import Quantizer
from trellic.tune.fit_corrections import fit_corrections
from trellic.tune.pictures import QUALITIES
from trellic.tune.statistics import IndexStatistics

ROUNDS = 2
"""A search chooses by the tables it has; with the tables of its first choices it chooses again."""


def fit_tables(
    model: Model,
    pictures: Sequence[Picture],
    quantizers: Sequence[Quantizer],
    facts: dict[str, Any] | None = None,
    move_offsets: bool = False,
    report: Callable[[str], None] = lambda message: None,
) -> Model:
    """Return a model whose tables are those of the indices that quantizers emit on pictures, and whose scales are
    corrected by what passes show of themselves.

    facts         of the fitting, for the card
    move_offsets  whether levels move to where their residuals lie
    What is rounded, as z is, all code alike: its tables are counted with the first quantizer, for which corrections are
    fitted, too. Raises NoPictures where there are none.
    """
    before, model = model, fit_corrections(model, pictures, quantizers[0], report)
    sessions = Sessions(model, threads=1)  # several pictures at a time
    deployed = [DeployedQuantizer.of(model, quantizer) for quantizer in quantizers]
    for number in range(1, ROUNDS + 1):
        report(f"counting indices, round {number} of {ROUNDS}")
        counted = count_indices(sessions, pictures, deployed)
        deployed = [statistics.fitted() for statistics in counted]
    entry = {**(facts or {}), "pictures": len(pictures), "before": before.name}
    fitted = model.with_rounded_tables(deployed[0].rounded)
    for each, statistics in zip(deployed, counted, strict=True):
        offsets = statistics.offsets() if move_offsets else each.offsets
        fitted = fitted.with_quantizer(
            each.quantizer.name, each.operating_points, each.tables, offsets, facts={"tables": entry}
        )
    return fitted


def count_indices(
    sessions: Sessions, pictures: Iterable[Picture], deployed: Sequence[DeployedQuantizer]
) -> list[IndexStatistics]:
    """Return the statistics of each deployed quantizer on pictures at all QUALITIES. Raises NoPictures."""
    totals = [IndexStatistics(each) for each in deployed]

    def count(picture: Picture) -> list[IndexStatistics]:
        parts = [IndexStatistics(each) for each in deployed]
        for quality in QUALITIES:
            analysed = analyse(sessions, picture.pixels, quality * QUALITY_ONE)
            for part in parts:
                part.count(sessions, analysed)
        return parts

    seen = 0
    with ThreadPoolExecutor(processors()) as pool:
        for parts in pool.map(count, pictures):
            seen += 1
            for total, part in zip(totals, parts, strict=True):
                total.add(part)
    if not seen:
        raise NoPictures("none of the pictures can be read")
    return totals
