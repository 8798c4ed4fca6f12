"""A head as a file: what is read is what was written; others' heads are refused by name, hostile ones in one line."""

import json
from dataclasses import replace

import numpy as np
import pytest

from machines import random_networks
from trellic.errors import BadRequest, DamagedHead
from trellic.machine.head import Head
from trellic.model.archive import pack_entries, unpack_entries

NETWORKS = random_networks()
CARD = {
    "format": 1, "classes": ["a", "b", "c"], "model": NETWORKS.card["model"], "features": NETWORKS.sha256.hex()
}  # fmt: skip
RANDOM = np.random.default_rng(0)
HEAD = Head(CARD, RANDOM.normal(0, 1, (512, 3)).astype(np.float32), np.float32([0, 1, 2]))


def test_a_head_survives_a_file(tmp_path):
    (tmp_path / "x.trh").write_bytes(HEAD.pack())
    read = Head.read(tmp_path / "x.trh")
    assert (read.card, read.matrix.tolist(), read.bias.tolist()) == (CARD, HEAD.matrix.tolist(), HEAD.bias.tolist())


def test_a_class_may_be_named_by_any_folder():
    named = replace(HEAD, card=CARD | {"classes": ["a", "b", "c" * 255]})
    assert Head.parse(named.pack()).classes == named.classes


def test_probabilities_are_those_of_the_scores():
    vector = RANDOM.normal(0, 1, 512).astype(np.float32)
    powers = np.exp(vector.astype(np.float64) @ HEAD.matrix + HEAD.bias)
    assert np.allclose(HEAD.probabilities(vector), powers / powers.sum(), rtol=1e-4)
    assert np.isfinite(HEAD.probabilities(1000 * vector)).all()
    extreme = replace(HEAD, matrix=np.full((512, 3), 3e38, np.float32) * np.float32([1, -1, 1]))
    assert np.isfinite(extreme.probabilities(vector)).all()


def test_a_head_of_another_model_or_of_other_features_is_refused_by_name():
    HEAD.check_networks(NETWORKS)
    other = replace(HEAD, card=CARD | {"model": "ab" * 32})
    with pytest.raises(BadRequest, match=f"abababababababab.*{NETWORKS.name}"):
        other.check_networks(NETWORKS)
    with pytest.raises(BadRequest, match=f"{NETWORKS.sha256.hex()[:16]}.*{random_networks(seed=1).sha256.hex()[:16]}"):
        HEAD.check_networks(random_networks(seed=1))


def with_card(**entries) -> bytes:
    return replace(HEAD, card=CARD | entries).pack()


def with_card_of(text: bytes) -> bytes:
    return pack_entries(unpack_entries(HEAD.pack(), 1 << 30, "") | {"card.json": text})


HOSTILE = {
    "empty": b"",
    "cut": HEAD.pack()[:-4],
    "no_object": with_card_of(b"7"),
    "no_json": with_card_of(b"{"),
    "deep": with_card_of(b"[" * 100_000),
    "huge_number": with_card_of(json.dumps(CARD).replace('"format": 1', f'"format": {"9" * 5000}').encode()),
    "format": with_card(format=2),
    "one_class": with_card(classes=["a"]),
    "more_classes": with_card(classes=["a", "b", "c", "d"]),
    "no_names": with_card(classes=[1, 2, 3]),
    "long_name": with_card(classes=["a", "b", "c" * 10_000]),
    "no_hash": with_card(model="../../etc/passwd"),
    "nan": replace(HEAD, bias=np.float32([0, np.nan, 0])).pack(),
    "narrow": replace(HEAD, matrix=HEAD.matrix[:, :2].copy()).pack(),
    "other_type": replace(HEAD, bias=np.array([0, 1, 2], np.int32)).pack(),
    "bomb": pack_entries({"card.json": b"0" * (1 << 26), "head.arrays": b""}),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_head_is_one_clear_error(tmp_path, data):
    (tmp_path / "x.trh").write_bytes(data)
    with pytest.raises(DamagedHead) as error:
        Head.read(tmp_path / "x.trh")
    assert len(str(error.value).splitlines()) == 1
