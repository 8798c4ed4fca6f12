"""Streams made to hurt: each is refused by the error that says why, in a line, in little time and room."""

import pytest

import fuzz
import trellic
from bounds import bounded
from hostile import streams
from trellic.errors import (
    DamagedAdapter,
    DamagedStream,
    IncompleteStream,
    MissingAdapter,
    MissingModel,
    NotAStream,
    PictureTooLarge,
    UnsupportedStream,
)

REFUSED = {
    "empty": (NotAStream, "not a .tlic"),
    "wrong_magic": (NotAStream, "not a .tlic"),
    "future_version": (UnsupportedStream, "version"),
    "unknown_model": (MissingModel, "needs model 00000000"),
    "absurd_size": (PictureTooLarge, "16777216×16777216"),
    "absurd_strip": (PictureTooLarge, "16777216×64"),
    "side_too_long": (DamagedStream, "impossible size"),
    "zero_width": (DamagedStream, "impossible size"),
    "zero_height": (DamagedStream, "impossible size"),
    "wrong_size": (DamagedStream, "coded data"),
    "endless_varint": (DamagedStream, "malformed number"),
    "overlong_varint": (DamagedStream, "malformed number"),
    "quality_out_of_range": (DamagedStream, "quality 25601"),
    "unknown_quantizer": (UnsupportedStream, "quantizer number 14"),
    "restoration_of_no_bytes": (DamagedStream, "no bytes"),
    "restoration_of_another_kind": (UnsupportedStream, "kind 3"),
    "restoration_cut": (DamagedStream, "cut short"),
    "restoration_too_large": (DamagedStream, "too large"),
    "restoration_too_long": (DamagedStream, "201 bytes are too many"),
    "restoration_goes_on": (DamagedStream, "where they should not"),
    "restoration_adds_up": (DamagedStream, "add up to more"),
    "front_checksum": (DamagedStream, "header's checksum"),
    "section_checksum": (DamagedStream, "checksum of section latents"),
    "unknown_section": (UnsupportedStream, "section type 77"),
    "duplicated_section": (DamagedStream, "exif occurs twice"),
    "metadata_behind_its_tile": (DamagedStream, "after the first tile"),
    "too_many_sections": (DamagedStream, "67 sections"),
    "endless_list": (DamagedStream, "34359738367 sections"),
    "section_beyond_file": (IncompleteStream, "cut off"),
    "overlong_length": (DamagedStream, "malformed number"),
    "latents_missing": (DamagedStream, "no tile at the end"),
    "no_sections": (DamagedStream, "no tile at the end"),
    "trailing_byte": (DamagedStream, "1 bytes after"),
    "cut_in_the_front": (IncompleteStream, "cut off"),
    "cut_in_a_payload": (IncompleteStream, "cut off"),
    "coded_data_empty": (DamagedStream, "ends before"),
    "coded_data_cut_in_a_word": (DamagedStream, "cannot be whole"),
    "coded_data_truncated": (DamagedStream, "ends before"),
    "coded_data_trailing": (DamagedStream, "does not end"),
    "coded_data_of_another": (DamagedStream, "coded data"),
    "escape_length_impossible": (DamagedStream, "impossible index"),
    "escape_beyond_the_limit": (DamagedStream, "impossible index"),
    "layers_empty": (DamagedStream, "cut off"),
    "layers_by_four": (UnsupportedStream, "4 planes by 4"),
    "layers_of_no_plane": (UnsupportedStream, "0 planes by 2"),
    "layers_of_many_planes": (UnsupportedStream, "9 planes by 2"),
    "layers_of_other_planes": (DamagedStream, "list of layers is impossible"),
    "layers_of_a_wide_dead_zone": (DamagedStream, "impossible dead zone, 513"),
    "layers_of_trits_with_a_dead_zone": (DamagedStream, "impossible dead zone, 102"),
    "layers_of_no_sweep": (DamagedStream, "0 sweeps"),
    "layers_of_many_sweeps": (DamagedStream, "5 sweeps"),
    "layers_of_rising_slopes": (DamagedStream, "list of layers is impossible"),
    "layers_of_nothing": (DamagedStream, "list of layers is impossible"),
    "layers_of_fewer_sweeps": (DamagedStream, "list of layers is impossible"),
    "layers_trailing": (DamagedStream, "list of layers is impossible"),
    "layers_of_too_coarse_a_step": (UnsupportedStream, "step 2239488"),
    "layers_of_no_step": (DamagedStream, "impossible step, 0"),
    "layers_of_many_coarse_planes": (DamagedStream, "coarse planes, 8"),
    "layers_of_another_dead_zone": (DamagedStream, "coded data"),
    "layers_joined_otherwise": (DamagedStream, "more of them than"),
    "layers_missing": (DamagedStream, "without a list of layers"),
    "layers_without_one": (DamagedStream, "without a list of layers"),
    "layers_twice": (DamagedStream, "layers occurs twice"),
    "layer_of_one_tile": (DamagedStream, "1 layers after the first"),
    "layer_too_many": (DamagedStream, "more of them than"),
    "layer_cut": (IncompleteStream, "layer 6 of 6 is cut"),
    "layer_before_alpha": (DamagedStream, "between layers"),
    "layer_of_another_quantizer": (DamagedStream, "another quantizer"),
    "layer_truncated": (DamagedStream, "coded data"),
    "layer_swapped": (DamagedStream, "coded data"),
    "layers_quantizer_without_layers": (DamagedStream, "not in layers"),
    "adapter_missing": (MissingAdapter, "needs adapter 00000000"),
    "adapter_empty": (DamagedStream, "an adapter of 0 bytes"),
    "adapter_of_another_name": (DamagedStream, "adapter 00000000 is not the one"),
    "adapter_no_list": (DamagedAdapter, "malformed number"),
    "adapter_truncated": (DamagedAdapter, "coded data"),
    "adapter_too_large": (DamagedStream, "an adapter of 1048581 bytes"),
    "adapter_twice": (DamagedStream, "adapter occurs twice"),
    "adapter_behind_its_tile": (DamagedStream, "after the first tile"),
    "alpha_empty": (DamagedStream, "exact samples are"),
    "alpha_no_picture": (DamagedStream, "exact samples are"),
    "alpha_of_wrong_size": (DamagedStream, "exact samples are 76×50, not 75×50"),
    "alpha_truncated": (DamagedStream, "exact samples cannot be read"),
    "alpha_claims_a_bomb": (DamagedStream, "exact samples are 16384×16384"),
    "alpha_twice": (DamagedStream, "alpha twice"),
    "alpha_twice_in_one": (DamagedStream, "alpha twice"),
    "exact_of_wrong_size": (DamagedStream, "exact samples are 76×50, not 75×50"),
    "exact_truncated": (DamagedStream, "exact samples cannot be read"),
    "exact_of_a_later_version": (DamagedStream, "exact samples"),
    "exact_in_a_container": (DamagedStream, "exact samples are"),
    "icc_bomb": (DamagedStream, "larger than 16 MiB"),
    "exif_bomb": (DamagedStream, "larger than 16 MiB"),
    "icc_truncated": (DamagedStream, "metadata is truncated"),
    "exif_no_zlib": (DamagedStream, "metadata cannot be read"),
    "tile_missing": (DamagedStream, "1 tiles, where 2×1 are announced"),
    "tile_too_many": (DamagedStream, "3 tiles, where 2×1 are announced"),
    "tile_of_another": (DamagedStream, "coded data"),
    "tile_checksum": (DamagedStream, "checksum of section latents"),
    "tile_alpha_of_wrong_size": (DamagedStream, "exact samples are 90×256"),
    "grid_of_no_width": (DamagedStream, "impossible tiles of 0×128"),
    "grid_of_tiny_tiles": (DamagedStream, "impossible tiles of 64×128"),
    "grid_beyond_the_picture": (DamagedStream, "impossible tiles of 256×67108864"),
    "grid_of_a_strip": (DamagedStream, "2 tiles, where 8192×1 are announced"),
    "blocks_empty": (DamagedStream, "cut off"),
    "blocks_cut_in_a_length": (DamagedStream, "cut off"),
    "blocks_truncated": (DamagedStream, "blocks of"),
    "blocks_trailing": (DamagedStream, "blocks of"),
    "blocks_of_endless_length": (DamagedStream, "blocks of"),
    "blocks_without_their_alpha": (DamagedStream, "blocks of"),
    "blocks_of_a_group_too_many": (DamagedStream, "2 groups, where blocks take 1"),
    "blocks_among_tiles": (DamagedStream, "2 groups, where blocks take 1"),
    "blocks_behind_alpha": (DamagedStream, "alpha twice"),
    "blocks_of_another_side": (DamagedStream, "impossible blocks of 320×128"),
    "blocks_of_two_sides": (DamagedStream, "impossible blocks of 192×128"),
    "blocks_whole": (DamagedStream, "impossible blocks of"),
    "whole_but_too_large": (UnsupportedStream, "8192×8192 pixels coded at once"),
}


@pytest.fixture(scope="module", autouse=True)
def _compiled_kernels():
    """Decode once, so that no bound counts the compiler."""
    streams.CODEC.decode(streams.STREAM)


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_stream_is_refused_by_its_own_error(name, monkeypatch):
    monkeypatch.setenv("TRELLIC_MODELS", str(streams.GOLDEN))
    error, message = REFUSED[name]
    data = streams.MAKERS[name]()
    with bounded(), pytest.raises(error, match=message) as caught:
        trellic.decode(data)
    assert type(caught.value) is error
    assert len(str(caught.value).splitlines()) == 1


def test_every_hostile_stream_is_expected():
    assert set(REFUSED) == set(streams.MAKERS)


def test_damaged_streams_decode_or_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("TRELLIC_MODELS", str(streams.GOLDEN))
    report = fuzz.run(300, 7, tmp_path)
    assert report["failures"] == []
    assert len(report["outcomes"]) >= 3
