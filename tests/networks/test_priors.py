"""A prior of one's own is one file: this one has three masks and a network more than the shipped family."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import Tensor, nn  # noqa: E402

from trellic.codec.analysis import analyse  # noqa: E402
from trellic.codec.decoder import decode_latents  # noqa: E402
from trellic.codec.deployed import DeployedQuantizer  # noqa: E402
from trellic.codec.encoder import encode_latents, reconstruct  # noqa: E402
from trellic.entropy.tables import Tables  # noqa: E402
from trellic.metrics import psnr  # noqa: E402
from trellic.model import Model, Sessions  # noqa: E402
from trellic.model.schedule import ALL, Code, Run, Variable  # noqa: E402
from trellic.networks import priors  # noqa: E402
from trellic.networks.blocks import activation, pointwise  # noqa: E402
from trellic.networks.codec import TrainableCodec  # noqa: E402
from trellic.networks.design import Design, PriorOptions, TransformOptions  # noqa: E402
from trellic.networks.exact import fit_fixed_points  # noqa: E402
from trellic.networks.export import export  # noqa: E402
from trellic.networks.priors.base import Head, Prior, affine_log_scales  # noqa: E402
from trellic.networks.surrogates import NoisyRounding, Rounding  # noqa: E402
from trellic.quantize import quantizer_named  # noqa: E402

MASKS = (("10", "00"), ("00", "01"), ("01", "10"))


class Features(nn.Module):
    def __init__(self, z: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(pointwise(z, 16 * width), nn.PixelShuffle(2), activation(), nn.PixelShuffle(2))

    def forward(self, z: Tensor) -> tuple[Tensor]:
        return (self.layers(z),)


class Guide(nn.Module):
    """The network more: features → guided features."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(pointwise(width, width), activation())

    def forward(self, features: Tensor, quality: Tensor) -> tuple[Tensor]:
        return (self.layers(features) * (quality + 0.5),)


class Predict(nn.Module):
    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.enter, self.head = pointwise(width + channels, width), Head(width, channels)

    def forward(self, guided: Tensor, decoded: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_scale = self.head(self.enter(torch.cat([guided, decoded], dim=1)))
        return mean, log_scale


class HyperAnalysis(nn.Module):
    def __init__(self, channels: int, z: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(channels, z, 4, stride=4)

    def forward(self, y: Tensor) -> tuple[Tensor]:
        return (self.layer(y),)


class ThirdsPrior(Prior):
    affine = ("z_log_scale",)

    def __init__(self, design: Design) -> None:
        super().__init__()
        width, channels, z = design.prior.features, design.latents, design.prior.z
        self.networks = nn.ModuleDict({
            "look": HyperAnalysis(channels, z), "features_of": Features(z, width), "guide": Guide(width),
            **{f"third_{number}": Predict(width, channels) for number in range(3)},
        })  # fmt: skip
        self.z_log_scale = affine_log_scales(z)
        self.variables = {"z": Variable(z, 64), "y": Variable(channels, 16)}
        self.encode = (Run("look", ("y",), ("z",)),)
        self.code = (
            Code("z", 0, z, ALL, "", "z_log_scale", tables="thirds_z"),
            Run("features_of", ("z",), ("features",)),
            Run("guide", ("features", "quality"), ("guided",)),
        )
        for number, mask in enumerate(MASKS):
            self.code += (
                Run(f"third_{number}", ("guided", f"y[0:{channels}]"), ("mean", "log_scale")),
                Code("y", 0, channels, mask, "mean", "log_scale"),
            )


@pytest.fixture
def trained(monkeypatch) -> TrainableCodec:
    """A model with this prior, trained for a second or two."""
    monkeypatch.setitem(priors.FAMILIES, "thirds", ThirdsPrior)
    torch.manual_seed(0)
    options = TransformOptions(fine=(0, 0, 8), coarse=(0, 0, 8))
    design = Design(12, True, options, PriorOptions("thirds", (12,), z=4, features=8))
    model = TrainableCodec(design)
    pictures = torch.rand(2, 3, 16, 16).repeat_interleave(8, 2).repeat_interleave(8, 3)
    model.family.fit_to(pictures, model.analysis, model.synthesis)
    quality = torch.tensor([0.2, 0.8]).view(2, 1, 1, 1)
    fit_fixed_points(model.prior, lambda: model(pictures, quality, Rounding()))
    optimizer = torch.optim.Adam(model.prior.parameters(), 3e-3)
    losses = []
    for _ in range(12):
        coded = model(pictures, quality, NoisyRounding())
        loss = sum(bits.sum() for bits in coded.bits.values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    return model


@pytest.mark.parametrize("quantizer", ["uniform", "tcq8"])
def test_a_prior_of_ones_own_trains_exports_encodes_and_decodes(trained, quantizer):
    model = Model.parse(export(trained, {"summary": "thirds"}).pack())
    assert [step.mask for step in model.schedule.passes] == [ALL, *MASKS]
    sessions, deployed = Sessions(model), DeployedQuantizer.of(model, quantizer_named(quantizer))
    y, x = np.mgrid[:100, :150]
    pixels = np.stack([128 + 90 * np.sin(x / 9), 128 + 90 * np.cos(y / 7), (x + y) % 256], axis=2).astype(np.uint8)
    analysed = analyse(sessions, pixels, 20000)
    coded = encode_latents(sessions, analysed, deployed)
    decoded = decode_latents(sessions, coded.data, 128, 192, 20000, deployed, deployed.at(20000).step)
    assert all(np.array_equal(decoded[name], coded.decoded[name]) for name in ("y", "z"))
    assert len(coded.data) > 100
    assert psnr(pixels, reconstruct(sessions, coded, analysed)) > 20


def test_a_pass_that_is_rounded_is_coded_by_the_tables_it_names(trained):
    plain = Model.parse(export(trained, {}).pack())
    known = plain.rounded_tables["thirds_z"]
    wider = Tables.of_frequencies([*(tables := np.split(known.frequency, known.start[1:-1]))[8:], *tables[-8:]])
    model = plain.with_rounded_tables({"thirds_z": wider})
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    coded = []
    for one in (plain, model):
        sessions, deployed = Sessions(one), DeployedQuantizer.of(one, quantizer_named("tcq8"))
        found = encode_latents(sessions, analyse(sessions, pixels, 20000), deployed)
        decoded = decode_latents(sessions, found.data, 64, 64, 20000, deployed, deployed.at(20000).step)
        assert np.array_equal(decoded["z"], found.decoded["z"])
        coded.append(found)
    assert coded[0].data != coded[1].data
    assert np.array_equal(coded[0].decoded["z"], coded[1].decoded["z"])
