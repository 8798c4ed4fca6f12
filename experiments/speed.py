"""How long things take on this machine: `python experiments/speed.py` writes experiments/results/speed.json.

Times are medians; run nothing else meanwhile.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from trellic.cli.demo import BUNDLED
from trellic.codec import Codec, Target
from trellic.entropy import rans
from trellic.files import write_atomically
from trellic.image import read

RESULTS = Path(__file__).parent / "results" / "speed.json"
REPEATS = 15


def median_seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the median time of calls after one that is not counted."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return sorted(times)[repeats // 2]


def coded_passes(codec: Codec, target: Target) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the rows and indices of all passes of the demonstration's picture."""
    passes = []
    push = rans.Encoder.push

    def keep(self, rows, indices, tables):  # type: ignore[no-untyped-def]
        passes.append((rows, indices))
        push(self, rows, indices, tables)

    rans.Encoder.push = keep  # type: ignore[method-assign]
    codec.encode_picture(read(BUNDLED), target)
    rans.Encoder.push = push  # type: ignore[method-assign]
    return passes


def coder_speed(codec: Codec) -> tuple[float, float]:
    """Return millions of coded symbols a second of the range coder, encoding and decoding, on one thread."""
    passes = coded_passes(codec, Target(90))
    tables = codec.quantization.tables
    rows, indices = (np.concatenate([part[side] for part in passes] * 4) for side in (0, 1))
    kept = rows >= rans.SKIPPED_ROWS
    rows, indices = rows[kept], indices[kept]

    def encode() -> bytes:
        encoder = rans.Encoder()
        encoder.push(rows, indices, tables)
        return encoder.finish()

    data = encode()
    decoding = median_seconds(lambda: rans.Decoder(data).pull(rows, tables))
    return len(rows) / median_seconds(encode) / 1e6, len(rows) / decoding / 1e6


def main() -> None:
    codec = Codec()
    picture = read(BUNDLED)
    data = codec.encode_picture(picture, Target(50)).data
    encoding, decoding = coder_speed(codec)
    with tempfile.TemporaryDirectory() as folder:
        stream, out = Path(folder) / "p.tlic", Path(folder) / "p.png"
        stream.write_bytes(data)
        command = [sys.executable, "-m", "trellic", "decode", str(stream), "-o", str(out), "--force"]
        cold = median_seconds(lambda: subprocess.run(command, check=True, capture_output=True), 7)
        bare = [sys.executable, "-c", "pass"]
        package = [sys.executable, "-c", "import trellic"]
        importing = median_seconds(lambda: subprocess.run(package, check=True)) - median_seconds(
            lambda: subprocess.run(bare, check=True)
        )
    figures = [
        ("encode, warm process", 1000 * median_seconds(lambda: codec.encode_picture(picture, Target(50))), "ms"),
        ("decode, warm process", 1000 * median_seconds(lambda: codec.decode_picture(data)), "ms"),
        ("trellic decode, cold process, PNG written", cold, "s"),
        ("import trellic", 1000 * importing, "ms"),
        ("range coder, encoding, one thread, quality 90", encoding, "M symbols/s"),
        ("range coder, decoding, one thread, quality 90", decoding, "M symbols/s"),
    ]
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    result = {
        "command": "python experiments/speed.py",
        "model": codec.model.name,
        "processors": os.cpu_count(),
        "processor": names[0] if names else "unknown",
        "figures": figures,
    }
    write_atomically(RESULTS, lambda file: file.write(json.dumps(result, indent=1).encode()))
    for name, value, unit in figures:
        print(f"{name:50} {value:8.3g} {unit}")


if __name__ == "__main__":
    main()
