"""A compact model: about half the bytes, the same indices of what it is given, nearly the same pictures."""

import numpy as np
import pytest

from conftest import textured
from trellic import Codec
from trellic.errors import BadRequest
from trellic.metrics import psnr
from trellic.model import DEFAULT, Model, find_model
from trellic.model.eight_bits import EightBits
from trellic.tune.compact import compact


@pytest.fixture(scope="module")
def shipped():
    """The shipped model and what becomes of it: smaller ones have no weights in half precision."""
    before = Model.read(find_model(DEFAULT))
    return before, compact(before)


def test_the_shipped_model_becomes_half_as_large(shipped):
    before, after = shipped
    assert len(after.pack()) < 7_000_000 < 0.7 * len(before.pack())
    assert Model.parse(after.pack()).pack() == after.pack()
    assert after.card["compacted"] == before.name


def test_only_branches_that_no_table_index_depends_on_are_rounded(shipped):
    before, after = shipped
    changed = set()
    for half, arrays in before.file.arrays.items():
        changed |= {name for name, values in arrays.items() if after.file.arrays[half][name].dtype != values.dtype}
    assert changed
    assert all(name.startswith(("analysis.", "synthesis.")) and ".branch." in name for name in changed)
    assert not any("stem" in name or "merge" in name for name in changed)
    arrays = {**after.file.arrays["encoder"], **after.file.arrays["decoder"]}
    assert all(EightBits.of(arrays[name]) for name in changed)


def test_a_compact_model_is_compact_already(shipped):
    with pytest.raises(BadRequest, match="compact already"):
        compact(shipped[1])


def test_pictures_hardly_change(shipped, tmp_path):
    path = tmp_path / "compact.trm"
    path.write_bytes(shipped[1].pack())
    image = textured(192, 128)
    coded = [Codec(model, threads=1) for model in (DEFAULT, str(path))]
    streams = [codec.encode(image, quality=50) for codec in coded]
    assert len(streams[1]) == pytest.approx(len(streams[0]), rel=0.03)
    errors = [psnr(image, np.asarray(codec.decode(data))) for codec, data in zip(coded, streams, strict=True)]
    assert errors[1] == pytest.approx(errors[0], abs=0.05)
