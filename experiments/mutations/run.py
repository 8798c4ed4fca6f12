"""Which damage do the tests notice? The edits of tests/mutations/edits.toml; known kills are not run again."""

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from experiments.store import NO_MODEL, ROOT, NotMeasured, keep, lines_of
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


def run(data: Path) -> None:
    """Run what is missing, area by area, and keep what became of all that are listed."""
    try:
        lines = lines_of("mutations", NO_MODEL)[1]
    except NotMeasured:
        lines = []
    for area in listed():
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "report.json")
            report.write_text(json.dumps(lines))
            subprocess.run([sys.executable, FOLDER / "run.py", area, "--json", report], stdout=sys.stderr)
            lines = json.loads(report.read_text())
        edits = [edit for own in listed().values() for edit in own]
        keep("mutations", [line for edit in edits if (line := outcome_of(edit, lines))], NO_MODEL)
        complain(f"mutations: {area}")
