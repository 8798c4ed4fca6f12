"""The verbs take videos: a clip with sound to a .tlv file and back, its facts, and what cannot be."""

import json
import subprocess
from fractions import Fraction

import pytest
from PIL import Image

from command import run_trellic
from conftest import GOLDEN
from trellic.errors import BadRequest
from trellic.jobs.clips import are_clips, are_streams, bits_per_pixel, range_of

imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a clip of 5 frames and sound, and its .tlv file."""
    path = tmp_path_factory.mktemp("clips")
    picture = ["-f", "lavfi", "-i", "testsrc=size=80x48:rate=25:duration=0.2"]
    sound = ["-f", "lavfi", "-i", "sine=440:duration=0.2", "-c:a", "aac"]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *picture, *sound, path / "a.mp4"], check=True)
    model = ["-m", GOLDEN / "golden.trm", "--gop", "2", "-q", "30"]
    done = run_trellic("encode", "a.mp4", *model, "--json", cwd=path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["frames"] == 5
    return path


def facts(folder, verb, name="a.tlv"):
    return json.loads(run_trellic(verb, name, "--json", cwd=folder).stdout)[0]


def test_no_source_is_replaced_and_no_clip_is_misnamed(folder):
    before = (folder / "a.mp4").read_bytes()
    for target, said in (("a.mp4", b"is what is read"), ("b.mkv", b"a video becomes a .tlv file")):
        done = run_trellic("encode", "a.mp4", "-o", target, "--force", cwd=folder)
        assert done.returncode == 1
        assert said in done.stderr
    assert (folder / "a.mp4").read_bytes() == before
    done = run_trellic("encode", "a.mp4", "-o", "c.tlv", "--quality", 10, "--bpp", 2, cwd=folder)
    assert b"--quality does not go with" in done.stderr


def test_a_clip_comes_back_with_its_sound(folder):
    assert run_trellic("decode", "a.tlv", "-o", "b.mp4", cwd=folder).returncode == 0
    said = subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-i", folder / "b.mp4"], capture_output=True, check=False)
    assert b"80x48" in said.stderr
    assert b"Audio: aac" in said.stderr
    done = run_trellic("decode", "a.tlv", "-o", "b.mp4", cwd=folder)
    assert done.returncode == 1
    assert b"exists" in done.stderr


@pytest.mark.parametrize("target", ["b.y4m", "pictures"])
def test_sound_that_a_target_cannot_hold_is_reported(target, folder):
    assert b"its sound is not kept" in run_trellic("decode", "a.tlv", "-o", target, cwd=folder).stderr


def test_a_folder_of_frames_is_whole_and_of_one_video(folder):
    (folder / "some").mkdir()
    assert run_trellic("decode", "a.tlv", "-o", "some", "--frames", "0:4", cwd=folder).returncode == 0
    assert b"exists" in run_trellic("decode", "a.tlv", "-o", "some", "--frames", "2:3", cwd=folder).stderr
    done = run_trellic("decode", "a.tlv", "-o", "some", "--frames", "2:3", "--force", cwd=folder)
    assert (done.returncode, [path.name for path in (folder / "some").iterdir()]) == (0, ["2.png"])
    (folder / "some" / "mine.txt").write_text("mine")
    done = run_trellic("decode", "a.tlv", "-o", "some", "--force", cwd=folder)
    assert (done.returncode, sorted(path.name for path in (folder / "some").iterdir())) == (1, ["2.png", "mine.txt"])


def test_names_that_look_like_something_else_are_files(folder):
    (folder / "12:30 call.mp4").write_bytes((folder / "a.mp4").read_bytes())
    model = ["-m", GOLDEN / "golden.trm", "--effort", "1"]
    assert run_trellic("encode", "12:30 call.mp4", "-o", "call.tlv", *model, cwd=folder).returncode == 0
    assert run_trellic("decode", "call.tlv", "-o", "12:31 call.mp4", cwd=folder).returncode == 0


def test_a_folder_with_videos_is_verified_whole(folder):
    (folder / "both").mkdir()
    data = (folder / "a.tlv").read_bytes()
    (folder / "both" / "good.tlv").write_bytes(data)
    (folder / "both" / "bad.tlv").write_bytes(data[:-9])
    done = run_trellic("verify", "both", cwd=folder)
    assert (done.returncode, b"good.tlv" in done.stdout, b"bad.tlv: " in done.stderr) == (1, True, True)
    assert b"a video" in run_trellic("verify", "-", cwd=folder, given=data).stderr


def test_frames_alone_become_pictures(folder):
    assert run_trellic("decode", "a.tlv", "-o", "frames", "--frames", "2:4", cwd=folder).returncode == 0
    assert sorted(path.name for path in (folder / "frames").iterdir()) == ["2.png", "3.png"]
    with Image.open(folder / "frames" / "2.png") as picture:
        assert picture.size == (80, 48)


def test_frames_are_restored_unless_that_is_unwanted(folder):
    plain = ["-m", GOLDEN / "golden.trm", "--gop", "2", "-q", "30", "--no-restoration"]
    assert run_trellic("encode", "a.mp4", "-o", "plain.tlv", *plain, cwd=folder).returncode == 0
    assert facts(folder, "info")["restoration_bytes"] > 0
    assert facts(folder, "info", "plain.tlv")["restoration_bytes"] == 0


def test_facts_and_verification(folder):
    found = facts(folder, "info")
    assert found["kinds"]["intra"] == found["groups"] == 1
    assert found["sound_bytes"] > 100
    assert len(facts(folder, "verify")["sha256"]) == 64
    assert len(run_trellic("info", "a.tlv", cwd=folder).stdout.splitlines()) == 5


@pytest.mark.parametrize(
    "arguments",
    [
        ("encode", "a.mp4", "-o", "x.tlv", "--lossless"),
        ("encode", "a.mp4", "-o", "x.tlv", "--gop", "3"),
        ("encode", "a.mp4", "-o", "x.tlv", "--gop", "0"),
        ("encode", "a.mp4", "-o", "x.tlv", "--adapter", "best"),
        ("encode", "a.mp4", "-o", "x.tlv", "--size", "9"),
        ("encode", "a.mp4", "-o", "x.tlv", "--bitrate", "9", "--psnr", "30"),
        ("encode", "none.mp4", "-o", "x.tlv"),
        ("decode", "a.tlv", "-o", "x.png"),
        ("decode", "a.tlv", "-o", "x.avi"),
        ("decode", "a.tlv", "-o", "-"),
        ("decode", "a.tlv", "-o", "x.mp4", "--frames", "3:9"),
        ("decode", "a.tlv", "-o", "x.mp4", "--crop", "0,0,8,8"),
    ],
)
def test_what_cannot_be_is_an_error_of_a_line(folder, arguments):
    done = run_trellic(*arguments, cwd=folder)
    assert done.returncode == 1
    assert done.stderr.strip().count(b"\n") == 0
    assert not (folder / arguments[3]).exists()


def test_ranges_of_frames():
    assert range_of("3:", 9) == (3, 9)
    assert range_of(":4", 9) == (0, 4)
    for text in ("4", "4:4", "-1:3", "a:b", "0:10"):
        with pytest.raises(BadRequest):
            range_of(text, 9)


def test_files_are_known_by_their_names():
    assert are_clips(["a.mp4", "b.MKV"])
    assert not are_clips(["a.png"])
    assert are_streams(["a.tlv"])
    assert not are_streams(["a.tlic"])
    for are, names in ((are_clips, ["a.mp4", "b.png"]), (are_streams, ["a.tlv", "b.tlic"])):
        with pytest.raises(BadRequest, match="together"):
            are(names)


def test_a_bit_rate_is_bits_of_every_pixel():
    assert bits_per_pixel(300, Fraction(25), 320, 240) == pytest.approx(300_000 / (25 * 320 * 240))
