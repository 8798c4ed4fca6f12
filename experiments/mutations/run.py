"""Which damage do the tests notice? Edits of tests/mutations/edits.toml, area by area, where one was not run yet."""

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from experiments.store import NO_MODEL, ROOT, NotMeasured, commit, keep, lines_of
from trellic.jobs.local import complain

FOLDER = ROOT.parent / "tests" / "mutations"
Edit = dict[str, Any]


def listed() -> dict[str, list[Edit]]:
    """Return the edits that are listed, by area."""
    document = tomllib.loads((FOLDER / "edits.toml").read_text())
    return {name: area["edit"] for name, area in document.items()}


def outcome_of(edit: Edit, lines: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the line that says what became of an edit, None where it was not run as it is now."""
    same = (line for line in lines if all(line[key] == edit[key] for key in ("what", "file", "old", "new")))
    return next(same, None)


def known() -> list[dict[str, Any]]:
    """Return what became of edits so far."""
    try:
        return lines_of("mutations", NO_MODEL)[1]
    except NotMeasured:
        return []


def run(data: Path) -> None:
    """Run the areas with an edit that was not run, and keep what became of all their edits."""
    for area, edits in listed().items():
        if all(outcome_of(edit, known()) for edit in edits):
            continue
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "report.json")
            subprocess.run([sys.executable, FOLDER / "run.py", area, "--json", report], stdout=sys.stderr)
            found = [{**line, "commit": commit()} for line in json.loads(report.read_text())]
        keep("mutations", [*(line for line in known() if line["area"] != area), *found], NO_MODEL)
        complain(f"mutations: {area}")
