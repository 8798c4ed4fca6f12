"""What --resume takes for done."""

import pytest
from PIL import Image

import trellic
from conftest import GOLDEN, textured
from trellic.codec import Codec, Target
from trellic.errors import FileExists
from trellic.jobs.plan import Job
from trellic.jobs.resume import Expected, check_picture, check_stream
from trellic.picture.orientation import orientation_alone


@pytest.fixture
def turned(tmp_path, monkeypatch) -> Job:
    """A stream that is to be shown turned by a quarter, and where its picture goes."""
    monkeypatch.setenv("TRELLIC_MODELS", str(GOLDEN))
    image = Image.fromarray(textured(40, 50))
    image.info["exif"] = orientation_alone(6)
    (tmp_path / "a.tlic").write_bytes(trellic.encode(image, model=str(GOLDEN / "golden.trm")))
    return Job(tmp_path / "a.tlic", tmp_path / "a.bmp")


def test_a_picture_that_was_turned_as_it_was_written_is_done(turned):
    for size in ((50, 40), (40, 50)):
        Image.new("RGB", size).save(turned.target)
        check_picture(turned)
    Image.new("RGB", (40, 51)).save(turned.target)
    with pytest.raises(FileExists, match="40×51, not 50×40"):
        check_picture(turned)


def test_a_stream_that_keeps_what_is_to_be_stripped_is_not_done(tmp_path):
    codec = Codec(str(GOLDEN / "golden.trm"), 1)
    exif = Image.Exif()
    exif[0x010E] = "a description"
    Image.new("RGB", (40, 30), "red").save(tmp_path / "a.png", exif=exif)
    job = Job(tmp_path / "a.png", tmp_path / "a.tlic")
    job.target.write_bytes(codec.encode(job.source))
    check_stream(job, Expected.of(codec, Target(), frozenset()))
    check_stream(job, Expected.of(codec, Target(), frozenset({"xmp"})))
    with pytest.raises(FileExists, match="stripped"):
        check_stream(job, Expected.of(codec, Target(), frozenset({"exif"})))
