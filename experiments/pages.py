"""Pages from templates: experiments/NAME/page.md, its slots filled by page.py beside it, becomes docs/results/NAME.md.

A slot is {{name}}; in the index and the README, {{experiment.name}}. What a template has above the line MEASURED
stands in any case; what is below it, and the slots of the index, only where the shipped model was measured.
"""

import re
import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path

from experiments.encoders import remark
from experiments.store import ROOT, NotMeasured, command_of, shipped

DOCS = ROOT.parent / "docs" / "results"
README = ROOT.parent / "README.md"
MEASURED = "<!-- measured -->\n"
SLOT = re.compile(r"\{\{([\w.]+)\}\}")
BLOCK = re.compile(r"(<!-- compared -->\n).*?(?=<!-- /compared -->)", re.DOTALL)
MISSING = "*not measured for this model yet*"
NAMES = (
    "rate_distortion",
    "comparison",
    "costs",
    "quantizers",
    "speed",
    "previews",
    "preview_times",
    "stability",
    "machine",
    "progressive",
    "recognition",
    "large",
    "bulk",
    "browser",
    "exactness",
    "damaged",
    "hostile",
    "limits",
    "states",
    "search",
    "tune",
    "compact",
    "corrections",
    "projection",
    "restoration",
    "theory",
    "blocks",
    "adapters",
    "pleasing",
    "video",
    "slim",
    "designs",
    "learning",
    "mutations",
    "history",
    "released",
)
"""Experiments with a page of their name."""


@cache
def slots_of(name: str) -> Mapping[str, str]:
    """Return what fills an experiment's page. Raises NotMeasured."""
    slots: Mapping[str, str] = import_module(f"experiments.{name}.page").slots()
    return slots


def page(name: str, template: str = "page.md") -> str:
    """Return an experiment's page."""
    opening, _, measured = (ROOT / name / template).read_text().partition(MEASURED)
    try:
        slots = slots_of(name)
    except NotMeasured:
        return f"{opening}Not measured for model `{shipped()}` yet: `{command_of(name)}` does it.\n"
    return opening + remark(name) + SLOT.sub(lambda found: slots[found[1]], measured)


def filled(text: str) -> str:
    """Return a text whose slots are of several experiments."""

    def value(found: re.Match[str]) -> str:
        if found[1] == "model":
            return shipped()
        name, slot = found[1].split(".")
        try:
            return slots_of(name)[slot]
        except NotMeasured:
            return MISSING

    return SLOT.sub(value, text)


def made() -> dict[Path, str]:
    """Return every page by its file."""
    readme = README.read_text()
    block = filled("{{comparison.readme}}")
    return {
        DOCS / "index.md": filled((ROOT / "index.md").read_text()),
        README: BLOCK.sub(lambda found: f"{found[1]}{block}\n", readme),
        DOCS / "pictures.md": page("comparison", "pictures.md"),
        **{DOCS / f"{name}.md": page(name) for name in NAMES},
    }


def write(check: bool) -> int:
    """Write the pages, or only compare; return 1 where one is not as the files say."""
    stale = {path: text for path, text in made().items() if not path.exists() or path.read_text() != text}
    for path, text in stale.items():
        if check:
            print(f"{path} is not what its results say: python -m experiments pages", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return int(check and bool(stale))
