"""What is done to one video file: it is encoded, or a .tlv file decoded, with its facts."""

import re
import sys
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from trellic.codec.attached import adapter_facts
from trellic.codec.rate_control import Target
from trellic.container.bytes import Data
from trellic.container.grid import Grid
from trellic.container.header import QUALITY_ONE
from trellic.container.video import read_group
from trellic.errors import BadRequest, FileExists
from trellic.files import STANDARD, open_bytes, whole_folder, write_atomically, write_bytes
from trellic.jobs.plan import Job, plan
from trellic.jobs.work import Following, check_suffix, unfollowed
from trellic.model import facts_of_model
from trellic.picture.saving import save
from trellic.picture.types import Picture, Pixels, warn
from trellic.quantize import quantizer_numbered
from trellic.video import Reader, Structure, VideoCodec
from trellic.video.frames import SUFFIXES, WRITTEN, probe, read_frames, read_sound, write_video

SUFFIX = ".tlv"
SOUNDED = WRITTEN.keys() - {".y4m"}
"""Suffixes of files that hold sound, too."""
FRAME = re.compile(r"\d+\.png")
"""Names of the files of a folder of frames."""
Facts = dict[str, Any]


def are_clips(inputs: Sequence[str]) -> bool:
    """Return whether inputs are video files, by their names. Raises BadRequest where some are and some are not."""
    return _are_all(inputs, SUFFIXES)


def are_streams(inputs: Sequence[str]) -> bool:
    """Return whether inputs are .tlv files, by their names. Raises BadRequest where some are and some are not."""
    return _are_all(inputs, (SUFFIX,))


def _are_all(inputs: Sequence[str], suffixes: Sequence[str]) -> bool:
    found = {Path(name).suffix.lower() in suffixes for name in inputs}
    if len(found) > 1:
        raise BadRequest("videos and pictures are not worked on together")
    return found == {True}


def plan_decoding(inputs: list[str], out: Path | None) -> list[Job]:
    """Return what to decode and where to: a video file, or for one input a folder of pictures. Raises as `plan`."""
    if out == STANDARD:
        raise BadRequest("standard output is for pictures, not for videos")
    if len(inputs) == 1 and out is not None and not out.suffix and Path(inputs[0]).is_file():
        return [Job(Path(inputs[0]), out)]
    jobs = plan(inputs, out, [SUFFIX], ".mp4")
    for job in jobs:
        if job.target.suffix.lower() not in WRITTEN:
            raise BadRequest(f"{job.target}: {', '.join(WRITTEN)} are written, or pictures in a folder")
    return jobs


def bits_per_pixel(bitrate: float, rate: Fraction, width: int, height: int) -> float:
    """Return the rate of a frame in bits per pixel, of a bit rate in kbit a second."""
    return 1000 * bitrate / (float(rate) * width * height)


def encode_clip(
    job: Job,
    codec: VideoCodec,
    target: Target,
    bitrate: float | None,
    structure: Structure,
    force: bool = False,
    follow: Following = unfollowed,
) -> Facts:
    """Encode a video file, with its sound.

    bitrate  instead of a target: kbit a second, with the sound
    follow   passes frames on, as they are read
    """
    check_suffix(job.target, SUFFIX)
    clip = probe(job.source)
    Grid.whole(clip.width, clip.height).check(codec.limit)
    sound = read_sound(clip)
    if bitrate is not None:
        target = Target(bpp=bits_per_pixel(bitrate, clip.rate, clip.width, clip.height))

    def frames() -> Iterator[Pixels]:
        return follow(read_frames(clip), clip.frames)

    coded = codec.encode(frames, clip.rate, target, structure, clip.matrix, sound)
    write_bytes(job.target, coded.data, replace=force)
    reader = Reader(coded.data, limit=sys.maxsize)
    size, read = len(coded.data), job.source.stat().st_size
    facts = {**_facts_of(reader, size), "source_bytes": read, "bytes": size}
    return {**facts, "quality": coded.quality, "psnr": coded.psnr}


def decode_clip(
    job: Job, frames: str, threads: int, limit: int, force: bool = False, follow: Following = unfollowed
) -> Facts:
    """Decode a .tlv file to a video file, with its sound, or to numbered pictures in a folder.

    frames  "A:B" for those from A up to B alone, without sound
    Warns where what is written holds no sound. Raises as `Reader` does, BadRequest, FileExists or MissingLibrary.
    """
    with open_bytes(job.source) as data:
        reader = Reader(data, threads, limit)
        start, stop = range_of(frames, len(reader)) if frames else (0, len(reader))
        shown = follow(reader.frames(start, stop), stop - start)
        if reader.stream.sound and not frames and job.target.suffix.lower() not in SOUNDED:
            warn("its sound is not kept")
        if job.target.suffix.lower() in WRITTEN:
            sound = b"" if frames else reader.sound
            size, kind = reader.size, job.target.suffix.lower()
            write_atomically(
                job.target,
                lambda file: write_video(shown, file.name, kind, size, reader.rate, reader.header.matrix, sound),
                replace=force,
            )
        else:
            digits = len(str(len(reader) - 1))
            with whole_folder(job.target, partial(_check_folder, replace=force)) as made:
                for number, pixels in enumerate(shown, start):
                    save(Picture(pixels), made / f"{number:0{digits}}.png")
        return {**_facts_of(reader, len(data)), "source_bytes": len(data), "decoded": stop - start}


def _check_folder(folder: Path, replace: bool) -> None:
    """Raise FileExists where a folder holds frames that may not be replaced, or BadRequest where it holds others."""
    there = [path.name for path in folder.iterdir()] if folder.exists() else []
    if there and not replace:
        raise FileExists(f"{folder} exists (--force overwrites)")
    if others := [name for name in there if not FRAME.fullmatch(name)]:
        raise BadRequest(f"{folder} holds {others[0]} beside frames: it is not replaced")


def info_of_clip(source: Path) -> Facts:
    """Return the facts of a .tlv file; checksums are proven, nothing is decoded."""
    with open_bytes(source) as data:
        return _facts(data)


def verify_clip(source: Path, limit: int, threads: int = 0) -> Facts:
    """Verify a .tlv file; `sha256` is that of its indices."""
    with open_bytes(source) as data:
        reader = Reader(data, threads, limit)
        return {"sha256": reader.verify(), **_facts_of(reader, len(data)), "source_bytes": len(data)}


def range_of(text: str, count: int) -> tuple[int, int]:
    """Return the numbers of "A:B", either of which may be missing. Raises BadRequest."""
    first, colon, last = text.partition(":")
    if not colon or not all(part.isdecimal() or not part for part in (first, last)):
        raise BadRequest(f"--frames {text!r} is not A:B")
    start, stop = int(first or 0), int(last or count)
    if not 0 <= start < stop <= count:
        raise BadRequest(f"--frames {text} is not within the {count} frames")
    return start, stop


def _facts_of(reader: Reader, size: int) -> Facts:
    """Return dimensions, rates, quantizer and model of a file of so many bytes."""
    width, height = reader.size
    seconds = len(reader) / float(reader.rate)
    return {
        "width": width, "height": height, "frames": len(reader), "rate": float(reader.rate),
        "kbit_s": 8 * size / seconds / 1000, "bpp": 8 * size / (len(reader) * width * height),
        "quantizer": quantizer_numbered(reader.header.quantizer).name, **facts_of_model(reader.header.model),
    }  # fmt: skip


def _facts(data: Data) -> Facts:
    reader = Reader(data, limit=sys.maxsize)
    stream, kinds = reader.stream, dict[str, int]()
    qualities, restoration = [], 0
    for group in stream.groups:
        for frame in read_group(stream.read(group.entry)):
            kinds[frame.kind.name.lower()] = kinds.get(frame.kind.name.lower(), 0) + 1
            qualities.append(frame.quality / QUALITY_ONE)
            restoration += len(frame.restoration)
    for entry in filter(None, [stream.adapter, stream.sound]):
        stream.read(entry)
    return {
        **_facts_of(reader, len(data)), "bytes": len(data), "groups": len(stream.groups), "kinds": kinds,
        "quality": [min(qualities), max(qualities)], "restoration_bytes": restoration,
        "sound_bytes": stream.sound.length if stream.sound else 0, "adapter": adapter_facts(stream),
    }  # fmt: skip
