"""Reading untrusted bytes: every read is checked, every shortage is a DamagedStream."""

from typing import Protocol

from trellic.errors import DamagedStream

VARINT_BYTES = 5


class Data(Protocol):
    """Bytes, or a file that gives them when asked."""

    def __len__(self) -> int: ...
    def __getitem__(self, part: slice, /) -> bytes: ...


class Reader:
    """A cursor over bytes."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        start = self.skip(count)
        return self.data[start : self.at]

    def skip(self, count: int) -> int:
        """Pass over `count` bytes and return where they start."""
        if count > len(self.data) - self.at:
            raise DamagedStream(f"truncated: {count} bytes needed at byte {self.at}, {len(self.data) - self.at} left")
        self.at += count
        return self.at - count

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

    @property
    def done(self) -> bool:
        """Whether all bytes are read."""
        return self.at == len(self.data)


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
