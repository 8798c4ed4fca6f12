"""Other video codecs, by the ffmpeg that imageio-ffmpeg brings, and what all are measured by.

A codec gets the source's own samples, nothing converted, and what it decodes becomes RGB as the source did. Its file is
the raw bitstream, parameter sets included, no container and no text about its options; one thread, one intra frame.
"""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from trellic.evaluate.codecs.ffmpeg import QP, QUIET, run
from trellic.metrics import psnr, psnr_of
from trellic.picture.types import Pixels
from trellic.video.frames import Clip, ffmpeg, read_frames

LUMA = {1: (0.2126, 0.7152, 0.0722), 6: (0.299, 0.587, 0.114)}
"""What R, G and B count in luma, by the matrix's number in ITU-T H.273."""


class VideoPeer(NamedTuple):
    """A codec that videos are compared with.

    options   ffmpeg's encoder and its options, QP standing for the setting
    stream    ffmpeg's name of the bitstream
    format    of the samples it is given, "" for the source's own
    settings  from small files to large
    """

    name: str
    options: tuple[str, ...]
    stream: str
    format: str
    settings: tuple[int, ...]


ONE_INTRA = "keyint=-1:scenecut=0:info=0:log-level=error"
PEERS = (
    VideoPeer(
        "mpeg4",
        ("mpeg4", "-q:v", QP, "-bf", "2", "-mbd", "rd", "-trellis", "2", "-flags", "+mv4+aic", "-g", "600",
         "-sc_threshold", "1000000000"),
        "m4v", "yuv420p", (28, 16, 9, 5, 3, 2),
    ),
    VideoPeer(
        "x264",
        ("libx264", "-preset", "medium", "-tune", "psnr", "-crf", QP, "-x264-params", "keyint=infinite:scenecut=0",
         "-bsf:v", "filter_units=remove_types=6"),
        "h264", "", (40, 34, 29, 24, 19),
    ),
    VideoPeer(
        "x265",
        ("libx265", "-preset", "medium", "-tune", "psnr", "-crf", QP, "-x265-params",
         f"{ONE_INTRA}:pools=none:frame-threads=1"),
        "hevc", "", (40, 34, 29, 24, 19),
    ),
)  # fmt: skip


class Measured(NamedTuple):
    """A coded clip: its bytes, and the mean PSNR of its frames in dB, by RGB and by luma."""

    bytes: int
    psnr: float
    psnr_y: float


def compare(frames: list[Pixels], decoded: list[Pixels], size: int, matrix: int) -> Measured:
    """Return the measures of a clip that was coded in so many bytes."""
    pairs = list(zip(frames, decoded, strict=True))
    rgb = float(np.mean([psnr(one, other) for one, other in pairs]))
    return Measured(size, rgb, float(np.mean([_luma_psnr(one, other, matrix) for one, other in pairs])))


def _luma_psnr(original: Pixels, decoded: Pixels, matrix: int) -> float:
    weights = np.array(LUMA[matrix], np.float32)
    return psnr_of(float(np.mean(np.square(original @ weights - decoded @ weights))))


def code_peer(peer: VideoPeer, clip: Clip, count: int, setting: int) -> tuple[bytes, list[Pixels]]:
    """Return the file and the decoded frames of a clip's first frames. Raises PeerFailed or MissingLibrary."""
    options = [word.replace(QP, str(setting)) for word in peer.options]
    format_ = ["-pix_fmt", peer.format] if peer.format else []
    source = ["-i", str(clip.path), "-an", "-frames:v", str(count), *format_]
    data = run([ffmpeg(), *QUIET, *source, "-threads", "1", "-c:v", *options, "-f", peer.stream, "-"], b"")
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / f"coded.{peer.stream}"
        path.write_bytes(data)
        return data, list(read_frames(replace(clip, path=path), count))


def measure_peer(peer: VideoPeer, clip: Clip, frames: list[Pixels], setting: int) -> Measured:
    """Code the first frames of a clip by another codec, and measure them. Raises as `code_peer` does."""
    data, decoded = code_peer(peer, clip, len(frames), setting)
    return compare(frames, decoded, len(data), clip.matrix)
