"""Adapters as files: whole or refused, bounded in memory, of one model, and exact once merged."""

import zlib

import numpy as np
import pytest

from adapters import GOLDEN, random_adapter, random_changes
from bounds import bounded
from interpreter import interpret
from mutate import blindly
from trellic.container.bytes import varint
from trellic.errors import BadRequest, DamagedAdapter, TrellicError
from trellic.model import Model, Sessions, find_model
from trellic.model.adapter import LARGEST_PART, MAGIC, Adapter
from trellic.model.probe import failures, inputs_of

ADAPTER = random_adapter()
DATA = ADAPTER.pack()
TIMES = 400


def part(data: bytes) -> bytes:
    return varint(len(data)) + zlib.crc32(data).to_bytes(4, "little") + data


def test_a_file_is_read_as_it_was_written(tmp_path):
    (tmp_path / "a.tra").write_bytes(DATA)
    assert Adapter.read(tmp_path / "a.tra") == ADAPTER == Adapter.parse(DATA)


def test_its_name_is_the_decoder_parts_alone():
    without = Adapter(ADAPTER.base, ADAPTER.decoder)
    assert Adapter.parse(without.pack()) == without
    assert without.name == ADAPTER.name
    assert random_adapter(seed=1).name != ADAPTER.name


def test_an_adapter_of_another_model_is_refused():
    with pytest.raises(BadRequest, match=f"of model {bytes(8).hex()}, not of {GOLDEN.name}"):
        Adapter(bytes(32), ADAPTER.decoder).attach_to(GOLDEN)


def test_an_attached_model_keeps_its_name_and_tables():
    attached = ADAPTER.attach_to(GOLDEN)
    assert attached.sha256 == GOLDEN.sha256
    assert attached.file.tables is GOLDEN.file.tables
    assert attached.schedule == GOLDEN.schedule


HOSTILE = {
    "empty": (b"", "not a .tra"),
    "no_adapter": (b"PK\3\4" + DATA[4:], "not a .tra"),
    "future_version": (MAGIC + b"\2" + DATA[5:], "version of .tra file, 2"),
    "cut_in_the_base": (DATA[:20], "cut off"),
    "cut_in_a_part": (DATA[:-1], "cut off"),
    "wrong_checksum": (DATA[:-1] + bytes([DATA[-1] ^ 1]), "checksum of a part"),
    "trailing_bytes": (DATA + b"\0" * 3, "3 bytes after the end"),
    "absurd_part": (DATA[:37] + varint(LARGEST_PART + 1) + bytes(LARGEST_PART + 9), "more than 1048576"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_one_line(name, tmp_path):
    data, message = HOSTILE[name]
    path = tmp_path / "hostile.tra"
    path.write_bytes(data)
    with bounded(), pytest.raises(DamagedAdapter, match=message) as caught:
        Adapter.read(path)
    assert len(str(caught.value).splitlines()) == 1


def refused_or(work):
    """Return what work returns, or None where it is refused in one line; in little time and room."""
    with bounded():
        try:
            return work()
        except TrellicError as error:
            message = str(error)
    assert len(message.splitlines()) == 1
    return None


def test_damaged_parts_are_refused_or_merged():
    """Whatever their checksums say: parts are damaged before they are packed."""
    for number in range(TIMES):
        random = np.random.default_rng(number)
        damaged = Adapter(ADAPTER.base, blindly(ADAPTER.decoder, random), blindly(ADAPTER.encoder, random))
        found = refused_or(lambda data=damaged: Adapter.parse(data.pack()).attach_to(GOLDEN))
        assert found is None or all(np.isfinite(one).all() for one in found.file.arrays["decoder"].values())


@pytest.mark.parametrize("size", [1, 1 << 10, 1 << 20])
def test_absurd_changes_are_refused_or_stay_exact(size, shipped):
    for exponent in (-63, -9, 0, 63):
        changes = random_changes(shipped, exponent)
        for change in (*changes["decoder"], *changes["encoder"]):
            np.multiply(change.integers, size // 8 + 1, out=change.integers)
        found = refused_or(lambda changes=changes: Adapter.of(shipped, changes).attach_to(shipped))
        if found is not None:
            assert same_everywhere(found, shipped)


@pytest.fixture(scope="module")
def shipped():
    """The shipped model, which is exact."""
    return Model.read(find_model("base"))


@pytest.fixture(scope="module")
def attached(shipped):
    """An exact model with changes so large that some rows need coarser units."""
    return random_adapter(shipped, exponent=-4).attach_to(shipped)


def same_everywhere(attached, base):
    """Return whether the networks before table indices compute the same by any number of threads, and by numpy."""
    same = True
    for name, entry in base.card["probe"].items():
        for inputs in inputs_of(entry["inputs"]):
            expected = interpret(attached.file.graphs["decoder"][name], attached.file.arrays["decoder"], inputs)
            for threads in (1, 2, 3):
                found = Sessions(attached, threads).run(name, inputs)
                same = same and all(np.array_equal(*pair) for pair in zip(found, expected, strict=True))
    return same


def test_an_exact_model_stays_exact_with_an_adapter(attached, shipped):
    assert same_everywhere(attached, shipped)


def test_an_attached_model_has_no_probe_of_other_weights(attached):
    assert "probe" not in attached.card
    assert set(failures(Sessions(attached, 1))) == set(attached.schedule.entropy_graphs)
