"""The engine: names in tars are right, and what fails is in the records of its files, whatever it is."""

import tarfile

import pytest
from PIL import Image

from bulk.conftest import records_of, run
from conftest import textured


def test_names_in_packed_tars_are_right_whatever_the_folder_is_called(folder):
    out = folder / "out#1"
    run(folder / "in", out=out, pack="set.tar")
    with tarfile.open(out / "set-000000.tar") as tar:
        assert tar.getnames() == ["a_png.tlic", "b_png.tlic", "deep/c_png.tlic"]
    Image.fromarray(textured(30, 30)).save(folder / "in" / "0.png")
    assert run(folder / "in", out=out, pack="set.tar").errors == 0


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), MemoryError()])
@pytest.mark.parametrize("pack", ["", "set.tar"])
def test_a_full_disk_is_an_error_of_storage_and_no_death_of_workers(error, pack, folder, monkeypatch):
    def refuse(*_, **__):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("trellic.bulk.engine.TarWriter.move_in" if pack else "trellic.bulk.engine.deliver", refuse)
        assert run(folder / "in", out=folder / "out", pack=pack).errors == 3
    for record in records_of(folder / "out"):
        assert record["error"].startswith(("storage: ", "memory: "))
    progress = run(folder / "in", out=folder / "out", pack=pack)
    assert (progress.done, progress.errors) == (3, 0)
