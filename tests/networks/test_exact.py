"""Exact networks: the same bits from onnxruntime, torch and a plain reference, whatever the order of summing."""

import hashlib
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
import onnxruntime  # noqa: E402

from interpreter import interpret  # noqa: E402
from trellic.model import Model, Sessions  # noqa: E402
from trellic.model.merge import EXACT_SUM  # noqa: E402
from trellic.model.probe import failures  # noqa: E402
from trellic.networks import exact  # noqa: E402
from trellic.networks.blocks import Plus  # noqa: E402
from trellic.networks.codec import TrainableCodec  # noqa: E402
from trellic.networks.design import Design, PriorOptions, TransformOptions  # noqa: E402
from trellic.networks.exact import (  # noqa: E402
    LEVELS,
    ExactConv,
    FixedPoint,
    fit_fixed_points,
    make_exact,
)
from trellic.networks.export import export, fold  # noqa: E402
from trellic.networks.load import load  # noqa: E402

NAMES = ("hyper_synthesis", "first_0", "first_1", "second_0", "second_1")
HEIGHT, WIDTH = 8, 12


def design(exact: bool) -> Design:
    return Design(
        40, exact, TransformOptions(fine=(0, 0, 8), coarse=(0, 0, 8)), PriorOptions(groups=(8, 32), z=16, features=48)
    )


def inputs() -> dict[str, list[np.ndarray]]:
    """Return inputs of each network, among them values far beyond what fixed points hold."""
    random = np.random.default_rng(0)

    def draw(channels: int, scale: float, shrink: int = 1) -> np.ndarray:
        shape = (channels, HEIGHT // shrink, WIDTH // shrink)
        return (random.standard_t(2, shape) * scale).astype(np.float32)

    return {
        "hyper_synthesis": [draw(16, 4, 4).round(), np.full((1, 1, 1), 0.37, np.float32)],
        "first_0": [draw(48, 3)],
        "first_1": [draw(48, 3), draw(8, 90)],
        "second_0": [draw(48, 3), draw(8, 90)],
        "second_1": [draw(48, 3), draw(32, 20)],
    }


def random_model(exact: bool) -> TrainableCodec:
    """Return a model with random weights, none of them near zero, and fixed points that fit them."""
    torch.manual_seed(0)
    model = TrainableCodec(design(exact)).eval()
    for layer in model.prior.modules():
        if isinstance(layer, torch.nn.Conv2d | ExactConv):
            torch.nn.init.normal_(layer.weight, std=1.5 / layer.weight[0].numel() ** 0.5)
            torch.nn.init.normal_(layer.bias, std=0.3)
    with torch.no_grad():
        fit_fixed_points(model.prior, lambda: [run_torch(model, name) for name in NAMES])
    return model


def run_torch(model: TrainableCodec, name: str) -> list[np.ndarray]:
    with torch.no_grad():
        outputs = model.network(name)(*(torch.from_numpy(value)[None] for value in inputs()[name]))
    return [output[0].numpy() for output in outputs]


def run_onnx(model: Model, name: str, threads: int, optimized: bool) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimized else levels.ORT_DISABLE_ALL
    data = model.file.graphs["decoder"][name].to_onnx(model.file.arrays["decoder"])
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    feeds = {entry.name: value[None] for entry, value in zip(session.get_inputs(), inputs()[name], strict=True)}
    return [output[0] for output in session.run(None, feeds)]


def by_numpy(model: Model, name: str) -> list[np.ndarray]:
    return interpret(model.file.graphs["decoder"][name], model.file.arrays["decoder"], inputs()[name])


def same(left: list[np.ndarray], right: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


@pytest.fixture(scope="module")
def exported() -> Model:
    return export(random_model(True), {})


@pytest.mark.parametrize("name", NAMES)
def test_every_runtime_gives_the_same_bits(exported, name):
    expected = by_numpy(exported, name)
    assert min(float(output.std()) for output in expected) > 0.1
    for threads, optimized in product((1, 2, 3), (False, True)):
        assert same(run_onnx(exported, name, threads, optimized), expected)
    assert same(run_torch(fold(random_model(True)), name), expected)


def test_networks_in_floating_point_would_have_failed():
    model = export(random_model(False), {})
    differing = [name for name in NAMES if not same(run_onnx(model, name, 1, True), by_numpy(model, name))]
    assert len(differing) > len(NAMES) // 2


def test_the_probe_finds_a_network_that_computes_otherwise(exported):
    assert failures(Sessions(exported)) == []
    arrays = {name: values.copy() for name, values in exported.file.arrays["decoder"].items()}
    arrays["prior.networks.first_1.head.layer.bias"][3] += 0.25
    changed = Model(
        exported.file.__class__(**{**vars(exported.file), "arrays": {**exported.file.arrays, "decoder": arrays}}), b""
    )
    assert failures(Sessions(changed)) == ["first_1"]


def digest() -> str:
    """Return the SHA-256 of what all exact networks give in torch."""
    hashed, model = hashlib.sha256(), fold(random_model(True))
    for name in NAMES:
        for output in run_torch(model, name):
            hashed.update(output.tobytes())
    return hashed.hexdigest()


@pytest.mark.parametrize("aten", ["default", "avx2"])
def test_older_instruction_sets_give_the_same_bits(aten):
    caps = {"ATEN_CPU_CAPABILITY": aten, "ONEDNN_MAX_CPU_ISA": {"default": "SSE41", "avx2": "AVX2"}[aten]}
    paths = [str(Path(__file__).parent), *filter(None, sys.path)]
    environment = {**os.environ, **caps, "PYTHONPATH": os.pathsep.join(paths)}
    code = "import test_exact; print(test_exact.digest())"
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == digest()


def exact_conv(inputs_: int, outputs: int, kernel: int = 1) -> ExactConv:
    groups = inputs_ if kernel > 1 else 1
    return ExactConv(torch.nn.Conv2d(inputs_, outputs, kernel, padding=kernel // 2, groups=groups))


def test_sums_beyond_the_bound_are_refused():
    layer = exact_conv(64, 2)
    layer.weight.data.fill_(1000.0)
    layer.bias.data.fill_(1e6)
    with pytest.raises(ValueError, match="are exact"):
        layer.fold()


@pytest.mark.parametrize("kernel", [1, 3])
def test_weights_become_coarser_before_sums_become_inexact(kernel):
    torch.manual_seed(0)
    layer = exact_conv(64, 64, kernel)
    shown = torch.rand(1, 64, 1, 1) * torch.logspace(-3, 3, 64).view(1, -1, 1, 1)
    fit_fixed_points(layer, lambda: layer(shown))
    torch.nn.init.normal_(layer.weight, std=3)
    units = layer.rounded()[2]
    layer.fold()
    products = layer.weight * units
    assert torch.equal(products, products.round())
    sums = (products.abs() * LEVELS).sum((1, 2, 3))
    assert sums.min().item() > 2**21
    assert sums.max().item() < 2**24


def test_a_fixed_point_rounds_clips_and_passes_gradients_inside():
    point = FixedPoint(2)
    fit_fixed_points(point, lambda: point(torch.tensor([300.5, 40.5]).view(1, 2, 1, 1)))
    assert point.scale.flatten().tolist() == [4, 32]
    values = torch.tensor([[0.9, 1e6], [-0.02, -65.0]]).view(1, 2, 1, 2).requires_grad_()
    rounded = point.train()(values)
    assert rounded.flatten().tolist() == [4, LEVELS, -1, -LEVELS]
    rounded.sum().backward()
    assert values.grad.flatten().tolist() == [4, 0, 32, 0]


def test_integers_are_only_clipped():
    point = FixedPoint(1).eval()
    fit_fixed_points(point, lambda: point(torch.full((1, 1, 1, 1), 3.0)))
    assert point(torch.tensor([-7.0, 1000.0]).view(1, 1, 1, 2)).flatten().tolist() == [-7, 255]


def test_conversion_keeps_what_a_network_computes():
    torch.manual_seed(0)

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.sum = torch.nn.Conv2d(6, 8, 1), torch.nn.Conv2d(6, 8, 1), Plus(8)

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return self.sum(self.first(values), self.second(values))

    network, values = Net().eval(), torch.randn(1, 6, 9, 9)
    before = network(values)
    make_exact(network)
    fit_fixed_points(network, lambda: network(values))
    assert (network.eval()(values) - before).abs().max() < 0.05
    assert not any(isinstance(module, torch.nn.Conv2d) for module in network.modules())


def test_an_exact_model_is_loaded_as_it_was(exported):
    loaded = fold(load(exported).eval())
    for name in NAMES:
        assert same(run_torch(loaded, name), by_numpy(exported, name))


def test_folded_weights_are_rounded_to_themselves():
    torch.manual_seed(3)
    for _ in range(40):  # some reach a power of two only by rounding
        layer = exact_conv(64, 256)
        layer.fold()
        layer.unfold()
        before = layer.weight.clone()
        assert torch.equal(layer.rounded()[0], before)


def test_sums_that_single_precision_does_not_hold_are_never_exported(monkeypatch):
    """Even where units are chosen carelessly: twice as much, or less, is too much."""
    monkeypatch.setattr(exact, "LARGEST_SUM", 2 * EXACT_SUM)
    with pytest.raises(ValueError, match="are exact"):
        exact_conv(64, 256).fold()


def test_weights_that_half_precision_does_not_hold_are_never_exported(monkeypatch):
    monkeypatch.setattr(exact, "FINEST_WEIGHT", 2.0**20)
    layer = exact_conv(2, 2)
    layer.fixed_point.scale.fill_(1024.0)
    layer.weight.data.fill_(3 * 2.0**-20)
    layer.bias.data.zero_()
    with pytest.raises(ValueError, match="half precision does not hold"):
        layer.fold()


@pytest.mark.parametrize("folded", [False, True])
def test_levels_are_clipped_before_and_after_they_are_folded(folded):
    point = FixedPoint(2).eval()
    if folded:
        point.fold()
    assert point(torch.tensor([1e6, -1e6]).view(1, 2, 1, 1)).flatten().tolist() == [LEVELS, -LEVELS]
