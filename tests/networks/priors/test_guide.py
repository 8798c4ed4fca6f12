"""A guided prior: causal, exact, coded and decoded alike; and grown, it changes nothing at first."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from conftest import textured  # noqa: E402
from designs import PRIOR, assert_streams_round_trip, toy  # noqa: E402
from interpreter import interpret  # noqa: E402
from trellic.codec import Codec  # noqa: E402
from trellic.errors import BadRequest  # noqa: E402
from trellic.model import Model, Sessions  # noqa: E402
from trellic.model.probe import failures, inputs_of, probe_of  # noqa: E402
from trellic.networks.codec import TrainableCodec  # noqa: E402
from trellic.networks.export import export  # noqa: E402
from trellic.networks.learned import positions_of  # noqa: E402
from trellic.networks.load import grow  # noqa: E402
from trellic.networks.options import Guide  # noqa: E402

GUIDED = replace(PRIOR, guide=Guide(4))


def toy_guided(exact: bool = True) -> TrainableCodec:
    """Return a model whose guides say something."""
    torch.manual_seed(1)
    codec = toy(prior=GUIDED, exact=exact)
    for name, weight in codec.prior.named_parameters():
        if ".guide.last" in name:
            torch.nn.init.normal_(weight, std=0.2)
    return codec


def predictions(codec: TrainableCodec, values: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    """Return mean and log scale of each pass of y, where latents are what they are."""
    found = []

    def keep(step, target, gaussian):
        if step.variable == "y":
            found.append(torch.cat(gaussian, dim=1))
        return target * positions_of(step.mask, target), target[:, :1] * 0

    with torch.no_grad():
        codec.code(values, torch.full((1, 1, 1, 1), 0.5), keep)
    return found


def test_no_prediction_sees_what_is_coded_later():
    codec, random = toy_guided(), torch.Generator().manual_seed(0)
    values = {"y": torch.randn(1, 12, 8, 8, generator=random) * 4, "z": torch.randn(1, 4, 2, 2, generator=random) * 4}
    passes = [step for step in codec.schedule.passes if step.variable == "y"]
    before = predictions(codec, values)
    changed = torch.ones(1, 12, 8, 8)
    for number, step in enumerate(passes):
        later = predictions(codec, {**values, "y": values["y"] + 3 * changed})
        assert all(map(torch.equal, before[: number + 1], later[: number + 1])), step
        assert number + 1 == len(passes) or not torch.equal(before[number + 1], later[number + 1])
        changed[:, step.channels] *= 1 - positions_of(step.mask, changed)


def test_streams_round_trip(tmp_path):
    assert_streams_round_trip(toy_guided(), tmp_path)


def test_guides_are_exact():
    model = export(toy_guided(), {})
    sessions = Sessions(model)
    assert failures(sessions) == []
    for name, expected in probe_of(model).items():
        for inputs in inputs_of(expected.inputs):
            found = interpret(*model.network(name), inputs)
            assert all(map(np.array_equal, found, sessions.run(name, inputs)))


def test_a_prior_gets_a_guide_and_predicts_as_before():
    start = toy(exact=False)
    grown = grow(start, replace(start.design, prior=GUIDED))
    values = {"y": torch.randn(1, 12, 8, 8), "z": torch.randn(1, 4, 2, 2).round()}
    assert all(map(torch.equal, predictions(start, values), predictions(grown.eval(), values)))


def test_a_guided_model_codes_no_blocks(tmp_path):
    path = tmp_path / "guided.trm"
    path.write_bytes(export(toy_guided(), {}).pack())
    with pytest.raises(BadRequest, match="no blocks"):
        Codec(str(path), tile=128, predict=True)
    assert not Model.read(path).codes_blocks
    assert Codec(str(path)).encode(textured(40, 40))
