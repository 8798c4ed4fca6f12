"""A model from anywhere is installed whole and proven, or not at all."""

import hashlib
import shutil
from pathlib import Path

import pytest

from bulk.conftest import TINY
from trellic.bulk.pull import pull_model
from trellic.bulk.storage import deliver
from trellic.errors import BadRequest, DamagedModel, FileExists
from trellic.model import find_model

SHA256 = hashlib.sha256(Path(TINY).read_bytes()).hexdigest()


@pytest.fixture
def models(tmp_path, monkeypatch):
    monkeypatch.setenv("TRELLIC_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def test_a_model_is_found_by_its_hash_once_it_is_pulled(models, tmp_path):
    shutil.copy(TINY, tmp_path / "tiny.trm")
    path = pull_model(str(tmp_path / "tiny.trm"), SHA256[:12])
    assert path == models / "tiny.trm" == find_model(SHA256[:12])
    assert pull_model(str(tmp_path / "tiny.trm"), SHA256) == path


def test_a_model_comes_from_a_bucket_by_its_name(models, s3, tmp_path):
    deliver(find_model(TINY), f"{s3}/models/{SHA256}.trm", force=False)
    assert pull_model(f"{s3}/models/{SHA256}.trm", "").name == f"{SHA256}.trm"


def test_a_model_of_another_hash_or_none_is_not_installed(models, tmp_path):
    (tmp_path / "nonsense.trm").write_bytes(b"nonsense")
    other = hashlib.sha256(b"nonsense").hexdigest()
    for url, sha256 in (
        (TINY, other),
        (str(tmp_path / "nonsense.trm"), SHA256),
        (str(tmp_path / "nonsense.trm"), other),
    ):
        with pytest.raises(DamagedModel):
            pull_model(url, sha256)
    assert not models.exists()


def test_a_model_of_the_same_name_is_kept(models, tmp_path):
    models.mkdir()
    (models / "golden.trm").write_bytes(b"another")
    with pytest.raises(FileExists):
        pull_model(TINY, SHA256)
    assert (models / "golden.trm").read_bytes() == b"another"


@pytest.mark.parametrize(("url", "sha256"), [("a.zip", SHA256), ("a.trm", ""), ("a.trm", "12"), ("a.trm", "x" * 20)])
def test_what_names_no_model_by_hash_is_refused(models, url, sha256):
    with pytest.raises(BadRequest):
        pull_model(url, sha256)
