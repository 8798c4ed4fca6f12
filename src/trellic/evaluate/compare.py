"""A comparison: every picture through every codec; start-up time and memory of each codec."""

from collections.abc import Callable, Sequence
from pathlib import Path

from trellic.errors import BadRequest, PeerFailed
from trellic.evaluate.codecs.image_codec import ImageCodec
from trellic.evaluate.measure import MEASURES, Harness, Results, processes
from trellic.evaluate.memory import memory_of
from trellic.evaluate.sets import Member
from trellic.evaluate.start import start_seconds
from trellic.evaluate.summary import complete
from trellic.picture.pillow import read, readable
from trellic.picture.types import Pixels
from trellic.provenance import machine

Complain = Callable[[str], None]


def opened(path: Path, codecs: Sequence[ImageCodec], command: str, complain: Complain) -> Results:
    """Return the results that a file holds, ready for more; what does not hold any more is reported, and dropped.

    Times of two machines are not mixed: raises BadRequest.
    """
    results = Results.read(path) if path.exists() else Results(path)
    if results.records and results.head.machine != machine():
        raise BadRequest(f"{path} was measured on another machine ({results.head.machine}); choose another file")
    if dropped := results.prepare(codecs, command):
        complain(f"{path}: {dropped} records dropped, of codecs set otherwise, or of another state of trellic")
    return results


def measure_pictures(
    codecs: Sequence[ImageCodec],
    pictures: Sequence[Member],
    results: Results,
    complain: Complain,
    progress: Callable[[Member], None],
) -> bool:
    """Measure what is missing, all measures of quality included; return whether nothing failed.

    progress  called with a picture before it is coded
    """
    members = {member.path: member for member in pictures}
    sound, seen = True, 0
    with processes() as pool:
        harness = Harness(codecs, results, tuple(MEASURES), pool, complain)
        for path, picture in readable(members, complain):
            progress(members[path])
            sound = harness.measure(members[path].group, members[path].name, picture.pixels) and sound
            seen += 1
    return sound and seen == len(members)


def measure_costs(
    codecs: Sequence[ImageCodec], results: Results, model: str, effort: int, pixels: Pixels, complain: Complain
) -> bool:
    """Measure what is missing of starts, and of memory for a picture, uint8 (H, W, 3); return whether nothing failed.

    model, effort  as `codec_named` takes them
    """
    sound = True
    for codec in codecs:
        try:
            if codec.name not in results.head.starts:
                results.head.starts[codec.name] = start_seconds(codec)
            if codec.name not in results.head.memory:
                results.head.memory[codec.name] = memory_of(codec, model, effort, pixels)
        except PeerFailed as error:
            complain(str(error))
            sound = False
    results.write()
    return sound


def compared(codecs: Sequence[ImageCodec], pictures: Sequence[Member], results: Results) -> Results:
    """Return what the results hold of these pictures that every codec coded, of this run's sets alone.

    Raises BadRequest where there is none.
    """
    wanted = {(member.group, member.name) for member in pictures}
    records = [record for record in results.records if (record.group, record.picture) in wanted]
    found = complete(records, {codec.name: codec.curve for codec in codecs})
    if not found:
        raise BadRequest("no picture was coded by every codec")
    return Results(None, results.head, found)


def largest(pictures: Sequence[Member], results: Results) -> Pixels:
    """Return the pixels of the largest picture of the results."""
    areas = {(record.group, record.picture): record.width * record.height for record in results.records}
    return read(max(pictures, key=lambda member: areas.get((member.group, member.name), 0)).path).pixels
