"""Models are found by name, hash or path, and none takes the name of a shipped one."""

import pytest

from trellic.errors import MissingModel
from trellic.model import store
from trellic.model.store import find_model


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """A shipped model, and one of the user's own with the same name."""
    for name, content in (("shipped", b"shipped"), ("own", b"own")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "base.trm").write_bytes(content)
    monkeypatch.setattr(store, "SHIPPED", tmp_path / "shipped")
    monkeypatch.setenv("TRELLIC_MODELS", str(tmp_path / "own"))
    return tmp_path


def test_a_model_of_ones_own_does_not_take_the_name_of_a_shipped_one(folders):
    assert find_model("base") == folders / "shipped" / "base.trm"
    own = folders / "own" / "base.trm"
    assert find_model(str(own)) == find_model(store._hash(own).hex()[:12]) == own


def test_a_file_too_large_for_a_model_is_not_read(folders):
    with (folders / "own" / "a.trm").open("wb") as file:
        file.truncate(store.LARGEST_MODEL + 1)
    assert store._hash(folders / "own" / "a.trm") == b""


def test_a_missing_model_says_where_to_look(folders):
    with pytest.raises(MissingModel, match="trellic models"):
        find_model("nosuch")
