"""Hostile model files, made when a test asks for them: golden model files with one thing wrong."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from hostile.streams import GOLDEN
from trellic.model import ModelFile

ENTRIES = ModelFile.read(GOLDEN / "golden.trm").entries
CARD = json.loads(ENTRIES["card.json"])
LOGS = np.zeros((2, CARD["design"]["latents"]), np.float32)


def with_entries(**changed: bytes | None) -> bytes:
    """Return the model with entries replaced, or left out where they are None; `__` stands for the dot."""
    entries = {**ENTRIES, **{name.replace("__", "."): data for name, data in changed.items()}}
    return ModelFile.pack({name: data for name, data in entries.items() if data is not None})


def with_card(**changed: Any) -> bytes:
    return with_entries(card__json=json.dumps({**CARD, **changed}).encode())


def with_design(**changed: Any) -> bytes:
    return with_card(design={**CARD["design"], **changed})


def with_knots(*knots: Any) -> bytes:
    return with_card(quantizers={"tcq8": {"knots": list(knots)}})


def array(values: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def claiming(shape: tuple[int, ...]) -> bytes:
    """Return an array entry whose header claims a shape, and that holds eight bytes."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return buffer.getvalue() + bytes(8)


def tables(change: Callable[[Any], Any]) -> bytes:
    found = np.load(io.BytesIO(ENTRIES["tables_trellis.npy"])).copy()
    return with_entries(tables_trellis__npy=array(change(found)))


def with_frequency(value: int) -> Callable[[Any], Any]:
    """Return a change of two frequencies that leaves their sum."""

    def change(found: Any) -> Any:
        found[0], found[1] = value, (int(found[0]) + int(found[1]) - value) % (1 << 32)
        return found

    return change


def bomb(megabytes: int, claimed: int | None = None) -> bytes:
    """Return a model with an entry that inflates to so much, and claims to be of `claimed` bytes."""
    buffer = io.BytesIO(with_entries())
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("bomb", "w") as entry:
            for _ in range(megabytes):
                entry.write(bytes(1 << 20))
        if claimed is not None:
            archive.getinfo("bomb").file_size = claimed
            archive._didModify = True
    return buffer.getvalue()


def packed_by(method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in ENTRIES.items():
            archive.writestr(name, data)
    data = bytearray(buffer.getvalue())
    data[200:260] = bytes(60)
    return bytes(data)


def not_finite(network: str) -> bytes:
    """Return a network of which some weights, in half precision, are no numbers."""
    data = bytearray(ENTRIES[f"{network}.onnx"])
    middle = len(data) * 6 // 10
    data[middle : middle + 400] = b"\xff" * 400
    return bytes(data)


MAKERS: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "no_zip": lambda: b"PK\3\4" + bytes(300),
    "cut_short": lambda: with_entries()[:-100],
    "directory_beyond_the_end": lambda: with_entries()[5000:],
    "packed_by_lzma_and_damaged": lambda: packed_by(zipfile.ZIP_LZMA),
    "packed_by_bzip2_and_damaged": lambda: packed_by(zipfile.ZIP_BZIP2),
    "packed_by_deflate_and_damaged": lambda: packed_by(zipfile.ZIP_DEFLATED),
    "zip_bomb": lambda: bomb(300),
    "zip_bomb_that_lies": lambda: bomb(64, claimed=10),
    "no_card": lambda: with_entries(card__json=None),
    "card_no_json": lambda: with_entries(card__json=b"{"),
    "card_no_text": lambda: with_entries(card__json=b"\xff\xfe{}"),
    "card_nested_for_ever": lambda: with_entries(card__json=b"[" * 200_000),
    "card_a_list": lambda: with_entries(card__json=b"[]"),
    "card_of_another_format": lambda: with_card(format=2),
    "no_design": lambda: with_card(design=None),
    "design_a_list": lambda: with_card(design=[1, 2]),
    "groups_text": lambda: with_design(groups="48"),
    "groups_no_list": lambda: with_design(groups=12),
    "groups_do_not_sum": lambda: with_design(groups=[4, 9]),
    "groups_negative": lambda: with_design(groups=[-4, 16]),
    "groups_swapped": lambda: with_design(groups=[8, 4]),
    "latents_absurd": lambda: with_design(latents=10**12, groups=[10**12]),
    "latents_infinite": lambda: with_design(latents=float("inf")),
    "latents_true": lambda: with_design(latents=True, groups=[True]),
    "hyper_zero": lambda: with_design(hyper=0),
    "hyper_too_few": lambda: with_design(hyper=2),
    "context_text": lambda: with_design(context="false"),
    "context_denied": lambda: with_design(context=False),
    "quantizers_a_list": lambda: with_card(quantizers=[]),
    "quantizer_a_number": lambda: with_card(quantizers={"tcq8": 3}),
    "knots_no_triples": lambda: with_knots([0, 1]),
    "knots_a_number": lambda: with_card(quantizers={"tcq8": {"knots": 7}}),
    "knots_not_finite": lambda: with_knots([float("nan"), 1400, 0.1]),
    "knots_infinite_step": lambda: with_knots([0.1, float("inf"), 0.1]),
    "knots_beyond_floats": lambda: with_knots([0.1, 10**400, 0.1]),
    "knots_negative_strength": lambda: with_knots([0.1, 1400, -0.1]),
    "knots_falling": lambda: with_knots([0.5, 1400, 0.1], [0.4, 1400, 0.1]),
    "gains_missing": lambda: with_entries(gains__npy=None),
    "gains_cut": lambda: with_entries(gains__npy=array(LOGS)[:-9]),
    "gains_longer_than_said": lambda: with_entries(gains__npy=array(LOGS) + b"more"),
    "gains_of_another_shape": lambda: with_entries(gains__npy=array(LOGS[:, :5])),
    "gains_flat": lambda: with_entries(gains__npy=array(LOGS.ravel())),
    "gains_in_double": lambda: with_entries(gains__npy=array(LOGS.astype(np.float64))),
    "gains_pickled": lambda: with_entries(gains__npy=array(np.array([[None] * 12] * 2))),
    "gains_an_archive": lambda: with_entries(gains__npy=with_entries()),
    "gains_not_finite": lambda: with_entries(gains__npy=array(LOGS + np.nan)),
    "gains_absurd": lambda: with_entries(gains__npy=array(LOGS + 1e30)),
    "gains_claim_terabytes": lambda: with_entries(gains__npy=claiming((2, 1 << 40))),
    "gains_claim_less_than_nothing": lambda: with_entries(gains__npy=claiming((2, -12))),
    "gains_header_no_python": lambda: with_entries(gains__npy=b"\x93NUMPY\1\0\x76\0" + b"(" * 118),
    "side_scales_not_finite": lambda: with_entries(side_scales__npy=array(np.full((2, 4), np.inf, np.float32))),
    "side_scales_of_another_shape": lambda: with_entries(side_scales__npy=array(np.zeros((2, 3), np.float32))),
    "sensitivity_of_another_shape": lambda: with_entries(sensitivity__npy=array(LOGS.T)),
    "sensitivity_not_finite": lambda: with_entries(sensitivity__npy=array(LOGS - np.inf)),
    "points_in_floats": lambda: with_entries(points_tcq8__npy=array(np.zeros((128, 3), np.float32))),
    "points_of_another_shape": lambda: with_entries(points_tcq8__npy=array(np.zeros((64, 3), np.int16))),
    "tables_side_missing": lambda: with_entries(tables__npy=None),
    "tables_of_another_type": lambda: tables(lambda found: found.astype(np.int32)),
    "tables_two_dimensional": lambda: tables(lambda found: found[None]),
    "tables_empty": lambda: tables(lambda found: found[:0]),
    "tables_cut": lambda: tables(lambda found: found[:-1]),
    "tables_of_one_kind": lambda: with_entries(tables_trellis__npy=ENTRIES["tables.npy"]),
    "tables_with_a_zero": lambda: tables(with_frequency(0)),
    "tables_with_a_giant": lambda: tables(with_frequency((1 << 32) - 5)),
    "tables_all_ones": lambda: tables(lambda found: np.ones(1 << 20, np.uint32)),
    "network_missing": lambda: with_entries(second_1__onnx=None),
    "network_cut": lambda: with_entries(first_1__onnx=ENTRIES["first_1.onnx"][:-200]),
    "network_of_another_group": lambda: with_entries(second_1__onnx=ENTRIES["second_0.onnx"]),
    "network_of_another_job": lambda: with_entries(hyper_synthesis__onnx=ENTRIES["synthesis.onnx"]),
    "analysis_not_finite": lambda: with_entries(analysis__onnx=not_finite("analysis")),
    "hyper_analysis_not_finite": lambda: with_entries(hyper_analysis__onnx=not_finite("hyper_analysis")),
}
