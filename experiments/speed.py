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
from trellic.codec.encoder import analyse
from trellic.codec.fit_tables import Census
from trellic.container.header import QUALITY_ONE
from trellic.entropy import rans
from trellic.entropy.parameters import Parameters
from trellic.entropy.tables import SKIPPED_SCALES, gaussian_tables, scale_of
from trellic.files import write_atomically
from trellic.picture.pillow import read
from trellic.quantize import QUANTIZERS, Quantizer, QuantizerParameters
from trellic.quantize.levels import no_offsets

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


def coder_speed(codec: Codec) -> tuple[float, float]:
    """Return millions of coded symbols a second of the range coder, encoding and decoding, on one thread."""
    tables = codec.deployed.tables
    census = Census(codec.deployed)
    census.count(codec.networks, analyse(codec.networks, read(BUNDLED).pixels), [90 * QUALITY_ONE])
    random = np.random.default_rng(0)
    counts = census.latent_counts.counts[SKIPPED_SCALES:]  # the demonstration's indices, shuffled
    each = counts.ravel().astype(int)
    scale_indices, magnitudes = (np.repeat(side, each) for side in np.indices(counts.shape).reshape(2, -1))
    order = random.permutation(4 * len(scale_indices)) % len(scale_indices)
    scale_indices = (scale_indices[order] + SKIPPED_SCALES).astype(np.uint8)
    indices = (magnitudes[order] * random.choice([-1, 1], len(scale_indices))).astype(np.int32)

    def encode() -> bytes:
        encoder = rans.Encoder()
        encoder.push(scale_indices, indices, tables)
        return encoder.finish()

    data = encode()
    decoding = median_seconds(lambda: rans.Decoder(data).pull(scale_indices, tables))
    return len(scale_indices) / median_seconds(encode) / 1e6, len(scale_indices) / decoding / 1e6


def search_speed(quantizer: Quantizer) -> float:
    """Return millions of latents a second of a quantizer's search on one thread: Gaussians by falling scale."""
    random = np.random.default_rng(0)
    scale_indices = np.sort(random.integers(SKIPPED_SCALES, 24, 500_000).astype(np.uint8))[::-1].copy()
    line = (
        random.normal(size=len(scale_indices))
        * np.array([scale_of(scale_index) for scale_index in range(64)])[scale_indices]
    ).astype(np.float32)
    parameters, weights = Parameters(scale_indices, np.zeros(len(scale_indices), np.int32)), np.ones_like(line)
    sets = 2 if quantizer.states.is_trellis else 1
    settings = QuantizerParameters(gaussian_tables(sets), no_offsets(sets), quantizer.step, quantizer.rate_weight)
    return len(scale_indices) / median_seconds(lambda: quantizer.quantize(line, parameters, weights, settings, 0)) / 1e6


def main() -> None:
    codecs = {name: Codec(quantizer=name) for name in ("uniform", "tcq8")}
    picture = read(BUNDLED)
    streams = {name: codec.encode_picture(picture, Target(50)).data for name, codec in codecs.items()}
    encoding, decoding = coder_speed(codecs["uniform"])
    with tempfile.TemporaryDirectory() as folder:
        stream, out = Path(folder) / "p.tlic", Path(folder) / "p.png"
        stream.write_bytes(streams["tcq8"])
        command = [sys.executable, "-m", "trellic", "decode", str(stream), "-o", str(out), "--force"]
        cold = median_seconds(lambda: subprocess.run(command, check=True, capture_output=True), 7)
        bare = [sys.executable, "-c", "pass"]
        package = [sys.executable, "-c", "import trellic"]
        importing = median_seconds(lambda: subprocess.run(package, check=True)) - median_seconds(
            lambda: subprocess.run(bare, check=True)
        )

    def encode_ms(name: str) -> float:
        return 1000 * median_seconds(lambda: codecs[name].encode_picture(picture, Target(50)))

    def decode_ms(name: str) -> float:
        return 1000 * median_seconds(lambda: codecs[name].decode_picture(streams[name]))

    figures = [
        *((f"encode {name}, warm process", encode_ms(name), "ms") for name in codecs),
        *((f"decode {name}, warm process", decode_ms(name), "ms") for name in codecs),
        ("trellic decode, cold process, PNG written", cold, "s"),
        ("import trellic", 1000 * importing, "ms"),
        ("range coder, encoding, one thread, quality 90", encoding, "M symbols/s"),
        ("range coder, decoding, one thread, quality 90", decoding, "M symbols/s"),
        *((f"search of {each.name}, one thread", search_speed(each), "M latents/s") for each in QUANTIZERS),
    ]
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    result = {
        "command": "python experiments/speed.py",
        "model": codecs["tcq8"].model.name,
        "processors": os.cpu_count(),
        "processor": names[0] if names else "unknown",
        "figures": figures,
    }
    write_atomically(RESULTS, lambda file: file.write(json.dumps(result, indent=1).encode()))
    for name, value, unit in figures:
        print(f"{name:50} {value:8.3g} {unit}")


if __name__ == "__main__":
    main()
