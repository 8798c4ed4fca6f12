"""Range asymmetric numeral systems: integers ⇄ bytes by integer tables.

Two interleaved 32-bit states, renormalized by 16-bit words; the operations alternate between them, so that a
processor works on both at once. A state's first value is 2¹⁶, and decoding must end there: damage that the
checksum missed is found. Source: Duda, Asymmetric numeral systems (2013); interleaving after Giesen (2014).

An index beyond its row's radius is an escape, then its excess in an Elias gamma code of raw bits, then its sign.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from trellic.entropy.tables import BUCKET_BITS, ESCAPE_LIMIT, PRECISION, SKIPPED_ROWS, Tables, TOTAL
from trellic.errors import DamagedStream

Rows = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.int32]

LOWEST = 1 << 16
MASK = TOTAL - 1
LENGTH_BITS = 5
ESCAPE_OPERATIONS = 8
"""Upper bound of the operations that one escaped index takes: escape, length, two parts of the excess, sign."""

_OK, _SHORT, _BAD = 0, 1, 2


@njit(cache=True, nogil=True, inline="always")
def _push_raw(starts, frequencies, at, value, bits):  # type: ignore[no-untyped-def]
    starts[at] = value << (PRECISION - bits)
    frequencies[at] = 1 << (PRECISION - bits)
    return at + 1


@njit(cache=True, nogil=True)
def _operations(rows, indices, radius, start, cumulative, frequency, starts, frequencies):  # type: ignore[no-untyped-def]
    """Turn indices into (start, frequency) operations; return how many."""
    at = 0
    for n in range(len(rows)):
        row = rows[n]
        if row < SKIPPED_ROWS:
            continue
        index = indices[n]
        r = radius[row]
        if -r <= index <= r:
            symbol = start[row] + index + r
            starts[at] = cumulative[symbol]
            frequencies[at] = frequency[symbol]
            at += 1
            continue
        symbol = start[row] + 2 * r + 1
        starts[at] = cumulative[symbol]
        frequencies[at] = frequency[symbol]
        excess = abs(index) - r  # at least 1
        length = 0
        while excess >> (length + 1):
            length += 1
        at = _push_raw(starts, frequencies, at + 1, length, LENGTH_BITS)
        rest = excess - (1 << length)
        if length > 12:
            at = _push_raw(starts, frequencies, at, rest >> 12, length - 12)
            rest &= 4095
        if length > 0:
            at = _push_raw(starts, frequencies, at, rest, min(length, 12))
        at = _push_raw(starts, frequencies, at, 1 if index < 0 else 0, 1)
    return at


@njit(cache=True, nogil=True)
def _encode(starts, frequencies, words):  # type: ignore[no-untyped-def]
    """Code operations last to first; return how many words were written, in reverse."""
    states = np.full(2, LOWEST, dtype=np.uint64)
    written = 0
    for n in range(len(starts) - 1, -1, -1):
        state = states[n & 1]
        frequency = np.uint64(frequencies[n])
        if state >= frequency << np.uint64(16):
            words[written] = state & np.uint64(0xFFFF)
            written += 1
            state >>= np.uint64(16)
        quotient = np.uint32(state) // np.uint32(frequency)
        states[n & 1] = (np.uint64(quotient) << np.uint64(16)) + (state - quotient * frequency) + np.uint64(starts[n])
    for lane in (1, 0):
        words[written] = states[lane] & np.uint64(0xFFFF)
        words[written + 1] = states[lane] >> np.uint64(16)
        written += 2
    return written


@njit(cache=True, nogil=True)
def _decode(words, at, first, second, rows, radius, start, cumulative, frequency, buckets, indices):  # type: ignore[no-untyped-def]
    """Decode one index a row; return (status, words read, states). Reading past the end stops at once."""
    end = len(words)
    for n in range(len(rows)):
        row = rows[n]
        if row < SKIPPED_ROWS:
            indices[n] = 0
            continue
        slot = first & np.uint32(MASK)
        base = start[row]
        symbol = base + buckets[row, slot >> np.uint32(BUCKET_BITS)]
        while symbol + 1 < start[row + 1] and cumulative[symbol + 1] <= slot:
            symbol += 1
        state = frequency[symbol] * (first >> np.uint32(16)) + slot - cumulative[symbol]
        if state < LOWEST:
            if at >= end:
                return _SHORT, at, first, second
            state = (state << np.uint32(16)) | np.uint32(words[at])
            at += 1
        first, second = second, np.uint32(state)
        index = symbol - base - radius[row]
        if index <= radius[row]:
            indices[n] = index
            continue
        parts = np.zeros(4, dtype=np.int64)  # length, high part, low part, sign
        for part in range(4):
            if part == 0:
                bits = LENGTH_BITS
            elif part == 1:
                bits = max(0, parts[0] - 12)
            elif part == 2:
                bits = min(parts[0], 12)
            else:
                bits = 1
            if bits == 0:
                continue
            shift = np.uint32(PRECISION - bits)
            slot = first & np.uint32(MASK)
            parts[part] = slot >> shift
            if part == 0 and parts[0] > 20:
                return _BAD, at, first, second
            state = ((first >> np.uint32(16)) << shift) + (slot & ((np.uint32(1) << shift) - np.uint32(1)))
            if state < LOWEST:
                if at >= end:
                    return _SHORT, at, first, second
                state = (state << np.uint32(16)) | np.uint32(words[at])
                at += 1
            first, second = second, np.uint32(state)
        length = parts[0]
        excess = (1 << length) + (parts[1] << 12) + parts[2] if length > 12 else (1 << length) + parts[2]
        magnitude = excess + radius[row]
        if magnitude > ESCAPE_LIMIT:
            return _BAD, at, first, second
        indices[n] = -magnitude if parts[3] else magnitude
    return _OK, at, first, second


@njit(cache=True, nogil=True)
def _bits(rows, indices, radius, start, bits):  # type: ignore[no-untyped-def]
    total = 0.0
    for n in range(len(rows)):
        row = rows[n]
        if row < SKIPPED_ROWS:
            continue
        r = radius[row]
        magnitude = abs(indices[n])
        if magnitude <= r:
            total += bits[start[row] + indices[n] + r]
        else:
            excess = magnitude - r
            total += bits[start[row] + 2 * r + 1] + LENGTH_BITS + 1
            while excess >> 1:
                excess >>= 1
                total += 1.0
    return total


def estimate_bits(rows: Rows, indices: Indices, tables: Tables) -> float:
    """Return what coding the indices will cost in bits, to within rounding and the eight bytes of final states."""
    return float(_bits(rows, indices, tables.radius, tables.start, tables.bits))


class Encoder:
    """Collects passes of indices in decoding order, then writes them all."""

    def __init__(self) -> None:
        self._starts: list[npt.NDArray[np.uint32]] = []
        self._frequencies: list[npt.NDArray[np.uint32]] = []

    def push(self, rows: Rows, indices: Indices, tables: Tables) -> None:
        """Add a pass: rows uint8 (n,), indices int32 (n,), at most 2²⁰ in magnitude, zero where a row is skipped."""
        beyond = int(np.count_nonzero(np.abs(indices) > tables.radius[rows]))
        room = len(rows) + ESCAPE_OPERATIONS * beyond
        starts, frequencies = np.empty(room, np.uint32), np.empty(room, np.uint32)
        used = _operations(
            rows, indices, tables.radius, tables.start, tables.cumulative, tables.frequency, starts, frequencies
        )
        self._starts.append(starts[:used])
        self._frequencies.append(frequencies[:used])

    def finish(self) -> bytes:
        """Return the coded bytes."""
        starts = np.concatenate([np.empty(0, np.uint32), *self._starts])
        frequencies = np.concatenate([np.empty(0, np.uint32), *self._frequencies])
        words = np.empty(len(starts) + 4, dtype="<u2")
        written = _encode(starts, frequencies, words)
        return words[:written][::-1].tobytes()


class Decoder:
    """Reads passes back in order."""

    def __init__(self, data: bytes) -> None:
        if len(data) < 8 or len(data) % 2:
            raise DamagedStream(f"coded data of {len(data)} bytes cannot be whole")
        words = np.frombuffer(data, dtype="<u2")
        self._words = words[4:].astype(np.uint16)
        self._states = np.frombuffer(words[:4][[1, 0, 3, 2]].tobytes(), dtype="<u4").astype(np.uint32)
        self._at = 0

    def pull(self, rows: Rows, tables: Tables) -> Indices:
        """Return the next pass, int32 (n,), by its rows. Raises DamagedStream."""
        indices = np.empty(len(rows), np.int32)
        status, self._at, first, second = _decode(
            self._words, self._at, self._states[0], self._states[1], rows, tables.radius, tables.start,
            tables.cumulative, tables.frequency, tables.buckets, indices,
        )  # fmt: skip
        self._states = np.array([first, second], np.uint32)
        if status == _SHORT:
            raise DamagedStream("coded data ends before the picture does")
        if status == _BAD:
            raise DamagedStream("coded data holds an impossible index")
        return indices

    def finish(self) -> None:
        """Check that the data ends exactly here. Raises DamagedStream."""
        if self._at != len(self._words) or (self._states != LOWEST).any():
            raise DamagedStream("coded data does not end where the picture does")
