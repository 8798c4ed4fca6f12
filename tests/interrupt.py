"""Kill encoding runs and go on with them: `python tests/interrupt.py --times 50 --seed 0 [--signal KILL]`.

Each time a run over a folder gets the signal once some of its files are there, and a moment later. What is there must
be whole, and a run with --resume must do the rest and leave nothing else behind. The exit code is 1 where it does not.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

import trellic

GOLDEN = Path(__file__).parent / "golden"
PICTURES = 8


def make_pictures(folder: Path) -> None:
    """Write small noisy pictures: they take a while to code for their size."""
    folder.mkdir()
    for number in range(PICTURES):
        pixels = np.random.default_rng(number).integers(0, 256, (160, 200, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02}.bmp")


def command(folder: Path, out: Path, *options: str) -> list[str]:
    model = str(GOLDEN / "golden.trm")
    return [sys.executable, "-m", "trellic", "encode", str(folder), "-o", str(out), "--model", model, *options]


def interrupt(folder: Path, out: Path, random: np.random.Generator, number: signal.Signals) -> tuple[int, int]:
    """Send a run a signal; return how many files it left, and its exit code."""
    process = subprocess.Popen(command(folder, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wanted = int(random.integers(0, PICTURES - 2))
    while process.poll() is None and len(list(out.glob("*"))) < wanted:
        time.sleep(0.001)
    time.sleep(float(random.uniform(0, 0.03)))
    process.send_signal(number)
    code = process.wait()
    return len(list(out.glob("*.tlic"))), code


def problems(folder: Path, out: Path, resume: bool) -> list[str]:
    """Return what is wrong with what a run left and, if `resume`, with what another made of it."""
    found = []
    for path in sorted(out.glob("*.tlic")):
        try:
            trellic.verify(path.read_bytes())
        except trellic.TrellicError as error:
            found.append(f"{path.name}: {error}")
    if resume:
        before = {path: path.stat().st_mtime_ns for path in out.glob("*.tlic")}
        result = subprocess.run(command(folder, out, "--resume"), capture_output=True, text=True, check=False)
        if result.returncode or f"{len(before)} of {PICTURES} were there" not in result.stderr:
            found.append(f"--resume: {result.stderr}")
        if any(path.stat().st_mtime_ns != at for path, at in before.items()):
            found.append("--resume wrote what was there")
        found += problems(folder, out, resume=False)
        names = sorted(path.name for path in out.iterdir())
        if names != [f"{number:02}.tlic" for number in range(PICTURES)]:
            found.append(f"left: {names}")
    return found


def run(times: int, seed: int, number: signal.Signals, resume: bool = True) -> list[dict[str, object]]:
    """Return a record of each interruption."""
    os.environ["TRELLIC_MODELS"] = str(GOLDEN)
    records = []
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place) / "in", Path(place) / "out"
        make_pictures(folder)
        for time_ in range(times):
            shutil.rmtree(out, ignore_errors=True)
            left, code = interrupt(folder, out, np.random.default_rng([seed, time_]), number)
            strays = len(list(out.glob(".*")))
            records.append(
                {"left": left, "strays": strays, "code": code, "problems": problems(folder, out, resume)}
            )  # fmt: skip
    return records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--signal", choices=["KILL", "TERM", "INT"], default="KILL")
    options = parser.parse_args()
    records = run(options.times, options.seed, signal.Signals[f"SIG{options.signal}"])
    print(*records, sep="\n")
    sys.exit(1 if any(record["problems"] for record in records) else 0)


if __name__ == "__main__":
    main()
