"""A model as a typed value: what it reads of a file, what it refuses, and what replacing a part of it leaves."""

import contextlib
import dataclasses
import hashlib
import io
import itertools
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bounds import bounded
from conftest import GOLDEN, textured
from trellic import Codec
from trellic.entropy.tables import gaussian_tables
from trellic.errors import BadRequest, DamagedModel
from trellic.model import Model, Sessions, find_model, find_model_by_hash
from trellic.model.archive import LARGEST_TEXT, pack_entries, unpack_entries
from trellic.model.file import HALVES, parse_file
from trellic.quantize.settings import OperatingPoint

DATA = (GOLDEN / "golden.trm").read_bytes()


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.parse(DATA)


def entries() -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(DATA)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(changed: dict[str, bytes | None], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in {**entries(), **changed}.items():
            if data is not None:
                archive.writestr(name, data)
    return buffer.getvalue()


def with_card(**changed: Any) -> bytes:
    return packed({"card.json": json.dumps({**json.loads(entries()["card.json"]), **changed}).encode()})


def with_points(*points: Any) -> bytes:
    return with_card(quantizers={"tcq8": {"operating_points": list(points)}})


def bomb(megabytes: int) -> bytes:
    """Return a model with an entry that inflates to so much."""
    buffer = io.BytesIO(packed({}))
    with (
        zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("bomb", "w") as entry,
    ):
        for _ in range(megabytes):
            entry.write(bytes(1 << 20))
    return buffer.getvalue()


def test_a_model_packs_to_the_content_that_it_was_read_from_and_always_alike(model):
    again = Model.of(model.file)
    assert model.pack() == again.pack()
    assert hashlib.sha256(model.pack()).digest() == again.sha256
    read = parse_file(model.pack())
    assert read.card == model.card
    for before, after in ((model.file.tables, read.tables), *((model.file.arrays[h], read.arrays[h]) for h in HALVES)):
        assert set(before) == set(after)
        assert all(np.array_equal(before[name], after[name]) for name in before)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "no_zip": lambda: b"PK\3\4" + bytes(300),
    "cut_short": lambda: DATA[:-100],
    "directory_beyond_the_end": lambda: DATA[5000:],
    "packed_by_lzma": lambda: packed({}, zipfile.ZIP_LZMA),
    "zip_bomb": lambda: bomb(300),
    "no_card": lambda: packed({"card.json": None}),
    "card_no_json": lambda: packed({"card.json": b"{"}),
    "card_nested_for_ever": lambda: packed({"card.json": b"[" * 200_000}),
    "card_a_list": lambda: packed({"card.json": b"[]"}),
    "card_of_another_format": lambda: with_card(format=1),
    "no_schedule": lambda: with_card(schedule=None),
    "schedule_of_nothing": lambda: with_card(schedule={"variables": {}, "encode": [], "code": [], "decode": []}),
    "no_margin": lambda: with_card(margin=None),
    "margin_absurd": lambda: with_card(margin=10**9),
    "margin_between_latents": lambda: with_card(margin=7),
    "no_graphs": lambda: packed({"decoder.graphs.json": None}),
    "graphs_no_json": lambda: packed({"decoder.graphs.json": b"\xff"}),
    "graphs_a_list": lambda: packed({"decoder.graphs.json": b"[]"}),
    "graphs_with_a_loop": lambda: packed(
        {"decoder.graphs.json": entries()["decoder.graphs.json"].replace(b'"Conv"', b'"Loop"', 1)}
    ),
    "no_arrays": lambda: packed({"decoder.arrays": None}),
    "arrays_cut": lambda: packed({"decoder.arrays": entries()["decoder.arrays"][:-4]}),
    "tables_cut": lambda: packed({"tables.arrays": entries()["tables.arrays"][:-4]}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_one_line_in_little_time_and_room(name):
    with bounded(), pytest.raises(DamagedModel) as caught:
        Model.parse(HOSTILE[name]())
    assert "\n" not in str(caught.value)


def swapped(half: str, change: Callable[[dict[str, Any]], None]) -> bytes:
    graphs = json.loads(entries()[f"{half}.graphs.json"])
    change(graphs)
    return packed({f"{half}.graphs.json": json.dumps(graphs).encode()})


def swap_networks(graphs: dict[str, Any]) -> None:
    graphs["first_0"], graphs["second_1"] = graphs["second_1"], graphs["first_0"]


def forget_synthesis(graphs: dict[str, Any]) -> None:
    del graphs["synthesis"]


def double_channels_for_ever(graphs: dict[str, Any]) -> None:
    names = [graphs["first_0"]["inputs"][0], *(f"doubled_{number}" for number in range(40))]
    doubling = [["Concat", [one, one], [two], {"axis": 1}] for one, two in itertools.pairwise(names)]
    rest = graphs["first_0"]["operations"]
    rest[0][1][0] = names[-1]
    graphs["first_0"]["operations"] = doubling + rest


def no_numbers(graphs: dict[str, Any]) -> None:
    graphs["analysis"]["operations"][-1] = ["Log", graphs["analysis"]["inputs"][1:], graphs["analysis"]["outputs"], {}]


def use(path: Path) -> None:
    codec = Codec(str(path), 1, quantizer="tcq8")
    codec.decode(codec.encode(textured(50, 75)))


WRONG: dict[str, Callable[[], bytes]] = {
    "networks_swapped": lambda: swapped("decoder", swap_networks),
    "no_synthesis": lambda: swapped("decoder", forget_synthesis),
    "channels_doubled_for_ever": lambda: swapped("decoder", double_channels_for_ever),
    "numbers_that_are_not_finite": lambda: swapped("encoder", no_numbers),
    "weights_of_another_shape": lambda: packed({"decoder.arrays": entries()["encoder.arrays"]}),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_model_that_computes_something_else_harms_nobody(name, tmp_path):
    path = tmp_path / "model.trm"
    path.write_bytes(WRONG[name]())
    with bounded(), pytest.raises(DamagedModel) as caught:
        use(path)
    assert "\n" not in str(caught.value)


def test_a_model_that_is_only_packed_again_still_works(tmp_path):
    path = tmp_path / "model.trm"
    path.write_bytes(packed({}, zipfile.ZIP_DEFLATED))
    codec = Codec(str(path), 1)
    assert codec.decode(codec.encode(textured(50, 75))).size == (75, 50)


def test_a_bit_flipped_anywhere_in_a_models_frame_is_a_damaged_model_or_harmless():
    """The frame is what zipfile parses: all but the entries' content."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("card.json", entries()["card.json"][:200])
    data = buffer.getvalue()
    for bit in range(0, 8 * len(data), 3):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << (bit % 8)
        with contextlib.suppress(DamagedModel):
            Model.parse(bytes(damaged))


def test_a_model_that_cannot_be_read_keeps_no_other_from_being_found(tmp_path, monkeypatch):
    (tmp_path / "folder.trm").mkdir()
    (tmp_path / "gone.trm").symlink_to(tmp_path / "nowhere")
    (tmp_path / "own.trm").write_bytes(DATA)
    monkeypatch.setenv("TRELLIC_MODELS", str(tmp_path))
    assert find_model("own") == tmp_path / "own.trm"
    assert find_model_by_hash(Model.parse(DATA).sha256[:4]) == tmp_path / "own.trm"


def test_text_that_would_take_much_memory_is_not_read():
    entries = unpack_entries(DATA, 1 << 28, "model")
    entries["card.json"] = b"[" + b"[]," * (LARGEST_TEXT // 3) + b"[]]"
    with pytest.raises(DamagedModel, match="bytes of JSON are more than"):
        parse_file(pack_entries(entries))


@pytest.mark.parametrize(
    "points",
    [
        [(0.5, 1024)],
        [(0.5, 0, 0.1)],
        [(0.5, 99999, 0.1)],
        [(0.5, 1024, -1)],
        [(0.5, 1024, float("inf"))],
        [(0.5, 1024, 0.1), (0.2, 1024, 0.1)],
        [(0.5, 1024, 0.1), (0.5, 1024, 0.1)],
        ["abc"],
        [None],
    ],
)
def test_impossible_operating_points_are_refused(points):
    with pytest.raises(DamagedModel):
        Model.parse(with_points(*points)).operating_points("tcq8")


def changed_arrays(model: Model, half: str, **arrays: np.ndarray) -> Model:
    parts = {**model.file.arrays, half: {**model.file.arrays[half], **arrays}}
    return Model(dataclasses.replace(model.file, arrays=parts), model.sha256)


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((2, 3), np.float32),
        np.zeros((2, 12)),
        np.full((2, 12), np.nan, np.float32),
        np.full((2, 12), 99, np.float32),
    ],
)
def test_impossible_sensitivities_are_refused(model, values):
    with pytest.raises(DamagedModel):
        changed_arrays(model, "encoder", sensitivity=values).weights(0.5)


def test_tables_and_offsets_must_fit_the_quantizer(model):
    wrong = dataclasses.replace(model.file, tables={**model.file.tables, "tcq8.tables": gaussian_tables(1).frequency})
    with pytest.raises(DamagedModel, match="level sets"):
        Model(wrong, b"").tables_for("tcq8", 2)
    wrong = dataclasses.replace(model.file, tables={**model.file.tables, "tcq8.offsets": np.zeros((5, 3), np.int16)})
    with pytest.raises(DamagedModel, match="offsets"):
        Model(wrong, b"").tables_for("tcq8", 2)
    none = dataclasses.replace(model.file, tables={"gaussian.tables": model.file.tables["gaussian.tables"]})
    with pytest.raises(BadRequest, match="no tables"):
        Model(none, b"").tables_for("tcq8", 2)


def test_tables_are_read_once_and_not_for_every_tile(model):
    assert model.tables_for("tcq8", 2)[0] is model.tables_for("tcq8", 2)[0]


def test_what_tuning_finds_is_kept_and_names_another_model(model):
    points = (OperatingPoint(0.2, 1500.0, 0.02), OperatingPoint(0.9, 1100.0, 0.01))
    tuned = model.with_quantizer("tcq8", operating_points=points, tables=gaussian_tables(2), facts={"found": "here"})
    again = Model.parse(tuned.pack())
    assert again.operating_points("tcq8") == points
    assert again.quantizer_card("tcq8")["found"] == "here"
    assert again.has_tables("tcq8")
    assert again.sha256 == tuned.sha256 != model.sha256
    other = model.quantizer_of(again, "tcq8")
    assert other.operating_points("tcq8") == points


def test_a_network_that_gives_something_else_is_a_damaged_model(model):
    with pytest.raises(DamagedModel, match="cannot be run"):
        Sessions(model, 1).run("first_0", [np.zeros((5, 4, 4), np.float32)])
    name = next(array for array in model.file.arrays["decoder"] if array.endswith("first_0.layers.0.weight"))
    broken = changed_arrays(model, "decoder", **{name: np.zeros((3, 3), np.float16)})
    with pytest.raises(DamagedModel, match="cannot be"):
        Sessions(broken, 1).run("first_0", [np.zeros((8, 4, 4), np.float32)])
