"""What --resume takes for done."""

import numpy as np
import pytest
from PIL import Image

import trellic
from conftest import GOLDEN, textured
from trellic.codec import Codec, Target
from trellic.codec.layer_targets import LayerTargets
from trellic.errors import DamagedStream, FileExists, UnreadablePicture
from trellic.jobs.plan import Job
from trellic.jobs.resume import check_picture, check_stream
from trellic.picture import vips
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


GOLDEN_CODEC = Codec(str(GOLDEN / "golden.trm"), 1, effort=1)


@pytest.fixture
def done(tmp_path) -> Job:
    """A picture and its stream at quality 20, by the quantizer of effort 1."""
    job = Job(tmp_path / "a.png", tmp_path / "a.tlic")
    Image.fromarray(textured(40, 50)).save(job.source)
    job.target.write_bytes(GOLDEN_CODEC.encode(job.source, 20))
    return job


@pytest.mark.parametrize("target", [Target(20), Target(size=160), Target(bpp=0.6)])
def test_what_is_as_asked_for_is_done(done, target):
    check_stream(done, GOLDEN_CODEC, target, frozenset())


@pytest.mark.parametrize(
    ("codec", "target", "said"),
    [
        (GOLDEN_CODEC, Target(21), "of quality 20, not 21"),
        (GOLDEN_CODEC, Target(size=5), "more than 5"),
        (GOLDEN_CODEC, Target(size=100_000), "far fewer than 100000"),
        (GOLDEN_CODEC, Target(bpp=0.02), "more than 5"),
        (GOLDEN_CODEC, Target(lossless=True), "not lossless"),
        (GOLDEN_CODEC, Target(20, prefixes=True), "no prefixes"),
        (GOLDEN_CODEC.using(effort=3), Target(20), "of quantizer uniform, not rdoq"),
        (Codec(threads=1, effort=1), Target(20), "of model"),
        (
            Codec(str(GOLDEN / "golden.trm"), 1, effort=1, adapter=str(GOLDEN / "golden.tra")),
            Target(20),
            "another adapter",
        ),
    ],
)
def test_what_was_asked_for_otherwise_is_not_done(done, codec, target, said):
    with pytest.raises(FileExists, match=said):
        check_stream(done, codec, target, frozenset())


def test_a_stream_in_other_tiles_is_not_done(tmp_path):
    job = Job(tmp_path / "a.png", tmp_path / "a.tlic")
    Image.fromarray(textured(500, 700)).save(job.source)
    sides = {1024: False, 320: False, 128: True}
    codecs = [Codec(str(GOLDEN / "golden.trm"), 1, effort=1, tile=side, predict=sides[side]) for side in sides]
    for codec in codecs:
        job.target.write_bytes(codec.encode(job.source, 20))
        check_stream(job, codec, Target(20), frozenset())
        for other in set(codecs) - {codec}:
            with pytest.raises(FileExists, match="other tiles"):
                check_stream(job, other, Target(20), frozenset())


def test_a_damaged_stream_is_not_done(done):
    data = bytearray(done.target.read_bytes())
    data[-1] ^= 1
    done.target.write_bytes(data)
    with pytest.raises(DamagedStream, match="checksum"):
        check_stream(done, GOLDEN_CODEC, Target(20), frozenset())


def test_a_stream_of_another_pictures_size_is_not_done(done):
    Image.fromarray(textured(40, 51)).save(done.source)
    with pytest.raises(FileExists, match="50×40, not 51×40"):
        check_stream(done, GOLDEN_CODEC, Target(20), frozenset())


@pytest.mark.parametrize("large", [False, True])
def test_half_a_picture_is_not_done(tmp_path, monkeypatch, large):
    if large:  # which is read in strips
        monkeypatch.setattr(vips, "LARGE", 0)
    job = Job(tmp_path / "a.tlic", tmp_path / "a.png")
    job.source.write_bytes(GOLDEN_CODEC.encode(textured(500, 700), 20))
    Image.fromarray(textured(500, 700)).save(job.target)
    check_picture(job)
    job.target.write_bytes(job.target.read_bytes()[:-5000])
    with pytest.raises(UnreadablePicture, match="cannot be read"):
        check_picture(job)


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


def test_a_stream_in_layers_is_done_by_the_quality_that_was_asked_for(tmp_path, monkeypatch):
    codec = Codec(str(GOLDEN / "golden.trm"), 1)
    monkeypatch.setattr("trellic.codec.codec.COARSE", GOLDEN / "golden.tra")
    job, layers = Job(tmp_path / "a.png", tmp_path / "a.tlic"), LayerTargets.of(4)
    Image.fromarray(textured(70, 90)).save(job.source)
    job.target.write_bytes(codec.encode(job.source, 60, layers=4))
    check_stream(job, codec, Target(60, layers=layers), frozenset())
    with pytest.raises(FileExists, match="quality"):
        check_stream(job, codec, Target(61, layers=layers), frozenset())
    monkeypatch.undo()
    with pytest.raises(FileExists, match="adapter"):
        check_stream(job, codec, Target(60, layers=layers), frozenset())
