"""Decode damaged streams and models natively, under sanitizers: `python tests/fuzz_native.py --streams 10000 --seed 1`.

The decoder in C must decode or refuse each. At the first read out of bounds, undefined behaviour or leak it ends, and
so does this, with the sanitizer's report. Stream n of a seed is the same in every run. `tests/fuzz.py` is Python's.
"""

import argparse
import json
import tempfile
import zlib
from collections import Counter
from pathlib import Path

import numpy as np

import fuzz
from conftest import GOLDEN
from mutate import blindly, mutated
from second_decoder import build_native, golden_half, natively

AT_ONCE = 500


def damaged_streams(count: int, seed: int) -> list[bytes]:
    """Return so many damaged streams of the golden model."""
    originals = fuzz.sources()
    return [mutated(originals, np.random.default_rng([seed, number])) for number in range(count)]


def damaged_model(half: bytes, random: np.random.Generator) -> bytes:
    """Return a decoder half, inflated, that is damaged where its structure lies, or anywhere."""
    if random.integers(4) == 0:
        return blindly(half, random)
    structure = int(random.integers(40, 4000))
    return half[:36] + blindly(half[36:structure], random) + half[structure:]


def damaged_models(count: int, seed: int) -> list[bytes]:
    """Return so many damaged decoder halves, inflated."""
    half = zlib.decompress(golden_half())
    return [damaged_model(half, np.random.default_rng([seed, number])) for number in range(count)]


def run(program: Path, streams: int, models: int, seed: int) -> dict[str, dict[str, int]]:
    """Return how many streams and models ended how; a model that loads decodes a stream."""
    half = zlib.decompress(golden_half())
    sound = (GOLDEN / "uniform.tlic").read_bytes()
    records = [[("s", data)] for data in damaged_streams(streams, seed)]
    pairs = [[("m", data), ("s", sound)] for data in damaged_models(models, seed)]
    ends: dict[str, Counter[str]] = {"streams": Counter(), "models": Counter()}
    for what, listed in (("streams", records), ("models", pairs)):
        for start in range(0, len(listed), AT_ONCE):
            chosen = listed[start : start + AT_ONCE]
            _, *found = natively(program, [("m", half), *(record for each in chosen for record in each)])
            for each in chosen:
                codes = [found.pop(0)[0] for _ in each]
                ends[what][next((code for code in codes if code != "decoded"), "decoded")] += 1
    return {what: dict(counts.most_common()) for what, counts in ends.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = build_native(Path(folder, "decoder"))
        print(json.dumps(run(program, options.streams, options.models, options.seed), indent=1))


if __name__ == "__main__":
    main()
