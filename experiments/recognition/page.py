"""The table of what is recognized."""

from collections.abc import Callable
from typing import Any

from experiments.recognition.run import JPEG, OTHER, QUALITIES
from experiments.store import TEST, Line, lines_of
from trellic.evaluate.report.tables import Table


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, lines = lines_of("recognition")
    kinds: dict[str, Callable[[Line], Any]] = {
        **{f"fresh, at quality {each}": lambda line, each=each: line["fresh"][str(each)] for each in QUALITIES},
        **{f"from JPEG {each}, at quality 50": lambda line, each=each: line["jpeg"][str(each)] for each in JPEG},
        f"coded at 50, at quality {OTHER}": lambda line: line["other"],
        **{f"coded at {each}, at that quality": lambda line, each=each: line["coded"][str(each)] for each in QUALITIES},
    }
    rows = []
    for kind, of in kinds.items():
        found = [[bool(of(line)) for line in lines if line["set"] == name] for name in TEST]
        rows.append([kind, *(f"{sum(each)} of {len(each)}" for each in found)])
    return {**head, "table": Table(["recognized", *TEST], rows).markdown()}
