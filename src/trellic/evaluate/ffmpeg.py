"""HEVC and VVC by the ffmpeg that imageio-ffmpeg brings: a picture as a raw stream of one frame, and back.

Raw planes go in and come out, of the very format that the codec works in, so that ffmpeg has nothing to convert. The
file is the raw bitstream (annex B, parameter sets included, no container). One thread each.
"""

import subprocess
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from trellic.errors import MissingLibrary, PeerFailed
from trellic.evaluate.peers import Peer
from trellic.evaluate.yuv import Planes, to_rgb, to_yuv
from trellic.picture.types import Pixels

Run = Callable[[list[str], bytes], bytes]

QUIET = ["-hide_banner", "-loglevel", "error"]
X265 = "keyint=1:info=0:pools=none:frame-threads=1:log-level=error"
"""One intra picture, no banner of the encoder's options in the file, one thread."""
VVENC_PRESET = "medium"
"""On details of 256×256, `slow` took 1.7 % fewer bytes in twice the time, `slower` 2 % in four times."""


class Video(NamedTuple):
    """A video codec that ffmpeg knows: its raw format, the format of its planes, and its encoder's options."""

    name: str
    pixel_format: str
    options: Callable[[int], list[str]]
    quantizers: tuple[int, ...]
    rates: tuple[int, ...]
    about: str

    @property
    def halved(self) -> bool:
        """Whether chroma is at half size."""
        return "420" in self.pixel_format


HEVC = Video(
    "hevc",
    "yuv444p10le",
    lambda qp: ["-c:v", "libx265", "-preset", "veryslow", "-tune", "psnr", "-x265-params", f"qp={qp}:{X265}"],
    tuple(range(51, 0, -1)),
    (50, 46, 42, 38, 34, 30, 26, 22, 18, 14),
    "x265, one intra picture, 4:4:4, 10 bits, BT.709 full range, preset veryslow, tune psnr; by QP",
)
VVC = Video(
    "vvc",
    "yuv420p10le",
    lambda qp: ["-c:v", "libvvenc", "-preset", VVENC_PRESET, "-qpa", "0", "-qp", str(qp), "-threads", "1"],
    tuple(range(63, 0, -1)),
    (47, 43, 39, 35, 31, 27, 23, 19),
    f"vvenc, one intra picture, 4:2:0, 10 bits, BT.709 full range, preset {VVENC_PRESET}, -qpa 0; by QP",
)


def run(command: list[str], data: bytes) -> bytes:
    """Return what a command writes where it reads `data`. Raises PeerFailed."""
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    if done.returncode or not done.stdout:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise PeerFailed(f"ffmpeg failed ({lines[-1] if lines else f'exit code {done.returncode}'})")
    return done.stdout


def video_peer(video: Video, run: Run = run) -> Peer:
    """Return a codec of ffmpeg's as a peer. Raises MissingLibrary where imageio-ffmpeg is not installed.

    run  how a command is run
    """
    try:
        from imageio_ffmpeg import get_ffmpeg_exe, get_ffmpeg_version
    except ImportError as error:
        raise MissingLibrary(f"{video.name} needs a package: pip install imageio-ffmpeg") from error
    program = get_ffmpeg_exe()

    def encode(pixels: Pixels, setting: float) -> bytes:
        planes = to_yuv(pixels, video.halved)
        height, width = planes[0].shape
        raw = ["-f", "rawvideo", "-pix_fmt", video.pixel_format, "-s", f"{width}x{height}", "-i", "-"]
        command = [program, *QUIET, *raw, "-frames:v", "1", *video.options(int(setting)), "-f", video.name, "-"]
        return run(command, b"".join(plane.astype("<u2").tobytes() for plane in planes))

    def decode(data: bytes) -> Pixels:
        source = ["-threads", "1", "-f", video.name, "-i", "-"]
        target = ["-pix_fmt", video.pixel_format, "-strict", "-1", "-f", "yuv4mpegpipe", "-"]
        return to_rgb(read_y4m(run([program, *QUIET, *source, *target], data), video.halved))

    about = f"ffmpeg {get_ffmpeg_version()}, {video.about}"
    return Peer(video.name, video.quantizers, encode, decode, video.rates, about)


def read_y4m(data: bytes, halved: bool) -> Planes:
    """Return the planes of the first frame of a YUV4MPEG2 stream of 10-bit samples. Raises PeerFailed."""
    header, _, rest = data.partition(b"\n")
    _, _, samples = rest.partition(b"\n")  # the line FRAME
    fields = {word[:1]: word[1:] for word in header.split()[1:]}
    try:
        width, height = int(fields[b"W"]), int(fields[b"H"])
    except (KeyError, ValueError) as error:
        raise PeerFailed("ffmpeg wrote no picture") from error
    small = (height // 2, width // 2) if halved else (height, width)
    shapes = [(height, width), small, small]
    ends = np.cumsum([rows * columns for rows, columns in shapes])
    if len(samples) < 2 * ends[-1]:
        raise PeerFailed("ffmpeg wrote half a picture")
    parts = np.split(np.frombuffer(samples, "<u2", count=int(ends[-1])), ends[:-1])
    return [part.reshape(shape).astype(np.uint16) for part, shape in zip(parts, shapes, strict=True)]
