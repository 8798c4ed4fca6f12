"""A network becomes plain operations that compute the same; what cannot be said in them is refused by name."""

import numpy as np
import onnxruntime
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from trellic.errors import BadConfig  # noqa: E402
from trellic.networks.graphs import LARGEST_CONSTANT, to_graph  # noqa: E402


class Everything(nn.Module):
    """Uses every operation that a network may, with inputs, parameters, numbers and what follows from parameters."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(6, 8, 3, padding=1)
        self.back = nn.ConvTranspose2d(8, 4, 2, stride=2, bias=False)
        self.twin = nn.Parameter(self.conv.bias.detach().clone().reshape(1, 8, 1, 1))
        self.register_buffer("large", torch.rand(1, 8, 4, 4))

    def forward(self, values, quality):
        first, second = functional.pad(values, [2, 1, 1, 2], mode="reflect").split(3, dim=1)
        both = torch.cat([first.abs().sqrt(), (-second).relu() * first.sign()], dim=1)
        both = functional.leaky_relu(self.conv(both), 0.2) + self.twin.exp() * quality
        both = functional.pad(both + (self.large * 2).mean(), [1, 1, 1, 1], mode="replicate")
        both = torch.maximum(both, 1 - both).clamp(max=4).round() / 8
        shown = functional.pixel_shuffle(self.back(torch.minimum(both, both.log1p())), 2)
        return shown, both.detach() - 0.5


class Pixels(nn.Module):
    def forward(self, values):
        return (values.clamp(0, 1) * 255).round().to(torch.uint8)


def run(network, examples, inputs, names=()):
    """Return the graph, and what it computes of inputs."""
    graph, arrays = to_graph(network, examples, dict(names), "net")
    session = onnxruntime.InferenceSession(graph.to_onnx(arrays))
    given = {one.name: value.numpy() for one, value in zip(session.get_inputs(), inputs, strict=True)}
    return graph, session.run(None, given)


def test_a_graph_computes_what_the_network_does_at_any_size():
    torch.manual_seed(0)
    network = Everything().eval()
    names = {value.data_ptr(): f"net.{name}" for name, value in network.state_dict().items()}
    quality = torch.full((1, 1, 1, 1), 0.3)
    inputs = (torch.randn(1, 6, 9, 14), quality)
    graph, found = run(network, (torch.randn(1, 6, 8, 8), quality), inputs, names)
    assert graph.inputs == ("values", "quality")
    for mine, wanted in zip(found, network(*inputs), strict=True):
        np.testing.assert_allclose(mine, wanted.detach().numpy(), atol=1e-5)


def test_weights_keep_their_names_and_equal_ones_stay_apart():
    """An adapter changes weights by name: two that happen to be equal must not become one."""
    network = Everything()
    names = {value.data_ptr(): f"net.{name}" for name, value in network.state_dict().items()}
    graph, arrays = to_graph(network, (torch.randn(1, 6, 8, 8), torch.ones(1, 1, 1, 1)), names, "net")
    assert {"net.conv.weight", "net.conv.bias", "net.back.weight"} <= set(arrays) == set(graph.weights)
    assert all(values.size <= LARGEST_CONSTANT for values in graph.constants.values())


def test_pixels_are_eight_bits():
    values = torch.rand(1, 3, 8, 8)
    graph, (found,) = run(Pixels(), (values,), (values,))
    assert graph.pixels
    assert found.dtype == np.uint8


@pytest.mark.parametrize(
    ("function", "match"),
    [
        (lambda values: values.cumsum(1), "cumsum"),
        (lambda values: values.double(), "single precision"),
        (lambda values: torch.add(values, 1, alpha=2), "add"),
        (lambda values: values.split(4, dim=1)[0], "parts of 4"),
        (lambda values: values * values.shape[3], "size of its input"),
    ],
    ids=["unknown", "double", "alpha", "uneven", "size"],
)
def test_what_a_graph_cannot_say_is_refused(function, match):
    class Network(nn.Module):
        def forward(self, values):
            return function(values)

    with pytest.raises(BadConfig, match=match):
        to_graph(Network(), (torch.rand(1, 6, 8, 8),), {}, "net")
