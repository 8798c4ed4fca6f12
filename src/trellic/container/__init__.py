"""The .tlic file: header, typed sections, checksums, limits. Specified in docs/format.md."""

from trellic.container.header import Header, Mode
from trellic.container.sections import Section, SectionType, read_stream, write_stream

__all__ = ["Header", "Mode", "Section", "SectionType", "read_stream", "write_stream"]
