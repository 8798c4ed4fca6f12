"""What becomes of 200 000 damaged streams: tests/fuzz.py with two seeds."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from experiments.store import ROOT, keep
from trellic.jobs.local import complain

SEEDS, STREAMS = (1, 2), 100_000


def run(data: Path) -> None:
    """Measure all of it anew."""
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in SEEDS:
            report = Path(folder, f"{seed}.json")
            command = [sys.executable, "tests/fuzz.py", "--streams", str(STREAMS), "--seed", str(seed)]
            done = subprocess.run([*command, "--json", str(report)], cwd=ROOT.parent, stdout=subprocess.DEVNULL)
            complain(f"damaged: seed {seed}, exit code {done.returncode}")
            lines.append(json.loads(report.read_text()))
    keep("damaged", lines)
