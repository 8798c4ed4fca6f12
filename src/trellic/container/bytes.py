"""Reading untrusted bytes: every read is checked, every shortage is an error."""

from typing import Protocol

from trellic.errors import DamagedStream, TrellicError

VARINT_BYTES = 5
CHECKSUM_BYTES = 4
"""Of a CRC-32."""
AT_ONCE = 4096
"""Bytes that are read from a file at least: one read holds the index of 400 tiles."""


class Data(Protocol):
    """Bytes, or a file that gives them when asked."""

    def __len__(self) -> int: ...
    def __getitem__(self, part: slice, /) -> bytes: ...


class Reader:
    """A cursor over bytes from their front, which are read in few pieces.

    short  what is raised where bytes are missing
    """

    def __init__(self, data: Data, short: type[TrellicError] = DamagedStream) -> None:
        self.short = short
        self.size = len(data)
        self.at = 0
        self._data = data
        self._front = data[:AT_ONCE]

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        end = self.at + count
        if end > self.size:
            raise self.short(f"cut off: {count} bytes needed at byte {self.at}, {self.size - self.at} left")
        if end > len(self._front):
            self._front += self._data[len(self._front) : max(end, 2 * len(self._front))]
        taken = self._front[self.at : end]
        self.at = end
        return taken

    def integer(self, count: int) -> int:
        """Return an unsigned little-endian integer of `count` bytes."""
        return int.from_bytes(self.take(count), "little")

    def varint(self) -> int:
        """Return an unsigned LEB128 integer of at most five bytes, written as short as it can be."""
        value = 0
        for position in range(VARINT_BYTES):
            byte = self.integer(1)
            value |= (byte & 0x7F) << (7 * position)
            if byte < 0x80:
                if byte == 0 and position:
                    break
                return value
        raise DamagedStream(f"malformed number before byte {self.at}")

    def since(self, start: int) -> bytes:
        """Return the bytes read from `start` on."""
        return self._front[start : self.at]

    @property
    def done(self) -> bool:
        """Whether all bytes are read."""
        return self.at == self.size


def varint(value: int) -> bytes:
    """Return the LEB128 form of an unsigned integer below 2³⁵."""
    if not 0 <= value < 1 << (7 * VARINT_BYTES):
        raise ValueError(f"{value} does not fit a varint")
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
