"""Any frame decodes alone; damage is an error of one line, in bounded time."""

import contextlib
import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from conftest import GOLDEN
from moving import moving
from trellic.container.bytes import varint
from trellic.container.restoration import BANDS, FEATURES, PLANES, write_weights
from trellic.container.sections import Section, SectionType
from trellic.container.video import (
    OLDEST,
    RESTORED,
    VERSION,
    CodedFrame,
    Kind,
    VideoHeader,
    VideoStream,
    read_group,
    write_group,
    write_video,
)
from trellic.errors import DamagedStream, IncompleteStream, MissingModel, NotAStream, TrellicError, UnsupportedStream
from trellic.video import Reader


@pytest.fixture(scope="module")
def data(coded):
    return coded(moving(9, 70, 90), size=4, keyint=5, sound=b"sound").data


def shown(data):
    """Return all frames of a file, once its sound was read."""
    reader = Reader(data, threads=1)
    assert isinstance(reader.sound, bytes)
    return list(reader)


def rewritten(data, change):
    """Return a file with its groups' frames changed, checksums made right again."""
    stream = Reader(data).stream
    sections = []
    for group in stream.groups:
        sections.append(write_group(group.frames.start, change(list(read_group(stream.read(group.entry))))))
    return write_video(stream.header, sections)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_frame_alone_equals_the_same_frame_of_all(data, threads):
    reader = Reader(data, threads=threads)
    frames = list(reader)
    for number in range(len(reader)):
        assert np.array_equal(reader[number], frames[number])
    assert np.array_equal(reader[-1], frames[-1])
    assert reader.sound == b"sound"
    with pytest.raises(IndexError):
        reader[9]


def test_frames_that_others_refer_to_cannot_be_written_to(data):
    for pixels in Reader(data, threads=1):
        with pytest.raises(ValueError, match="read-only"):
            pixels[:] = 0


def test_uses_by_frames_that_are_not_needed_count(data):
    """Frame 0 is kept until 6 since 4 uses it, which is not decoded for 6."""

    def change(frames):
        uses = [(0,), (1,), (2,), (0,), (3,), (0, 5)]
        return [frames[0], *(frame(Kind.REPEAT, n, *use, kept=n != 4) for n, use in enumerate(uses, 1))]

    stream = Reader(data).stream
    group = stream.groups[0]
    section = write_group(0, change(list(read_group(stream.read(group.entry)))))
    reader = Reader(write_video(replace(stream.header, frames=7), [section]), threads=1)
    assert np.array_equal(reader[6], list(reader)[6])
    assert reader.verify()


def test_verifying_takes_the_same_indices_for_any_number_of_threads(data):
    assert Reader(data, threads=1).verify() == Reader(data, threads=2).verify()


@pytest.mark.parametrize("cut", [3, 20, 60, -1])
def test_what_is_cut_off_is_incomplete(data, cut):
    with pytest.raises((IncompleteStream, NotAStream)):
        list(Reader(data[:cut]))


def test_other_files_are_refused():
    with pytest.raises(NotAStream):
        Reader(b"\x93TLC" + bytes(60))
    with pytest.raises(UnsupportedStream):
        Reader(b"\x93TLV\x03" + bytes(60))


def test_a_flipped_bit_never_decodes_silently(data):
    chosen = random.Random(0)
    for _ in range(60):
        damaged = bytearray(data)
        damaged[chosen.randrange(len(data))] ^= 1 << chosen.randrange(8)
        with pytest.raises(TrellicError, match=r"^[^\n]+$"):
            shown(bytes(damaged))


def test_damage_with_right_checksums_is_an_error_or_decodes(data):
    chosen = random.Random(1)

    def change(frames):
        at = chosen.randrange(len(frames))
        payload = bytearray(frames[at].payload)
        for _ in range(chosen.randrange(1, 4)):
            payload[chosen.randrange(len(payload))] = chosen.randrange(256)
        frames[at] = replace(frames[at], payload=bytes(payload))
        return frames

    for _ in range(40):
        with contextlib.suppress(TrellicError):
            assert len(shown(rewritten(data, change))) == 9


def frame(kind, number, *references, payload=b"", kept=True, weights=()):
    return CodedFrame(kind, number, references, 1000, kept, payload, write_weights(weights))


@pytest.mark.parametrize(
    "change",
    [
        lambda frames: frames[:1] + frames[:1] + frames[2:],  # an intra frame twice
        lambda frames: frames[:4] + frames[3:4],  # a frame twice, another missing
        lambda frames: [frames[0], frame(Kind.REPEAT, 4, 3), *frames[2:]],  # a reference that comes later
        lambda frames: [frames[0], frame(Kind.REPEAT, 4, 4), *frames[2:]],  # itself
        lambda frames: [frames[0], frame(Kind.REPEAT, 4, 2**30), *frames[2:]],
        lambda frames: frames[1:] + frames[:1],  # the first is not intra
    ],
)
def test_impossible_orders_are_refused(data, change):
    damaged = rewritten(data, lambda frames: change(frames) if frames[0].number == 0 else frames)
    with pytest.raises(DamagedStream):
        shown(damaged)
    with pytest.raises(DamagedStream):
        Reader(damaged, threads=1).verify()


WEIGHTS = np.zeros((1 + BANDS, PLANES, FEATURES), np.int8)
WEIGHTS[0, 1, 4] = -7


def test_weights_of_a_frame_come_back():
    banded = WEIGHTS.copy()
    banded[3, 0, 0] = 2
    frames = [frame(Kind.INTRA, 0, payload=b"\1\2\3")]
    frames += [frame(Kind.PREDICTED, 1, 0, weights=each) for each in ([None, WEIGHTS], [banded, WEIGHTS])]
    first, second, third = read_group(write_group(0, frames).payload)
    assert (first.weights, first.payload, second.payload) == ((None,), b"\1\2\3", b"")
    assert second.weights[0] is None
    assert np.array_equal(second.weights[1], WEIGHTS)
    assert np.array_equal(third.weights, [banded, WEIGHTS])


@pytest.mark.parametrize(
    ("restoration", "error"), [(b"", DamagedStream), (b"\1", DamagedStream), (b"\7\0", UnsupportedStream)]
)
def test_impossible_restorations_are_refused(restoration, error):
    body = bytes([Kind.INTRA | RESTORED, 0, 1, 0]) + varint(len(restoration)) + restoration
    with pytest.raises(error):
        [coded.check() for coded in read_group(varint(0) + varint(1) + varint(len(body)) + body)]


def test_weights_of_a_part_without_blocks_mean_nothing(coded):
    data = coded(moving(3, 64, 64), 60.0).data
    changed = rewritten(data, lambda frames: [frames[0], *(with_skipped_weights(one) for one in frames[1:])])
    assert np.array_equal(shown(data), shown(changed))


def with_skipped_weights(one):
    """Return a frame all of which is coded, with weights for what is skipped."""
    return replace(one, restoration=write_weights([one.weights[0], WEIGHTS]))


def test_a_repeat_that_is_restored_is_refused():
    frames = [frame(Kind.INTRA, 0), frame(Kind.REPEAT, 1, 0, weights=[WEIGHTS])]
    with pytest.raises(DamagedStream, match="a repeat that is restored"):
        list(read_group(write_group(0, frames).payload))


def test_a_repeat_that_codes_something_is_refused():
    frames = [frame(Kind.INTRA, 0), frame(Kind.REPEAT, 1, 0, payload=b"junk")]
    with pytest.raises(DamagedStream, match="a repeat that codes something"):
        list(read_group(write_group(0, frames).payload))


def test_thousands_of_repeats_are_streamed(coded):
    data = coded(moving(1, 64, 64)).data
    stream = Reader(data).stream
    intra = next(read_group(stream.read(stream.groups[0].entry)))
    count = 3000
    repeats = [frame(Kind.REPEAT, number, number - 1) for number in range(1, count)]
    header = VideoHeader(**{**vars(stream.header), "frames": count})
    reader = Reader(write_video(header, [write_group(0, [intra, *repeats])]), threads=1)
    assert sum(1 for _ in reader) == count


def test_groups_of_more_frames_than_a_decoder_lists_are_refused(coded):
    data = coded(moving(1, 64, 64)).data
    stream = Reader(data).stream
    header = VideoHeader(**{**vars(stream.header), "frames": 1 << 20})
    payload = varint(0) + varint(1 << 20)
    with pytest.raises(DamagedStream, match="1048576 frames"):
        Reader(write_video(header, [Section(SectionType.FRAMES, payload)]))


def test_frames_that_wait_too_long_are_refused(coded):
    data = coded(moving(1, 64, 64)).data
    stream = Reader(data).stream
    intra = next(read_group(stream.read(stream.groups[0].entry)))
    numbers = [*range(2, 40), 1]
    section = write_group(0, [intra, *(frame(Kind.REPEAT, number, 0) for number in numbers)])
    header = VideoHeader(**{**vars(stream.header), "frames": 40})
    with pytest.raises(DamagedStream, match="order"):
        list(Reader(write_video(header, [section]), threads=1))


def test_a_missing_model_is_named(data):
    stream = Reader(data).stream
    header = VideoHeader(**{**vars(stream.header), "model": b"\x01\x02\x03\x04"})
    sections = [Section(SectionType.FRAMES, stream.read(group.entry)) for group in stream.groups]
    with pytest.raises(MissingModel, match="01020304"):
        list(Reader(write_video(header, sections)))


def test_the_golden_video_decodes_to_its_indices_and_frames():
    data = (GOLDEN / "video.tlv").read_bytes()
    assert data[4] == OLDEST
    reader = Reader(data)
    assert (len(reader), reader.size, reader.sound) == (12, (90, 70), b"sound")
    assert reader.verify()[:16] == "434bdad4cfc132ee"
    with Image.open(GOLDEN / "video.png") as expected:
        assert np.abs(reader[11].astype(int) - np.asarray(expected)).max() <= 2


def test_the_golden_restored_video_decodes_to_its_indices_and_frames():
    data = (GOLDEN / "video_restored.tlv").read_bytes()
    assert data[4] == VERSION
    reader = Reader(data)
    assert reader.verify()[:16] == "29f1e31c00b17a81"
    with Image.open(GOLDEN / "video_restored.png") as expected:
        assert np.abs(reader[11].astype(int) - np.asarray(expected)).max() <= 2


def test_unknown_sections_are_refused_or_skipped(data):
    stream = Reader(data).stream
    groups = [Section(SectionType.FRAMES, stream.read(group.entry)) for group in stream.groups]
    assert len(Reader(write_video(stream.header, [Section(200, b"later"), *groups]))) == 9
    with pytest.raises(UnsupportedStream):
        Reader(write_video(stream.header, [Section(33, b""), *groups]))


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(1, 1 << 20)])
@pytest.mark.parametrize("kind", [SectionType.ADAPTER, SectionType.SOUND])
def test_sections_that_no_encoder_writes_are_refused_unread(data, kind, rate):
    """A file on a web server may claim any length, and any rate of frames."""
    stream = Reader(data).stream
    front = bytes([kind]) + varint((1 << 32) - 1) + bytes(4)
    head = write_video(replace(stream.header, rate=rate), [])
    with pytest.raises(DamagedStream, match="which no encoder writes"):
        VideoStream.parse(LongData(head + front + bytes(64)))


class LongData(bytes):
    """Bytes that say of themselves that there are more."""

    def __len__(self):
        return 1 << 34
