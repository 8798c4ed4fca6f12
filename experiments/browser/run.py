"""Does a browser's decoder see the same indices as Python's, how far are its pixels, and what does it cost?

Pictures are encoded by every kind of quantizer; Python and tlic.js, in Node, decode each stream. Times are processor
time of one photograph, the first time and again. What a view of the page costs is measured where there is a Chromium.
"""

import resource
import tempfile
import zlib
from pathlib import Path

import numpy as np

from experiments.browser import views
from experiments.browser.node import in_node
from experiments.quantizers.run import NAMES
from experiments.store import DEPLOYED, SETS, Line, keep
from trellic.cli.demo import BUNDLED
from trellic.codec import Codec, Target
from trellic.errors import MissingLibrary
from trellic.jobs.local import complain
from trellic.jobs.plan import find_files
from trellic.picture.kinds import readable_suffixes
from trellic.picture.pillow import read
from trellic.web import STATIC
from trellic.web.pack import pack_decoder

QUALITIES = (10, 50, 90)
EVERY = 12
"""One picture of cid22 in so many."""
REPEATS = 9


def exactness(codec: Codec, half: bytes, folder: Path) -> list[Line]:
    """Return a line for each quantizer: streams, those of the same indices, and how far samples are."""
    lines = []
    pictures = [read(path) for path, _ in find_files([str(folder)], readable_suffixes())[::EVERY]]
    for quantizer in NAMES:
        writer = codec.using(quantizer)
        streams = {
            f"{number}_{quality}": writer.encode_picture(picture, Target(quality)).data
            for number, picture in enumerate(pictures)
            for quality in QUALITIES
        }
        with tempfile.TemporaryDirectory() as place:
            found = in_node(Path(place), streams, {"model": half})
        differences = [
            np.abs(found[name]["data"].astype(int) - np.asarray(codec.decode(data).convert("RGBA")))
            for name, data in streams.items()
        ]
        lines.append({
            "what": "exactness", "quantizer": quantizer, "streams": len(streams),
            "same": sum(found[name]["digest"] == codec.verify(data) for name, data in streams.items()),
            "samples": sum(each.size for each in differences),
            "different": sum(int(np.count_nonzero(each)) for each in differences),
            "largest": max(int(each.max()) for each in differences),
        })  # fmt: skip
        complain(f"browser: {quantizer}")
    return lines


def times(codec: Codec, half: bytes) -> list[Line]:
    """Return milliseconds of processor time of decoding the photograph: in Node, and in Python on one thread."""
    data = codec.encode_picture(read(BUNDLED), Target(50)).data
    with tempfile.TemporaryDirectory() as place:
        found = in_node(Path(place), {str(number): data for number in range(REPEATS)}, {"model": half})
    first, *again = (found[str(number)]["milliseconds"] for number in range(REPEATS))
    python = []
    for _ in range(REPEATS):
        before = _processor_time()
        codec.decode(data)
        python.append(1000 * (_processor_time() - before))
    values = {"Node, first": first, "Node": sorted(again)[len(again) // 2], "Python": sorted(python)[REPEATS // 2]}
    return [{"what": "time", "of": name, "milliseconds": round(value)} for name, value in values.items()]


def _processor_time() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def sizes(half: bytes) -> list[Line]:
    """Return the bytes of the decoder's parts, as they are and compressed by gzip, and of the model's decoder half."""
    lines: list[Line] = []
    for name in ("tlic.wasm", "tlic.js"):
        data = (STATIC / name).read_bytes()
        packed = zlib.compressobj(9, wbits=31)
        lines.append(
            {"what": "size", "of": name, "bytes": len(data), "packed": len(packed.compress(data) + packed.flush())}
        )
    return [*lines, {"what": "size", "of": "decoder half", "bytes": len(zlib.decompress(half)), "packed": len(half)}]


def run(data: Path) -> None:
    """Measure all of it anew."""
    codec = Codec(threads=1, quantizer=DEPLOYED)
    half = pack_decoder(codec.model)
    lines = [*sizes(half), *times(codec, half), *exactness(codec, half, data / SETS["cid22"])]
    with tempfile.TemporaryDirectory() as place:
        try:
            lines += [{**line, "what": f"Chromium, {line['what']}"} for line in views.measure(Path(place))]
        except MissingLibrary as error:
            complain(f"browser: {error}")
    keep("browser", lines)
