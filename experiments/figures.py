"""Figures of the docs, drawn from results by `python -m experiments figures`; needs trellic[figures].

Each carries the hash of the model that it shows, so that a test finds one of another.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from experiments.store import ROOT, NotMeasured, shipped

FOLDER = ROOT.parent / "docs" / "figures"
OF = {
    "comparison": shipped,
    "progressive": shipped,
    "video": shipped,
    "gain": lambda: "no-model",
    "trellis": lambda: "no-model",
}
"""Names of figures, and the version of the results that each shows."""
DRAWN_BY = {
    "comparison": "comparison",
    "progressive": "progressive",
    "video": "video",
    "gain": "theory",
    "trellis": "theory",
}
INK, FAINT = "#30343b", "#9aa1ab"
BLUE, ORANGE = "#1f6fb4", "#d1651a"
STYLE = {
    "svg.hashsalt": "trellic", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10,
    "axes.edgecolor": FAINT, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK, "text.color": INK,
    "axes.spines.top": False, "axes.spines.right": False,
}  # fmt: skip


def path_of(name: str) -> Path:
    """Return the file of a figure."""
    return FOLDER / f"{name}.svg"


def draw() -> None:
    """Draw every figure whose results there are."""
    import matplotlib as mpl

    mpl.use("svg")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, experiment in DRAWN_BY.items():
        drawing: Callable[[], object] = getattr(import_module(f"experiments.{experiment}.figure"), name)
        with mpl.rc_context(STYLE):
            try:
                figure = drawing()
            except NotMeasured as error:
                path_of(name).unlink(missing_ok=True)
                print(f"{name}: {error}")
                continue
            metadata = {"Date": None, "Title": OF[name]()}
            figure.savefig(path_of(name), metadata=metadata, bbox_inches="tight")  # type: ignore[attr-defined]
