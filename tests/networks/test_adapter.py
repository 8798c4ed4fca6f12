"""Adapters in training: nothing at first, rounded as their file holds them, merged into what was trained."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from adapters import GOLDEN  # noqa: E402
from trellic.errors import BadRequest  # noqa: E402
from trellic.model import Model, find_model  # noqa: E402
from trellic.model.adapter import Adapter  # noqa: E402
from trellic.networks.adapter import ADAPTER, BITS, PARTS, add_adapter, addends, changes_of, fit  # noqa: E402
from trellic.networks.load import load  # noqa: E402
from trellic.networks.surrogates import Rounding  # noqa: E402

PICTURES, QUALITY = torch.rand(1, 3, 64, 64), torch.full((1, 1, 1, 1), 0.6)
MOST_PARAMETERS = 0.02


def adapted(model: Model = GOLDEN, rank: int = 2, parts: tuple[str, ...] = PARTS, moved: float = 0.0):
    """Return a codec with an adapter whose factors are moved at random."""
    torch.manual_seed(0)
    codec = load(model).eval()
    add_adapter(codec, rank, parts)
    with torch.no_grad():
        for _, addend in addends(codec):
            for factor in addend.factors:
                factor.add_(moved * torch.randn_like(factor))
    return codec


def rounded(codec, moments: float = 1e-6) -> Adapter:
    """Return the adapter of a codec's addends, which are rounded from now on."""
    fit(codec, GOLDEN, {name: torch.full((2,), moments) for name in codec.parts[ADAPTER]})
    return Adapter.of(GOLDEN, changes_of(codec, GOLDEN))


@torch.no_grad()
def pixels(codec) -> torch.Tensor:
    return codec(PICTURES, QUALITY, Rounding()).pictures


def test_an_adapter_begins_as_nothing():
    assert torch.equal(pixels(adapted()), pixels(load(GOLDEN).eval()))


def test_rounded_factors_are_what_the_file_holds():
    codec = adapted(moved=0.05)
    merged = load(rounded(codec).attach_to(GOLDEN)).state_dict()
    for name, _ in addends(codec):
        owner, tensor = name.rsplit(".", 1)
        trained = getattr(codec.get_submodule(owner), tensor)
        assert torch.allclose(trained, merged[name], rtol=1e-3, atol=1e-3), name


def test_an_adapter_has_so_many_bits_for_each_integer():
    codec = adapted(moved=0.05)
    count = sum(factor.numel() for _, addend in addends(codec) for factor in addend.factors)
    size = len(rounded(codec).pack())
    assert 0.7 * BITS * count / 8 < size <= BITS * count / 8


def test_what_the_loss_feels_most_is_rounded_most_finely():
    codec = adapted(moved=0.05)
    names = codec.parts[ADAPTER]
    strong = {name for name in names if "synthesis" in name}
    moments = {name: torch.tensor([1e-4 if name in strong else 1e-6]) for name in names}
    fit(codec, GOLDEN, moments)
    steps = {name: max(addend.steps) for name, addend in addends(codec)}
    felt = [step for name, step in steps.items() if name.startswith("synthesis.")]
    assert max(felt) * 4 < min(step for name, step in steps.items() if name.startswith("analysis."))


def test_log_scales_of_hyper_latents_are_adapted():
    codec = adapted(moved=0.05)
    torch.nn.init.ones_(codec.prior.parametrizations.z_log_scale[0].factors[0])
    before, after = (model.log_scales("z_log_scale", 0.5, 4) for model in (GOLDEN, rounded(codec).attach_to(GOLDEN)))
    assert np.allclose(after - before, 1.5, atol=0.3)  # at quality 0, and the slope


@pytest.mark.parametrize(("parts", "outside"), [(("synthesis",), "synthesis."), (("entropy",), "prior.networks.")])
def test_only_the_parts_that_are_named_are_adapted(parts, outside):
    names = [name for name, _ in addends(adapted(parts=parts))]
    assert names
    assert all(name.startswith(outside) for name in names)


def test_kernels_are_those_of_the_transforms():
    names = {name for name, _ in addends(adapted())} - {name for name, _ in addends(adapted(parts=PARTS[:-1]))}
    assert names
    assert not any("first" in name or "second" in name or "hyper_synthesis" in name for name in names)


def test_exact_layers_get_no_deltas_and_decoders_few_parameters():
    shipped = Model.read(find_model("base"))
    codec = adapted(shipped)
    changed = [name for name, addend in addends(codec) if not addend.rank and not name.endswith("bias")]
    exact = shipped.file.graphs["decoder"]["first_0"].weights.values()
    assert not set(changed) & set(exact)
    numbers = sum(
        factor.numel()
        for name, addend in addends(codec)
        if name in shipped.file.arrays["decoder"]
        for factor in addend.factors
    )
    arrays = shipped.file.arrays
    assert numbers < MOST_PARAMETERS * sum(values.size for half in arrays.values() for values in half.values())


@pytest.mark.parametrize(
    ("rank", "parts", "message"),
    [(0, PARTS, "rank"), (17, PARTS, "rank"), (1, ("stem",), "no part 'stem'"), (1, ("kernels",), "nothing to adapt")],
)
def test_what_cannot_be_adapted_is_refused(rank, parts, message):
    with pytest.raises(BadRequest, match=message):
        adapted(rank=rank, parts=parts)
