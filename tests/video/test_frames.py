"""Video files in and out: what ffmpeg reads is what was written, with its rate and its sound."""

import re
import subprocess
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("imageio_ffmpeg")

from moving import moving
from trellic.errors import UnreadablePicture
from trellic.metrics import psnr
from trellic.picture.types import Converted
from trellic.video.frames import BT601, BT709, QUIET, ffmpeg, probe, read_frames, read_sound, write_video

RATE = Fraction(30000, 1001)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A video file of 6 frames."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    write_video(iter(moving(6, 64, 96)), str(path), ".mp4", (96, 64), RATE, BT709, b"")
    return path


def test_what_was_written_is_read(clip):
    found = probe(clip)
    assert (found.width, found.height, found.rate, found.matrix, found.sound) == (96, 64, RATE, BT709, "")
    frames = list(read_frames(found))
    assert len(frames) == 6
    assert all(psnr(one, other) > 35 for one, other in zip(moving(6, 64, 96), frames, strict=True))
    assert len(list(read_frames(found, 2))) == 2
    assert read_sound(found) == b""


def test_untagged_video_of_few_lines_is_bt601(tmp_path):
    path = tmp_path / "clip.y4m"
    write_video(iter(moving(2, 32, 32)), str(path), ".y4m", (32, 32), Fraction(25), BT601, b"")
    found = probe(path)
    assert (found.matrix, found.full, found.rate) == (BT601, False, 25)
    assert all(psnr(one, two) > 45 for one, two in zip(moving(2, 32, 32), read_frames(found), strict=True))


def test_what_is_no_video_is_refused(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(UnreadablePicture, match="no video"):
        probe(tmp_path / "text.mp4")
    with pytest.raises(UnreadablePicture, match="no such file"):
        probe(tmp_path / "missing.mp4")


def test_what_is_missing_of_a_damaged_video_is_said(clip, tmp_path, recwarn):
    data = bytearray(clip.read_bytes())
    list(read_frames(probe(clip)))
    assert not recwarn
    start, end = data.index(b"mdat"), data.index(b"moov")
    data[(start + end) // 2 : end] = bytes(end - (start + end) // 2)
    (tmp_path / "damaged.mp4").write_bytes(data)
    with pytest.warns(UserWarning, match="ffmpeg finds errors in it"):
        list(read_frames(probe(tmp_path / "damaged.mp4")))


def test_sound_that_is_no_matroska_is_refused_and_names_no_other_file(tmp_path):
    """A playlist would have ffmpeg read any file that it names."""
    frames = iter([np.zeros((8, 8, 3), np.uint8)])
    sound = b"ffconcat version 1.0\nfile 'secret.mka'\n"
    with pytest.raises(UnreadablePicture, match="ffmpeg cannot write"):
        write_video(frames, str(tmp_path / "a.mp4"), ".mp4", (8, 8), Fraction(25), BT601, sound)


def test_what_ffmpeg_cannot_write_is_an_error(tmp_path):
    frames = iter([np.zeros((8, 8, 3), np.uint8)])
    with pytest.raises(UnreadablePicture, match="ffmpeg cannot write"):
        write_video(frames, str(tmp_path / "no" / "a.mp4"), ".mp4", (8, 8), Fraction(25), BT601, b"")


def test_why_ffmpeg_reads_no_more_is_said_whatever_it_left_unread(tmp_path):
    """Frames that are smaller than the pipe wait until its end."""
    frames = (np.zeros((8, 8, 3), np.uint8) for _ in range(3000))
    with pytest.raises(UnreadablePicture, match="ffmpeg cannot write"):
        write_video(frames, str(tmp_path / "no" / "a.mp4"), ".mp4", (8, 8), Fraction(25), BT601, b"")


def tagged(path, *tags):
    """Write a frame by ffmpeg, its planes made and tagged so."""
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "96x64", "-i", "-"]
    command = [ffmpeg(), *QUIET[:3], "-y", *raw, *tags, "-c:v", "libx264", "-crf", "4", str(path)]
    subprocess.run(command, input=moving(1, 64, 96)[0].tobytes(), check=True)
    return path


def test_tagged_colours_are_converted_by_their_tag(tmp_path):
    planes = ("-vf", "scale=out_color_matrix=bt2020", "-pix_fmt", "yuv444p", "-colorspace", "bt2020nc")
    path = tagged(tmp_path / "wide.mp4", *planes, "-color_primaries", "bt2020", "-color_trc", "bt2020-10")
    with pytest.warns(Converted, match="tagged bt2020, which is not kept"):
        found = probe(path)
    (frame,) = read_frames(found)
    assert (found.matrix, psnr(frame, moving(1, 64, 96)[0]) > 38) == (BT709, True)


def test_more_bits_than_eight_are_reported(tmp_path):
    path = tagged(tmp_path / "deep.mp4", "-pix_fmt", "yuv420p10le")
    with pytest.warns(Converted, match="10-bit samples reduced to 8 bits"):
        probe(path)


def test_planes_that_are_not_converted_are_refused(tmp_path):
    path = tagged(tmp_path / "other.mp4", "-vf", "format=yuv444p,setparams=colorspace=ycgco")
    with pytest.raises(UnreadablePicture, match="its planes are ycgco"):
        probe(path)


def test_what_else_is_not_kept_is_reported(tmp_path):
    sounds = ["-f", "lavfi", "-i", "sine=440:duration=0.2", "-f", "lavfi", "-i", "sine=880:duration=0.2"]
    picture = ["-f", "lavfi", "-i", "testsrc=size=80x48:rate=25:duration=0.2"]
    maps = ["-map", "0:v", "-map", "1:a", "-map", "2:a", "-vf", "setsar=2/1", "-c:v", "libx264", "-c:a", "aac"]
    subprocess.run([ffmpeg(), "-v", "error", *picture, *sounds, *maps, tmp_path / "a.mp4"], check=True)
    with pytest.warns(Converted) as warned:
        found = probe(tmp_path / "a.mp4")
    assert {str(one.message) for one in warned} >= {
        "its pixels are of 2:1, which is not kept", "the first of several sounds",
    }  # fmt: skip
    assert found.frames == 5


def test_planes_with_transparency_are_converted_by_their_tag(tmp_path):
    made = ["-f", "lavfi", "-i", "testsrc=size=80x48:rate=25:duration=0.1"]
    coded = ["-vf", "format=yuva420p,setparams=colorspace=bt709", "-c:v", "ffv1", tmp_path / "a.mkv"]
    subprocess.run([ffmpeg(), "-v", "error", *made, *coded], check=True)
    with pytest.warns(Converted, match="its transparency is not kept"):
        assert probe(tmp_path / "a.mkv").matrix == BT709


def test_sound_that_begins_later_still_does(tmp_path):
    picture = ["-f", "lavfi", "-i", "testsrc=size=80x48:rate=25:duration=2"]
    sound = ["-itsoffset", "1", "-f", "lavfi", "-i", "sine=440:duration=1", "-c:a", "aac"]
    subprocess.run([ffmpeg(), "-v", "error", *picture, *sound, tmp_path / "late.mp4"], check=True)
    clip = probe(tmp_path / "late.mp4")
    made = tmp_path / "made.mp4"
    write_video(read_frames(clip), str(made), ".mp4", (80, 48), clip.rate, clip.matrix, read_sound(clip))
    copied = ["-copyts", "-i", made, "-vn", "-c:a", "copy", "-f", "framecrc", "-"]
    said = subprocess.run([ffmpeg(), "-v", "error", *copied], capture_output=True, check=True).stdout.decode()
    (unit,) = re.findall(r"#tb 0: 1/(\d+)", said)
    first = next(line for line in said.splitlines() if not line.startswith("#"))
    assert abs(int(first.split(",")[2]) / int(unit) - 1) < 0.1
