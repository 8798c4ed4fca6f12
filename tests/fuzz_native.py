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
from typing import NamedTuple

import numpy as np

import fuzz
from conftest import GOLDEN
from mutate import blindly, mutated
from second_decoder import build_native, golden_half, natively
from trellic.model import Model
from trellic.web.pack import pack_decoder

CONFORMANCE = GOLDEN.parent / "conformance"
AT_ONCE = 500


class Sound(NamedTuple):
    """What is damaged: a decoder half, inflated, and streams of its model; `first` is what damaged halves decode."""

    half: bytes
    streams: list[bytes]
    first: bytes


def golden() -> Sound:
    """Return what is sound of the golden model."""
    return Sound(zlib.decompress(golden_half()), fuzz.sources(), (GOLDEN / "uniform.tlic").read_bytes())


def corrected() -> Sound:
    """Return what is sound of the model of conformance vectors whose scales are corrected."""
    streams = [path.read_bytes() for path in sorted(CONFORMANCE.glob("corrected_*.tlic"))]
    return Sound(zlib.decompress(pack_decoder(Model.read(CONFORMANCE / "corrected.trm"))), streams, streams[0])


def damaged_streams(sound: Sound, count: int, seed: int) -> list[bytes]:
    """Return so many damaged streams."""
    return [mutated(sound.streams, np.random.default_rng([seed, number])) for number in range(count)]


def damaged_model(half: bytes, random: np.random.Generator) -> bytes:
    """Return a decoder half, inflated, that is damaged where its structure lies, or anywhere."""
    if random.integers(4) == 0:
        return blindly(half, random)
    structure = int(random.integers(40, 4000))
    return half[:36] + blindly(half[36:structure], random) + half[structure:]


def damaged_models(sound: Sound, count: int, seed: int) -> list[bytes]:
    """Return so many damaged decoder halves, inflated."""
    return [damaged_model(sound.half, np.random.default_rng([seed, number])) for number in range(count)]


def run(program: Path, sound: Sound, streams: int, models: int, seed: int) -> dict[str, dict[str, int]]:
    """Return how many streams and models ended how; a model that loads decodes a stream."""
    records = [[("s", data)] for data in damaged_streams(sound, streams, seed)]
    pairs = [[("m", data), ("s", sound.first)] for data in damaged_models(sound, models, seed)]
    ends: dict[str, Counter[str]] = {"streams": Counter(), "models": Counter()}
    for what, listed in (("streams", records), ("models", pairs)):
        for start in range(0, len(listed), AT_ONCE):
            chosen = listed[start : start + AT_ONCE]
            _, *found = natively(program, [("m", sound.half), *(record for each in chosen for record in each)])
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
        found = {
            each.__name__: run(program, each(), options.streams, options.models, options.seed)
            for each in (golden, corrected)
        }
        print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
