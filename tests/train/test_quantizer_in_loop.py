"""The quantizer in the loop is the codec's: the same indices and bits, and gradients that pass it."""

import numpy as np
import pytest

from conftest import textured

torch = pytest.importorskip("torch")

from trellic.codec.analysis import analyse  # noqa: E402
from trellic.codec.deployed import DeployedQuantizer  # noqa: E402
from trellic.codec.encoder import encode_latents  # noqa: E402
from trellic.container.header import QUALITY_ONE  # noqa: E402
from trellic.entropy.parameters import ONE  # noqa: E402
from trellic.model import Model, Sessions  # noqa: E402
from trellic.model.schedule import ALL, NON_ANCHORS, Code  # noqa: E402
from trellic.networks.load import load  # noqa: E402
from trellic.networks.priors import Gaussian  # noqa: E402
from trellic.networks.surrogates import NoisyRounding, Rounding  # noqa: E402
from trellic.quantize import quantizer_named  # noqa: E402
from trellic.train.quantizer_in_loop import QuantizerInTheLoop  # noqa: E402

PLAIN = DeployedQuantizer.plain(quantizer_named("tcq8"), 1400, 0.02)


def in_the_loop(deployed, model, quality, otherwise=None):
    return QuantizerInTheLoop(deployed, model.weights, quality, otherwise or Rounding())


def batch_of(pixels, count=1):
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float().repeat(count, 1, 1, 1) / 255


@pytest.mark.parametrize("name", ["uniform", "rdoq", "tcq4", "tcq8"])
def test_indices_and_bits_in_the_loop_are_those_of_the_codec(workshop, name):
    model = Model.read(workshop.model)
    codec, deployed = load(model).eval(), DeployedQuantizer.of(model, quantizer_named(name))
    pixels = textured(128, 192, 9)
    sessions = Sessions(model)
    theirs = encode_latents(sessions, analyse(sessions, pixels, 60 * QUALITY_ONE), deployed)
    quality = torch.full((2, 1, 1, 1), 0.6)
    with torch.no_grad():
        ours = codec.code(codec.encode(batch_of(pixels, 2), quality), quality, in_the_loop(deployed, model, quality))
    assert torch.equal(ours.values["y"][0], ours.values["y"][1])
    close = np.abs(ours.values["y"][0].numpy() - theirs.decoded["y"]) < 2 / ONE
    assert close.mean() > 0.99
    assert float(sum(bits[0] for bits in ours.bits.values())) == pytest.approx(theirs.estimated_bits, rel=0.05)


def test_gradients_pass_the_quantizer(workshop):
    model = Model.read(workshop.model)
    codec, quality = load(model), torch.full((1, 1, 1, 1), 0.5)
    deployed = DeployedQuantizer.of(model, quantizer_named("tcq8"))
    coder = in_the_loop(deployed, model, quality, NoisyRounding())
    coded = codec(batch_of(textured(64, 64)), quality, coder)
    (sum(coded.bits.values()).sum() + coded.pictures.square().sum()).backward()
    for part in codec.parts:
        weights = [weight for name, weight in codec.named_parameters() if name.startswith(codec.parts[part])]
        assert any(weight.grad is not None and float(weight.grad.abs().max()) > 0 for weight in weights), part


def test_what_is_not_coded_passes_its_gradient_to_the_mean():
    coder = QuantizerInTheLoop(PLAIN, lambda quality: np.ones(2, "f4"), torch.zeros(1, 1, 1, 1), Rounding())
    target, mean = (torch.randn(1, 2, 4, 4, requires_grad=True) for _ in range(2))
    log_scale = torch.tensor([1.0, -3.0]).view(1, 2, 1, 1).expand(1, 2, 4, 4)  # the second channel is surely zero
    decoded, bits = coder(Code("y", 0, 2, ALL, "mean", "log_scale"), target, Gaussian(mean, log_scale))
    assert torch.allclose(decoded[:, 1], mean[:, 1], atol=1 / ONE)
    (decoded.sum() + 0 * bits.sum()).backward()
    by_channel = [[float(plane.abs().max()) for plane in values.grad[0]] for values in (target, mean)]
    assert by_channel == [[1, 0], [0, 1]]


def test_a_pass_is_zero_outside_its_mask_and_keeps_the_trellis_state():
    torch.manual_seed(1)  # one pass in eight ends in the first of eight states, but not these
    coder = QuantizerInTheLoop(PLAIN, lambda quality: np.ones(4, "f4"), torch.zeros(2, 1, 1, 1), Rounding())
    target, zeros = 3 * torch.randn(2, 2, 6, 6), torch.zeros(2, 2, 6, 6)
    decoded, bits = coder(Code("y", 2, 4, NON_ANCHORS, "mean", "log_scale"), target, Gaussian(zeros, zeros + 1))
    inside = (torch.arange(6)[:, None] + torch.arange(6)) % 2 == 1
    assert float(decoded[:, :, ~inside].abs().max()) == float(bits[:, :, ~inside].abs().max()) == 0
    assert float(bits[:, :, inside].min()) > 0
    assert any(coder.states)


def test_what_is_always_rounded_is_left_to_the_surrogate():
    coder = QuantizerInTheLoop(PLAIN, lambda quality: np.ones(2, "f4"), torch.zeros(1, 1, 1, 1), Rounding())
    target, zeros = 3 * torch.randn(1, 2, 4, 4), torch.zeros(1, 2, 4, 4)
    step = Code("z", 0, 2, ALL, "", "z_log_scale", tables="z")
    assert torch.equal(coder(step, target, Gaussian(zeros, zeros))[0], target.round())
