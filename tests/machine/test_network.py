"""The network of features as a file: what is read is what was written, and only where it is of the model."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from machines import MODEL, install, random_networks
from trellic.errors import DamagedModel
from trellic.machine.network import FORMAT, FeatureNetworks, networks_of
from trellic.model.archive import pack_entries, unpack_entries


def changed(**entries: bytes) -> bytes:
    """Return a file with entries replaced."""
    found = unpack_entries(random_networks().pack(), 1 << 30, "")
    return pack_entries(found | {name.replace("_", "."): data for name, data in entries.items()})


def with_arrays(**arrays: np.ndarray) -> bytes:
    networks = random_networks()
    return replace(networks, arrays=networks.arrays | arrays).pack()


def test_a_file_gives_what_was_written(models):
    found, written = networks_of(MODEL), random_networks()
    assert found.sha256 == written.sha256
    assert all(np.array_equal(found.arrays[name], written.arrays[name]) for name in written.arrays)


HOSTILE = {
    "empty": b"",
    "cut": random_networks().pack()[:-5],
    "no_card": changed(card_json=b"[]"),
    "deep": changed(card_json=b"[" * 100_000),
    "other_model": changed(card_json=json.dumps({"format": FORMAT, "model": "0" * 64}).encode()),
    "other_format": changed(card_json=json.dumps({"format": FORMAT + 1, "model": MODEL.sha256.hex()}).encode()),
    "format_of_two_lines": changed(card_json=json.dumps({"format": "1\n2", "model": "0\n"}).encode()),
    "no_graphs": changed(graphs_json=b"{}"),
    "bad_graphs": changed(graphs_json=b'{"features": 7}'),
    "bad_arrays": changed(weights_arrays=b"\xff" * 64),
    "nan": with_arrays(centre=np.full(512, np.nan, np.float32)),
    "no_map": with_arrays(**{"map.weights": np.array(1, np.float16)}),
    "map_of_less": with_arrays(**{"map.bias": np.zeros((3, 5), np.float32)}),
    "short": with_arrays(centre=np.ones(5, np.float32)),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_a_file_of_something_else_is_one_clear_error(models, data):
    (models / f"{MODEL.name}.features").write_bytes(data)
    with pytest.raises(DamagedModel) as error:
        networks_of(MODEL)
    assert len(str(error.value).splitlines()) == 1


def test_a_file_for_a_model_without_such_latents_is_one_clear_error():
    other = replace(MODEL)
    variables = {"y": MODEL.schedule.variables["y"]}
    other.__dict__["schedule"] = SimpleNamespace(variables=variables, groups=MODEL.schedule.groups)
    with pytest.raises(ValueError, match="no such latents"):
        FeatureNetworks.parse(random_networks().pack(), other)


def test_another_seed_is_another_network(models):
    install(models, random_networks(seed=1))
    assert networks_of(MODEL).sha256 != random_networks().sha256
