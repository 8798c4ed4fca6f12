"""A process that encodes, or decodes, one picture with one codec, and says how much memory that took.

    python -m trellic.evaluate.peak '["jpeg", "base", 7, 20, "encode", "picture.npy"]'

It loads nothing that the codec does not need. What the system reports includes the process that a program was started
from, as it was just before: every program here is therefore started by a tiny one.
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from trellic.evaluate.codecs import codec_named, ffmpeg

if sys.platform != "win32":
    import resource

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


def code_once(name: str, model: str, effort: int, setting: float, action: str, path: str) -> int:
    """Encode the picture, or decode the stream, at `path`; return the peak memory in bytes."""
    programs: list[int] = []

    def run(command: list[str], data: bytes) -> bytes:
        with tempfile.NamedTemporaryFile() as file:
            output = ffmpeg.run([sys.executable, "-I", "-S", "-c", LAUNCH, file.name, *command], data)
            programs.append(int(Path(file.name).read_text()) * UNIT)
        return output

    codec = codec_named(name, model, effort, run)
    if action == "encode":
        codec.encode(np.load(path), setting)
    else:
        codec.decode(Path(path).read_bytes())
    return max(programs) if programs else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT


if __name__ == "__main__":
    print(code_once(*json.loads(sys.argv[1])))
