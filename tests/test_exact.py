"""Exact networks: the same bits from onnxruntime, torch and a plain reference, whatever the order of summing."""

import hashlib
import io
import os
import subprocess
import sys
from itertools import product

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
import onnxruntime  # noqa: E402

from trellic.model.file import ModelFile  # noqa: E402
from trellic.networks.codec import TrainableCodec  # noqa: E402
from trellic.networks.design import Design  # noqa: E402
from trellic.networks.exact import LEVELS, SLOPE, Activation, Entry, ExactConv, Grid, fit_grids  # noqa: E402
from trellic.train.export import export, networks_of, to_onnx  # noqa: E402
from trellic.train.load import REST, load  # noqa: E402

DESIGN = {"latents": 40, "groups": (8, 32), "fine": (0, 0, 8), "coarse": (0, 0, 8), "hyper": 16, "features": 48}
NAMES = ("hyper_synthesis", "first_0", "first_1", "second_0", "second_1")
HEIGHT, WIDTH = 8, 12


def inputs() -> dict[str, tuple[torch.Tensor, ...]]:
    """Return inputs of each network, among them values far beyond what grids hold."""
    random = np.random.default_rng(0)

    def draw(channels: int, scale: float, shrink: int = 1) -> torch.Tensor:
        values = random.standard_t(2, (1, channels, HEIGHT // shrink, WIDTH // shrink)) * scale
        return torch.from_numpy(values.astype(np.float32))

    side, features = draw(16, 4, 4).round(), (draw(48, 1) * 32).round().clamp(-LEVELS, LEVELS)
    return {
        "hyper_synthesis": (side, torch.full((1, 1, 1, 1), 0.37)),
        "first_0": (features,),
        "first_1": (features, draw(8, 90)),
        "second_0": (features, draw(8, 90)),
        "second_1": (features, draw(32, 20)),
    }


def random_model(exact: bool) -> TrainableCodec:
    """Return a model with random weights, none of them near zero, and grids that fit them."""
    torch.manual_seed(0)
    model = TrainableCodec(Design(**DESIGN, exact=exact)).eval()
    for layer in model.prior.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.normal_(layer.weight, std=1.5 / layer.weight[0].numel() ** 0.5)
            torch.nn.init.normal_(layer.bias, std=0.3)
    found, shown = runtime_networks(model), inputs()
    with torch.no_grad():
        fit_grids(model.prior, lambda: [found[name](*shown[name]) for name in NAMES])
    return model


def runtime_networks(model: TrainableCodec) -> dict[str, torch.nn.Module]:
    return {name: networks_of(model)[name][0] for name in NAMES}


def networks(exact: bool) -> dict[str, torch.nn.Module]:
    """Return networks as they are exported."""
    model = random_model(exact)
    for layer in model.modules():
        if isinstance(layer, ExactConv):
            layer.freeze()
    return runtime_networks(model)


def convolve(values: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, pad: int) -> np.ndarray:
    """Return a 1×1 or depthwise 3×3 convolution, summed in double precision, as float32."""
    values, weight = values.astype(np.float64), weight.astype(np.float64)
    if weight.shape[-1] == 1:
        result = np.einsum("oi,nihw->nohw", weight[:, :, 0, 0], values)
    else:
        padded = np.pad(values, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        height, width = values.shape[2:]
        result = sum(
            weight[None, :, 0, y, x, None, None] * padded[:, :, y : y + height, x : x + width]
            for y, x in product(range(3), range(3))
        )
    return (result if bias is None else result + bias[:, None, None]).astype(np.float32)


def depth_to_space(values: np.ndarray) -> np.ndarray:
    n, channels, height, width = values.shape
    parts = values.reshape(n, channels // 4, 2, 2, height, width).transpose(0, 1, 4, 2, 5, 3)
    return parts.reshape(n, channels // 4, 2 * height, 2 * width)


ELEMENTWISE = {"Add": np.add, "Mul": np.multiply, "Div": np.divide, "Max": np.maximum, "Min": np.minimum,
               "Clip": np.clip, "Floor": np.floor}  # fmt: skip


def interpret(graph: bytes, feeds: list[np.ndarray]) -> list[np.ndarray]:
    """Run an exported graph by numpy alone."""
    tree = onnx.load_from_string(graph).graph
    values = {weight.name: onnx.numpy_helper.to_array(weight) for weight in tree.initializer}
    values |= {entry.name: feed for entry, feed in zip(tree.input, feeds, strict=True)}
    for node in tree.node:
        own = [values[name] for name in node.input if name]
        options = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
        match node.op_type:
            case "Cast":
                found = [own[0].astype(np.float32)]
            case "Conv":
                assert options.get("group", 1) == (1 if own[1].shape[-1] == 1 else len(own[1]))
                found = [convolve(own[0], own[1], own[2] if len(own) > 2 else None, options.get("pads", [0])[0])]
            case "LeakyRelu":
                found = [np.where(own[0] < 0, own[0] * np.float32(options["alpha"]), own[0])]
            case "Concat":
                found = [np.concatenate(own, options["axis"])]
            case "Split":
                found = np.split(own[0], len(node.output), options["axis"])
            case "DepthToSpace":
                assert options["mode"] == b"CRD"
                found = [depth_to_space(own[0])]
            case kind:
                found = [ELEMENTWISE[kind](*own)]
        values |= dict(zip(node.output, found, strict=True))
    return [values[entry.name] for entry in tree.output]


def by_onnxruntime(graph: bytes, feeds: list[np.ndarray], threads: int, optimized: bool) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimized else levels.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return session.run(None, dict(zip([entry.name for entry in session.get_inputs()], feeds, strict=True)))


def by_torch(network: torch.nn.Module, arguments: tuple[torch.Tensor, ...]) -> list[np.ndarray]:
    with torch.no_grad():
        outputs = network(*arguments)
    return [output.numpy() for output in (outputs if isinstance(outputs, tuple) else (outputs,))]


def same(left: list[np.ndarray], right: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


def graphs(exact: bool) -> dict[str, bytes]:
    shown = inputs()
    return {name: to_onnx(network, shown[name]) for name, network in networks(exact).items()}


@pytest.fixture(scope="module")
def exact_graphs() -> dict[str, bytes]:
    return graphs(True)


@pytest.mark.parametrize("name", NAMES)
def test_every_runtime_gives_the_same_bits(exact_graphs, name):
    arguments = inputs()[name]
    feeds = [value.numpy() for value in arguments]
    expected = interpret(exact_graphs[name], feeds)
    assert min(float(output.std()) for output in expected) > 0.1
    for threads, optimized in product((1, 2, 3), (False, True)):
        assert same(by_onnxruntime(exact_graphs[name], feeds, threads, optimized), expected)
    assert same(by_torch(networks(True)[name], arguments), expected)


def test_networks_in_floating_point_would_have_failed():
    differing = 0
    for name, graph in graphs(False).items():
        feeds = [value.numpy() for value in inputs()[name]]
        differing += not same(by_onnxruntime(graph, feeds, 1, True), interpret(graph, feeds))
    assert differing == len(NAMES)


def digest() -> str:
    """Return the SHA-256 of what all exact networks give in torch."""
    hashed, shown = hashlib.sha256(), inputs()
    for name, network in networks(True).items():
        for output in by_torch(network, shown[name]):
            hashed.update(output.tobytes())
    return hashed.hexdigest()


@pytest.mark.parametrize("aten", ["default", "avx2"])
def test_older_instruction_sets_give_the_same_bits(aten):
    caps = {"ATEN_CPU_CAPABILITY": aten, "ONEDNN_MAX_CPU_ISA": {"default": "SSE41", "avx2": "AVX2"}[aten]}
    environment = {**os.environ, **caps, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    code = "import test_exact; print(test_exact.digest())"
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == digest()


def test_sums_beyond_the_bound_are_refused():
    layer = ExactConv(64, 2, 1, (Grid(64),), None)
    layer.weight.data.fill_(1000.0)
    layer.bias.data.fill_(1e6)
    with pytest.raises(ValueError, match="are exact"):
        layer.freeze()


@pytest.mark.parametrize("kernel", [1, 3])
def test_weights_become_coarser_before_sums_become_inexact(kernel):
    grids = (Grid(24), Grid(40))
    for grid in grids:
        channels = len(grid.steps)
        grid.fit(torch.rand(channels, 1, 1) * torch.logspace(-3, 3, channels).view(-1, 1, 1))
    layer = ExactConv(64, 64, kernel, grids, None)
    torch.nn.init.normal_(layer.weight, std=3)
    units = layer.rounded()[2]
    layer.freeze()
    products = layer.weight * units
    assert torch.equal(products, products.round())
    sums = (products.abs() * LEVELS).sum((1, 2, 3))
    assert sums.min().item() > 2**21
    assert sums.max().item() < 2**24


def test_a_grid_rounds_clips_and_passes_gradients_inside():
    grid = Entry(2)
    grid.fit(torch.tensor([300.0, 40.0]).view(2, 1, 1))
    assert grid.steps.flatten().tolist() == [4, 32]
    values = torch.tensor([[0.9, 1e6], [-0.02, -65.0]]).view(1, 2, 1, 2).requires_grad_()
    rounded = grid(values)
    assert rounded.flatten().tolist() == [4, LEVELS, -1, -LEVELS]
    rounded.sum().backward()
    assert values.grad.flatten().tolist() == [4, 0, 32, 0]


def test_layers_count_in_steps_and_mean_what_they_would_in_floating_point():
    source, activation = Grid(6), Activation(8)
    with torch.no_grad():
        source.steps.copy_(torch.exp2(torch.arange(6)).view(6, 1, 1) * 16)
        activation.grid.steps.copy_(torch.exp2(torch.arange(8)).view(8, 1, 1))
    layer = ExactConv(6, 32, 1, (source,), activation.grid)
    network = torch.nn.Sequential(layer, torch.nn.PixelShuffle(2), activation).eval()
    values = torch.randn(1, 6, 9, 9)
    plain = torch.nn.functional.conv2d(values, layer.weight, layer.bias)
    expected = torch.nn.functional.leaky_relu(torch.nn.functional.pixel_shuffle(plain, 2), SLOPE)
    before = network((values * source.steps).round())
    errors = before / activation.grid.steps - expected
    assert (errors.abs().amax(dim=(0, 2, 3)) < 0.6 / activation.grid.steps.flatten() + 0.1).all()
    layer.freeze()
    assert torch.equal(network((values * source.steps).round()), before)
    layer.thaw()
    assert torch.equal(network((values * source.steps).round()), before)


def test_an_exact_model_is_loaded_as_it_was(tmp_path):
    export(random_model(True), {}, tmp_path / "model.trm")
    exported = networks(True)
    for frozen in (False, True):
        loaded = runtime_networks(load(ModelFile.read(tmp_path / "model.trm"), frozen=frozen).eval())
        for name, arguments in inputs().items():
            assert same(by_torch(loaded[name], arguments), by_torch(exported[name], arguments))


def test_frozen_weights_are_rounded_to_themselves():
    torch.manual_seed(3)
    for _ in range(40):  # some reach a power of two only by rounding
        source = Entry(64)
        layer = ExactConv(64, 256, 1, (source,), None)
        layer.freeze()
        layer.thaw()
        before = layer.weight.clone()
        assert torch.equal(layer.rounded()[0], before)


def test_a_model_of_the_first_release_has_one_grid_for_all_channels_of_a_layer(tmp_path):
    model = TrainableCodec(Design(**DESIGN, exact=True))
    export(model, {}, tmp_path / "new.trm")
    entries = dict(ModelFile.read(tmp_path / "new.trm").entries)
    name, integers = "prior.steps.1.second.0.grid", "prior.hyper_synthesis.enter"
    rest = {key: value for key, value in np.load(io.BytesIO(entries[REST])).items() if not key.endswith(".steps")}
    file = io.BytesIO()
    np.savez(file, **rest, **{f"{name}.fraction": 7.0, f"{integers}.fraction": 5.0})
    (tmp_path / "old.trm").write_bytes(ModelFile.pack({**entries, REST: file.getvalue()}))
    loaded = load(ModelFile.read(tmp_path / "old.trm"))
    assert loaded.get_buffer(f"{name}.steps").flatten().tolist() == [128] * 48
    assert (loaded.get_buffer(f"{integers}.steps") == 1).all()


def test_integers_are_only_clipped():
    network = torch.nn.Sequential(Entry(1, whole=True))
    fit_grids(network, lambda: network(torch.full((1, 1, 1, 1), 3.0)))
    assert network(torch.tensor([-7.0, 1000.0]).view(1, 1, 1, 2)).flatten().tolist() == [-7, 255]
