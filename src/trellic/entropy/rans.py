"""Range asymmetric numeral systems: integers ⇄ bytes by integer tables.

Two interleaved 64-bit states, renormalized by 32-bit words; the operations alternate between them, so that a
processor works on both at once. (With 32-bit states and 16-bit words, frequencies this fine would cost bytes.)

The encoder starts from states of 2¹⁰, which the first operations fill; the decoder must end there, and is never
below: damage that the checksum missed is found. A state below 2³¹ takes a word while there are any, so no word may be
written before both states have grown to 2³¹. Where one would be, both start from 2³¹ instead.

A block has few indices, and saves the bytes of a second state: it has a single one.
Source: Duda, Asymmetric numeral systems (2013); interleaving after Giesen (2014).

An index beyond its table's radius is an escape, then its excess in an Elias gamma code of raw bits, then its sign.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trellic.container.bytes import Reader, varint
from trellic.entropy.correction import Correction, begin_row, end_row, moved
from trellic.entropy.states import ONE_STATE, CdfIndices, Indices, ScaleIndices, States
from trellic.entropy.tables import BUCKET_BITS, ESCAPE_LIMIT, PRECISION, SCALES, TOTAL, Tables
from trellic.errors import DamagedStream
from trellic.kernels import kernel

LOWEST = 1 << 31
SMALLEST = 1 << 10
"""The less, the fewer bytes are lost; a decoder out of words stays at states below the first frequency of a row."""
WORD_BITS = 32
GROWN, EMPTY = varint(0), varint(SMALLEST) + varint(SMALLEST)
LENGTH_BITS = 5
LONGEST = 20
"""Bits of the longest excess, that of an index at ESCAPE_LIMIT."""
ESCAPE_OPERATIONS = 5
"""Upper bound of the operations that one escaped index takes: escape, length, two parts of the excess, sign."""


@kernel(inline="always")
def _push_raw(starts, frequencies, at, value, bits):  # type: ignore[no-untyped-def]
    starts[at] = value << (PRECISION - bits)
    frequencies[at] = 1 << (PRECISION - bits)
    return at + 1


@kernel
def _operations(cdf_indices, indices, radius, first_symbol, cumulative, starts, frequencies):  # type: ignore[no-untyped-def]
    """Turn indices into (start, frequency) operations; return how many."""
    at = 0
    for n in range(len(cdf_indices)):
        cdf_index = cdf_indices[n]
        index = indices[n]
        r = radius[cdf_index]
        if -r <= index <= r:
            symbol = first_symbol[cdf_index] + index + r
            starts[at] = cumulative[symbol]
            frequencies[at] = cumulative[symbol + 1] - cumulative[symbol]
            at += 1
            continue
        symbol = first_symbol[cdf_index] + 2 * r + 1
        starts[at] = cumulative[symbol]
        frequencies[at] = TOTAL - cumulative[symbol]
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


@kernel
def _encode(starts, frequencies, words, initial, single, marks, after):  # type: ignore[no-untyped-def]
    """Code operations last to first; return how many words were written, in reverse, and the decoder's two states.

    `after` becomes how many words are of operations from each mark on; marks rise.
    Where the state is single, it is the first, and the second stays as it began.
    The count is -1 where a state is below 2³¹ although there are words, which a decoder would take too early.
    """
    low, lowest = np.uint64(0xFFFFFFFF), np.uint64(LOWEST)
    word, precision = np.uint64(WORD_BITS), np.uint64(PRECISION)
    highest = lowest >> precision << word
    even, odd = np.uint64(initial), np.uint64(initial)
    written, mark = 0, len(marks) - 1
    if len(starts) & 1:
        even, odd = odd, even
    for n in range(len(starts) - 1, -1, -1):
        while mark >= 0 and marks[mark] > n:
            after[mark] = written
            mark -= 1
        if not single:
            even, odd = odd, even
        frequency = np.uint64(frequencies[n])
        if even >= highest * frequency:
            words[written] = even & low
            written += 1
            even >>= word
        elif even < lowest and written > 0:
            return -1, even, odd
        quotient = even // frequency
        even = (quotient << precision) + (even - quotient * frequency) + np.uint64(starts[n])
    after[: mark + 1] = written
    for _ in range(1 if single else 2):  # the decoder's state is below 2³² once a word is taken off it, as off any
        if not single:
            even, odd = odd, even
        if even > low:
            words[written] = even & low
            written += 1
            even >>= word
        elif even < lowest and written > 0:
            return -1, even, odd
    return written, even, odd


@kernel
def _raw(words, at, first, second, bits, single):  # type: ignore[no-untyped-def]
    """Return an integer of up to 16 raw bits, 0 without reading where there are none, and the coder's new state."""
    if bits <= 0:
        return 0, at, first, second
    shift = np.uint64(PRECISION - bits)
    slot = first & np.uint64(TOTAL - 1)
    state = ((first >> np.uint64(PRECISION)) << shift) + (slot & ((np.uint64(1) << shift) - np.uint64(1)))
    if state < np.uint64(LOWEST) and at < len(words):
        state = (state << np.uint64(WORD_BITS)) | np.uint64(words[at])
        at += 1
    return np.int64(slot >> shift), at, second if single is None else state, state


@kernel
def _escaped(words, at, first, second, radius, single):  # type: ignore[no-untyped-def]
    """Return an index that an escape announced, beyond ESCAPE_LIMIT where it is impossible, and the coder's state."""
    length, at, first, second = _raw(words, at, first, second, LENGTH_BITS, single)
    if length > LONGEST:
        return ESCAPE_LIMIT + 1, at, first, second
    upper, at, first, second = _raw(words, at, first, second, length - 12, single)
    lower, at, first, second = _raw(words, at, first, second, min(length, 12), single)
    negative, at, first, second = _raw(words, at, first, second, 1, single)
    magnitude = radius + (1 << length) + (upper << 12) + lower
    return -magnitude if negative else magnitude, at, first, second


@kernel
def _decode(  # type: ignore[no-untyped-def]
    words, at, first, second, cdf_indices, radius, first_symbol, cumulative, buckets, indices, trellis, state, single,
    correction,
):  # fmt: skip
    """Decode one index for each; return (whether all are possible, words read, coder's states, trellis state).

    `cdf_indices` holds scale indices. `trellis` is None, which costs nothing, or (transitions, sets): then they become
    cdf indices in place. `single` is None, which costs nothing either, or 1: then there is one state, held twice.
    `correction` is None, or a Correction: then it changes cdf indices in place.
    """
    mask, precision, word = np.uint64(TOTAL - 1), np.uint64(PRECISION), np.uint64(WORD_BITS)
    bucket_bits, one, lowest = np.uint64(BUCKET_BITS), np.uint64(1), np.uint64(LOWEST)
    row = stop = 0
    for n in range(len(cdf_indices)):
        table = np.uint64(cdf_indices[n])  # unsigned throughout: a signed index costs a test for being negative
        if trellis is not None:
            table += np.uint64(SCALES) * np.uint64(trellis[1][state])
            cdf_indices[n] = table
        if correction is not None:
            if n == stop:
                row, stop = n, begin_row(correction, n)
            table = np.uint64(moved(correction, n - row, table))
            cdf_indices[n] = table
        slot = first & mask
        base = np.uint64(first_symbol[table])
        symbol = base + np.uint64(buckets[table, slot >> bucket_bits])
        low, high = np.uint64(cumulative[symbol]), np.uint64(cumulative[symbol + one])
        while high <= slot:
            symbol += one
            low, high = high, np.uint64(cumulative[symbol + one])
        value = (high - low) * (first >> precision) + slot - low
        if value < lowest and at < len(words):
            value = (value << word) | np.uint64(words[np.uint64(at)])
            at += 1
        first, second = second if single is None else value, value
        index = np.int64(symbol - base) - radius[table]
        if index > radius[table]:
            index, at, first, second = _escaped(words, at, first, second, np.int64(radius[table]), single)
            if abs(index) > ESCAPE_LIMIT:
                return False, at, first, second, state
        indices[n] = index
        if correction is not None and n + 1 == stop:
            end_row(correction, row, stop, indices)
        if trellis is not None:
            state = np.int64(trellis[0][state, index & 1])
    return True, at, first, second, state


class Cursor(NamedTuple):
    """The words and tables of a decoder of one state, for kernels that choose a table by the indices before.

    state  uint64 (3,): the coder's state, twice, and how many words are read
    """

    words: npt.NDArray[np.uint32]
    state: npt.NDArray[np.uint64]
    radius: npt.NDArray[np.int32]
    first_symbol: npt.NDArray[np.int32]
    cumulative: npt.NDArray[np.uint32]
    buckets: npt.NDArray[np.uint16]


@kernel
def next_index(cursor, cdf_index, room):  # type: ignore[no-untyped-def]
    """Return the next index, beyond ESCAPE_LIMIT where it is impossible; for kernels.

    room  scratch: uint8 (1,) and int32 (1,)
    """
    state, (cdf_indices, indices) = cursor.state, room
    cdf_indices[0] = cdf_index
    possible, at, first, second, _ = _decode(
        cursor.words, np.int64(state[2]), state[0], state[1], cdf_indices, cursor.radius, cursor.first_symbol,
        cursor.cumulative, cursor.buckets, indices, None, 0, 1, None,
    )  # fmt: skip
    state[0], state[1], state[2] = first, second, at
    return np.int64(indices[0]) if possible else np.int64(ESCAPE_LIMIT + 1)


class Encoder:
    """Collects passes of indices in decoding order, then writes them all.

    single  whether there is one state instead of two
    marked  once it is finished: how many of its bytes are read up to each mark
    """

    def __init__(self, single: bool = False) -> None:
        self.single = single
        self.marked: list[int] = []
        self._marks: list[int] = []
        self._starts: list[npt.NDArray[np.uint32]] = []
        self._frequencies: list[npt.NDArray[np.uint32]] = []

    def push(self, cdf_indices: CdfIndices, indices: Indices, tables: Tables) -> None:
        """Add a pass: cdf indices uint8 (n,), indices int32 (n,), at most 2²⁰ in magnitude."""
        beyond = int(np.count_nonzero(np.abs(indices) > tables.radius[cdf_indices]))
        room = len(cdf_indices) + ESCAPE_OPERATIONS * beyond
        starts, frequencies = np.empty(room, np.uint32), np.empty(room, np.uint32)
        used = _operations(cdf_indices, indices, tables.radius, tables.first, tables.cumulative, starts, frequencies)
        self._starts.append(starts[:used])
        self._frequencies.append(frequencies[:used])

    def mark(self) -> None:
        """Have `marked` say how far the passes until here are read."""
        self._marks.append(sum(map(len, self._starts)))

    def finish(self) -> bytes:
        """Return the coded bytes: the states, then words; none where nothing was coded.

        A byte of 0, which no state begins with, goes before them where they started from 2³¹.
        """
        starts = np.concatenate([np.empty(0, np.uint32), *self._starts])
        frequencies = np.concatenate([np.empty(0, np.uint32), *self._frequencies])
        words = np.empty(len(starts) + 2, dtype="<u4")
        start, marks, after = b"", np.array(self._marks, np.int64), np.empty(len(self._marks), np.int64)
        written, first, second = _encode(starts, frequencies, words, SMALLEST, self.single, marks, after)
        if written < 0:
            start = GROWN
            written, first, second = _encode(starts, frequencies, words, LOWEST, self.single, marks, after)
        if first == second == SMALLEST and not written:
            self.marked = [0] * len(marks)
            return b""
        states = varint(int(first)) + (b"" if self.single else varint(int(second)))
        front = start + states
        self.marked = (len(front) + words.itemsize * (written - after)).tolist()
        return front + words[:written][::-1].tobytes()


class Decoder:
    """Reads passes back in order; `single`: by one state instead of two; `cut`: the end of the data may be missing."""

    def __init__(self, data: bytes, single: bool = False, cut: bool = False) -> None:
        self.single = single
        reader = Reader(data or EMPTY[: len(EMPTY) // 2 if single else None])
        first = reader.varint()
        self._initial = SMALLEST if first else LOWEST
        first = first or reader.varint()
        second = first if single else reader.varint()
        self._front, words = reader.at, data[reader.at :]
        words = words[: len(words) // 4 * 4] if cut else words
        if len(words) % 4:
            raise DamagedStream(f"coded data of {len(data)} bytes cannot be whole")
        self._words = np.frombuffer(words, dtype="<u4").astype(np.uint32)
        self._states = np.array([first, second], np.uint64)
        self._at = 0
        for number, state in enumerate(self._states[: 1 if single else 2]):
            if state < LOWEST and self._at < len(self._words):
                self._states[number] = state << np.uint64(WORD_BITS) | np.uint64(self._words[self._at])
                self._at += 1
        if single:
            self._states[1] = self._states[0]

    def pull(self, scale_indices: ScaleIndices, tables: Tables) -> Indices:
        """Return the next pass, int32 (n,), by its scale indices. Raises DamagedStream."""
        return self.pull_by(ONE_STATE, scale_indices, tables, 0)[0]

    def pull_by(
        self,
        states: States,
        scale_indices: ScaleIndices,
        tables: Tables,
        state: int,
        correction: Correction | None = None,
    ) -> tuple[Indices, CdfIndices, int]:
        """Return the next pass, the cdf index of each index, and the trellis state after it. Raises DamagedStream."""
        indices = np.empty(len(scale_indices), np.int32)
        cdf_indices = scale_indices.copy() if states.is_trellis or correction else scale_indices
        possible, at, first, second, state = _decode(
            self._words, self._at, self._states[0], self._states[1], cdf_indices, tables.radius, tables.first,
            tables.cumulative, tables.buckets, indices, tuple(states) if states.is_trellis else None, state,
            1 if self.single else None, correction,
        )  # fmt: skip
        if not possible:
            raise DamagedStream("coded data holds an impossible index")
        self._go_on(np.array([first, second], np.uint64), at)
        return indices, cdf_indices, state

    def cursor(self, tables: Tables) -> Cursor:
        """Return what a kernel reads indices by, one after another, of one state; `resume` goes on after it."""
        state = np.array([*self._states, self._at], np.uint64)
        return Cursor(self._words, state, tables.radius, tables.first, tables.cumulative, tables.buckets)

    def resume(self, cursor: Cursor) -> None:
        """Go on where a kernel has read to. Raises DamagedStream."""
        self._go_on(cursor.state[:2].copy(), int(cursor.state[2]))

    def _go_on(self, states: npt.NDArray[np.uint64], at: int) -> None:
        """Go on from the coder's states and a word. Raises DamagedStream where there were too few words."""
        self._states, self._at = states, at
        if (self._states < self._initial).any():
            raise DamagedStream("coded data ends before the picture does")

    @property
    def bytes_read(self) -> int:
        """How many bytes were taken so far."""
        return self._front + 4 * self._at

    def finish(self) -> None:
        """Check that the data ends exactly here. Raises DamagedStream."""
        if self._at != len(self._words) or (self._states != self._initial).any():
            raise DamagedStream("coded data does not end where the picture does")
