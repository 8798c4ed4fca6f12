"""What is done to one file: a picture is encoded, a stream decoded, cut or verified. Verbs and bulk runs share it.

Files are whole or not there. All return facts, and raise TrellicError, or OSError where a file cannot be read or
written.
"""

import sys
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trellic import api
from trellic.codec import Codec, Target
from trellic.codec.picture_decoder import Region
from trellic.codec.picture_encoder import Progress, no_progress
from trellic.codec.view import view_of_groups
from trellic.container import Stream
from trellic.errors import BadRequest
from trellic.files import open_bytes, write_bytes
from trellic.jobs.plan import Job
from trellic.picture.kinds import UNREAD, kind_of, readable_suffixes
from trellic.picture.saving import save
from trellic.picture.types import exactly, mode_of
from trellic.picture.vips import is_large, open_source
from trellic.picture.vips_saving import can_write_strips, write_strips
from trellic.video.frames import SUFFIXES

Facts = dict[str, Any]
Following = Callable[[Iterator[Any], int], Iterator[Any]]
"""Passes on so many strips, as they are decoded."""


def unfollowed(strips: Iterator[Any], count: int) -> Iterator[Any]:
    """Pass strips on."""
    return strips


def check_suffix(target: Path, suffix: str) -> None:
    """Raise BadRequest where a target is named as another kind of file is than that of a suffix: .tlic or .tlv."""
    if target.suffix.lower() in {*readable_suffixes(), *UNREAD, *SUFFIXES, ".tlic", ".tlv"} - {suffix}:
        raise BadRequest(f"{target}: a {'video' if suffix == '.tlv' else 'picture'} becomes a {suffix} file")


def encode_file(
    job: Job,
    codec: Codec,
    target: Target,
    dropped: Set[str] = frozenset(),
    force: bool = False,
    progress: Progress = no_progress,
    scratch: bool = False,
) -> Facts:
    """Encode a picture file.

    dropped  metadata to strip
    force    whether a target that exists is replaced
    scratch  whether the target need not last, see `write_bytes`
    """
    check_suffix(job.target, ".tlic")
    with exactly(target.lossless):
        picture = open_source(job.source, codec.options.limit, dropped)
    coded = codec.encode_picture(picture, target, progress)
    write_bytes(job.target, coded.data, force, scratch)
    stream = Stream.parse(coded.data, sys.maxsize)
    facts = {**api.facts_of(stream, stream.length), "bytes": stream.length, "quality": coded.quality}
    return facts if target.psnr is None else {**facts, "psnr": coded.psnr}


@dataclass(frozen=True)
class Decoding:
    """How streams are decoded.

    suffix      of the kind of pictures to write, where a target has none
    background  a colour behind pictures with alpha, where their kind has none
    limit       most pixels to accept
    threads     of the codec
    device      of its networks
    region      to decode instead of all
    partial     whether to show the tiles that a file that was cut off has
    force       whether a target that exists is replaced
    groups      how many groups of latents to decode, the rest being predicted from them; None for all
    preview     the scale of a preview to show instead: 8, 4 or 2
    carry       whether the picture's file carries the stream
    layers      how many layers to decode, of streams that have them; None for all
    scratch     whether the picture's file need not last, see `write_bytes`
    realism     0 (faithful) to 1 (pleasing)
    """

    suffix: str
    background: str
    limit: int
    threads: int = 0
    device: str = "cpu"
    region: Region | None = None
    partial: bool = False
    force: bool = False
    groups: int | None = None
    preview: int | None = None
    carry: bool = False
    layers: int | None = None
    scratch: bool = False
    realism: float = 0.0


def decode_file(job: Job, how: Decoding, follow: Following = unfollowed) -> Facts:
    """Decode a stream to a picture file."""
    with open_bytes(job.source) as data:
        stream = Stream.parse(data, how.limit, how.partial)
        stream = stream if how.layers is None else stream.keeping(how.layers)
        codec = api.codec_for(stream, how.threads, how.device)
        view = view_of_groups(codec.model, how.groups) if how.preview is None else codec.preview_view(how.preview)
        found = codec.decode_strips(stream, how.region, view, how.realism)
        found = replace(found, parts=follow(found.parts, found.count))
        if is_large(found.width, found.height) and can_write_strips(job.target) and not how.carry:
            write_strips(found, job.target, how.background, replace=how.force)
        else:
            kind = kind_of(job.target.suffix or how.suffix)
            picture = replace(found.join(), carried=data[: len(data)] if how.carry else b"")
            save(picture, job.target, how.background, kind, how.force, how.scratch)
        shown = {"width": found.width, "height": found.height, "mode": mode_of(found.grey, found.has_alpha)}
        return {**api.facts_of(stream, len(data)), **shown, "source_bytes": len(data)}


def cut_file(job: Job, keep: int | None, size: int | None, force: bool = False) -> Facts:
    """Write the first layers of a stream to another file: so many, or as many as fit into so many bytes.

    Raises BadRequest where there are not so many, or not even the first one fits.
    """
    check_suffix(job.target, ".tlic")
    with open_bytes(job.source) as data:
        stream = Stream.parse(data, sys.maxsize)
        count = stream.layer_count if keep is None else keep
        found = stream.keeping(count).copy()
        while size is not None and len(found) > size:
            if count == 1:
                raise BadRequest(f"{size} bytes are too few: the first layer takes {len(found)}")
            count -= 1
            found = stream.keeping(count).copy()
    write_bytes(job.target, found, replace=force)
    return {**api.facts_of(stream, len(found)), "layers": count, "bytes": len(found)}


def verify_file(source: Path, limit: int, threads: int = 0) -> Facts:
    """Verify a stream; `sha256` is that of its indices."""
    with open_bytes(source) as data:
        stream = Stream.parse(data, limit)
        codec = api.codec_for(stream, threads)
        return {"sha256": codec.verify(stream), **api.facts_of(stream, len(data)), "source_bytes": len(data)}
