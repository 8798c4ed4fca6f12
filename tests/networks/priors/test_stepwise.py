"""Hyper-latents in passes: causal, whole, exact; coded and decoded alike, blocks too; and grown, as before at first."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")


from conftest import textured  # noqa: E402
from designs import PRIOR, assert_causal, assert_exact, assert_streams_round_trip, predictions, toy  # noqa: E402
from experiments.browser.node import in_node  # noqa: E402
from second_decoder import node  # noqa: E402
from trellic.codec import Codec  # noqa: E402
from trellic.metrics import psnr  # noqa: E402
from trellic.model import Model, Sessions  # noqa: E402
from trellic.model.probe import failures  # noqa: E402
from trellic.networks.codec import TrainableCodec  # noqa: E402
from trellic.networks.cut import Size, cut  # noqa: E402
from trellic.networks.exact import fit_fixed_points  # noqa: E402
from trellic.networks.export import export  # noqa: E402
from trellic.networks.learned import positions_of  # noqa: E402
from trellic.networks.load import grow, load  # noqa: E402
from trellic.networks.options import Stepwise  # noqa: E402
from trellic.networks.priors.stepwise import LATER  # noqa: E402
from trellic.networks.surrogates import Rounding  # noqa: E402
from trellic.web.pack import pack_decoder  # noqa: E402

STEPWISE = replace(PRIOR, stepwise=Stepwise())
QUALITY = torch.full((1, 1, 1, 1), 0.5)


def toy_stepwise(exact: bool = True) -> TrainableCodec:
    """Return a model whose hyper-latents predict each other."""
    codec = toy(prior=STEPWISE, exact=exact)
    torch.manual_seed(1)
    for graph, _ in LATER:
        torch.nn.init.normal_(codec.network(graph).head.weight, std=0.3)
    pictures = torch.from_numpy(np.stack([textured(128, 128, seed) for seed in range(4)])).permute(0, 3, 1, 2) / 255
    quality = torch.linspace(0, 1, 4).view(4, 1, 1, 1)
    with torch.no_grad():
        fit_fixed_points(codec.prior, lambda: codec(pictures, quality, Rounding()))
    return codec


def of(z: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return variables with these hyper-latents."""
    return {"y": torch.zeros(1, 12, 4 * z.shape[2], 4 * z.shape[3]), "z": z}


def test_every_hyper_latent_is_coded_once():
    masks = [positions_of(step.mask, torch.zeros(1, 1, 5, 7)) for step in toy_stepwise().schedule.passes[:3]]
    assert torch.equal(sum(masks), torch.ones(1, 1, 5, 7))


def test_no_prediction_sees_what_is_coded_later():
    assert_causal(toy_stepwise(), of((torch.randn(1, 4, 4, 4) * 4).round()), "z")


def test_means_are_whole_and_learn():
    codec = toy_stepwise(exact=False).train()
    mean, _ = codec.network("hyper_third")(5 * torch.randn(1, 4, 4, 4).round(), QUALITY)
    mean.sum().backward()
    assert torch.equal(mean, mean.round())
    assert mean.abs().max() >= 1
    assert codec.network("hyper_third").head.weight.grad.abs().max() > 0


def test_streams_round_trip(tmp_path):
    assert_streams_round_trip(toy_stepwise(), tmp_path)


def test_blocks_see_hyper_latents_around_them(tmp_path):
    path, pixels = tmp_path / "stepwise.trm", textured(300, 200)
    path.write_bytes(export(toy_stepwise(), {"summary": "toy"}).pack())
    plain, blocks = Codec(str(path), tile=256), Codec(str(path), tile=128, predict=True)
    encoded = blocks.encode(pixels, 90)
    assert psnr(pixels, np.asarray(blocks.decode(encoded))) > 20
    assert encoded != plain.encode(pixels, 90)


@node
def test_browsers_decode_what_python_does(tmp_path):
    path, pixels = tmp_path / "stepwise.trm", textured(300, 200)
    model = export(toy_stepwise(), {"summary": "toy"})
    path.write_bytes(model.pack())
    streams = {
        "whole": Codec(str(path)).encode(pixels, 80),
        "blocks": Codec(str(path), tile=128, predict=True).encode(pixels, 80),
        "layers": Codec(str(path)).encode(pixels, 80, layers=4),
    }
    found = in_node(tmp_path, streams, {"toy": pack_decoder(model)})
    for name, data in streams.items():
        expected = np.asarray(Codec(str(path)).decode(data)).astype(int)
        assert np.abs(found[name]["data"][..., :3] - expected).max() <= 1, name


def test_passes_are_exact():
    assert_exact(toy_stepwise())


def test_a_prior_gets_passes_and_predicts_as_before():
    start = toy(exact=False)
    with torch.no_grad():
        start.prior.z_log_scale.copy_(torch.linspace(-1, 1, 8).view(2, 4))
    grown = grow(start, replace(start.design, prior=STEPWISE)).eval()
    z = (torch.randn(1, 4, 4, 4) * 3).round()
    (before,) = predictions(start, of(z), "z")
    for after in predictions(grown, of(z), "z"):
        assert (after - before).abs().max() < 1e-6
    assert not start.design.grows_from(grown.design)


def test_it_can_be_cut(tmp_path):
    wide = export(toy_stepwise(), {})
    pictures = torch.from_numpy(textured(64, 64)).permute(2, 0, 1)[None].float() / 255
    small = cut(wide, Size((1, 1, 4), (1, 1, 4), 7, 5, 3), pictures)
    assert load(small).network("hyper_second").head.weight.shape[:2] == (6, 5)
    path = tmp_path / "small.trm"
    path.write_bytes(small.pack())
    assert not failures(Sessions(Model.read(path)))
    assert Codec(str(path)).encode(textured(64, 64))
