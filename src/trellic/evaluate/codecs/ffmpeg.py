"""AVIF, HEVC and VVC by the ffmpeg that imageio-ffmpeg brings: a picture as a raw stream of one frame, and back.

Raw planes go in and come out, of the very format that the codec works in, so that ffmpeg has nothing to convert. The
file is the raw bitstream (OBUs, or annex B; parameter sets included, no container). One thread each.
"""

import subprocess
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from trellic.errors import MissingLibrary, PeerFailed
from trellic.evaluate.codecs.image_codec import ImageCodec
from trellic.evaluate.codecs.yuv import Format, Planes, to_rgb, to_yuv
from trellic.picture.types import Pixels

Run = Callable[[list[str], bytes], bytes]

QUIET = ("-hide_banner", "-loglevel", "error")
QP = "QP"
"""Stands for the setting in an encoder's options."""
X265 = f"qp={QP}:keyint=1:info=0:pools=none:frame-threads=1:log-level=error"
"""One intra picture, no banner of the encoder's options in the file, one thread."""
AOM = ("-usage", "allintra", "-still-picture", "1", "-b:v", "0", "-threads", "1", "-crf", QP)


class Video(NamedTuple):
    """A video codec that ffmpeg knows.

    stream   ffmpeg's name of the bitstream; `decoder` of what decodes it
    planes   what the encoder is given
    encoder  its name and its options, QP standing for the setting
    """

    name: str
    stream: str
    decoder: str
    planes: Format
    encoder: tuple[str, ...]
    settings: tuple[int, ...]
    curve: tuple[int, ...]


CODECS = (
    Video(
        "avif", "obu", "libdav1d", Format("4:4:4", 10),
        ("libaom-av1", "-cpu-used", "2", "-tune", "psnr", *AOM),
        tuple(range(63, 0, -1)), (62, 56, 49, 42, 35, 27, 19, 10),
    ),
    Video(
        "hevc", "hevc", "hevc", Format("4:4:4", 10),
        ("libx265", "-preset", "veryslow", "-tune", "psnr", "-x265-params", X265),
        tuple(range(51, 0, -1)), (50, 46, 42, 38, 34, 30, 26, 22, 18, 14),
    ),
    Video(
        "hevc-usual", "hevc", "hevc", Format("4:2:0", 8),
        ("libx265", "-preset", "medium", "-x265-params", X265),
        tuple(range(51, 0, -1)), (48, 43, 38, 33, 28, 23, 18, 12),
    ),
    Video(
        "vvc", "vvc", "vvc", Format("4:2:0", 10),
        ("libvvenc", "-preset", "medium", "-qpa", "0", "-threads", "1", "-qp", QP),
        tuple(range(63, 0, -1)), (47, 43, 39, 35, 31, 27, 23, 19),
    ),
    Video(
        "vvc-usual", "vvc", "vvc", Format("4:2:0", 10),
        ("libvvenc", "-preset", "medium", "-threads", "1", "-qp", QP),
        tuple(range(63, 0, -1)), (47, 42, 37, 32, 27, 23, 19),
    ),
)  # fmt: skip
"""vvenc codes 4:2:0 alone. Its preset `slow` takes a little less, for much more time."""


def run(command: list[str], data: bytes) -> bytes:
    """Return the output of a command for an input. Raises PeerFailed."""
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    if done.returncode or not done.stdout:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise PeerFailed(f"ffmpeg failed ({lines[-1] if lines else f'exit code {done.returncode}'})")
    return done.stdout


def video_codec(video: Video, run: Run = run) -> ImageCodec:
    """Return a codec of ffmpeg's. Raises MissingLibrary where imageio-ffmpeg is not installed.

    run  how a command is run
    """
    try:
        from imageio_ffmpeg import get_ffmpeg_exe, get_ffmpeg_version
    except ImportError as error:
        raise MissingLibrary(f"{video.name} needs a package: pip install imageio-ffmpeg") from error
    program, planes = get_ffmpeg_exe(), video.planes

    def encode(pixels: Pixels, setting: float) -> bytes:
        raw = to_yuv(pixels, planes)
        height, width = raw[0].shape
        source = ["-f", "rawvideo", "-pix_fmt", planes.ffmpeg, "-s", f"{width}x{height}", "-i", "-"]
        encoder = [word.replace(QP, str(int(setting))) for word in video.encoder]
        command = [program, *QUIET, *source, "-frames:v", "1", "-c:v", *encoder, "-f", video.stream, "-"]
        return run(command, b"".join(plane.astype(planes.sample).tobytes() for plane in raw))

    def decode(data: bytes) -> Pixels:
        source = ["-threads", "1", "-c:v", video.decoder, "-f", video.stream, "-i", "-"]
        target = ["-pix_fmt", planes.ffmpeg, "-strict", "-1", "-f", "yuv4mpegpipe", "-"]
        return to_rgb(read_y4m(run([program, *QUIET, *source, *target], data), planes), planes)

    about = (
        f"ffmpeg {get_ffmpeg_version()}; {planes}; {' '.join(video.encoder)}, one intra picture, no container; by {QP}"
    )
    return ImageCodec(video.name, about, video.settings, video.curve, encode, decode)


def read_y4m(data: bytes, planes: Format) -> Planes:
    """Return the planes of the first frame of a YUV4MPEG2 stream. Raises PeerFailed."""
    header, _, rest = data.partition(b"\n")
    _, _, samples = rest.partition(b"\n")  # the line FRAME
    fields = {word[:1]: word[1:] for word in header.split()[1:]}
    try:
        width, height = int(fields[b"W"]), int(fields[b"H"])
    except (KeyError, ValueError) as error:
        raise PeerFailed("ffmpeg wrote no picture") from error
    small = (height // 2, width // 2) if planes.halved else (height, width)
    shapes = [(height, width), small, small]
    ends = np.cumsum([rows * columns for rows, columns in shapes])
    if len(samples) < np.dtype(planes.sample).itemsize * ends[-1]:
        raise PeerFailed("ffmpeg wrote half a picture")
    parts = np.split(np.frombuffer(samples, planes.sample, count=int(ends[-1])), ends[:-1])
    return [part.reshape(shape).astype(np.uint16) for part, shape in zip(parts, shapes, strict=True)]
