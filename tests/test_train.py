"""Training: resumes where it was, shares work between processes, and exports what it trained."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from conftest import in_two_processes, textured

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from trellic.codec import Codec, Target  # noqa: E402
from trellic.entropy.tables import SCALES, scale_of  # noqa: E402
from trellic.errors import BadConfig  # noqa: E402
from trellic.model import ModelFile  # noqa: E402
from trellic.networks.bases import dct, haar_merge, lapped, picture_basis  # noqa: E402
from trellic.networks.codec import TrainableCodec  # noqa: E402
from trellic.networks.design import Design  # noqa: E402
from trellic.picture.types import Picture  # noqa: E402
from trellic.train.config import TrainConfig  # noqa: E402
from trellic.train.load import load  # noqa: E402
from trellic.train.run import export_run, load_run, run  # noqa: E402

TINY = {
    "latents": 12, "groups": [4, 8], "fine": [1, 1, 16], "coarse": [1, 1, 16], "hyper": 8, "features": 16,
}  # fmt: skip


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(3):
        Image.fromarray(textured(280, 300, number)).save(folder / f"{number}.png")
    return folder


def configuration(folder, pictures, design=(), **changes):
    values = {"pictures": [str(pictures)], "held_out": [str(pictures)], "steps": 4, "batch": 2, "crop": 64,
              "warmup": 2, **changes}  # fmt: skip
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    lines += ["[design]", *[f"{key} = {json.dumps(value)}" for key, value in (TINY | dict(design)).items()]]
    path = folder / "config.toml"
    path.write_text("\n".join(lines))
    return path


def trained(folder, pictures, design=(), **changes):
    out = folder / "run"
    run(configuration(folder, pictures, design, **changes), {}, out, folder / "cache", lambda entry: None)
    return out


def test_training_lowers_the_loss_and_logs_it(tmp_path, pictures):
    out = trained(tmp_path, pictures, steps=100, learning_rate=3e-3)
    entries = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    losses = [entry["loss"] for entry in entries if "loss" in entry]
    assert losses[-1] < losses[0]
    assert entries[-1]["done"]
    assert len(entries[-1]["held_out"]["psnr"]) == 5


def test_a_run_goes_on_from_its_checkpoint(tmp_path, pictures):
    out = trained(tmp_path, pictures, steps=3)
    assert load_run(out)[2]["step"] == 3
    state = torch.load(out / "checkpoint.pt", weights_only=True)
    for part in ("model", "average"):
        state[part]["synthesis.stem.bias"] += 5.0
    torch.save(state, out / "checkpoint.pt")
    trained(tmp_path, pictures, steps=5)
    _, model, progress = load_run(out)
    assert progress["step"] == 5
    assert float(model.synthesis.stem.bias.detach().min()) > 4.0


def test_a_run_goes_on_as_it_was_begun(tmp_path, pictures):
    trained(tmp_path, pictures, steps=3)
    with pytest.raises(BadConfig, match="learning_rate, seed"):
        trained(tmp_path, pictures, steps=5, learning_rate=2e-3, seed=7)


def test_the_same_seed_trains_the_same_model(tmp_path, pictures):
    weights = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        weights.append(load_run(trained(tmp_path / name, pictures))[1].state_dict())
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


@pytest.mark.parametrize("can", [True, False])
def test_blocks_compute_in_half_the_bits_where_the_processor_can(tmp_path, pictures, monkeypatch, can):
    monkeypatch.setattr("trellic.train.loop.computes_in_bfloat16", lambda: can)
    weights = []
    for halves in (False, True):
        (tmp_path / str(halves)).mkdir()
        weights.append(load_run(trained(tmp_path / str(halves), pictures, bfloat16=halves))[1].state_dict())
    changed = [key for key in weights[0] if not torch.equal(weights[0][key], weights[1][key])]
    assert bool(changed) == can
    assert all(torch.allclose(weights[0][key], weights[1][key], atol=0.02) for key in changed)


def test_two_processes_train_one_model(tmp_path, pictures):
    config = configuration(tmp_path, pictures, batch=4)
    arguments = ("train", "--config", config, "--out", tmp_path / "run", "--cache", tmp_path / "cache")
    result = in_two_processes("from trellic.cli import main; main()", *arguments)
    assert result.returncode == 0, result.stderr
    assert load_run(tmp_path / "run")[2]["step"] == 4


AVERAGING = """
import torch
from trellic.train.processes import average_gradients, rank, start_processes
start_processes()
layer = torch.nn.Linear(3, 2)
for number, weight in enumerate(layer.parameters()):
    weight.grad = torch.full_like(weight, 10.0 * number + rank())
average_gradients(layer)
for number, weight in enumerate(layer.parameters()):
    assert bool((weight.grad == 10 * number + 0.5).all()), weight.grad
"""


def test_processes_step_by_the_mean_of_their_gradients():
    result = in_two_processes(AVERAGING)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("changes", [{}, {"context": False, "blocks": "gated", "stem": "lapped"}])
def test_the_exported_model_agrees_with_the_torch_one(tmp_path, pictures, changes):
    out = trained(tmp_path, pictures, changes, steps=30)
    export_run(out, tmp_path / "tiny.trm", "tiny")
    codec = Codec(str(tmp_path / "tiny.trm"), quantizer="uniform")
    model: TrainableCodec = load_run(out)[1].eval()
    pixels = textured(128, 192, 9)
    coded = codec.encode_picture(Picture(pixels), Target(60))
    decoded = codec.decode_picture(coded.data).pixels
    with torch.no_grad():
        batch = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
        theirs = model(batch, torch.full((1, 1, 1, 1), 0.6))
    rebuilt = (theirs.pictures.clamp(0, 1) * 255).round()[0].permute(1, 2, 0).numpy()
    assert np.abs(decoded.astype(float) - rebuilt).mean() < 0.5
    assert coded.estimated_bits == pytest.approx(float(theirs.latent_bits + theirs.side_bits), rel=0.05)
    assert codec.model.card["trained"]["steps"] == 30
    loaded = load(codec.model).state_dict()
    for key, weight in model.state_dict().items():
        assert torch.allclose(loaded[key], weight, rtol=1e-3, atol=1e-6), key


def test_a_model_goes_on_with_a_deeper_analysis_as_the_same_one(tmp_path, pictures):
    export_run(trained(tmp_path, pictures, steps=3), tmp_path / "start.trm", "tiny")
    file = ModelFile.read(tmp_path / "start.trm")
    known = Design.from_json(file.card["design"])
    deeper = replace(known, fine=(known.fine[0] + 1, *known.fine[1:]), coarse=(known.coarse[0] + 2, *known.coarse[1:]))
    model, grown = load(file), load(file, deeper)
    batch, quality = torch.rand(2, 3, 128, 64), torch.rand(2, 1, 1, 1)
    assert torch.equal(model.analyse(batch, quality), grown.analyse(batch, quality))
    grown.analyse(batch, quality).square().sum().backward()
    assert grown.analysis.coarse[-1].branch[-1].weight.grad.abs().max() > 0


def test_a_model_goes_on_only_as_a_design_that_holds_it():
    design = Design(fine=(2, 3, 64), coarse=(2, 3, 64))
    assert replace(design, fine=(4, 3, 64), exact=True).may_follow(design)
    for other in ({"fine": (1, 3, 64)}, {"fine": (2, 4, 64)}, {"coarse": (2, 3, 96)}, {"hyper": 64}):
        assert not replace(design, **other).may_follow(design)


@pytest.mark.parametrize(
    "wrong",
    [
        {"crop": 100},
        {"nosuch": 1},
        {"minutes": 3.0, "steps": 3},
        {"design": {"groups": [1, 2]}},
        {"pictures": "x"},
        {"steps": "3"},
        {"warmup": 0},
        {"design": {"stem": "laped"}},
        {"design": {"blocks": "zzz"}},
    ],
)
def test_wrong_configurations_are_refused(wrong):
    with pytest.raises(BadConfig):
        TrainConfig.from_values({"pictures": ["x"], "held_out": ["y"], **({"steps": 3} | wrong)})


@pytest.mark.parametrize("basis", [dct(8), picture_basis(dct(8)).reshape(192, -1), haar_merge(4).reshape(16, -1)])
def test_bases_are_orthonormal(basis):
    assert np.allclose(basis @ basis.T, np.eye(len(basis)))


def test_the_lapped_transform_rebuilds_perfectly():
    basis = lapped(8)
    assert np.allclose(basis @ basis.T, np.eye(8))
    assert np.allclose(basis[:, :8] @ basis[:, 8:].T, 0)


def test_torch_and_the_tables_mean_the_same_scales():
    from trellic.networks.codec import LARGEST_LOG_SCALE, SMALLEST_LOG_SCALE

    assert np.exp(SMALLEST_LOG_SCALE) == pytest.approx(scale_of(0))
    assert np.exp(LARGEST_LOG_SCALE) == pytest.approx(scale_of(SCALES - 1))


def test_designs_survive_json():
    design = replace(Design(), stem="lapped", groups=(20, 300))
    assert Design.from_json(json.loads(json.dumps(design.to_json()))) == design
