"""A guided prior: causal, exact, coded and decoded alike; and grown, it changes nothing at first."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from conftest import textured  # noqa: E402
from designs import PRIOR, assert_causal, assert_exact, assert_streams_round_trip, predictions, toy  # noqa: E402
from trellic.codec import Codec  # noqa: E402
from trellic.errors import BadRequest  # noqa: E402
from trellic.model import Model  # noqa: E402
from trellic.networks.codec import TrainableCodec  # noqa: E402
from trellic.networks.export import export  # noqa: E402
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


def test_no_prediction_sees_what_is_coded_later():
    random = torch.Generator().manual_seed(0)
    values = {"y": torch.randn(1, 12, 8, 8, generator=random) * 4, "z": torch.randn(1, 4, 2, 2, generator=random) * 4}
    assert_causal(toy_guided(), values, "y")


def test_streams_round_trip(tmp_path):
    assert_streams_round_trip(toy_guided(), tmp_path)


def test_guides_are_exact():
    assert_exact(toy_guided())


def test_a_prior_gets_a_guide_and_predicts_as_before():
    start = toy(exact=False)
    grown = grow(start, replace(start.design, prior=GUIDED))
    values = {"y": torch.randn(1, 12, 8, 8), "z": torch.randn(1, 4, 2, 2).round()}
    assert all(map(torch.equal, predictions(start, values, "y"), predictions(grown.eval(), values, "y")))


def test_a_guided_model_codes_no_blocks(tmp_path):
    path = tmp_path / "guided.trm"
    path.write_bytes(export(toy_guided(), {}).pack())
    with pytest.raises(BadRequest, match="no blocks"):
        Codec(str(path), tile=128, predict=True)
    assert not Model.read(path).codes_blocks
    assert Codec(str(path)).encode(textured(40, 40))
