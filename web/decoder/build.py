"""Compile the decoder to WebAssembly: `python web/decoder/build.py [FILE]`; without FILE, to where the package has it.

The compiler is that of the ziglang wheel, `pip install ziglang==0.17.1`. The same source always gives the same bytes.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BUILT = HERE.parent.parent / "src" / "trellic" / "web" / "static" / "tlic.wasm"
COMPILER = [sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-wasi", "-mexec-model=reactor"]
OPTIONS = [
    "-std=c11",
    "-O3",
    "-fno-unroll-loops",
    "-msimd128",
    "-mbulk-memory",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-s",
]
LINKER = ["-Wl,-z,stack-size=262144"]


def build(path: Path) -> None:
    """Write the WebAssembly of the decoder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([*COMPILER, *OPTIONS, *LINKER, str(HERE / "decoder.c"), "-o", str(path)], check=True)


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else BUILT)
