"""The .tlic file: header, typed sections, tiles, checksums, limits. Specified in docs/format.md."""

from trellic.container.contents import Contents, tile_sections
from trellic.container.grid import Box, Grid
from trellic.container.header import Header, Mode
from trellic.container.sections import Section, SectionType, read_stream, scan_stream, size_in, write_stream

__all__ = [
    "Box",
    "Contents",
    "Grid",
    "Header",
    "Mode",
    "Section",
    "SectionType",
    "read_stream",
    "scan_stream",
    "size_in",
    "tile_sections",
    "write_stream",
]
