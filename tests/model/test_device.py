"""A device computes what it may: networks before table indices only if the card's probe proves them there."""

import numpy as np
import pytest

from trellic.codec import Codec
from trellic.errors import BadRequest
from trellic.model import Sessions, device

OTHER = ("AzureExecutionProvider", {})
"""A provider that every onnxruntime has and that leaves all work to the processor: a device to test with."""


@pytest.fixture
def stream(small_picture):
    return Codec(threads=1, effort=1).encode(small_picture.pixels)


@pytest.fixture
def odd(monkeypatch):
    """A device that computes the last network before table indices otherwise."""
    monkeypatch.setitem(device.DEVICES, "odd", OTHER)
    changed = Codec(threads=1).model.schedule.entropy_graphs[-1]
    plain = Sessions.run

    def run(self, graph, arrays):
        outputs = plain(self, graph, arrays)
        return [output + 1 for output in outputs] if graph == changed and graph in self.devices else outputs

    monkeypatch.setattr(Sessions, "run", run)
    return changed


def test_a_device_that_proves_itself_runs_every_network(monkeypatch, stream):
    monkeypatch.setitem(device.DEVICES, "other", OTHER)
    codec = Codec(threads=1, device="other")
    assert set(codec.sessions.devices) == set(device.names_of(codec.model))
    assert codec.verify(stream) == Codec(threads=1).verify(stream)


def test_a_network_that_a_device_changes_runs_on_the_processor(odd, stream):
    codec = Codec(threads=1, device="odd")
    assert set(device.names_of(codec.model)) - set(codec.sessions.devices) == {odd}
    assert codec.verify(stream) == Codec(threads=1).verify(stream)
    assert np.array_equal(codec.decode(stream), Codec(threads=1).decode(stream))


def test_a_model_without_a_probe_keeps_all_such_networks_on_the_processor(monkeypatch):
    monkeypatch.setitem(device.DEVICES, "other", OTHER)
    model = Codec(threads=1).model.with_card(probe={})
    sessions = device.sessions_on(model, 1, "other")
    assert set(device.names_of(model)) - set(sessions.devices) == set(model.schedule.entropy_graphs)


@pytest.mark.parametrize("name", ["nosuch", "rocm"])
def test_a_device_that_is_not_here_is_refused(name):
    with pytest.raises(BadRequest, match=name):
        Codec(threads=1, device=name)
