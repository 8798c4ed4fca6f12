"""How much memory a codec takes: the peak resident size of a fresh process that encodes, or decodes, one picture.

For a codec in this process that is a fresh Python process: interpreter, libraries, model, the picture itself, and what
coding adds. For hevc and vvc it is ffmpeg alone. The same for a tiny picture tells what of it is there before coding.

What the system reports includes the process that a program was started from, as it was just before: every program here
is therefore started by a tiny one.
"""

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from trellic.errors import PeerFailed
from trellic.evaluate import ffmpeg
from trellic.evaluate.compare import TINY, Results, fingerprint
from trellic.evaluate.contestants import contestant
from trellic.evaluate.peers import Peer
from trellic.picture.types import Pixels

LAUNCH = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""
"""A small program that runs another and writes its peak."""

UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in a unit of ru_maxrss."""


def measure_memory(peer: Peer, results: Results, model: str, effort: int, image: str, pixels: Pixels) -> bool:
    """Measure a codec's memory on a picture, uint8 (H, W, 3), and on a tiny one; return whether that was missing.

    model, effort  as `contestant` takes them. Raises PeerFailed.
    """
    content = fingerprint(pixels)
    if results.of("memory", codec=peer.name, content=content):
        return False
    results.lists["memory"] = [entry for entry in results.lists["memory"] if entry["codec"] != peer.name]
    setting = peer.rates[len(peer.rates) // 2]
    tiny = np.full((TINY, TINY, 3), 128, np.uint8)
    encode, decode = peak_bytes(peer.name, model, effort, setting, pixels, peer.encode(pixels, setting))
    start = peak_bytes(peer.name, model, effort, setting, tiny, peer.encode(tiny, setting))
    results.lists["memory"].append({
        "codec": peer.name,
        "image": image,
        "content": content,
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "setting": setting,
        "encode_bytes": encode,
        "decode_bytes": decode,
        "start_encode_bytes": start[0],
        "start_decode_bytes": start[1],
    })  # fmt: skip
    return True


def peak_bytes(name: str, model: str, effort: int, setting: float, pixels: Pixels, data: bytes) -> tuple[int, int]:
    """Return the peak memory in bytes of encoding pixels, uint8 (H, W, 3), and of decoding `data`, their file.

    name, model, effort  as `contestant` takes them. Raises PeerFailed.
    """
    with tempfile.TemporaryDirectory() as folder:
        picture, stream = Path(folder, "picture.npy"), Path(folder, "stream")
        np.save(picture, pixels)
        stream.write_bytes(data)
        peaks = []
        for action, path in (("encode", picture), ("decode", stream)):
            request = json.dumps([name, model, effort, setting, action, str(path)])
            command = [sys.executable, "-m", "trellic.evaluate.memory", request]
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


def code_once(name: str, model: str, effort: int, setting: float, action: str, path: str) -> int:
    """Encode the picture, or decode the stream, at `path`; return the peak memory in bytes."""
    programs: list[int] = []

    def run(command: list[str], data: bytes) -> bytes:
        with tempfile.NamedTemporaryFile() as file:
            output = ffmpeg.run([sys.executable, "-I", "-S", "-c", LAUNCH, file.name, *command], data)
            programs.append(int(Path(file.name).read_text()) * UNIT)
        return output

    peer = contestant(name, model, effort, run)
    if action == "encode":
        peer.encode(np.load(path), setting)
    else:
        peer.decode(Path(path).read_bytes())
    return max(programs) if programs else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT


if __name__ == "__main__":
    print(code_once(*json.loads(sys.argv[1])))
