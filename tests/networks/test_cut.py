"""A model cut from a larger one: the same numbers where they stay, exact where it was exact, and it codes."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from adapters import GOLDEN  # noqa: E402
from conftest import textured  # noqa: E402
from trellic import Codec  # noqa: E402
from trellic.errors import BadRequest  # noqa: E402
from trellic.model import Model, Sessions, find_model  # noqa: E402
from trellic.model.probe import failures  # noqa: E402
from trellic.networks.cut import SIZES, Size, cut  # noqa: E402
from trellic.networks.importance import Importance  # noqa: E402
from trellic.networks.load import load  # noqa: E402
from trellic.networks.surrogates import Rounding  # noqa: E402

PICTURES = torch.from_numpy(textured(64, 64)).permute(2, 0, 1)[None].float() / 255
SAME = Size((0, 0, 8), (1, 1, 8), 12, 8, 4)
SMALL = Size((0, 0, 8), (1, 1, 4), 7, 5, 3)
QUALITY = torch.full((1, 1, 1, 1), 0.5)


@torch.no_grad()
def coded(model: Model):
    return load(model).eval()(PICTURES, QUALITY, Rounding())


def test_a_model_cut_to_its_own_size_is_the_same():
    before, after = coded(GOLDEN), coded(cut(GOLDEN, SAME, PICTURES))
    assert torch.equal(before.pictures, after.pictures)
    assert torch.equal(before.bits["y"], after.bits["y"])


def test_a_smaller_model_has_what_stays():
    small = cut(GOLDEN, SMALL, PICTURES)
    assert small.latents == 7
    kept = small.card["cut"]["latents"]
    assert small.card["cut"]["from"] == GOLDEN.name
    assert min(np.diff(kept)) > 0
    assert sum(channel < 4 for channel in kept) == small.card["design"]["prior"]["groups"][0] >= 1
    for name in ("analysis.merge.weight", "synthesis.gain.logs"):
        before, after = (load(model).state_dict()[name] for model in (GOLDEN, small))
        assert torch.allclose(before[kept], after, atol=1e-3), name
    assert np.array_equal(small.weights(0.5), GOLDEN.weights(0.5)[kept])


def test_latents_without_energy_go_first():
    energy = Importance(load(GOLDEN).eval(), PICTURES).energy
    gone = set(range(12)) - set(cut(GOLDEN, SMALL, PICTURES).card["cut"]["latents"])
    assert int(np.argmax(energy)) not in gone
    assert int(np.argmin(energy)) in gone or int(np.argmin(energy)) == int(np.argmax(energy[:4]))


def test_a_smaller_model_codes_and_is_exact_where_the_larger_one_was(tmp_path):
    shipped = Model.read(find_model("base"))
    small = cut(shipped, SIZES["xslim"], PICTURES)
    assert small.is_exact
    assert not failures(Sessions(small))
    assert sum(small.card["macs_per_pixel"].values()) < 0.25 * sum(shipped.card["macs_per_pixel"].values())
    (tmp_path / "small.trm").write_bytes(small.pack())
    codec = Codec(str(tmp_path / "small.trm"), quantizer="tcq8")
    assert codec.decode(codec.encode(textured(70, 90), 50)).size == (90, 70)


def test_what_is_not_smaller_is_refused():
    with pytest.raises(BadRequest, match="not larger than the preset"):
        cut(GOLDEN, SIZES["slim"], PICTURES)
