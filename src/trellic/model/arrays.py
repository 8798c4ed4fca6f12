"""Named arrays ⇄ bytes, in the safetensors layout: a JSON header of types, shapes and places, then the values.

Nothing that the header claims is believed before it is checked against the bytes at hand.
Source: the format of https://github.com/huggingface/safetensors; written here for numpy alone.
"""

import json
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from trellic.model.eight_bits import STEPS, EightBits

Arrays = dict[str, npt.NDArray[Any]]

TYPES = {"F16": "<f2", "F32": "<f4", "U32": "<u4", "I32": "<i4", "I16": "<i2", "I8": "<i1", "U8": "<u1"}
_NAMES = {np.dtype(kind): name for name, kind in TYPES.items()}
LARGEST_HEADER = 1 << 22


def pack_arrays(arrays: Arrays) -> bytes:
    """Return the bytes of arrays by name, sorted; types are those of TYPES.

    One whose rows are multiples of a step is stored as integers of eight bits, its steps beside it.
    """
    stored = _narrowed(arrays)
    header: dict[str, Any] = {}
    parts, at = [], 0
    for name in sorted(stored):
        values = stored[name]
        header[name] = {
            "dtype": _NAMES[values.dtype],
            "shape": list(values.shape),
            "data_offsets": [at, at + values.nbytes],
        }
        parts.append(values.tobytes())
        at += values.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *parts])


def unpack_arrays(data: bytes) -> Arrays:
    """Return the arrays of `pack_arrays`, C-contiguous. Raises ValueError."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(LARGEST_HEADER, len(data) - 8):
        raise ValueError("arrays are truncated")
    header = json.loads(data[8 : 8 + length])
    if not isinstance(header, dict):
        raise ValueError("the header of arrays is no object")
    header.pop("__metadata__", None)
    body = memoryview(data)[8 + length :]
    arrays: Arrays = {}
    left = len(body)
    for name, entry in header.items():
        kind, shape, (start, end) = np.dtype(TYPES[entry["dtype"]]), tuple(entry["shape"]), entry["data_offsets"]
        if not all(type(number) is int and number >= 0 for number in (*shape, start, end)):
            raise ValueError(f"array {name} has an impossible shape")
        if end > len(body) or end - start != math.prod(shape) * kind.itemsize:
            raise ValueError(f"array {name} is not as long as it says")
        if (left := left - (end - start)) < 0:
            raise ValueError("arrays overlap")
        arrays[name] = np.frombuffer(body[start:end], kind).reshape(shape).copy()  # kernels need writable arrays
    return _widened(arrays)


def _narrowed(arrays: Arrays) -> Arrays:
    stored: Arrays = {}
    for name, values in arrays.items():
        narrow = EightBits.of(values)
        stored |= {name: values} if narrow is None else {name: narrow.counts, name + STEPS: narrow.steps}
    return stored


def _widened(stored: Arrays) -> Arrays:
    arrays = dict(stored)
    for name in [name for name, values in stored.items() if values.dtype == np.int8]:
        steps = arrays.pop(name + STEPS, None)
        if steps is None or steps.dtype != np.float16 or steps.shape != stored[name].shape[:1]:
            raise ValueError(f"array {name} has no steps")
        arrays[name] = EightBits(stored[name], steps).values
    return arrays
