"""Bulk runs: the same files as the verbs make, everything done once, and what went wrong in the manifest."""

import dataclasses
import os
import shutil
import tarfile

import pytest
from PIL import Image

from bulk.conftest import TINY, encoding, in_this_process, records_of, run
from conftest import textured
from trellic.bulk.coding import Decode, Verify
from trellic.bulk.tasks import TAR
from trellic.codec import Codec
from trellic.errors import BadRequest, TooManyErrors
from trellic.limits import MOST_PIXELS
from trellic.model import device
from trellic.picture import pillow, vips


def by_source(out):
    return {record["source"].rpartition("/")[2]: record for record in records_of(out)}


def test_files_are_those_that_the_codec_makes(folder):
    progress = run(folder / "in", out=folder / "out")
    assert (progress.done, progress.errors) == (3, 0)
    codec = Codec(TINY, effort=1)
    for name in ("a.png", "b.png", "deep/c.png"):
        assert (folder / "out" / f"{name}.tlic").read_bytes() == codec.encode(folder / "in" / name)


def test_a_record_says_what_became_of_a_picture(folder):
    run(folder / "in" / "a.png", out=folder / "out")
    (record,) = records_of(folder / "out")
    assert record["source"] == f"{folder}/in/a.png"
    assert record["target"] == f"{folder}/out/a.png.tlic"
    assert record["size"] == (folder / "in" / "a.png").stat().st_size
    assert record["bytes"] == (folder / "out" / "a.png.tlic").stat().st_size
    assert record["bpp"] == pytest.approx(8 * record["bytes"] / (40 * 50))
    assert (record["quality"], record["attempts"], record["error"], record["warnings"]) == (50, 1, None, [])
    assert record["quantizer"] == "uniform"
    assert len(record["sha256"]) == 64
    assert record["seconds"] > 0


def test_what_is_done_is_skipped_by_the_next_run_and_what_changed_is_not(folder):
    run(folder / "in", out=folder / "out")
    before = {path: path.stat().st_mtime_ns for path in (folder / "out").rglob("*.tlic")}
    progress = run(folder / "in", out=folder / "out")
    assert (progress.before, progress.done) == (3, 0)
    Image.fromarray(textured(30, 30)).save(folder / "in" / "new.png")
    assert run(folder / "in", out=folder / "out").done == 1
    assert all(path.stat().st_mtime_ns == at for path, at in before.items())
    os.utime(folder / "in" / "a.png", (1, 1))  # of the same size, but perhaps another picture
    assert run(folder / "in", out=folder / "out").done == 1
    assert run(folder / "in", out=folder / "out", coding=encoding(20), force=True).done == 4


def test_a_result_that_was_removed_is_made_again_and_one_that_was_cut_is_an_error(folder):
    (folder / "in" / "bad.png").write_bytes(b"no picture")
    run(folder / "in", out=folder / "out")
    before = (folder / "out" / "a.png.tlic").read_bytes()
    (folder / "out" / "a.png.tlic").unlink()
    (folder / "out" / "b.png.tlic").write_bytes(before[:50])
    progress = run(folder / "in", out=folder / "out")
    assert (progress.before, progress.failed_before, progress.done, progress.errors) == (2, 1, 2, 1)
    assert (folder / "out" / "a.png.tlic").read_bytes() == before
    assert "other bytes" in by_source(folder / "out")["b.png"]["error"]


def test_a_tar_that_was_removed_is_made_again(folder):
    """One that files are packed into, or one of a tar some of whose pictures are broken."""
    run(folder / "in", out=folder / "out", pack="set.tar")
    assert run(folder / "in", out=folder / "out", pack="set.tar").done == 0
    packed = folder / "out" / "set-000000.tar"
    before = packed.read_bytes()
    packed.unlink()
    assert run(folder / "in", out=folder / "out", pack="set.tar").done == 3
    assert packed.read_bytes() == before
    (folder / "tars").mkdir()
    (folder / "in" / "bad.png").write_bytes(b"nonsense")
    with tarfile.open(folder / "tars" / "x.tar", "w") as tar:
        for name in ("a.png", "bad.png"):
            tar.add(folder / "in" / name, name)
    run(folder / "tars", out=folder / "made")
    assert run(folder / "tars", out=folder / "made").done == 0
    (folder / "made" / "x.tar").unlink()
    assert run(folder / "tars", out=folder / "made").done == 1
    assert (folder / "made" / "x.tar").exists()


def test_a_tar_without_pictures_is_done_once(folder):
    (folder / "tars").mkdir()
    tarfile.open(folder / "tars" / "x.tar", "w").close()
    with tarfile.open(folder / "tars" / "y.tar", "w") as tar:
        tar.add(__file__, "text")
    assert run(folder / "tars", out=folder / "out").done == 2
    assert run(folder / "tars", out=folder / "out").done == 0
    (folder / "other").mkdir()
    (folder / "other" / "y.tar").write_text("another file")
    progress = run(folder / "tars", out=folder / "other")
    assert (progress.errors, (folder / "other" / "y.tar").read_text()) == (1, "another file")
    assert "exists" in by_source(folder / "other")["y.tar"]["error"]


def test_members_that_would_share_a_name_do_not(folder):
    """Of a tar, the first has it and the others are errors; files that are packed get names of their own."""
    (folder / "tars").mkdir()
    Image.open(folder / "in" / "b.png").save(folder / "in" / "a.bmp")
    with tarfile.open(folder / "tars" / "x.tar", "w") as tar:
        for name in ("a.png", "a.bmp", "b.png"):
            tar.add(folder / "in" / name, name)
    progress = run(folder / "tars", out=folder / "out")
    assert (progress.pictures, progress.errors) == (3, 1)
    assert "another member becomes a.tlic" in by_source(folder / "out")["x.tar#a.bmp"]["error"]
    with tarfile.open(folder / "out" / "x.tar") as tar:
        assert tar.getnames() == ["a.tlic", "b.tlic"]
    shutil.copy(folder / "in" / "a.png", folder / "in" / "a_png.bmp.png")
    shutil.copy(folder / "in" / "a.png", folder / "in" / "a.png.bmp.png")
    run(folder / "in", out=folder / "packed", pack="set.tar")
    with tarfile.open(folder / "packed" / "set-000000.tar") as tar:
        assert {"a_png_bmp_png.tlic", "a_png_bmp_png_.tlic"} < set(tar.getnames())
        assert len(set(tar.getnames())) == len(tar.getnames()) == 6


def test_what_is_lost_of_a_picture_is_counted(folder):
    Image.fromarray(textured(40, 50)).convert("CMYK").save(folder / "in" / "d.jpg")
    progress = run(folder / "in", out=folder / "out")
    assert (progress.done, progress.warned, progress.errors) == (4, 1, 0)


def test_a_bad_picture_is_a_record_and_not_tried_again(folder):
    (folder / "in" / "bad.png").write_bytes(b"nonsense")
    progress = run(folder / "in", out=folder / "out")
    assert (progress.done, progress.errors) == (4, 1)
    assert "cannot be read" in by_source(folder / "out")["bad.png"]["error"]
    assert by_source(folder / "out")["bad.png"]["attempts"] == 1
    (folder / "in" / "bad.tif").write_bytes(b"II+\0\x08\0\0\0" + (1 << 62).to_bytes(8, "little"))
    assert run(folder / "in", out=folder / "out").errors == 1
    assert run(folder / "in", out=folder / "out").done == 0


@pytest.mark.parametrize("failure", [PermissionError(13, "Permission denied"), MemoryError()])
def test_what_the_system_refuses_is_tried_again(failure, folder, monkeypatch):
    with monkeypatch.context() as patch:

        def refuse(*_):
            raise failure

        patch.setattr(pillow.Image, "open", refuse)
        patch.setattr(vips, "_read_unusual", lambda *_: None)
        assert run(folder / "in", out=folder / "out").errors == 3
    progress = run(folder / "in", out=folder / "out")
    assert (progress.done, progress.errors) == (3, 0)


def test_other_bytes_that_are_there_are_kept_and_a_later_run_tries_again(folder):
    (folder / "out").mkdir()
    (folder / "out" / "a.png.tlic").write_bytes(b"mine")
    assert run(folder / "in", out=folder / "out").errors == 1
    assert (folder / "out" / "a.png.tlic").read_bytes() == b"mine"
    assert "--force" in by_source(folder / "out")["a.png"]["error"]
    (folder / "out" / "a.png.tlic").unlink()
    progress = run(folder / "in", out=folder / "out")
    assert (progress.done, progress.errors) == (1, 0)


def test_what_a_killed_run_wrote_but_did_not_record_is_recorded(folder):
    run(folder / "in", out=folder / "out")
    shutil.rmtree(folder / "out" / "manifest")
    progress = run(folder / "in", out=folder / "out")
    assert (progress.done, progress.errors) == (3, 0)


def test_too_many_errors_end_a_run(folder):
    for number in range(9):
        (folder / "in" / f"bad{number}.png").write_bytes(b"nonsense")
    with pytest.raises(TooManyErrors):
        run(folder / "in", out=folder / "out", most_errors=2)
    assert 3 <= len(records_of(folder / "out")) < 12


def test_shards_divide_the_files_and_each_has_its_own_manifest(folder):
    done = [run(folder / "in", out=folder / "out", shard=f"{number}/3").done for number in (1, 2, 3)]
    assert sum(done) == 3
    assert len({record["key"] for record in records_of(folder / "out")}) == 3
    for text in ("0/3", "4/3", "x", "1/", "1/0"):
        with pytest.raises(BadRequest):
            run(folder / "in", out=folder / "out", shard=text)


def test_two_inputs_for_one_target_are_refused(folder):
    shutil.copytree(folder / "in", folder / "other")
    with pytest.raises(BadRequest, match="same target"):
        run(folder / "in", folder / "other", out=folder / "out")


def test_streams_are_verified_and_decoded(folder):
    run(folder / "in", out=folder / "out")
    run(folder / "out", out=folder / "proof", coding=Verify(MOST_PIXELS))
    codec = Codec(TINY)
    data = (folder / "out" / "a.png.tlic").read_bytes()
    assert by_source(folder / "proof")["a.png.tlic"]["sha256"] == codec.verify(data)
    assert [path.name for path in (folder / "proof").iterdir()] == ["manifest"]
    run(folder / "out", out=folder / "back", coding=Decode(".png", "", MOST_PIXELS))
    with Image.open(folder / "back" / "deep" / "c.png") as image:
        assert image.size == (50, 40)
    assert by_source(folder / "back")["a.png.tlic"]["bpp"] == pytest.approx(8 * len(data) / (40 * 50))


def test_streams_are_decoded_on_a_device(folder, monkeypatch):
    run(folder / "in", out=folder / "out")
    run(folder / "out", out=folder / "back", coding=Decode(".png", "", MOST_PIXELS))
    monkeypatch.setitem(device.DEVICES, "other", ("AzureExecutionProvider", {}))  # it leaves all to the processor
    run(folder / "out", out=folder / "other", coding=Decode(".png", "", MOST_PIXELS, "other"))
    for name in ("a.png", "deep/c.png"):
        assert (folder / "other" / name).read_bytes() == (folder / "back" / name).read_bytes()
    assert by_source(folder / "other")["a.png.tlic"]["key"] != by_source(folder / "back")["a.png.tlic"]["key"]


def test_a_missing_model_is_looked_for_again(folder, monkeypatch):
    run(folder / "in", out=folder / "out")
    with monkeypatch.context() as patch:
        patch.delenv("TRELLIC_MODELS")
        assert run(folder / "out", out=folder / "proof", coding=Verify(MOST_PIXELS)).errors == 3
    progress = run(folder / "out", out=folder / "proof", coding=Verify(MOST_PIXELS))
    assert (progress.done, progress.errors) == (3, 0)


def test_a_name_that_is_no_text_is_coded_and_recorded(folder):
    pytest.importorskip("pyarrow")
    (folder / "in" / "a.png").rename(os.fsdecode(bytes(folder / "in") + b"/\xff.png"))
    progress = run(folder / "in", out=folder / "out", table=True)
    assert (progress.done, progress.errors) == (3, 0)
    assert run(folder / "in", out=folder / "out").done == 0
    assert os.path.exists(bytes(folder / "out") + b"/\xff.png.tlic")  # noqa: PTH110


def test_a_worker_with_another_model_refuses(folder):
    other = dataclasses.replace(encoding(), identity="0" * 64)
    assert run(folder / "in", out=folder / "out", coding=other).errors == 3
    assert "not those of the run" in by_source(folder / "out")["a.png"]["error"]


def test_a_limit_that_is_raised_lets_large_pictures_in(folder):
    narrow = dataclasses.replace(encoding(), options=encoding().options._replace(limit=64))
    assert run(folder / "in", out=folder / "out", coding=narrow).errors == 3
    assert run(folder / "in", out=folder / "out").errors == 0


def test_large_files_get_several_threads(folder):
    threads = []

    def watched(tasks, engine, cores):
        for task in tasks:
            threads.append((len(task.rows), engine.threads))
            yield engine(task)

    Image.effect_noise((1400, 1400), 99).convert("RGB").save(folder / "in" / "large.bmp")
    run(folder / "in", out=folder / "out", driver=watched)
    assert threads == [(1, 1)] * 3 + [(1, 2)]


def test_results_are_packed_into_tars_and_others_follow(folder, monkeypatch):
    monkeypatch.setattr("trellic.bulk.tasks.PACKED_ROWS", 2)
    run(folder / "in", out=folder / "out", pack="set.tar")
    with tarfile.open(folder / "out" / "set-000000.tar") as tar:
        assert tar.getnames() == ["a_png.tlic", "b_png.tlic"]
        assert tar.extractfile("a_png.tlic").read() == Codec(TINY, effort=1).encode(folder / "in" / "a.png")
    Image.fromarray(textured(30, 30)).save(folder / "in" / "0.png")
    assert run(folder / "in", out=folder / "out", pack="set.tar").done == 1
    with tarfile.open(folder / "out" / "set-000002.tar") as tar:
        assert tar.getnames() == ["0_png.tlic"]
    assert by_source(folder / "out")["0.png"]["target"].endswith("set-000002.tar#0_png.tlic")


def test_what_is_packed_otherwise_is_done_again(folder):
    run(folder / "in", out=folder / "out", pack="set.tar")
    assert run(folder / "in", out=folder / "out", pack="set.tar").done == 0
    assert run(folder / "in", out=folder / "out", pack="other.tar").done == 3
    assert run(folder / "in", out=folder / "out").done == 3
    assert (folder / "out" / "a.png.tlic").exists()


@pytest.mark.parametrize("options", [{"pack": "../set.tar"}, {"pack": "/set.tar"}, {"out": ""}])
def test_an_output_without_a_name_or_elsewhere_is_refused(options, folder):
    with pytest.raises(BadRequest, match=r"no name|not below"):
        run(folder / "in", **{"out": folder / "out", **options})


def test_webdataset_reads_what_is_packed(folder):
    webdataset = pytest.importorskip("webdataset")
    run(folder / "in", out=folder / "out", pack="set.tar")
    samples = webdataset.WebDataset(str(folder / "out" / "set-000000.tar"), shardshuffle=False)
    assert [sample["__key__"] for sample in samples] == ["a_png", "b_png", "deep/c_png"]


def test_pictures_of_a_tar_become_streams_and_other_members_stay(folder):
    (folder / "tars").mkdir()
    (folder / "in" / "a.cls").write_text("7")
    (folder / "in" / "bad.png").write_bytes(b"nonsense")
    with tarfile.open(folder / "tars" / "x.tar", "w") as tar:
        for name in ("a.cls", "a.png", "b.png", "bad.png"):
            tar.add(folder / "in" / name, name)
    progress = run(folder / "tars", out=folder / "out")
    assert (progress.done, progress.pictures, progress.errors) == (1, 3, 1)
    with tarfile.open(folder / "out" / "x.tar") as tar:
        assert tar.getnames() == ["a.cls", "a.tlic", "b.tlic"]
        assert tar.extractfile("a.cls").read() == b"7"
    assert run(folder / "tars", out=folder / "out").done == 0
    run(folder / "out", out=folder / "back", coding=Decode(".png", "", MOST_PIXELS))
    with tarfile.open(folder / "back" / "x.tar") as tar:
        assert tar.getnames() == ["a.cls", "a.png", "b.png"]


def test_a_tar_is_known_by_its_suffix_in_capitals_too(folder):
    (folder / "tars").mkdir()
    with tarfile.open(folder / "tars" / "x.TAR", "w") as tar:
        tar.add(folder / "in" / "a.png", "a.png")
    for done in (1, 0):
        assert run(folder / "tars", out=folder / "out").done == done
    with tarfile.open(folder / "out" / "x.tar") as tar:
        assert tar.getnames() == ["a.tlic"]


@pytest.mark.parametrize("damage", ["cut", "foreign"])
def test_a_damaged_tar_is_an_error_of_its_own(folder, damage):
    (folder / "tars").mkdir()
    with tarfile.open(folder / "tars" / f"x{TAR}", "w") as tar:
        tar.add(folder / "in" / "a.png", "a.png")
    data = (folder / "tars" / "x.tar").read_bytes()
    (folder / "tars" / "x.tar").write_bytes(data[:700] if damage == "cut" else b"nonsense" * 99)
    assert run(folder / "tars", out=folder / "out").errors == 1
    assert "cannot be read as a tar" in by_source(folder / "out")["x.tar"]["error"]
    assert not (folder / "out" / "x.tar").exists()


def test_no_temporary_file_is_kept(folder, monkeypatch, tmp_path):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    run(folder / "in", out=folder / "out", driver=in_this_process)
    assert list((tmp_path / "temporary").iterdir()) == []
