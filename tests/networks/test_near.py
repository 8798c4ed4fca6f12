"""Neighbourhood attention: it equals a loop over positions, sees no further than it says, and goes through streams."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from designs import TRANSFORM, assert_streams_round_trip, toy  # noqa: E402
from trellic.errors import BadRequest  # noqa: E402
from trellic.networks.export import export  # noqa: E402
from trellic.networks.load import grow  # noqa: E402
from trellic.networks.near import OFFSETS, Attention  # noqa: E402
from trellic.networks.options import Near  # noqa: E402
from trellic.web.pack import pack_decoder  # noqa: E402

NEAR = Near(8, 2)


def attention() -> Attention:
    torch.manual_seed(0)
    layer = Attention(6, NEAR).eval()
    torch.nn.init.normal_(layer.bias)
    return layer


@torch.no_grad()
def by_loop(layer: Attention, features: torch.Tensor) -> torch.Tensor:
    """Return what the layer computes, position by position, with the softmax as it is defined."""
    queries, keys, values = (each(features)[0] for each in (layer.queries, layer.keys, layer.values))
    found = torch.zeros_like(values)
    height, width = features.shape[2:]
    for y in range(height):
        for x in range(width):
            seen = [(number, y + dy, x + dx) for number, (dy, dx) in enumerate(OFFSETS)]
            seen = [(number, y, x) for number, y, x in seen if 0 <= y < height and 0 <= x < width]
            for head in range(2):
                own = slice(4 * head, 4 * head + 4)
                scores = torch.stack([
                    queries[own, y, x] @ keys[own, j, i] / 2 + layer.bias[number, head, 0, 0] for number, j, i in seen
                ])  # fmt: skip
                weights = scores.softmax(0)
                found[own, y, x] = sum(
                    weight * values[own, j, i] for weight, (_, j, i) in zip(weights, seen, strict=True)
                )
    return found


@pytest.mark.parametrize("size", [(1, 1), (9, 5), (8, 11)])
def test_attention_equals_a_loop_over_positions(size):
    layer, features = attention(), torch.randn(1, 6, *size)
    with torch.no_grad():
        assert (layer(features)[0] - by_loop(layer, features)).abs().max() < 2e-6


def test_nothing_beyond_three_positions_is_seen():
    layer, features = attention(), torch.randn(1, 6, 12, 12)
    with torch.no_grad():
        before = layer(features)
        features[:, :, 6, 6] += 5
        changed = (layer(features) - before).abs().amax(dim=(0, 1)) > 0
    assert changed[3:10, 3:10].all()
    assert changed.sum() == 49


def test_streams_round_trip_and_tiles_see_further(tmp_path):
    codec = toy(replace(TRANSFORM, near=NEAR))
    assert_streams_round_trip(codec, tmp_path)
    assert export(codec, {}).margin == export(toy(), {}).margin + 48


def test_a_transform_gets_attention_and_makes_the_same_pictures():
    start = toy(replace(TRANSFORM, coarse=(2, 2, 8)), exact=False)
    design = replace(start.design, transform=replace(start.design.transform, near=NEAR))
    grown = grow(start, design).eval()
    pictures, quality = torch.rand(1, 3, 64, 64), torch.full((1, 1, 1, 1), 0.5)
    with torch.no_grad():
        latents, same = (each.encode(pictures, quality)["y"] for each in (start, grown))
        assert torch.equal(latents, same)
        assert torch.equal(*(each.synthesis(latents, quality) for each in (start, grown)))
    assert not start.design.grows_from(design)


def test_a_browser_is_not_given_what_it_cannot_compute():
    with pytest.raises(BadRequest, match="Pad"):
        pack_decoder(export(toy(replace(TRANSFORM, near=NEAR)), {}))
