"""Keep the learning curve of the long run: what `trellic train` validated, from the log in its folder.

The run outlasts machines; a log that was lost is continued by the next. What stands here is of one log.
"""

import json
from pathlib import Path

from experiments.learning.page import RUN
from experiments.store import keep
from trellic.jobs.local import complain

FOLDER = Path("runs/long")


def run(data: Path) -> None:
    """Copy what was validated; the results that there are stay where there is no log."""
    log, config = FOLDER / "log.jsonl", FOLDER / "config.json"
    if not log.exists():
        complain(f"learning: skipped, there is no {log}")
        return
    settings = json.loads(config.read_text())
    from trellic.train.validate import QUALITIES  # needs torch, which the other experiments do without

    kept = ("seed", "batch", "crop", "learning_rate", "mix", "precision", "quantizer", "stage", "design")
    lines = [line for line in map(json.loads, log.read_text().splitlines()) if "validation" in line]
    keep("learning", [{**{key: settings[key] for key in kept}, "qualities": QUALITIES}, *lines], RUN)
