"""Exact attention: the mean that its definition says, the same in every runtime, and nothing at the start."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from designs import PRIOR, assert_streams_round_trip, toy  # noqa: E402
from trellic.errors import BadRequest  # noqa: E402
from trellic.model import Sessions  # noqa: E402
from trellic.model.merge import EXACT_SUM  # noqa: E402
from trellic.model.probe import failures, inputs_of, probe_of  # noqa: E402
from trellic.networks.codec import TrainableCodec  # noqa: E402
from trellic.networks.design import PriorOptions  # noqa: E402
from trellic.networks.export import export, fold  # noqa: E402
from trellic.networks.load import grow  # noqa: E402
from trellic.networks.near import OFFSETS  # noqa: E402
from trellic.networks.options import MOST_IN_A_HEAD, Attend  # noqa: E402
from trellic.networks.priors.attend import QUERY_LEVELS, UNIT, VALUE_LEVELS, WIDTH, Attended  # noqa: E402
from trellic.web.pack import pack_decoder  # noqa: E402

ATTENTIVE = replace(PRIOR, attend=Attend(4, 2))


def toy_attentive(exact: bool = True, prior: PriorOptions = ATTENTIVE) -> TrainableCodec:
    """Return a model whose attention says something."""
    codec = toy(prior=prior, exact=exact)
    layer = codec.prior.networks["hyper_synthesis"].attend
    torch.nn.init.normal_(layer.last.weight, std=0.3)
    torch.nn.init.normal_(layer.bias, std=0.3)
    for each in (layer.queries, layer.keys, layer.values):
        torch.nn.init.normal_(each.weight, std=1)
    return codec


@torch.no_grad()
def by_loop(layer: Attended, features: torch.Tensor) -> np.ndarray:
    """Return what is found, position by position, in integers."""
    limits = (QUERY_LEVELS, QUERY_LEVELS, VALUE_LEVELS)
    layers = (layer.queries, layer.keys, layer.values)
    queries, keys, values = (
        np.rint(np.clip(each(features)[0].numpy() * UNIT, -most, most)).astype(np.int64)
        for each, most in zip(layers, limits, strict=True)
    )
    bias = np.rint(layer.bias.numpy() * UNIT).astype(np.int64)[:, :, 0, 0]
    found, (_, height, width) = np.zeros(values.shape), values.shape
    for y, x, head in np.ndindex(height, width, 2):
        seen = [(number, y + dy, x + dx) for number, (dy, dx) in enumerate(OFFSETS)]
        seen = [(number, j, i) for number, j, i in seen if 0 <= j < height and 0 <= i < width]
        own = slice(2 * head, 2 * head + 2)
        scores = np.array([
            int(np.rint(queries[own, y, x] @ keys[own, j, i] / 512)) + bias[number, head] for number, j, i in seen
        ])  # fmt: skip
        weights = np.maximum(0, 32 + scores - scores.max()) ** 2
        sums = sum(weight * values[own, j, i] for weight, (_, j, i) in zip(weights, seen, strict=True))
        found[own, y, x] = np.rint((sums / weights.sum()).astype(np.float32)) / UNIT
    return found


def test_attention_is_the_mean_that_its_definition_says():
    torch.manual_seed(0)
    layer = Attended(6, Attend(4, 2)).eval()
    torch.nn.init.normal_(layer.bias, std=0.3)
    features = torch.randn(1, 6, 5, 9) * 4
    with torch.no_grad():
        found = layer._found(features)[0].numpy()
    assert np.abs(found).max() > 1
    assert np.array_equal(found, by_loop(layer, features).astype(np.float32))


def test_sums_are_integers_that_single_precision_holds():
    assert MOST_IN_A_HEAD * QUERY_LEVELS**2 < EXACT_SUM
    assert len(OFFSETS) * WIDTH**2 * VALUE_LEVELS < EXACT_SUM


def test_every_runtime_gives_the_same_bits():
    codec = toy_attentive()
    model, folded = export(codec, {}), fold(codec)
    sessions = Sessions(model)
    assert failures(sessions) == []
    for name, expected in probe_of(model).items():
        for inputs in inputs_of(expected.inputs):
            with torch.no_grad():
                wanted = folded.network(name)(*(torch.from_numpy(one)[None] for one in inputs))
            found = sessions.run(name, inputs)
            assert all(np.array_equal(own, other[0].numpy()) for own, other in zip(found, wanted, strict=True))


def test_streams_round_trip(tmp_path):
    assert_streams_round_trip(toy_attentive(), tmp_path)


def test_a_prior_gets_attention_and_predicts_as_before():
    start = toy(exact=False)
    grown = grow(start, replace(start.design, prior=ATTENTIVE)).eval()
    z, quality = torch.randn(1, 4, 2, 2).round(), torch.full((1, 1, 1, 1), 0.5)
    with torch.no_grad():
        assert torch.equal(*(each.network("hyper_synthesis")(z, quality)[0] for each in (start, grown)))


def test_attention_learns():
    layer = Attended(4, Attend(4, 1))
    torch.nn.init.normal_(layer.last.weight)
    layer(torch.randn(1, 4, 4, 4)).square().sum().backward()
    assert all(weight.grad.abs().sum() > 0 for weight in layer.parameters())


def test_a_browser_is_not_given_what_it_cannot_compute():
    with pytest.raises(BadRequest, match="Pad"):
        pack_decoder(export(toy_attentive(), {}))
