"""trellic --version: versions and processor, for bug reports."""

import platform
from importlib.metadata import version

import trellic
from trellic.errors import TrellicError

LIBRARIES = ("numpy", "pillow", "onnxruntime", "numba", "pyvips")
FEATURES = ("sse4.2", "avx", "avx2", "fma", "avx512f", "avx512vnni", "neon", "dotprod")


def show_version() -> None:
    """Print the release, the shipped model, the libraries and the processor."""
    from llvmlite import binding

    from trellic.model import DEFAULT, Model, find_model

    try:
        model = f"model {DEFAULT} {Model.read(find_model(DEFAULT)).name}"
    except TrellicError as error:
        model = f"no model: {error}"
    print(f"trellic {trellic.__version__}, {model}")
    found = [f"{name} {release}" for name in LIBRARIES if (release := _version(name))]
    print(f"Python {platform.python_version()}, {', '.join(found)}")
    present = binding.get_host_cpu_features()
    features = " ".join(name for name in FEATURES if present.get(name))
    print(f"{platform.system()} {platform.machine()}, {binding.get_host_cpu_name()}, {features or 'no known features'}")


def _version(name: str) -> str:
    """Return the release of an installed package, or nothing."""
    try:
        return version(name)
    except ModuleNotFoundError:
        return ""
