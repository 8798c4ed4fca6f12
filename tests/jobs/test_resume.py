"""What --resume takes for done."""

import numpy as np
import pytest
from PIL import Image

import trellic
from conftest import GOLDEN, textured
from trellic.codec import Codec, Target
from trellic.errors import FileExists
from trellic.jobs.plan import Job
from trellic.jobs.resume import check_picture, check_stream
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
    check_stream(job, codec, Target(), frozenset())
    check_stream(job, codec, Target(), frozenset({"xmp"}))
    with pytest.raises(FileExists, match="stripped"):
        check_stream(job, codec, Target(), frozenset({"exif"}))


def test_a_stream_of_a_lower_psnr_is_not_done(tmp_path):
    codec = Codec(str(GOLDEN / "golden.trm"), 1, effort=1)
    pixels = np.dstack([textured(200, 240), np.full((200, 240), 255, np.uint8)])
    pixels[:40, :, 3] = 0  # what cannot be seen is not measured
    job = Job(tmp_path / "a.png", tmp_path / "a.tlic")
    Image.fromarray(pixels).save(job.source)
    job.target.write_bytes(codec.encode(job.source, psnr=20.0))
    check_stream(job, codec, Target(psnr=20.0), frozenset())
    check_stream(job, codec, Target(psnr=19.0), frozenset())
    with pytest.raises(FileExists, match="dB, fewer than 24"):
        check_stream(job, codec, Target(psnr=24.0), frozenset())
