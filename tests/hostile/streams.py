"""Hostile streams: each is a sound stream with one thing wrong, its checksums made right again.

So the damage is met where it bites. tests/test_hostile_streams.py says how each must be refused.
"""

import hashlib
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from adapters import random_adapter
from conftest import sections_of, textured
from scales import scale_indices_of
from trellic.codec import Codec, Target
from trellic.codec.attached import section_of
from trellic.codec.coding import SMALLEST_Z_SCALE
from trellic.codec.exact import pack
from trellic.container import Grid, Header, Section, SectionType, write_stream
from trellic.container.bytes import varint
from trellic.container.header import HIGHEST_QUALITY
from trellic.container.index import check_of
from trellic.container.layers import Layering
from trellic.container.restoration import BANDS, FEATURES, LARGEST, PLANES, Weights, write_weights
from trellic.entropy.rans import LENGTH_BITS, Encoder
from trellic.entropy.tables import PRECISION, TOTAL
from trellic.model.adapter import LARGEST_PART
from trellic.picture.metadata import Metadata
from trellic.picture.types import Picture

GOLDEN = Path(__file__).parent.parent / "golden"


def picture(width: int, height: int) -> Picture:
    """Return a picture whose left part is not opaque, with metadata."""
    alpha = np.full((height, width), 255, np.uint8)
    alpha[:, :60] = np.random.default_rng(0).integers(0, 256, (height, 60))
    return Picture(textured(height, width), alpha=alpha, metadata=Metadata(exif=b"Exif"))


CODEC = Codec(str(GOLDEN / "golden.trm"), 1, tile=256, restore=False)
CODEC_OF_BLOCKS = Codec(str(GOLDEN / "golden.trm"), 1, tile=128, predict=True, restore=False)
STREAM = CODEC.encode_picture(picture(75, 50), Target(80)).data
HEADER, SECTIONS = sections_of(STREAM)
*METADATA, ALPHA, LATENTS = SECTIONS
TILED = CODEC.encode_picture(picture(400, 90), Target(80)).data
TILED_HEADER, TILED_SECTIONS = sections_of(TILED)
TILES = [section for section in TILED_SECTIONS if section.type == SectionType.LATENTS]
TILE_ALPHA = next(section for section in TILED_SECTIONS if section.type == SectionType.ALPHA)
BLOCKS_HEADER, BLOCKS_SECTIONS = sections_of(CODEC_OF_BLOCKS.encode_picture(picture(400, 200), Target(80)).data)
BLOCKS = BLOCKS_SECTIONS[-1]
EXACT = Section(SectionType.EXACT, pack(textured(50, 75)))
ADAPTER = random_adapter()
EMBEDDED = section_of(ADAPTER, True)
LAYERED = CODEC.encode(textured(90, 400), 80, layers=6)
LAYERED_HEADER, (LAYERS, *LAYER_SECTIONS) = sections_of(LAYERED)
LAYERING = Layering.read(LAYERS.payload)
BOMB = 1 << 26
"""Bytes that a bomb inflates to, a thousand times its own size."""


def with_sections(*sections: Section, header: Header = HEADER) -> bytes:
    return write_stream(header, list(sections))


def with_front(change: Callable[[bytes], bytes], *sections: Section, header: Header = HEADER) -> bytes:
    """Return a stream whose header and index are changed, their check right."""
    payloads = b"".join(section.payload for section in sections)
    whole = write_stream(header, list(sections))
    front = change(whole[: len(whole) - len(payloads) - 2])
    return front + check_of(front).to_bytes(2, "little") + payloads


def with_bytes(at: int, value: bytes, length: int | None = None) -> bytes:
    """Return the plain stream with bytes of its front overwritten, or `length` of them replaced."""
    over = len(value) if length is None else length
    return with_front(lambda front: front[:at] + value + front[at + over :], ALPHA, LATENTS)


def with_latents(payload: bytes) -> bytes:
    return with_sections(ALPHA, Section(SectionType.LATENTS, payload))


def with_alpha(payload: bytes) -> bytes:
    return with_sections(Section(SectionType.ALPHA, payload), LATENTS)


def with_exact(payload: bytes, kind: SectionType = SectionType.EXACT) -> bytes:
    return with_sections(Section(kind, payload))


def with_adapter(payload: bytes) -> bytes:
    return with_sections(Section(SectionType.ADAPTER, payload), LATENTS)


def named(part: bytes) -> bytes:
    """Return a decoder part behind its name."""
    return hashlib.sha256(part).digest()[:4] + part


def tiled(*sections: Section) -> bytes:
    return write_stream(TILED_HEADER, list(sections))


def with_blocks(*payloads: bytes, kind: SectionType = SectionType.BLOCKS_ALPHA, **grid: int) -> bytes:
    """Return the stream of eight blocks with other sections, or tiles of other sides announced."""
    header = replace(BLOCKS_HEADER, grid=BLOCKS_HEADER.grid._replace(**grid))
    return write_stream(header, [Section(kind, payload) for payload in payloads])


def with_grid(width: int, height: int, *sections: Section) -> bytes:
    """Return the stream of two tiles with other sides announced."""
    return write_stream(replace(TILED_HEADER, grid=TILED_HEADER.grid._replace(tile_width=width, tile_height=height)),
                        list(sections or TILES))  # fmt: skip


def layered(payload: bytes, *sections: Section) -> bytes:
    """Return the stream in layers, of two tiles, with another list of them."""
    return write_stream(LAYERED_HEADER, [Section(SectionType.LAYERS, payload), *(sections or LAYER_SECTIONS)])


def relayered(**values: Any) -> bytes:
    return layered(replace(LAYERING, **values).write())


def escape(length: int, upper: int) -> bytes:
    """Return coded data that begins with an escape of `length` bits, of which the upper ones are given."""
    model, first = CODEC.model, CODEC.model.schedule.passes[0]
    log_scales = model.log_scales(first.log_scale, HEADER.quality / HIGHEST_QUALITY, first.stop)
    index, tables = scale_indices_of(np.maximum(log_scales, SMALLEST_Z_SCALE))[0], model.rounded_tables[first.tables]
    announced = tables.cumulative[tables.first[index] + 2 * tables.radius[index] + 1]
    coder = Encoder()
    raw = [(length, LENGTH_BITS), (upper, length - 12), (0, 12), (0, 1)]
    starts = [announced, *(value << (PRECISION - bits) for value, bits in raw)]
    frequencies = [TOTAL - announced, *(1 << (PRECISION - bits) for _, bits in raw)]
    coder._starts, coder._frequencies = [np.array(starts, np.uint32)], [np.array(frequencies, np.uint32)]
    return coder.finish()


def bomb() -> bytes:
    return zlib.compress(bytes(BOMB), 9)


def same_weights(common: int, added: int) -> Weights:
    """Return weights of the restoration filter, all alike, and what all bands add, all alike, too."""
    weights = np.full((1 + BANDS, PLANES, FEATURES), added, np.int8)
    weights[0] = common
    return weights


def restored_by(restoration: bytes) -> bytes:
    """Return a stream with such bytes where weights of the restoration filter belong."""
    return with_sections(*SECTIONS, header=replace(HEADER, restoration=restoration))


MAKERS: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "wrong_magic": lambda: b"\x93XLC" + STREAM[4:],
    "future_version": lambda: b"\x93TLD" + STREAM[4:],
    "unknown_model": lambda: with_sections(*SECTIONS, header=replace(HEADER, model=bytes(4))),
    "absurd_size": lambda: with_sections(*SECTIONS, header=replace(HEADER, grid=Grid.whole(1 << 24, 1 << 24))),
    "absurd_strip": lambda: with_sections(*SECTIONS, header=replace(HEADER, grid=Grid.whole(1 << 24, 1))),
    "side_too_long": lambda: with_sections(*SECTIONS, header=replace(HEADER, grid=Grid.whole((1 << 24) + 1, 64))),
    "zero_width": lambda: with_bytes(8, b"\0"),
    "zero_height": lambda: with_bytes(9, b"\0"),
    "wrong_size": lambda: with_sections(LATENTS, header=replace(HEADER, grid=Grid.whole(130, 50))),
    "endless_varint": lambda: with_bytes(8, b"\xff" * 12),
    "overlong_varint": lambda: with_bytes(8, b"\xcb\x00", 1),
    "quality_out_of_range": lambda: with_sections(*SECTIONS, header=replace(HEADER, quality=25601)),
    "unknown_quantizer": lambda: with_sections(*SECTIONS, header=replace(HEADER, quantizer=14)),
    "restoration_of_no_bytes": lambda: with_bytes(12, b"\xc4\0", 1),
    "restoration_of_another_kind": lambda: restored_by(b"\3\x80"),
    "restoration_cut": lambda: restored_by(b"\1\xff\xff"),
    "restoration_too_large": lambda: restored_by(b"\1\x80" + b"\0\xff" * 40),
    "restoration_too_long": lambda: restored_by(b"\1" + bytes(200)),
    "restoration_goes_on": lambda: restored_by(write_weights([same_weights(1, 0)]) + b"\0"),
    "restoration_adds_up": lambda: restored_by(write_weights([same_weights(LARGEST, 1)])),
    "front_checksum": lambda: STREAM[:20] + bytes([STREAM[20] ^ 1]) + STREAM[21:],
    "section_checksum": lambda: STREAM[:-1] + bytes([STREAM[-1] ^ 1]),
    "unknown_section": lambda: with_sections(Section(77, b"?"), LATENTS),
    "duplicated_section": lambda: with_sections(METADATA[0], METADATA[0], LATENTS),
    "metadata_behind_its_tile": lambda: with_sections(LATENTS, METADATA[0]),
    "too_many_sections": lambda: with_sections(*[Section(200, b"")] * 66, LATENTS),
    "endless_list": lambda: with_bytes(13, varint((1 << 35) - 1), 1),
    "section_beyond_file": lambda: with_bytes(15, varint((1 << 35) - 1), 2),
    "overlong_length": lambda: with_bytes(15, b"\x81\x80\x00", 2),
    "latents_missing": lambda: with_sections(ALPHA),
    "no_sections": lambda: with_sections(),
    "trailing_byte": lambda: STREAM + b"\0",
    "cut_in_the_front": lambda: STREAM[:20],
    "cut_in_a_payload": lambda: STREAM[:-1],
    "coded_data_empty": lambda: with_latents(b""),
    "coded_data_cut_in_a_word": lambda: with_latents(LATENTS.payload[:-2]),
    "coded_data_truncated": lambda: with_latents(LATENTS.payload[:-4]),
    "coded_data_trailing": lambda: with_latents(LATENTS.payload + bytes(8)),
    "coded_data_of_another": lambda: with_sections(LATENTS, header=replace(HEADER, quantizer=3)),
    "escape_length_impossible": lambda: with_latents(escape(25, 0)),
    "escape_beyond_the_limit": lambda: with_latents(escape(20, 255)),
    "adapter_missing": lambda: with_adapter(bytes(4)),
    "adapter_empty": lambda: with_adapter(b""),
    "adapter_of_another_name": lambda: with_adapter(bytes(4) + ADAPTER.decoder),
    "adapter_no_list": lambda: with_adapter(named(b"\xff" * 9)),
    "adapter_truncated": lambda: with_adapter(named(ADAPTER.decoder[:-4])),
    "adapter_too_large": lambda: with_adapter(named(bytes(LARGEST_PART + 1))),
    "adapter_twice": lambda: with_sections(EMBEDDED, EMBEDDED, LATENTS),
    "adapter_behind_its_tile": lambda: with_sections(LATENTS, EMBEDDED),
    "layers_empty": lambda: layered(b""),
    "layers_by_four": lambda: relayered(radix=4),
    "layers_of_no_plane": lambda: relayered(planes=0),
    "layers_of_many_planes": lambda: relayered(planes=9),
    "layers_of_other_planes": lambda: relayered(planes=3),
    "layers_of_a_wide_dead_zone": lambda: relayered(dead_zone=513),
    "layers_of_trits_with_a_dead_zone": lambda: relayered(radix=3),
    "layers_of_no_sweep": lambda: layered(LAYERS.payload[:3] + bytes(1) + LAYERS.payload[4:]),
    "layers_of_many_sweeps": lambda: relayered(least=(40, 30, 20, 10), joined=(1,) * 16),
    "layers_of_rising_slopes": lambda: relayered(least=LAYERING.least[::-1]),
    "layers_of_nothing": lambda: relayered(joined=(0, *LAYERING.joined)),
    "layers_of_fewer_sweeps": lambda: relayered(joined=LAYERING.joined[:-1]),
    "layers_trailing": lambda: layered(LAYERS.payload + b"\0"),
    "layers_of_too_coarse_a_step": lambda: relayered(
        radix=3, dead_zone=0, planes=8, least=(), joined=(1,) * 8, step=1024
    ),
    "layers_of_no_step": lambda: layered(replace(LAYERING, step=1).write()[:-2] + bytes(2)),
    "layers_of_many_coarse_planes": lambda: relayered(coarse=8),
    "layers_of_another_dead_zone": lambda: relayered(dead_zone=400),
    "layers_joined_otherwise": lambda: relayered(joined=(10,)),
    "layers_missing": lambda: write_stream(LAYERED_HEADER, LAYER_SECTIONS),
    "layers_without_one": lambda: with_sections(LAYERS, LATENTS),
    "layers_twice": lambda: layered(LAYERS.payload, LAYERS, *LAYER_SECTIONS),
    "layer_of_one_tile": lambda: layered(LAYERS.payload, *LAYER_SECTIONS[:3]),
    "layer_too_many": lambda: layered(LAYERS.payload, *LAYER_SECTIONS, *LAYER_SECTIONS[-2:]),
    "layer_cut": lambda: LAYERED[:-1],
    "layer_before_alpha": lambda: layered(LAYERS.payload, *LAYER_SECTIONS[:4], ALPHA),
    "layer_of_another_quantizer": lambda: write_stream(
        replace(LAYERED_HEADER, quantizer=2), [LAYERS, *LAYER_SECTIONS]
    ),
    "layer_truncated": lambda: layered(
        LAYERS.payload,
        *LAYER_SECTIONS[:-1],
        replace(LAYER_SECTIONS[-1], payload=LAYER_SECTIONS[-1].payload[:-4]),
    ),
    "layer_swapped": lambda: layered(LAYERS.payload, *LAYER_SECTIONS[2:4], *LAYER_SECTIONS[:2], *LAYER_SECTIONS[4:]),
    "layers_quantizer_without_layers": lambda: with_sections(LATENTS, header=replace(HEADER, quantizer=10)),
    "alpha_empty": lambda: with_alpha(b""),
    "alpha_no_picture": lambda: with_alpha(b"GIF89a" + ALPHA.payload[6:]),
    "alpha_of_wrong_size": lambda: with_alpha(pack(np.zeros((50, 76), np.uint8) + np.arange(76, dtype=np.uint8))),
    "alpha_truncated": lambda: with_alpha(ALPHA.payload[:-40]),
    "alpha_claims_a_bomb": lambda: with_alpha(struct.pack("<BI", 0x2F, (1 << 28) - 1) + ALPHA.payload[5:]),
    "alpha_twice": lambda: with_sections(ALPHA, ALPHA, LATENTS),
    "alpha_twice_in_one": lambda: with_sections(ALPHA, replace(EXACT, type=SectionType.EXACT_ALPHA)),
    "exact_of_wrong_size": lambda: with_exact(pack(textured(50, 76))),
    "exact_truncated": lambda: with_exact(EXACT.payload[:200]),
    "exact_of_a_later_version": lambda: with_exact(EXACT.payload[:4] + b"\xff" + EXACT.payload[5:]),
    "exact_in_a_container": lambda: with_exact(b"RIFF" + EXACT.payload),
    "icc_bomb": lambda: with_sections(Section(SectionType.ICC, bomb()), LATENTS),
    "exif_bomb": lambda: with_sections(Section(SectionType.EXIF, bomb()), LATENTS),
    "icc_truncated": lambda: with_sections(Section(SectionType.ICC, zlib.compress(bytes(99))[:-5]), LATENTS),
    "exif_no_zlib": lambda: with_sections(Section(SectionType.EXIF, b"Exif\0\0"), LATENTS),
    "tile_missing": lambda: tiled(TILE_ALPHA, TILES[0]),
    "tile_too_many": lambda: tiled(TILE_ALPHA, *TILES, TILES[1]),
    "tile_of_another": lambda: tiled(TILES[1], TILES[0]),
    "tile_checksum": lambda: TILED[:-1] + bytes([TILED[-1] ^ 1]),
    "tile_alpha_of_wrong_size": lambda: tiled(
        replace(TILE_ALPHA, payload=pack(np.eye(256, 90, dtype=np.uint8))), *TILES
    ),
    "grid_of_no_width": lambda: with_front(
        lambda front: front[:14] + b"\0" + front[15:], *TILES, header=TILED_HEADER
    ),
    "grid_of_tiny_tiles": lambda: with_grid(64, 128),
    "grid_beyond_the_picture": lambda: with_grid(256, 1 << 26),
    "grid_of_a_strip": lambda: with_sections(
        *TILES, header=replace(TILED_HEADER, grid=Grid(1 << 20, 64, 128, 64))
    ),
    "blocks_empty": lambda: with_blocks(b""),
    "blocks_cut_in_a_length": lambda: with_blocks(BLOCKS.payload[:9]),
    "blocks_truncated": lambda: with_blocks(BLOCKS.payload[:-1]),
    "blocks_trailing": lambda: with_blocks(BLOCKS.payload + b"\0"),
    "blocks_of_endless_length": lambda: with_blocks(varint((1 << 35) - 1) + BLOCKS.payload[1:]),
    "blocks_without_their_alpha": lambda: with_blocks(BLOCKS.payload, kind=SectionType.BLOCKS),
    "blocks_of_a_group_too_many": lambda: with_blocks(BLOCKS.payload, BLOCKS.payload),
    "blocks_among_tiles": lambda: tiled(TILES[0], replace(BLOCKS, type=SectionType.BLOCKS)),
    "blocks_behind_alpha": lambda: tiled(TILE_ALPHA, replace(BLOCKS, type=SectionType.BLOCKS)),
    "blocks_of_another_side": lambda: with_blocks(BLOCKS.payload, tile_width=320),
    "blocks_of_two_sides": lambda: with_blocks(BLOCKS.payload, tile_width=192),
    "blocks_whole": lambda: with_sections(replace(BLOCKS, type=SectionType.BLOCKS)),
    "whole_but_too_large": lambda: with_sections(
        *SECTIONS, header=replace(HEADER, grid=Grid.whole(8192, 8192))
    ),
}  # fmt: skip
