"""The invertible transform: what it makes of pictures comes back, in torch and between the two graphs."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
import onnxruntime  # noqa: E402

from conftest import textured  # noqa: E402
from designs import PRIOR, assert_streams_round_trip, toy  # noqa: E402
from trellic.errors import BadRequest  # noqa: E402
from trellic.model import Model, Sessions  # noqa: E402
from trellic.networks.adapter import add_adapter  # noqa: E402
from trellic.networks.codec import TrainableCodec  # noqa: E402
from trellic.networks.design import Design, Invertible, TransformOptions  # noqa: E402
from trellic.networks.export import export  # noqa: E402
from trellic.networks.load import grow, load  # noqa: E402
from trellic.networks.transforms.invertible import COARSE, Coupling, margin_of  # noqa: E402

SMALL = Invertible(fine=(2, 8), coarse=(2, 8), recovery=8, denoiser=(0, 0, 8))
EVERY_LATENT = replace(PRIOR, groups=(64, COARSE - 64))


def toy_invertible(options: Invertible = SMALL, prior=EVERY_LATENT) -> TrainableCodec:
    """Return a model whose couplings are far from the identity."""
    codec = toy(options, prior)
    for module in codec.modules():
        if isinstance(module, Coupling):
            for branch in (module.predict, module.update):
                torch.nn.init.normal_(branch[-1].weight, std=0.1)
    return codec


def pictures() -> torch.Tensor:
    return torch.from_numpy(textured(64, 128)[None]).permute(0, 3, 1, 2) / 255


@pytest.mark.parametrize("quality", [0.0, 0.6, 1.0])
def test_pictures_come_back_in_torch_and_between_the_graphs(quality):
    codec, given = toy_invertible(), torch.full((1, 1, 1, 1), quality)
    with torch.no_grad():
        latents = codec.analysis(pictures(), given)
        assert (codec.synthesis(latents, given) - pictures()).abs().max() < 1e-5
    model = Model.parse(export(codec, {}).pack())
    sample = pictures()[0].numpy(), np.full((1, 1, 1), quality, np.float32)
    (found,) = Sessions(model).run("analysis", [*sample])
    graph, arrays = model.network("synthesis")
    clip = next(one for one in graph.operations if one.kind == "Clip")  # what follows makes eight bits
    exact = replace(graph, outputs=clip.reads[:1], pixels=False)
    session = onnxruntime.InferenceSession(exact.to_onnx(arrays), providers=["CPUExecutionProvider"])
    (back,) = session.run(None, {"latents": found[None], "quality": sample[1][None]})
    assert np.abs(back[0] - sample[0]).max() < 1e-5


def test_couplings_are_far_from_the_identity():
    codec, plain = toy_invertible(), toy(SMALL, EVERY_LATENT)
    quality = torch.ones(1, 1, 1, 1)
    with torch.no_grad():
        assert (codec.analysis(pictures(), quality) - plain.analysis(pictures(), quality)).abs().max() > 1


def test_shared_weights_are_kept_once_and_loaded_as_they_were():
    codec = toy_invertible()
    model = export(codec, {})
    names = [name for half in model.file.arrays.values() for name in half if "transform" in name]
    assert names
    assert not any(name.startswith("analysis.transform") for name in names)
    loaded = load(model)
    assert loaded.analysis.transform is loaded.synthesis.transform
    quality = torch.full((1, 1, 1, 1), 0.5)
    with torch.no_grad():
        found, wanted = (each.analysis.eval()(pictures(), quality) for each in (loaded, codec))
    assert (found - wanted).abs().max() < 2e-3 * wanted.abs().max()


def test_the_first_latents_are_kept_and_the_rest_recovered(tmp_path):
    codec = toy_invertible(prior=replace(PRIOR, groups=(8, 56)))
    torch.nn.init.normal_(codec.synthesis.recovery[0][-1].weight, std=0.01)
    assert_streams_round_trip(codec, tmp_path, least=15)


def test_streams_round_trip_with_all_latents(tmp_path):
    assert_streams_round_trip(toy_invertible(), tmp_path)


def test_a_stage_of_the_synthesis_trains_what_is_not_shared():
    codec = toy_invertible(replace(SMALL, denoiser=(1, 1, 8)))
    trained = {name for name, _ in codec.named_parameters() if name.startswith(codec.parts["synthesis"])}
    assert {name.split(".")[1] for name in trained} == {"gain", "coarse", "fine"}


def test_shared_weights_are_not_adapted():
    with pytest.raises(BadRequest, match="share"):
        add_adapter(toy_invertible(), 2, ["analysis"])
    add_adapter(toy_invertible(), 2, ["synthesis", "entropy"])


def test_a_denoiser_is_grown_and_changes_nothing_at_first():
    before = toy_invertible()
    design = replace(before.design, transform=replace(SMALL, denoiser=(1, 2, 16)))
    grown = grow(before, design)
    quality = torch.full((1, 1, 1, 1), 0.5)
    with torch.no_grad():
        latents = before.analysis(pictures(), quality)
        assert torch.equal(grown.synthesis(latents, quality), before.synthesis(latents, quality))
    assert not before.design.grows_from(design)
    assert not design.grows_from(replace(before.design, transform=TransformOptions()))


def test_tiles_see_half_as_far_as_couplings_reach():
    for couplings, margin in ((1, 32), (2, 48), (4, 96)):
        options = replace(SMALL, fine=(couplings, 8), coarse=(couplings, 8))
        assert margin_of(Design(COARSE, transform=options, prior=EVERY_LATENT)) == margin


def test_the_design_survives_json():
    design = Design(COARSE, transform=SMALL, prior=EVERY_LATENT)
    assert Design.from_json(design.to_json()) == design
