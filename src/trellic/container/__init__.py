"""The .tlic file: header, index, sections, checksums, limits. Specified in docs/format.md."""

from trellic.container.grid import Box, Grid
from trellic.container.header import Header
from trellic.container.sections import Entry, Section, SectionType
from trellic.container.stream import Stream, Unit, write_stream

__all__ = ["Box", "Entry", "Grid", "Header", "Section", "SectionType", "Stream", "Unit", "write_stream"]
