"""A compact model: much fewer bytes, the same indices of what it is given, nearly the same pictures."""

from dataclasses import replace

import numpy as np
import pytest

from conftest import textured
from trellic import Codec
from trellic.errors import BadRequest
from trellic.metrics import psnr
from trellic.model import DEFAULT, Model, find_model
from trellic.model.eight_bits import EightBits
from trellic.tune.compact import compact


def halves(values):
    return values.astype(np.float16) if EightBits.of(values) else values


@pytest.fixture(scope="module")
def pair():
    """The shipped model's networks in half precision, which smaller ones do not have, and what becomes of them."""
    shipped = Model.read(find_model(DEFAULT)).file
    arrays = {half: {name: halves(values) for name, values in each.items()} for half, each in shipped.arrays.items()}
    card = {name: value for name, value in shipped.card.items() if name != "compacted"}
    before = Model.of(replace(shipped, card=card, arrays=arrays))
    return before, compact(before)


def test_the_shipped_networks_become_much_smaller(pair):
    before, after = pair
    assert len(after.pack()) < 7_000_000 < 0.75 * len(before.pack())
    assert Model.parse(after.pack()).pack() == after.pack()
    assert after.card["compacted"] == before.name


def test_only_branches_that_no_table_index_depends_on_are_rounded(pair):
    before, after = pair
    changed = set()
    for half, arrays in before.file.arrays.items():
        changed |= {name for name, values in arrays.items() if after.file.arrays[half][name].dtype != values.dtype}
    assert changed
    assert all(name.startswith(("analysis.", "synthesis.")) and ".branch." in name for name in changed)
    assert not any("stem" in name or "merge" in name for name in changed)
    arrays = {**after.file.arrays["encoder"], **after.file.arrays["decoder"]}
    assert all(EightBits.of(arrays[name]) for name in changed)


def test_a_compact_model_is_compact_already(pair):
    with pytest.raises(BadRequest, match="compact already"):
        compact(pair[1])


def test_pictures_hardly_change(pair, tmp_path):
    paths = [tmp_path / "before.trm", tmp_path / "compact.trm"]
    for path, model in zip(paths, pair, strict=True):
        path.write_bytes(model.pack())
    image = textured(192, 128)
    coded = [Codec(str(path), threads=1) for path in paths]
    streams = [codec.encode(image, quality=50) for codec in coded]
    assert len(streams[1]) == pytest.approx(len(streams[0]), rel=0.03)
    errors = [psnr(image, np.asarray(codec.decode(data))) for codec, data in zip(coded, streams, strict=True)]
    assert errors[1] == pytest.approx(errors[0], abs=0.05)
