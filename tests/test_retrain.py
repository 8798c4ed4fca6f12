"""Retraining: the quantizer in the loop is the codec's, and stages train what they say, in a chain that resumes."""

import json
from itertools import pairwise
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from conftest import in_two_processes, textured

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from trellic.codec import Codec  # noqa: E402
from trellic.codec.deployed import DeployedQuantizer  # noqa: E402
from trellic.codec.encoder import analyse, code  # noqa: E402
from trellic.codec.positions import ALL  # noqa: E402
from trellic.container.header import QUALITY_ONE  # noqa: E402
from trellic.entropy.parameters import ONE  # noqa: E402
from trellic.entropy.rans import estimate_bits  # noqa: E402
from trellic.entropy.tables import SCALES, gaussian_tables, scale_of  # noqa: E402
from trellic.errors import BadConfig  # noqa: E402
from trellic.model import ModelFile, Networks  # noqa: E402
from trellic.networks.codec import TrainableCodec, level_bits  # noqa: E402
from trellic.networks.exact import FINEST_WEIGHT, ExactConv  # noqa: E402
from trellic.networks.gains import rate_weight  # noqa: E402
from trellic.networks.prior import Parameters  # noqa: E402
from trellic.networks.retrainable import CodedLatents, Retrainable  # noqa: E402
from trellic.quantize import quantizer_named  # noqa: E402
from trellic.train.balance import Balance  # noqa: E402
from trellic.train.chain import retrain  # noqa: E402
from trellic.train.config import TrainConfig  # noqa: E402
from trellic.train.data import Pixels, centres, list_pictures  # noqa: E402
from trellic.train.judge import share_of_weight  # noqa: E402
from trellic.train.load import load  # noqa: E402
from trellic.train.loop import train  # noqa: E402
from trellic.train.retrain import Entropy, Joint, Noise, Subject, Synthesis  # noqa: E402
from trellic.train.run import export_run, load_run, read_config, run  # noqa: E402
from trellic.train.search import QuantizerSearch  # noqa: E402

TINY = {
    "latents": 12, "groups": [4, 8], "fine": [1, 1, 16], "coarse": [1, 1, 16], "hyper": 8, "features": 16,
}  # fmt: skip


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    """A folder with pictures, a tiny trained model, and a configuration for stages of three steps."""
    folder = tmp_path_factory.mktemp("workshop")
    (folder / "pictures").mkdir()
    for number in range(3):
        Image.fromarray(textured(280, 300, number)).save(folder / "pictures" / f"{number}.png")
    values = {"pictures": [str(folder / "pictures")], "held_out": [str(folder / "pictures")], "batch": 2, "crop": 64,
              "warmup": 2, "cached": 6}  # fmt: skip
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    (folder / "stage.toml").write_text("\n".join(["steps = 3", *lines]))
    design = [f"{key} = {json.dumps(value)}" for key, value in TINY.items()]
    (folder / "train.toml").write_text("\n".join(["steps = 30", *lines, "[design]", *design]))
    run(folder / "train.toml", {}, folder / "run", folder / "cache", lambda entry: None)
    export_run(folder / "run", folder / "tiny.trm", "tiny")
    return folder


@pytest.mark.parametrize("name", ["uniform", "rdoq", "tcq4", "tcq8"])
def test_the_search_in_the_loop_is_the_codecs(workshop, name):
    file = ModelFile.read(workshop / "tiny.trm")
    networks, model = Networks(file), load(file).eval()
    deployed = DeployedQuantizer.of(networks, quantizer_named(name))
    pixels = textured(128, 192, 9)
    theirs = code(networks, analyse(networks, pixels), 60 * QUALITY_ONE, deployed)
    quality = torch.full((2, 1, 1, 1), 0.6)
    pictures = torch.from_numpy(pixels).permute(2, 0, 1)[None].float().repeat(2, 1, 1, 1) / 255
    with torch.no_grad():
        search = QuantizerSearch(deployed, networks.weights, networks.groups, quality)
        latents = model.analysis(pictures) * model.gains.gain(quality)
        ours = model.code_latents(latents, quality, search)
    error, expected = (float(np.square(decoded - latents[0].numpy()).mean())
                       for decoded in (ours.decoded[0].numpy(), theirs.latents))  # fmt: skip
    assert error == pytest.approx(expected, rel=0.05)
    assert torch.equal(ours.decoded[0], ours.decoded[1])
    assert float(ours.latent_bits[0] + ours.side_bits[0]) == pytest.approx(theirs.estimated_bits, rel=0.05)
    if name == "uniform":
        rounded = model.code_latents(latents, quality)
        close = (ours.decoded - rounded.decoded).abs() < 2 / ONE
        assert float(close.float().mean()) > 0.99


def test_bits_in_the_loop_are_those_of_the_tables():
    tables = gaussian_tables(sets=2)
    for scale_index in (8, 20, 30):
        indices = torch.arange(-6, 7)
        for level_set in (0, 1):
            sets = torch.full_like(indices, level_set)
            log_scale = torch.full(indices.shape, float(np.log(scale_of(scale_index) * 2)))
            bits = level_bits(torch.zeros(13), indices, sets, torch.full((13,), 2.0), log_scale)
            cdf_indices = np.full(1, scale_index + SCALES * level_set, np.uint8)
            for index, ours in zip(indices.tolist(), bits.tolist(), strict=True):
                theirs = estimate_bits(cdf_indices, np.array([index], np.int32), tables)
                if theirs < 9:  # beyond that, integer frequencies are coarse
                    assert ours == pytest.approx(theirs, abs=0.02)


def test_gradients_pass_the_quantizer(workshop):
    file = ModelFile.read(workshop / "tiny.trm")
    networks, model = Networks(file), load(file)
    deployed = DeployedQuantizer.of(networks, quantizer_named("tcq8"))
    quality = torch.full((1, 1, 1, 1), 0.5)
    pictures = torch.from_numpy(textured(64, 64)).permute(2, 0, 1)[None].float() / 255
    coded = model(pictures, quality, QuantizerSearch(deployed, networks.weights, networks.groups, quality))
    (coded.latent_bits.sum() + coded.pictures.square().sum()).backward()
    for part in (model.analysis.stem.weight, model.prior.steps[1].second_head.weight, model.synthesis.stem.weight):
        assert float(part.grad.abs().max()) > 0


def test_what_is_not_coded_passes_its_gradient_to_the_mean():
    deployed = DeployedQuantizer.plain(quantizer_named("tcq8"), 1400, 0.02)
    search = QuantizerSearch(deployed, lambda quality: np.ones(2, "f4"), (2,), torch.zeros(1, 1, 1, 1))
    latents, mean = (torch.randn(1, 2, 4, 4, requires_grad=True) for _ in range(2))
    log_scale = torch.tensor([1.0, -3.0]).view(1, 2, 1, 1).expand(1, 2, 4, 4)  # the second channel is surely zero
    decoded, bits = search(0, ALL, latents, Parameters(mean, log_scale))
    assert torch.allclose(decoded[:, 1], mean[:, 1], atol=1 / ONE)
    (decoded.sum() + 0 * bits.sum()).backward()
    by_channel = [[float(plane.abs().max()) for plane in values.grad[0]] for values in (latents, mean)]
    assert by_channel == [[1, 0], [0, 1]]


@pytest.mark.parametrize("name", ["uniform", "rdoq", "tcq4", "tcq8"])
def test_gradients_weigh_rate_and_distortion_as_the_search_does(codec, photograph, name):
    """Straight through, an error that the search leaves on purpose asks for larger latents: rates would only rise.

    Most of all where scales are small, so that the balance is held there, and where they are not, apart.
    """
    networks = Networks(codec.model)
    deployed = DeployedQuantizer.of(networks, quantizer_named(name))
    pictures = torch.from_numpy(photograph.pixels[:512, :512].copy()).permute(2, 0, 1)[None].float() / 255
    balance = Balance(Subject(load(codec.model), deployed, networks.weights), pictures, quality=0.5)
    assert balance.compare(0, 1000).balance == pytest.approx(1, abs=0.15)
    assert 0.75 < balance.compare(0, 0.3).balance < 1.3
    assert 0.75 < balance.compare(0.3, 1000).balance < 1.3


@pytest.mark.parametrize(
    ("stage", "trained"),
    [
        ("synthesis", {"synthesis"}),
        ("noise", {"synthesis"}),
        ("entropy", {"entropy"}),
        ("decoder", {"entropy", "synthesis"}),
        ("joint", {"analysis", "entropy", "synthesis"}),
        ("rounding", {"analysis", "entropy", "synthesis"}),
    ],
)
def test_a_stage_trains_its_parts_and_nothing_else(workshop, stage, trained):
    start = workshop / "tiny.trm"
    values = {"start": str(start), "stage": stage, "quantizer": "tcq8", "design": TINY}
    run(workshop / "stage.toml", values, workshop / stage, workshop / "cache", lambda entry: None)
    before, after = load(ModelFile.read(start)).state_dict(), load_run(workshop / stage)[1].state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    prefixes = {part: TrainableCodec.parts[part] for part in trained}
    assert {part for part in trained if any(name.startswith(prefixes[part]) for name in changed)} == trained
    assert all(name.startswith(sum(prefixes.values(), ())) for name in changed)


def test_a_chain_refits_resumes_and_ends_in_a_model_that_codes(workshop):
    messages = []
    arguments = (workshop / "tiny.trm", ["synthesis", "tables"], workshop / "stage.toml",
                 {"quantizer": "tcq8"}, workshop / "chain", workshop / "cache")  # fmt: skip
    made = retrain(*arguments, lambda entry: messages.append(entry.get("message")))
    stages = [text for text in messages if text and text.startswith("stage")]
    assert stages == ["stage 1: synthesis", "stage 2: tables"]
    messages.clear()
    assert retrain(*arguments, lambda entry: messages.append(entry)) == made
    assert not messages
    for other in ({"quantizer": "tcq8", "seed": 9}, {"quantizer": "tcq8", "step": 1.5, "rate_weight": 0.02}):
        with pytest.raises(BadConfig, match="made otherwise"):
            retrain(*arguments[:3], other, *arguments[4:], lambda entry: None)
    file = ModelFile.read(made)
    assert file.card["trained"]["started_from"]["model"] == ModelFile.read(workshop / "tiny.trm").name
    assert "tables_tcq8.npy" in file.entries
    assert file.card["quantizers"]["tcq8"]["tables"]["pictures"] == 3
    codec = Codec(str(made), quantizer="tcq8")
    assert codec.decode(codec.encode(textured(70, 90), 50)).size == (90, 70)


def test_of_two_processes_one_writes_a_chains_models(workshop):
    """A chain's later stages start from what the first process wrote: the other one waits for it."""
    options = ("--quantizer", "tcq8", "--stages", "tables,entropy,tables", "--config", workshop / "stage.toml",
               "--out", workshop / "shared", "--cache", workshop / "cache")  # fmt: skip
    result = in_two_processes("from trellic.cli import main; main()", "retrain", workshop / "tiny.trm", *options)
    assert result.returncode == 0, result.stderr
    names = [ModelFile.read(path).name for path in sorted((workshop / "shared").glob("*/model.trm"))]
    assert len(set(names)) == 3


class Foreign(Retrainable):
    """A researcher's model: one convolution each way, and a scale for each channel."""

    parts: ClassVar = {"analysis": ("down",), "entropy": ("log_scale",), "synthesis": ("up",)}
    groups = (6,)

    def __init__(self):
        super().__init__()
        self.down, self.up = torch.nn.Conv2d(3, 6, 16, 16), torch.nn.ConvTranspose2d(6, 3, 16, 16)
        self.log_scale = torch.nn.Parameter(torch.ones(1, 6, 1, 1))

    def analyse(self, pictures, quality):
        return 20 * self.down(pictures) * (1 + quality)

    def code_latents(self, latents, quality, search=None):
        scale = self.log_scale.expand_as(latents)
        decoded, bits = search(0, ALL, latents, Parameters(torch.zeros_like(latents), scale))
        return CodedLatents(decoded, bits.sum(dim=(1, 2, 3)), torch.zeros(len(latents)))

    def rebuild(self, decoded, quality):
        return self.up(decoded / 20)


@pytest.mark.parametrize(("task", "part"), [(Joint, ""), (Entropy, "log_scale"), (Synthesis, "up")])
def test_a_model_of_ones_own_is_retrained_for_the_real_quantizer(workshop, tmp_path, task, part):
    folder = [str(workshop / "pictures")]
    config = TrainConfig(pictures=folder, held_out=folder, steps=12, batch=2, crop=64, warmup=1, cached=6)
    paths = list_pictures([workshop / "pictures"])
    torch.manual_seed(0)
    model = Foreign()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    subject = Subject(
        model, DeployedQuantizer.plain(quantizer_named("tcq8"), 1600, 0.02), lambda quality: np.ones(6, "f4")
    )
    stage = task(config, Pixels.of(paths, workshop / "cache"), centres(paths, 64), tmp_path, subject)
    cost = stage.judge(model)["cost"]
    assert stage.judge(train(config, stage, tmp_path, lambda entry: None))["cost"] < cost
    changed = [name for name, weight in model.state_dict().items() if not torch.equal(weight, before[name])]
    assert changed
    assert all(name.startswith(part) for name in changed)


def test_latents_are_kept_by_all_that_they_follow_from(workshop, tmp_path):
    folder = [str(workshop / "pictures")]
    config = TrainConfig(pictures=folder, held_out=folder, steps=1, batch=2, crop=64, warmup=1, cached=6)
    paths = list_pictures([workshop / "pictures"])
    pixels, held_out = Pixels.of(paths, workshop / "cache"), centres(paths, 64)
    torch.manual_seed(0)
    model, stores = Foreign(), set()
    for task, step, worth in ((Synthesis, 1600, 1), (Noise, 1600, 1), (Synthesis, 1500, 1), (Synthesis, 1600, 2)):
        deployed = DeployedQuantizer.plain(quantizer_named("tcq8"), step, 0.02)
        subject = Subject(model, deployed, lambda quality, worth=worth: np.full(6, worth, "f4"))
        stages = [task(config, pixels, held_out, tmp_path, subject) for _ in range(2)]
        assert stages[0].store == stages[1].store  # one that goes on finds what it kept
        stores.add(stages[0].store)
    assert len(stores) == 4


def test_weight_of_distortion_is_the_slope_of_the_curve_of_the_quantizer():
    mses = [200.0, 80.0, 40.0, 30.0, 12.0]
    slopes = rate_weight(torch.tensor([0.2, 0.4, 0.6, 0.8])) * 0.6
    bpps = [0.1]
    for slope, (worse, better) in zip(slopes.tolist(), pairwise(mses), strict=True):
        bpps.append(bpps[-1] + slope * (worse - better))
    assert share_of_weight(bpps, mses) == pytest.approx(0.6)
    assert share_of_weight(bpps[::-1], mses) == 1.0  # no curve, as of networks that were never trained


def test_a_model_becomes_exact_and_stays_so(workshop):
    arguments = (workshop / "stage.toml", {"quantizer": "tcq8"}, workshop / "exact", workshop / "cache")
    made = retrain(workshop / "tiny.trm", ["exact", "joint"], *arguments, lambda entry: None)
    for file in (ModelFile.read(workshop / "exact" / "1-exact" / "model.trm"), ModelFile.read(made)):
        assert file.card["design"]["exact"]
        layers = [layer for layer in load(file).prior.modules() if isinstance(layer, ExactConv)]
        assert layers
        for layer in layers:  # what was exported was on its grid
            assert torch.equal(layer.weight * FINEST_WEIGHT, (layer.weight * FINEST_WEIGHT).round())
    codec = Codec(str(made), quantizer="tcq8")
    assert codec.decode(codec.encode(textured(70, 90), 50)).size == (90, 70)


def test_a_table_of_the_configuration_is_for_its_stage(workshop):
    text = (workshop / "stage.toml").read_text()
    (workshop / "tables.toml").write_text(f"{text}\n[joint]\nbatch = 1\n[synthesis]\nbatch = 5\n")
    values = {"start": "m.trm", "quantizer": "tcq8", "design": TINY}
    batches = [read_config(workshop / "tables.toml", {**values, "stage": stage}).batch
               for stage in ("entropy", "joint", "synthesis")]  # fmt: skip
    assert batches == [2, 1, 5]


def test_an_unknown_stage_is_refused(workshop):
    with pytest.raises(BadConfig, match="no stage"):
        retrain(workshop / "tiny.trm", ["synthesis", "nosuch"], workshop / "stage.toml", {"quantizer": "tcq8"},
                workshop / "none", workshop / "cache", lambda entry: None)  # fmt: skip
