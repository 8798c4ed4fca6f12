"""Frames from video files and into them, by the ffmpeg that imageio-ffmpeg brings; the extra `video`.

Frames are RGB here. The range and the matrix that a file is tagged with are given to ffmpeg explicitly; where it is not
tagged, BT.601 below 720 lines and BT.709 from there.
"""

import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from trellic.errors import MissingLibrary, UnreadablePicture
from trellic.picture.types import Pixels, warn

SUFFIXES = (".mp4", ".mkv", ".mov", ".webm", ".avi", ".y4m", ".m4v", ".mpg", ".ts")
"""Of files that are taken for video."""
WRITTEN = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".y4m": "yuv4mpegpipe"}
"""ffmpeg's names of the kinds that are written, by suffix."""
BT709, BT601 = 1, 6
"""Matrices by their numbers in ITU-T H.273."""
MATRICES = {BT709: "bt709", BT601: "smpte170m"}
TAGGED = {
    "bt709": ("bt709", BT709), "smpte170m": ("smpte170m", BT601), "bt470bg": ("smpte170m", BT601),
    "fcc": ("fcc", BT601), "smpte240m": ("smpte240m", BT709), "bt2020nc": ("bt2020", BT709),
}  # fmt: skip
"""How files are tagged → what ffmpeg converts them by, and the matrix by which decoded ones are written."""
NOT_CONVERTED = {"bt2020c", "ictcp", "smpte2085", "ycgco", "ycgco-re", "ycgco-ro", "ipt-c2"}
"""Tags of planes that ffmpeg does not convert."""
HIGH = 720
"""Lines from which on untagged video is BT.709."""
QUIET = ("-hide_banner", "-loglevel", "error", "-nostdin", "-y")
INTERRUPTED = 255
"""What ffmpeg ends with where a signal ended it."""
EXACTLY = "flags=accurate_rnd+full_chroma_int+full_chroma_inp"
_TAGS = re.compile(r"Video: .*?\b(?:yuv(j?)a?\d+p|p0|nv\d\d)(\d*)\w*(?:\(([^)]*)\))?")
_AUDIO = re.compile(r"Stream #.*: Audio: (\w+)")
_DURATION = re.compile(r"Duration: (\d+):(\d+):([\d.]+)")
_NOT_KEPT = {
    r"Stream #.*: Video: .*(smpte2084|arib-std-b67)": "its colours are HDR ({}), which is not kept",
    r"Stream #.*: Video: .*SAR (?!1:1\b)([1-9]\d*:[1-9]\d*)": "its pixels are of {}, which is not kept",
    r"(Video: .*yuva|alpha_mode)": "its transparency is not kept",
    r"Stream #.*: (Subtitle)": "its subtitles are not kept",
    r"(?s)Stream #[^\n]*: Audio.*Stream #[^\n]*: (Audio)": "the first of several sounds",
}
"""What ffmpeg says of a file → a warning, with what it says."""


@dataclass(frozen=True)
class Clip:
    """What is known of a video file.

    rate       frames a second
    converted  what ffmpeg converts its planes by
    matrix     BT709 or BT601
    full       whether samples have the full range
    frames     about how many there are, by its duration; 0 where that is not known
    sound      the codec of its sound, "" where there is none
    """

    path: Path
    width: int
    height: int
    rate: Fraction
    converted: str
    matrix: int
    full: bool
    frames: int
    sound: str


def ffmpeg() -> str:
    """Return the path of ffmpeg. Raises MissingLibrary."""
    try:
        from imageio_ffmpeg import get_ffmpeg_exe
    except ImportError as error:
        raise MissingLibrary("video files need a package: pip install trellic[video]") from error
    program: str = get_ffmpeg_exe()
    return program


def probe(path: Path) -> Clip:
    """Return what is known of a video file. Raises UnreadablePicture or MissingLibrary.

    Warns of what is not kept: more than 8 bits a sample, colours of other tags than BT.709 and BT.601, transparency, …
    """
    if not path.is_file():
        raise UnreadablePicture("no such file")
    first = ["-frames:v", "1", "-pix_fmt", "yuv444p", "-strict", "-1", "-f", "yuv4mpegpipe", "-"]
    done = _run([ffmpeg(), "-nostdin", "-i", _named(path), *first])
    header, said = done.stdout.partition(b"\n")[0].split(), done.stderr.decode(errors="replace")
    tags = _TAGS.search(said)
    words = re.split(r"[,\s]+", (tags[3] or "") if tags else "")
    named = {word.partition("/")[0] for word in words}  # matrix, primaries and transfer, where they differ
    if unknown := named & NOT_CONVERTED:
        raise UnreadablePicture(f"its planes are {unknown.pop()}, which ffmpeg does not convert")
    fields = {word[:1]: word[1:].decode() for word in header[1:]}
    try:
        width, height = int(fields[b"W"]), int(fields[b"H"])
        rate = Fraction(*map(int, fields[b"F"].split(":")))
    except (KeyError, ValueError, ZeroDivisionError, TypeError) as error:
        raise UnreadablePicture("ffmpeg finds no video in it") from error
    audio = _AUDIO.search(said)
    usual = "bt709" if height >= HIGH else "smpte170m"
    converted, matrix = TAGGED[next((tag for tag in TAGGED if tag in named), usual)]
    if converted not in MATRICES.values():
        warn(f"its colours are tagged {converted}, which is not kept: they are shown as {MATRICES[matrix]}")
    if tags and int(tags[2] or 8) > 8:
        warn(f"{tags[2]}-bit samples reduced to 8 bits")
    for pattern, text in _NOT_KEPT.items():
        if found := re.search(pattern, said.partition("Output #")[0]):
            warn(text.format(found[1]))
    full = bool(tags and (tags[1] or "pc" in words))
    lasts = _DURATION.search(said)
    seconds = 3600 * int(lasts[1]) + 60 * int(lasts[2]) + float(lasts[3]) if lasts else 0.0
    frames = round(seconds * rate)
    return Clip(path, width, height, rate, converted, matrix, full, frames, audio[1] if audio else "")


def read_frames(clip: Clip, most: int | None = None) -> Iterator[Pixels]:
    """Yield the frames of a file at a constant rate, uint8 (H, W, 3); the first `most`. Raises UnreadablePicture.

    Warns where ffmpeg finds errors in it: frames may be missing, or damaged.
    """
    range_ = "pc" if clip.full else "tv"
    scale = f"scale=in_color_matrix={clip.converted}:in_range={range_}:out_range=pc:{EXACTLY}"
    count = ["-frames:v", str(most)] if most else []
    raw = ["-an", "-fps_mode", "cfr", "-r", str(clip.rate), *count, "-vf", scale, "-pix_fmt", "rgb24"]
    command = [ffmpeg(), *QUIET, "-i", _named(clip.path), *raw, "-f", "rawvideo", "-"]
    size, frames = clip.width * clip.height * 3, 0
    with tempfile.TemporaryFile() as said, _started(command, stdout=subprocess.PIPE, stderr=said) as process:
        assert process.stdout is not None
        try:
            while len(data := process.stdout.read(size)) == size:
                yield np.frombuffer(data, np.uint8).reshape(clip.height, clip.width, 3)
                frames += 1
            process.wait()
            said.seek(0)
            errors = _first(said.read())
        finally:
            process.kill()
    if process.returncode < 0 or process.returncode == INTERRUPTED:
        raise UnreadablePicture(f"ffmpeg was ended after {frames} frames")
    if not frames:
        raise UnreadablePicture(f"ffmpeg decodes no frame of it{errors}")
    if errors or process.returncode:
        warn(f"ffmpeg finds errors in it{errors}: {frames} frames are read")


def read_sound(clip: Clip) -> bytes:
    """Return the sound of a file as Matroska, copied as it is; b"" where there is none. Raises UnreadablePicture."""
    if not clip.sound:
        return b""
    copied = ["-vn", "-sn", "-map_metadata", "-1", "-fflags", "+bitexact", "-c:a", "copy", "-f", "matroska", "-"]
    done = _run([ffmpeg(), *QUIET, "-i", _named(clip.path), *copied])
    if done.returncode:
        raise UnreadablePicture(f"its sound cannot be copied{_first(done.stderr)}")
    return done.stdout


def write_video(
    frames: Iterable[Pixels], path: str, kind: str, size: tuple[int, int], rate: Fraction, matrix: int, sound: bytes
) -> None:
    """Write frames, uint8 (H, W, 3), to a video file.

    kind    a suffix of WRITTEN: ".y4m" is raw 4:4:4, others are H.264 4:4:4 that is nearly without loss
    size    width and height
    sound   Matroska, or nothing
    Raises UnreadablePicture where ffmpeg cannot.
    """
    width, height = size
    name = MATRICES[matrix]
    convert = ["-vf", f"scale=out_color_matrix={name}:out_range=tv:{EXACTLY}", "-pix_fmt", "yuv444p"]
    tags = ["-colorspace", name, "-color_range", "tv"]
    coded = ["-c:v", "libx264", "-crf", "12", "-preset", "veryfast"]
    target = [*(["-strict", "-1"] if kind == ".y4m" else [*coded, *tags]), "-f", WRITTEN[kind]]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(rate), "-i", "-"]
    with tempfile.TemporaryDirectory() as place, tempfile.TemporaryFile() as said:
        heard: list[str] = []
        if sound and kind != ".y4m":
            audio = Path(place) / "sound.mka"
            audio.write_bytes(sound)
            heard = ["-f", "matroska", "-i", _named(audio), "-map", "0:v", "-map", "1:a", "-c:a", "copy", "-copyts"]
        begin = [ffmpeg(), "-hide_banner", "-loglevel", "error", "-y"]
        command = [*begin, *raw, *heard, *convert, *target, _named(Path(path))]
        with _started(command, stdin=subprocess.PIPE, stderr=said) as process:
            assert process.stdin is not None
            try:
                for frame in frames:
                    process.stdin.write(frame.tobytes())
            except BrokenPipeError:
                pass
            finally:
                with suppress(BrokenPipeError):  # why it reads no more, it says
                    process.stdin.close()
        if process.returncode:
            said.seek(0)
            hint = "; .mkv holds any sound" if heard and kind != ".mkv" else ""
            raise UnreadablePicture(f"ffmpeg cannot write {kind}{_first(said.read())}{hint}")


def _named(path: Path) -> str:
    """Return a file as ffmpeg takes it, whatever its name begins with, or looks like."""
    return f"file:{path}"


def _run(command: list[str]) -> subprocess.CompletedProcess[bytes]:
    """Run ffmpeg to its end, whatever keys are pressed: whoever started it ends it."""
    return subprocess.run(command, capture_output=True, check=False, start_new_session=True)


def _started(command: list[str], **pipes: Any) -> "subprocess.Popen[bytes]":
    """Start ffmpeg, likewise."""
    return subprocess.Popen(command, start_new_session=True, **pipes)


def _first(said: bytes) -> str:
    """Return why, in brackets: what ffmpeg says first."""
    lines = said.decode(errors="replace").strip().splitlines()
    return f" ({lines[0]})" if lines else ""
