"""How much memory a codec takes: the peak resident size of a fresh process that encodes, or decodes, one picture.

For a codec in this process that is a fresh Python process: interpreter, libraries, model, the picture itself, and what
coding adds. For a codec of ffmpeg's it is ffmpeg alone. The same for a tiny picture shows what of it is there before
coding.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from trellic.errors import PeerFailed
from trellic.evaluate.codecs.image_codec import ImageCodec
from trellic.evaluate.peak import LAUNCH
from trellic.evaluate.start import middle, tiny
from trellic.picture.types import Pixels


def memory_of(codec: ImageCodec, model: str, effort: int, pixels: Pixels) -> dict[str, float]:
    """Return a codec's peaks in bytes for a picture, uint8 (H, W, 3), and for a tiny one, by what it does.

    model, effort  as `codec_named` takes them. Raises PeerFailed.
    """
    if sys.platform == "win32":
        raise PeerFailed("memory is measured on Linux and macOS alone")
    setting = middle(codec)
    encode, decode = peak_bytes(codec.name, model, effort, setting, pixels, codec.encode(pixels, setting))
    start = peak_bytes(codec.name, model, effort, setting, tiny(), codec.encode(tiny(), setting))
    return {"encode": encode, "decode": decode, "start_encode": start[0], "start_decode": start[1]}


def peak_bytes(name: str, model: str, effort: int, setting: float, pixels: Pixels, data: bytes) -> tuple[int, int]:
    """Return the peak memory in bytes of encoding pixels, uint8 (H, W, 3), and of decoding `data`, their file.

    name, model, effort  as `codec_named` takes them. Raises PeerFailed.
    """
    with tempfile.TemporaryDirectory() as folder:
        picture, stream = Path(folder, "picture.npy"), Path(folder, "stream")
        np.save(picture, pixels)
        stream.write_bytes(data)
        peaks = []
        for action, path in (("encode", picture), ("decode", stream)):
            request = json.dumps([name, model, effort, setting, action, str(path)])
            command = [sys.executable, "-m", "trellic.evaluate.peak", request]
            # Through the launcher again: this process may be larger than the codec's.
            done = subprocess.run(
                [sys.executable, "-I", "-S", "-c", LAUNCH, str(Path(folder, "peak")), *command],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise PeerFailed(f"memory of {name}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
            peaks.append(int(done.stdout))
    return peaks[0], peaks[1]
