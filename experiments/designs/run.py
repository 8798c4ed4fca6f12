"""Designs that differ in one option, trained for equal CPU time; started twice, it works on two cells at a time.

Each cell is kept in runs/designs; finished ones are not trained again.
"""

import fcntl
import json
from itertools import product
from pathlib import Path
from typing import Any

from experiments.designs.cells import CELLS, SEEDS, STARTS, Cell
from experiments.store import NO_MODEL, keep
from trellic.files import write_bytes
from trellic.jobs.local import complain

FOLDER = Path("runs/designs")


def run(data: Path) -> None:
    """Train the cells that are missing, and keep all that are there."""
    import torch  # the other experiments do without

    from experiments.designs.times import times
    from experiments.designs.training import Pictures

    torch.set_num_threads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    pictures = Pictures(data, FOLDER / "cache")
    for seed, cell in product(SEEDS, CELLS):
        _once(f"{cell.comparison}-{cell.option}-{seed}", cell, seed, pictures)
    lines = [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]
    keep("designs", [*lines, *times()], NO_MODEL)


def _once(name: str, cell: Cell, seed: int, pictures: Any) -> None:
    """Train a cell, unless it is trained, or another process is at it."""
    from experiments.designs.training import measure, start_of

    path = FOLDER / f"{name}.json"
    if cell.start in STARTS:
        with (FOLDER / f"start-{cell.start}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            start_of(cell, pictures, FOLDER)
    with (FOLDER / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if not path.exists():
            text = json.dumps(measure(cell, seed, pictures, FOLDER))
            write_bytes(path, text.encode())
            complain(f"designs: {name}")
