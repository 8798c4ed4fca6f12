"""Decode thousands of damaged streams: `python tests/fuzz.py --streams 3000 --seed 1 [--json FILE]`.

Every stream must decode, or be refused by a TrellicError, within five seconds of a processor and a gigabyte. Any other
is kept in the folder that --keep names, and the exit code is 1. Stream n of a seed is the same in every run. The one at
hand is in that folder as `current.tlic`, to be there after a crash as well; what never ends is killed after a minute.
"""

import argparse
import io
import json
import os
import resource
import signal
import sys
import time
import warnings
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from adapters import random_adapter
from mutate import mutated, parsed
from trellic import TrellicError, api
from trellic.codec import Codec
from trellic.codec.attached import section_of
from trellic.codec.exact import pack
from trellic.container import Section, SectionType, Stream, write_stream
from trellic.quantize import QUANTIZERS

GOLDEN = Path(__file__).parent / "golden"
SECONDS, GIGABYTES, PIXELS = 5.0, 1.0, 1 << 20


def sources() -> list[bytes]:
    """Return the golden streams, and fresh ones of other sizes, modes and metadata by the same small models."""
    streams = [path.read_bytes() for path in sorted(GOLDEN.glob("*.tlic"))]
    random = np.random.default_rng(0)
    noise = Image.fromarray(random.integers(0, 256, (70, 130, 4), np.uint8), "RGBA")
    noise.info["icc_profile"] = random.bytes(300)
    for number, image in enumerate((noise, noise.convert("L"), noise.convert("RGB").resize((1, 300)))):
        codec = Codec(str(GOLDEN / "golden.trm"), 1, quantizer=QUANTIZERS[-1 - number].name)
        streams += [codec.encode(image, 95), codec.encode(image, 5)]
        streams.append(exactly(streams[-1], np.asarray(image)))
        header, sections = parsed(streams[-2])
        streams.append(write_stream(header, [section_of(random_adapter(seed=number), True), *sections]))
    return streams


def exactly(data: bytes, samples: np.ndarray) -> bytes:
    """Return a stream of one tile with its samples coded exactly."""
    stream = Stream.parse(data)
    colours = np.stack([samples] * 3, axis=2) if samples.ndim == 2 else samples
    kind = SectionType.EXACT_ALPHA if colours.shape[2] == 4 else SectionType.EXACT
    metadata = [Section(entry.type, stream.read(entry)) for entry in stream.metadata.values()]
    return write_stream(stream.header, [*metadata, Section(kind, pack(colours))])


def first_part(data: bytes, limit: int) -> Image.Image:
    """Return the picture of the first layer, or of the first group where there are no layers."""
    stream = Stream.parse(data, limit)
    return api.decode(data, limit, layers=1) if stream.layers else api.decode(data, limit, groups=1)


def outcome(data: bytes) -> str:
    """Return "decoded", the name of the TrellicError that refuses a stream, or "FAILED: " and any other error."""
    try:
        for show in (api.preview, first_part, partial(api.decode, partial=True), api.decode):
            show(data, limit=PIXELS).save(io.BytesIO(), "PNG", compress_level=0)
    except TrellicError as error:
        return type(error).__name__ if len(str(error).splitlines()) == 1 else f"FAILED: {error!r} is not one line"
    except Exception as error:
        return f"FAILED: {error!r}"
    return "decoded"


def run(streams: int, seed: int, keep: Path) -> dict[str, Any]:
    """Decode so many damaged streams; return counts by outcome, the slowest decode, peak memory and what failed."""
    os.environ["TRELLIC_MODELS"] = str(GOLDEN)
    keep.mkdir(parents=True, exist_ok=True)
    current = keep / "current.tlic"
    originals = sources()
    for original in originals:
        assert outcome(original) == "decoded"
    counts: Counter[str] = Counter()
    failures: list[dict[str, Any]] = []
    slowest, peak = 0.0, _gigabytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of alpha planes
        for number in range(streams):
            data = mutated(originals, np.random.default_rng([seed, number]))
            current.write_bytes(data)
            signal.setitimer(signal.ITIMER_PROF, 60)  # no handler: it stops kernels too
            start, before = time.process_time(), peak
            found = outcome(data)
            seconds, peak = time.process_time() - start, _gigabytes()
            slowest = max(slowest, seconds)
            if seconds > SECONDS or (peak > GIGABYTES and peak > before):
                found = f"FAILED: {seconds:.1f} s, {peak:.2f} GB"
            counts[found.split(":")[0]] += 1
            if found.startswith("FAILED"):
                current.rename(keep / f"{seed}-{number}.tlic")
                failures.append({"stream": number, "outcome": found})
    signal.setitimer(signal.ITIMER_PROF, 0)
    current.unlink(missing_ok=True)
    return {
        "streams": streams,
        "seed": seed,
        "outcomes": dict(counts.most_common()),
        "slowest_seconds": round(slowest, 3),
        "peak_gigabytes": round(peak, 3),
        "failures": failures,
    }


def _gigabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="FILE", help="Write the report here.")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"), metavar="DIR")
    options = parser.parse_args()
    report = run(options.streams, options.seed, options.keep)
    text = json.dumps(report, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")
    if not any(options.keep.iterdir()):
        options.keep.rmdir()
    sys.exit(1 if report["failures"] else 0)


if __name__ == "__main__":
    main()
