"""Videos beside other codecs: rate and distortion of test clips, what prediction saves, structures, drift, access.

Each clip is its first frames. A part that is measured is not measured again.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from experiments.store import ROOT, Line, NotMeasured, keep, lines_of
from trellic.codec.rate_control import Target
from trellic.container.header import QUALITY_ONE
from trellic.container.video import read_group
from trellic.evaluate.video import PEERS, code_peer, compare, measure_peer
from trellic.jobs.local import complain
from trellic.metrics import psnr
from trellic.picture.types import Pixels
from trellic.provenance import commit
from trellic.quantize import DEFAULT_EFFORT
from trellic.video import Reader, Structure, VideoCodec
from trellic.video.encoder import ADAPTIVE, TRIED
from trellic.video.frame_decoder import decode_picture, show_frame
from trellic.video.frame_encoder import encode_intra
from trellic.video.frames import BT601, Clip, probe, read_frames
from trellic.video.reference import Reference
from trellic.video.structure import SIZES, Kept

CLIPS = ("foreman_cif", "mobile_cif", "square", "bunny", "highway")
SHOWN, SHOWN_FRAMES, SHOWN_QUALITY = "bunny", (1, 8, 16), 40.0
"""The clip that may be shown: Big Buck Bunny, © Blender Foundation, CC BY 3.0."""
FRAMES, RATE = 17, Fraction(25)
QUALITIES = (20.0, 40.0, 60.0)
HIGHER, STRUCTURE_QUALITIES = 75.0, (20.0, 60.0)
"""A fourth point of the curves that other codecs are compared with; and those that structures are compared at."""
EFFORTS, SMALL_CLIPS = (DEFAULT_EFFORT, 8), CLIPS[:3]
"""The default effort and one that searches, which is measured on clips of small frames."""
INTRA_QUALITIES, INTRA_FRAMES = (10.0, 25.0, 40.0, 55.0, 70.0, 85.0), (4, 8, 12)
DRIFT_CLIP, DRIFT_FRAMES, DRIFT_QUALITY, DISTURBED = "foreman_cif", 33, 38.0, 0.01


Part = tuple[Line, Callable[[], Line]]
"""What names a part, and what measures it."""


class Measurement:
    """What is measured so far; kept after each part."""

    def __init__(self) -> None:
        try:
            self.lines = lines_of("video")[1]
        except NotMeasured:
            self.lines = []

    def part(self, key: Line, measure: Callable[[], Line]) -> None:
        """Measure a part, unless it is there."""
        if any(all(line.get(name) == value for name, value in key.items()) for line in self.lines):
            return
        self.lines.append({**key, **measure()})
        keep("video", self.lines)
        complain(f"video: {' '.join(map(str, key.values()))}")


def run(data: Path) -> None:
    """Measure what is missing: first what other codecs are compared with, then the other structures."""
    measurement, codec = Measurement(), VideoCodec(threads=1)
    sources = {}
    for name in CLIPS:
        clip = probe(data / "video" / "test" / f"{name}.mp4")
        sources[name] = clip, list(read_frames(clip, DRIFT_FRAMES if name == DRIFT_CLIP else FRAMES))
    for name, (clip, frames) in sources.items():
        for key, part in _comparison(codec, clip, frames[:FRAMES]):
            measurement.part({**key, "clip": name}, part)
    frames = sources[DRIFT_CLIP][1]
    measurement.part({"kind": "drift", "clip": DRIFT_CLIP}, lambda: _drift(codec, frames))
    measurement.part({"kind": "access", "clip": DRIFT_CLIP}, lambda: _access(codec, frames[:FRAMES]))
    measurement.part({"kind": "shown", "clip": SHOWN}, lambda: _show(codec, *sources[SHOWN]))
    for effort in EFFORTS:
        searching = VideoCodec(threads=1, effort=effort)
        for name in SMALL_CLIPS:
            clip, frames = sources[name]
            for key, part in _efforts(searching, effort, clip, frames[:FRAMES]):
                measurement.part({**key, "clip": name}, part)
    for name, (clip, frames) in sources.items():
        for key, part in _structures(codec, clip, frames[:FRAMES]):
            measurement.part({**key, "clip": name}, part)


def _comparison(codec: VideoCodec, clip: Clip, frames: list[Pixels]) -> Iterator[Part]:
    for quality in (*QUALITIES, HIGHER):
        yield _own(codec, clip, frames, quality, ADAPTIVE)
    for quality in QUALITIES:
        yield _own(codec, clip, frames, quality, 1)
    yield {"kind": "intra"}, lambda: _intra(codec, frames)
    for peer in PEERS:
        for setting in peer.settings:
            key = {"kind": "curve", "codec": peer.name, "setting": setting}
            yield key, lambda peer=peer, setting=setting: _of(measure_peer(peer, clip, frames, setting))


def _efforts(codec: VideoCodec, effort: int, clip: Clip, frames: list[Pixels]) -> Iterator[Part]:
    for quality in (*QUALITIES, HIGHER):
        key = {"kind": "effort", "effort": effort, "setting": quality}
        yield key, lambda quality=quality: {
            **_curve(codec, clip, frames, quality, ADAPTIVE), "commit": commit()
        }  # fmt: skip


def _structures(codec: VideoCodec, clip: Clip, frames: list[Pixels]) -> Iterator[Part]:
    for size in (*SIZES[1:], TRIED):
        for quality in STRUCTURE_QUALITIES:
            yield _own(codec, clip, frames, quality, size)


def _own(codec: VideoCodec, clip: Clip, frames: list[Pixels], quality: float, size: int) -> Part:
    key = {"kind": "curve", "codec": f"trellic {size}", "setting": quality}
    return key, lambda: _curve(codec, clip, frames, quality, size)


def _show(codec: VideoCodec, clip: Clip, frames: list[Pixels]) -> Line:
    """Write some frames as a picture: originals, by trellic, and by x264 of nearest size; return both sizes."""
    data = codec.encode(lambda: frames, clip.rate, Target(SHOWN_QUALITY), Structure(), clip.matrix).data
    (peer,) = (one for one in PEERS if one.name == "x264")
    tried = [code_peer(peer, clip, len(frames), setting) for setting in range(26, 40, 2)]
    file, other = min(tried, key=lambda one: abs(np.log(len(one[0]) / len(data))))
    rows = [[shown[number] for number in SHOWN_FRAMES] for shown in (frames, list(Reader(data)), other)]
    picture = Image.fromarray(np.concatenate([np.concatenate(row, axis=1) for row in rows]))
    picture.resize((picture.width * 2 // 3, picture.height * 2 // 3), Image.Resampling.LANCZOS).save(
        ROOT.parent / "docs" / "figures" / "video-frames.webp", quality=85, method=6
    )
    return {"bytes": len(data), "x264_bytes": len(file)}


def _of(measured: Any) -> Line:
    return dict(measured._asdict())


def _curve(codec: VideoCodec, clip: Clip, frames: list[Pixels], quality: float, size: int) -> Line:
    """Code a clip; return its measures, CPU times, and bytes and PSNR of its predicted frames."""
    start = time.process_time()
    made = codec.encode(lambda: frames, clip.rate, Target(quality), Structure(size), clip.matrix)
    middle = time.process_time()
    reader = Reader(made.data, threads=1)
    decoded = list(reader)
    end = time.process_time()
    coded = [one for group in reader.stream.groups for one in read_group(reader.stream.read(group.entry))]
    predicted = [one for one in coded if one.references]
    overhead = len(made.data) - sum(one.size for one in coded)
    size_of = sum(one.size for one in predicted) + overhead
    return {
        **_of(compare(frames, decoded, len(made.data), clip.matrix)),
        "exact": bool(abs(np.mean([psnr(*pair) for pair in zip(frames, decoded, strict=True)]) - made.psnr) < 1e-9),
        "predicted_bytes": size_of / len(predicted),
        "predicted_psnr": float(np.mean([psnr(frames[one.number], decoded[one.number]) for one in predicted])),
        "encode_s": (middle - start) / len(frames), "decode_s": (end - middle) / len(frames),
    }  # fmt: skip


def _intra(codec: VideoCodec, frames: Sequence[Pixels]) -> Line:
    """Return mean bytes and PSNR of frames that are coded as pictures, by quality."""
    points = []
    for quality in INTRA_QUALITIES:
        found = []
        for number in INTRA_FRAMES:
            coded, shown = encode_intra(
                codec.networks, frames[number], number, round(quality * QUALITY_ONE), codec.refinement
            )
            found.append((coded.size, psnr(frames[number], shown.pixels)))
        points.append([float(value) for value in np.mean(found, axis=0)])
    return {"points": points}


def _drift(codec: VideoCodec, frames: list[Pixels]) -> Line:
    """Return what one level more or less in some samples of each reference costs after a chain of predicted frames."""
    size = frames[0].shape[:2]
    data = codec.encode(lambda: frames, RATE, Target(DRIFT_QUALITY), Structure(1), BT601).data
    reader, random = Reader(data, threads=1), np.random.default_rng(0)
    plain = list(reader)
    kept = Kept[Reference]()
    lost, largest = [], 0
    for group in reader.stream.groups:
        for coded in read_group(reader.stream.read(group.entry)):
            references = [kept.find(number) for number in coded.references]
            shown = show_frame(coded, *decode_picture(codec.networks, coded, *size), references)
            signs = random.choice(np.array([-1, 1]), shown.pixels.shape) * (
                random.random(shown.pixels.shape) < DISTURBED
            )
            disturbed = np.clip(shown.pixels + signs, 0, 255).astype(np.uint8)
            kept.keep(coded.number, Reference(coded.number, disturbed, shown.motion))
            original, before = frames[coded.number], plain[coded.number]
            lost.append(psnr(original, before) - psnr(original, disturbed))
            largest = max(largest, int(np.abs(disturbed.astype(int) - before).max()))
    return {"lost_db": lost[-1], "most_lost_db": max(lost), "largest": largest, "frames": len(frames)}


def _access(codec: VideoCodec, frames: list[Pixels]) -> Line:
    """Return how many frames, each decoded alone, equal those of the whole."""
    data = codec.encode(lambda: frames, RATE, Target(QUALITIES[1]), Structure(), BT601).data
    reader = Reader(data, threads=1)
    equal = sum(np.array_equal(reader[number], frame) for number, frame in enumerate(reader))
    return {"equal": int(equal), "frames": len(frames)}
