"""How long trellic takes on this machine, medians. Run nothing else meanwhile."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from experiments.store import keep
from trellic.cli.demo import BUNDLED
from trellic.codec import Codec, Target
from trellic.entropy import rans
from trellic.entropy.parameters import Parameters
from trellic.entropy.tables import SKIPPED_SCALES, gaussian_tables, scale_of
from trellic.picture.pillow import read
from trellic.quantize import QUANTIZERS, Quantizer, QuantizerParameters
from trellic.quantize.levels import no_offsets

REPEATS, COLD = 15, 7
EFFORTS = (1, 3, 6, 7)
"""7 is the default, 6 the last without a search."""
DECODE = "decode, warm process"
SYMBOLS, COARSEST = 500_000, 24
"""How many latents the kernels are timed on, of scales from the finest that is coded to this index."""


def median_seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the median time of calls after one that is not counted."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return sorted(times)[repeats // 2]


def gaussians() -> tuple[np.ndarray, np.ndarray]:
    """Return scale indices, uint8 (n,), falling, and normal values of those scales, float32 (n,)."""
    random = np.random.default_rng(0)
    indices = np.sort(random.integers(SKIPPED_SCALES, COARSEST, SYMBOLS).astype(np.uint8))[::-1].copy()
    scales = np.array([scale_of(index) for index in range(COARSEST)])
    return indices, (random.normal(size=SYMBOLS) * scales[indices]).astype(np.float32)


def coder_speed() -> tuple[float, float]:
    """Return millions of symbols a second of the range coder, encoding and decoding, on one thread."""
    scale_indices, values = gaussians()
    tables, indices = gaussian_tables(), np.rint(values).astype(np.int32)

    def encode() -> bytes:
        encoder = rans.Encoder()
        encoder.push(scale_indices, indices, tables)
        return encoder.finish()

    data = encode()
    decoding = median_seconds(lambda: rans.Decoder(data).pull(scale_indices, tables))
    return SYMBOLS / median_seconds(encode) / 1e6, SYMBOLS / decoding / 1e6


def search_speed(quantizer: Quantizer) -> float:
    """Return millions of latents a second of a quantizer's search on one thread."""
    scale_indices, values = gaussians()
    parameters, weights = Parameters(scale_indices, np.zeros(SYMBOLS, np.int32)), np.ones_like(values)
    sets = 2 if quantizer.states.is_trellis else 1
    settings = QuantizerParameters(gaussian_tables(sets), no_offsets(sets), quantizer.step, quantizer.rate_weight)
    return SYMBOLS / median_seconds(lambda: quantizer.quantize(values, parameters, weights, settings, 0)) / 1e6


def run(data: Path) -> None:
    """Measure all of it anew."""
    picture, default = read(BUNDLED), Codec()
    stream = default.encode_picture(picture, Target(50)).data
    encode = {}
    for effort in EFFORTS:
        codec = default.using(effort=effort)
        encode[effort] = 1000 * median_seconds(lambda codec=codec: codec.encode_picture(picture, Target(50)))  # type: ignore[misc]
    decode = 1000 * median_seconds(lambda: default.decode_picture(stream))
    coding, decoding = coder_speed()
    figures = [
        *((f"encode, effort {effort}, warm process", milliseconds, "ms") for effort, milliseconds in encode.items()),
        (DECODE, decode, "ms"),
        ("trellic decode, cold process, PNG written", cold_decode(stream), "s"),
        ("import trellic", 1000 * importing(), "ms"),
        ("range coder, encoding, one thread", coding, "M symbols/s"),
        ("range coder, decoding, one thread", decoding, "M symbols/s"),
        *((f"search of {each.name}, one thread", search_speed(each), "M latents/s") for each in QUANTIZERS),
    ]
    keep("speed", [{"what": what, "value": value, "unit": unit} for what, value, unit in figures])


def cold_decode(data: bytes) -> float:
    """Return the seconds that the command takes for a stream, to a PNG file."""
    with tempfile.TemporaryDirectory() as folder:
        stream, out = Path(folder) / "p.tlic", Path(folder) / "p.png"
        stream.write_bytes(data)
        command = [sys.executable, "-m", "trellic", "decode", str(stream), "-o", str(out), "--force"]
        return median_seconds(lambda: subprocess.run(command, check=True, capture_output=True), COLD)


def importing() -> float:
    """Return the seconds that importing the package adds to an interpreter's start."""
    package, bare = ([sys.executable, "-c", code] for code in ("import trellic", "pass"))
    return median_seconds(lambda: subprocess.run(package, check=True)) - median_seconds(
        lambda: subprocess.run(bare, check=True)
    )
