"""ICC profiles of the kind that displays have: three primaries, or none, and a curve. Read, compared and written.

Source: ICC.1:2022. Curves give linear light from 0 to 1 for samples from 0 to 1.
"""

import struct
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SAMPLES = np.linspace(0, 1, 256)
"""Where curves are compared: at all values of 8-bit samples."""
D50 = np.array([0.9642, 1.0, 0.8249])
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
HEADER, ENTRY = 128, 12
"""Bytes of a profile's header, and of an entry of its table of tags."""
MOST_SHARED = 8
"""How many times all of a profile its tags may hold together: those of red, green and blue are often the same bytes."""


class UnsoundProfile(ValueError):
    """The bytes are no ICC profile, or one that is not whole."""


class Profile(NamedTuple):
    """A profile's colour space, "RGB " for one, and its tags."""

    space: bytes
    tags: Mapping[bytes, bytes]


def parse(data: bytes) -> Profile:
    """Read a profile. Raises UnsoundProfile."""
    if len(data) < HEADER + 4 or data[36:40] != b"acsp" or int.from_bytes(data[:4], "big") > len(data):
        raise UnsoundProfile("no ICC profile, or not a whole one")
    count = int.from_bytes(data[HEADER : HEADER + 4], "big")
    if HEADER + 4 + ENTRY * count > len(data):
        raise UnsoundProfile("an ICC profile with a table of tags that is not whole")
    tags, left = {}, MOST_SHARED * len(data)
    for entry in struct.iter_unpack(">4sII", data[HEADER + 4 :][: ENTRY * count]):
        name, start, length = entry
        if start + length > len(data):
            raise UnsoundProfile(f"an ICC profile whose tag {name!r} is not whole")
        if (left := left - length) < 0:
            raise UnsoundProfile("an ICC profile whose tags are the same bytes again and again")
        tags[name] = data[start : start + length]
    return Profile(data[16:20], tags)


def colorants_of(profile: Profile) -> Floats | None:
    """Return the XYZ values of red, green and blue under D50, a column each; None where the profile is of another kind.

    Raises UnsoundProfile.
    """
    names = (b"rXYZ", b"gXYZ", b"bXYZ")
    if b"A2B0" in profile.tags or not all(name in profile.tags for name in names):
        return None
    try:
        return np.array([struct.unpack_from(">3i", profile.tags[name], 8) for name in names]).T / 65536
    except struct.error as error:
        raise UnsoundProfile("an ICC profile with a colorant that is not whole") from error


def curve_of(tag: bytes) -> Floats:
    """Return a curve at SAMPLES. Raises UnsoundProfile."""
    try:
        if tag[:4] == b"curv":
            count = int.from_bytes(tag[8:12], "big")
            table = np.frombuffer(tag, ">u2", count, 12)
            if count < 2:
                return SAMPLES ** (table[0] / 256 if count else 1)
            return np.interp(SAMPLES, np.linspace(0, 1, count), table / 65535)
        if tag[:4] == b"para":
            return parametric(int.from_bytes(tag[8:10], "big"), tag[12:])
    except (ValueError, struct.error, OverflowError) as error:
        raise UnsoundProfile("an ICC profile with a curve that is not whole") from error
    raise UnsoundProfile(f"an ICC profile with a curve of kind {tag[:4]!r}")


def parametric(kind: int, numbers: bytes) -> Floats:
    """Return a parametric curve, of kind 0 to 4, at SAMPLES. Raises struct.error or ValueError."""
    if kind > 4:
        raise ValueError(f"parametric curve of kind {kind}")
    count = (1, 3, 4, 5, 7)[kind]
    g, a, b, c, d, e, f = [*(n / 65536 for n in struct.unpack_from(f">{count}i", numbers)), *[0.0] * 7][:7]
    if kind == 0:
        a = 1.0
    elif kind == 1:
        d = -b / a if a else 0.0
    elif kind == 2:
        d, e, f, c = (-b / a if a else 0.0), c, c, 0.0
    return np.where(d <= SAMPLES, np.maximum(a * SAMPLES + b, 0) ** g + e, c * SAMPLES + f)


def adapted(primaries: npt.ArrayLike, white: npt.ArrayLike) -> Floats:
    """Return the XYZ values under D50 of primaries, (x, y) each, whose white is (x, y): a column each."""
    xyz = np.array([_xyz(x, y) for x, y in np.asarray(primaries, float)]).T
    xyz = xyz * np.linalg.solve(xyz, _xyz(*np.asarray(white, float)))
    return np.asarray(_adaptation(white) @ xyz)


def write(curve: bytes, description: str, primaries: npt.ArrayLike, white: npt.ArrayLike, cicp: bytes = b"") -> bytes:
    """Return a profile for RGB; curve: a tag's payload; cicp: a colour description by ITU-T H.273, or nothing."""
    colorants = zip((b"rXYZ", b"gXYZ", b"bXYZ"), adapted(primaries, white).T, strict=True)
    tags = {name: b"XYZ \0\0\0\0" + _fixed(xyz) for name, xyz in colorants}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    tags[b"chad"] = b"sf32\0\0\0\0" + _fixed(_adaptation(white).ravel())
    if cicp:
        tags[b"cicp"] = b"cicp\0\0\0\0" + cicp
    return _assemble(b"RGB ", description, tags)


def write_grey(curve: bytes, description: str) -> bytes:
    """Return a profile for grey; curve: a tag's payload."""
    return _assemble(b"GRAY", description, {b"kTRC": curve})


def gamma(exponent: float) -> bytes:
    """Return the payload of a curve: a power."""
    return b"para\0\0\0\0\0\0\0\0" + _fixed([exponent])


def piecewise(g: float, a: float, b: float, c: float, d: float) -> bytes:
    """Return the payload of a curve: (a·x + b)^g from d on, c·x below."""
    return b"para\0\0\0\0\0\x03\0\0" + _fixed([g, a, b, c, d])


def table(values: Floats) -> bytes:
    """Return the payload of a curve: its values at equal distances."""
    return b"curv\0\0\0\0" + struct.pack(">I", len(values)) + np.rint(values * 65535).astype(">u2").tobytes()


def _assemble(space: bytes, description: str, tags: dict[bytes, bytes]) -> bytes:
    """Return a profile of version 4; tags with equal payloads share them."""
    texts = {b"desc": description, b"cprt": "No copyright, use freely"}
    tags = {
        **{name: struct.pack(">4xII2s2sII", 1, 12, b"en", b"US", 2 * len(text), 28) for name, text in texts.items()},
        b"wtpt": b"XYZ \0\0\0\0" + _fixed(D50),
        **tags,
    }
    for name, text in texts.items():
        tags[name] = b"mluc" + tags[name] + text.encode("utf-16-be")
    start = HEADER + 4 + ENTRY * len(tags)
    entries, body, starts = b"", b"", dict[bytes, int]()
    for name, payload in tags.items():
        if payload not in starts:
            starts[payload] = start + len(body)
            body += payload + bytes(-len(payload) % 4)
        entries += struct.pack(">4sII", name, starts[payload], len(payload))
    date = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
    header = struct.pack(">I4xI4s4s4s", start + len(body), 0x04400000, b"mntr", space, b"XYZ ") + date + b"acsp"
    header = header.ljust(68, b"\0") + _fixed(D50)
    return header.ljust(HEADER, b"\0") + struct.pack(">I", len(tags)) + entries + body


def _fixed(values: npt.ArrayLike) -> bytes:
    """Return numbers as s15Fixed16."""
    return np.rint(np.asarray(values) * 65536).astype(">i4").tobytes()


def _xyz(x: float, y: float) -> Floats:
    return np.array([x / y, 1, (1 - x - y) / y])


def _adaptation(white: npt.ArrayLike) -> Floats:
    """Return the matrix that makes a white that of D50."""
    cones = (BRADFORD @ D50) / (BRADFORD @ _xyz(*np.asarray(white, float)))
    return np.asarray(np.linalg.solve(BRADFORD, cones[:, None] * BRADFORD))
