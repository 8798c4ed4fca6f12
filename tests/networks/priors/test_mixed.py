"""Hyper-latents of two kinds: distant ones see far, the decoder is as before, and streams come back."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from designs import PRIOR, assert_streams_round_trip, toy  # noqa: E402
from trellic.networks.design import Design, PriorOptions  # noqa: E402
from trellic.networks.export import export  # noqa: E402
from trellic.networks.load import grow  # noqa: E402
from trellic.networks.options import Mixed  # noqa: E402

DESIGN = Design(12, prior=PRIOR)
MIXED = replace(PRIOR, mixed=Mixed(2, 8, 2))


def test_only_the_distant_ones_see_further():
    analysis = toy(prior=MIXED).network("hyper_analysis")
    latents = torch.randn(1, 12, 32, 32)
    with torch.no_grad():
        (before,) = analysis(latents)
        latents[:, :, 0, 0] += 50
        changed = (analysis(latents)[0] - before).abs() > 0
    local, distant = changed[0, :2].any(0), changed[0, 2:].any(0)
    assert distant[3, 3]
    assert not local[2:, 2:].any()


@pytest.mark.parametrize("distant", [2, 4])
def test_streams_round_trip(distant, tmp_path):
    assert_streams_round_trip(toy(prior=replace(PRIOR, mixed=Mixed(distant, 8, 2))), tmp_path)


def test_a_decoder_computes_what_it_did():
    mixed, plain = (export(toy(prior=prior), {}) for prior in (MIXED, PRIOR))
    kinds = ([one.kind for one in model.network("hyper_synthesis")[0].operations] for model in (mixed, plain))
    assert next(kinds) == next(kinds)


@pytest.mark.parametrize("distant", [2, 4])
def test_hyper_latents_become_distant_and_are_as_before(distant):
    start = toy(exact=False)
    design = replace(start.design, prior=replace(PRIOR, mixed=Mixed(distant, 8, 2)))
    latents = 9 * torch.randn(1, 12, 16, 16)
    with torch.no_grad():
        before, after = (each.network("hyper_analysis").eval()(latents)[0] for each in (start, grow(start, design)))
    assert (after - before).abs().max() < 1e-5
    assert not start.design.grows_from(design)


def test_only_as_many_as_features_become_distant():
    prior = PriorOptions(groups=(4, 8), z=16, features=8)
    assert not replace(DESIGN, prior=replace(prior, mixed=Mixed(9, 8, 2))).grows_from(replace(DESIGN, prior=prior))


def test_more_than_all_cannot_be_distant():
    with pytest.raises(ValueError, match="distant"):
        Design(12, prior=replace(PRIOR, mixed=Mixed(9)))
    assert PriorOptions(mixed=Mixed(96)).mixed == Mixed(96)
