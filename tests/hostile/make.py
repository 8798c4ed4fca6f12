"""Make hostile streams that are missing: `python tests/hostile/make.py`. Those that are there never change.

Each is a golden stream with one thing wrong, its checksums made right again, so that the damage is met where it bites.
tests/test_hostile.py says how each must be refused.
"""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from trellic.codec import Codec
from trellic.codec.decoder import z_scale_indices
from trellic.container import Header, Section, SectionType, read_stream, write_stream
from trellic.container.bytes import varint
from trellic.container.header import HIGHEST_QUALITY
from trellic.entropy.rans import LENGTH_BITS, Encoder
from trellic.entropy.tables import PRECISION, TOTAL

HERE = Path(__file__).parent
GOLDEN = HERE.parent / "golden"
STREAM = (GOLDEN / "tcq8.tlic").read_bytes()
HEADER, SECTIONS = read_stream(STREAM)
HEAD = len(HEADER.write())
LATENTS = SECTIONS[-1]
ALPHA = next(section for section in SECTIONS if section.type == SectionType.ALPHA)
TILED = (GOLDEN / "tiles.tlic").read_bytes()
TILED_HEADER, (_, GRID, TILE_ALPHA, *TILES) = read_stream(TILED)
BOMB = 1 << 26
"""Bytes that a bomb inflates to, a thousand times its own size."""


def with_header(at: int, value: bytes) -> bytes:
    """Return the stream with some of its header's bytes overwritten."""
    body = bytearray(HEADER.write()[:-4])
    body[at : at + len(value)] = value
    return bytes(body) + zlib.crc32(body).to_bytes(4, "little") + STREAM[HEAD:]


def with_size(width: bytes, height: bytes) -> bytes:
    """Return the stream with other varints for its size."""
    body = HEADER.write()[:-4]
    body = body[:13] + width + height + body[-6:]
    return body + zlib.crc32(body).to_bytes(4, "little") + STREAM[HEAD:]


def with_sections(*sections: Section, header: Header = HEADER) -> bytes:
    return write_stream(header, list(sections))


def with_latents(payload: bytes) -> bytes:
    return with_sections(ALPHA, Section(SectionType.LATENTS, payload))


def with_alpha(payload: bytes) -> bytes:
    return with_sections(Section(SectionType.ALPHA, payload), LATENTS)


def with_length(length: bytes) -> bytes:
    """Return the header and a section that claims a length."""
    return STREAM[:HEAD] + bytes([SectionType.LATENTS]) + length + bytes(4) + LATENTS.payload


def png(width: int, height: int, *chunks: tuple[bytes, bytes], depth: int = 8, colour: int = 0) -> bytes:
    """Return a PNG with these chunks between its first and last."""
    first = (b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    parts = [
        struct.pack(">I", len(body)) + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
        for kind, body in (first, *chunks, (b"IEND", b""))
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def whole_png(width: int, height: int, mode: str = "L") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


def tiled(*sections: Section) -> bytes:
    return write_stream(TILED_HEADER, list(sections))


def with_grid(*sides: int) -> bytes:
    """Return the stream of two tiles with other sides, in units of 64, announced."""
    return tiled(Section(SectionType.GRID, b"".join(varint(side) for side in sides)), TILE_ALPHA, *TILES)


def escape(length: int, upper: int) -> bytes:
    """Return coded data that begins with an escape of `length` bits, of which the upper ones are given."""
    networks = Codec(str(GOLDEN / "trellis.trm"), 1).networks
    row, tables = z_scale_indices(networks, HEADER.quality / HIGHEST_QUALITY, 1)[0], networks.z_tables
    announced = tables.cumulative[tables.first[row] + 2 * tables.radius[row] + 1]
    coder = Encoder()
    raw = [(length, LENGTH_BITS), (upper, length - 12), (0, 12), (0, 1)]
    starts = [announced, *(value << (PRECISION - bits) for value, bits in raw)]
    frequencies = [TOTAL - announced, *(1 << (PRECISION - bits) for _, bits in raw)]
    coder._starts, coder._frequencies = [np.array(starts, np.uint32)], [np.array(frequencies, np.uint32)]
    return coder.finish()


def bomb() -> bytes:
    return zlib.compress(bytes(BOMB), 9)


MAKERS: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "wrong_magic": lambda: b"\x93TLD" + STREAM[4:],
    "future_version": lambda: with_header(4, b"\2"),
    "unknown_model": lambda: with_header(5, bytes(8)),
    "absurd_size": lambda: with_sections(*SECTIONS, header=replace(HEADER, width=1 << 24, height=1 << 24)),
    "absurd_strip": lambda: with_sections(*SECTIONS, header=replace(HEADER, width=1 << 24, height=1)),
    "side_too_long": lambda: with_sections(*SECTIONS, header=replace(HEADER, width=(1 << 24) + 1)),
    "zero_width": lambda: with_sections(*SECTIONS, header=replace(HEADER, width=0)),
    "zero_height": lambda: with_sections(*SECTIONS, header=replace(HEADER, height=0)),
    "wrong_size": lambda: with_sections(LATENTS, header=replace(HEADER, width=130)),
    "endless_varint": lambda: with_size(b"\xff" * 12, b"\x32"),
    "overlong_varint": lambda: with_size(b"\xcb\x00", b"\x32"),
    "unknown_mode": lambda: with_header(HEAD - 10, b"\2"),
    "quality_out_of_range": lambda: with_header(HEAD - 9, (25601).to_bytes(2, "little")),
    "unknown_quantizer": lambda: with_header(HEAD - 7, b"\xfe"),
    "quantizer_without_tables": lambda: (
        with_header(5, read_stream((GOLDEN / "uniform.tlic").read_bytes())[0].model)
    ),
    "step_zero": lambda: with_header(HEAD - 6, b"\0\0"),
    "header_checksum": lambda: STREAM[: HEAD - 1] + bytes([STREAM[HEAD - 1] ^ 1]) + STREAM[HEAD:],
    "section_checksum": lambda: STREAM[:-1] + bytes([STREAM[-1] ^ 1]),
    "unknown_section": lambda: with_sections(Section(77, b"?"), LATENTS),
    "duplicated_section": lambda: with_sections(ALPHA, ALPHA, LATENTS),
    "too_many_sections": lambda: with_sections(*[Section(200, b"")] * 4096, LATENTS),
    "section_beyond_file": lambda: with_length(varint((1 << 35) - 1)),
    "endless_length": lambda: with_length(b"\xff" * 9),
    "overlong_length": lambda: with_length(b"\x81\x80\x00"),
    "latents_missing": lambda: with_sections(ALPHA),
    "latents_not_last": lambda: with_sections(LATENTS) + with_sections(ALPHA)[HEAD:],
    "no_sections": lambda: STREAM[:HEAD],
    "trailing_byte": lambda: STREAM + b"\0",
    "coded_data_empty": lambda: with_latents(b""),
    "coded_data_cut_in_a_word": lambda: with_latents(LATENTS.payload[:-2]),
    "coded_data_truncated": lambda: with_latents(LATENTS.payload[:-4]),
    "coded_data_trailing": lambda: with_latents(LATENTS.payload + bytes(8)),
    "coded_data_of_another": lambda: with_latents(read_stream((GOLDEN / "tcq4.tlic").read_bytes())[1][-1].payload),
    "escape_length_impossible": lambda: with_latents(escape(25, 0)),
    "escape_beyond_the_limit": lambda: with_latents(escape(20, 255)),
    "alpha_no_png": lambda: with_alpha(b"GIF89a" + ALPHA.payload[6:]),
    "alpha_of_wrong_size": lambda: with_alpha(whole_png(76, 50)),
    "alpha_of_wrong_mode": lambda: with_alpha(whole_png(75, 50, "RGB")),
    "alpha_of_16_bits": lambda: with_alpha(png(75, 50, (b"IDAT", zlib.compress(bytes(151 * 50))), depth=16)),
    "alpha_truncated": lambda: with_alpha(ALPHA.payload[:-40]),
    "alpha_claims_a_bomb": lambda: with_alpha(png(30_000, 30_000, (b"IDAT", b""))),
    "alpha_two_headers": lambda: with_alpha(
        png(75, 50, (b"IHDR", struct.pack(">IIBBBBB", 9000, 9000, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(bytes(9))))
    ),
    "alpha_text_bomb": lambda: with_alpha(
        png(75, 50, (b"zTXt", b"Comment\0\0" + bomb()), (b"IDAT", zlib.compress(bytes(9))))
    ),
    "alpha_sequence_past_its_end": lambda: with_alpha(
        png(75, 50, (b"acTL", struct.pack(">II", 2, 0)), (b"fcTL", bytes(3)), (b"IDAT", b""))
    ),
    "icc_bomb": lambda: with_sections(Section(SectionType.ICC, bomb()), LATENTS),
    "exif_bomb": lambda: with_sections(Section(SectionType.EXIF, bomb()), LATENTS),
    "icc_truncated": lambda: with_sections(Section(SectionType.ICC, zlib.compress(bytes(99))[:-5]), LATENTS),
    "tile_missing": lambda: tiled(GRID, TILE_ALPHA, TILES[0]),
    "tile_too_many": lambda: tiled(GRID, TILE_ALPHA, *TILES, TILES[1]),
    "tile_of_another": lambda: tiled(GRID, TILE_ALPHA, TILES[1], TILES[0]),
    "tile_checksum": lambda: TILED[:-1] + bytes([TILED[-1] ^ 1]),
    "tiles_without_a_grid": lambda: tiled(TILE_ALPHA, *TILES),
    "tiles_beside_latents": lambda: tiled(GRID, LATENTS, *TILES),
    "tile_alpha_twice": lambda: tiled(GRID, TILE_ALPHA, TILE_ALPHA, *TILES),
    "tile_alpha_of_wrong_size": lambda: tiled(GRID, replace(TILE_ALPHA, payload=whole_png(90, 256)), *TILES),
    "grid_of_no_width": lambda: with_grid(0, 2),
    "grid_of_one_tile": lambda: with_grid(7, 2),
    "grid_of_tiny_tiles": lambda: with_grid(1, 2),
    "grid_beyond_the_picture": lambda: with_grid(4, 1 << 20),
    "grid_truncated": lambda: with_grid(4),
    "grid_trailing": lambda: with_grid(4, 2, 2),
    "grid_of_a_strip": lambda: write_stream(
        replace(TILED_HEADER, width=1 << 20, height=64),
        [Section(SectionType.GRID, varint(2) + varint(1)), *TILES],
    ),
    "whole_but_too_large": lambda: with_sections(*SECTIONS, header=replace(HEADER, width=8192, height=8192)),
    "exif_no_zlib": lambda: with_sections(Section(SectionType.EXIF, b"Exif\0\0"), LATENTS),
}  # fmt: skip


def main() -> None:
    for name, make in MAKERS.items():
        path = HERE / f"{name}.tlic"
        if not path.exists():
            path.write_bytes(make())


if __name__ == "__main__":
    main()
