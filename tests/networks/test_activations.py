"""Activations: they compute what their formulas say, learn their thresholds, and go through streams."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
import onnxruntime  # noqa: E402

from designs import TRANSFORM, assert_streams_round_trip, toy  # noqa: E402
from trellic.networks.activations import activation_of  # noqa: E402
from trellic.networks.design import Design  # noqa: E402
from trellic.networks.export import export  # noqa: E402
from trellic.networks.load import load  # noqa: E402
from trellic.networks.options import Gdn, Leaky, Shrink  # noqa: E402

OPTIONS = {"leaky": Leaky(), "soft": Shrink(), "hard": Shrink(False, 0.05), "gdn": Gdn()}
of_every_option = pytest.mark.parametrize("option", OPTIONS.values(), ids=OPTIONS)


def values_of(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers).view(1, 1, 1, -1)


def test_shrinkage_is_zero_within_the_threshold():
    values = values_of(-0.5, -0.05, 0.0, 0.09, 0.25)
    soft, hard = (activation_of(Shrink(soft, 0.1), 1).eval()(values) for soft in (True, False))
    assert soft.flatten().tolist() == pytest.approx([-0.4, 0, 0, 0, 0.15])
    assert hard.flatten().tolist() == pytest.approx([-0.5, 0, 0, 0, 0.25])


@pytest.mark.parametrize("soft", [True, False])
def test_thresholds_learn(soft):
    """Fewer values that pass lower a loss that punishes them: the threshold rises."""
    layer = activation_of(Shrink(soft, 0.1), 1).train()
    layer(values_of(-0.12, 0.11, 0.3)).square().sum().backward()
    assert layer.tenth.grad.item() < 0


def test_normalization_divides_by_the_energy_of_all_channels_and_its_inverse_multiplies():
    torch.manual_seed(0)
    layers = [activation_of(Gdn(), 3, inverse).eval() for inverse in (False, True)]
    weight, bias, values = torch.rand(3, 3), torch.rand(3), torch.randn(3)
    for layer, sign in zip(layers, (-0.5, 0.5), strict=True):
        layer.weight.data, layer.bias.data = weight.view(3, 3, 1, 1), bias
        found = layer(values.view(1, 3, 1, 1)).flatten()
        expected = [
            values[i] * (bias[i] ** 2 + sum(weight[i, j] ** 2 * values[j] ** 2 for j in range(3))) ** sign
            for i in range(3)
        ]
        assert found.tolist() == pytest.approx([one.item() for one in expected], rel=1e-4)


@of_every_option
def test_streams_round_trip_and_the_design_is_kept(option, tmp_path):
    codec = toy(replace(TRANSFORM, activation=option))
    assert_streams_round_trip(codec, tmp_path)
    assert Design.from_json(codec.design.to_json()) == codec.design
    assert load(export(codec, {})).design == codec.design


@of_every_option
def test_runtimes_differ_by_a_level_at_most(option):
    """Hard shrinkage is discontinuous: a sum that differs in its last bit may pass a threshold, or not."""
    model = export(toy(replace(TRANSFORM, activation=option)), {})
    data, quality = model.file.graphs["decoder"]["synthesis"].to_onnx(model.file.arrays["decoder"]), [[[[0.5]]]]
    latents = np.random.default_rng(0).laplace(size=(1, 12, 9, 13)).astype(np.float32) * 3
    pictures = []
    levels = onnxruntime.GraphOptimizationLevel
    for level in (levels.ORT_ENABLE_ALL, levels.ORT_DISABLE_ALL):
        settings = onnxruntime.SessionOptions()
        settings.graph_optimization_level = level
        session = onnxruntime.InferenceSession(data, settings, providers=["CPUExecutionProvider"])
        (found,) = session.run(None, {"latents": latents, "quality": np.array(quality, np.float32)})
        pictures.append(found.astype(int))
    assert np.abs(pictures[0] - pictures[1]).max() <= 1


def test_a_design_without_options_is_written_as_it_always_was():
    assert "activation" not in Design().to_json()["transform"]


@pytest.mark.parametrize(
    "values", [{"kind": "relu"}, {"soft": True}, {"kind": "shrink", "start": 0.0}, {"kind": "gdn", "start": 1}]
)
def test_an_unknown_option_is_refused(values):
    with pytest.raises(ValueError, match=r"unknown|between"):
        Design.from_json({"transform": {"activation": values}})
