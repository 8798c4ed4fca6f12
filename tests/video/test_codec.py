"""Videos of any size and length come back as the encoder had them; targets are met."""

from copy import copy
from fractions import Fraction

import numpy as np
import pytest

from conftest import GOLDEN
from moving import moving
from trellic.codec import Target
from trellic.codec.refinement import UNREFINED
from trellic.container.video import Kind, read_group
from trellic.errors import BadRequest, PictureTooLarge
from trellic.metrics import psnr
from trellic.video import Reader, Structure, VideoCodec
from trellic.video.encoder import ADAPTIVE, DECIBELS_PER_OCTAVE, TRIED
from trellic.video.structure import SIZES


def groups_of(data):
    stream = Reader(data).stream
    return [list(read_group(stream.read(group.entry))) for group in stream.groups]


def frames_of(data):
    return [one for group in groups_of(data) for one in group]


def kinds_of(data):
    return [[one.kind for one in group] for group in groups_of(data)]


@pytest.mark.parametrize(("size", "count"), [(1, 4), (8, 10)])
def test_a_decoder_has_what_the_encoder_had(coded, size, count):
    frames = moving(count, 70, 90)
    made = coded(frames, size=size)
    decibels = [psnr(one, other) for one, other in zip(frames, Reader(made.data, threads=1), strict=True)]
    assert np.mean(decibels) == pytest.approx(made.psnr, abs=1e-9)


def test_frames_are_restored_where_that_pays_and_come_out_better(video_codec, coded):
    frames, plain = moving(4, 70, 90), copy(video_codec)
    plain.refinement = UNREFINED
    without = plain.encode(lambda: frames, Fraction(25), Target(40.0), Structure(1), 1)
    made = coded(frames)
    assert any(one.restoration for one in frames_of(made.data))
    assert not any(one.restoration for one in frames_of(without.data))
    assert made.psnr > without.psnr


def test_frames_that_are_to_stay_quick_are_not_restored():
    codec = VideoCodec(str(GOLDEN / "golden.trm"), threads=1, effort=2, adapter="none")
    data = codec.encode(lambda: moving(2, 64, 64), Fraction(25), Target(40.0), Structure(1), 1).data
    assert not any(one.restoration for one in frames_of(data))


@pytest.mark.parametrize("shape", [(1, 1), (1, 70), (67, 3), (64, 64), (65, 129)])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_any_size_and_length_comes_back(coded, shape, count):
    frames = moving(count, *shape)
    reader = Reader(coded(frames, size=2).data, threads=1)
    assert len(reader) == count
    assert [frame.shape for frame in reader] == [(*shape, 3)] * count


def test_what_stays_is_repeated_in_a_few_bytes(coded):
    frames = [np.full((64, 80, 3), 128, np.uint8)] * 6
    alone, data = len(coded(frames[:1], 0.0).data), coded(frames, 0.0).data
    assert kinds_of(data)[0][0] == Kind.INTRA
    assert kinds_of(data)[0][-1] == Kind.REPEAT
    assert len(data) < 2 * alone


@pytest.mark.parametrize("size", [*SIZES, ADAPTIVE])
def test_a_decoder_keeps_what_repeats_refer_to(size, coded):
    """What stands still for long, and then moves."""
    frames = [np.full((48, 64, 3), 90, np.uint8)] * 20 + moving(4, 48, 64)
    reader = Reader(coded(frames, size=size).data, threads=1)
    decoded = list(reader)
    assert len(decoded) == 24
    assert np.array_equal(reader[22], decoded[22])
    assert reader.verify()


def test_frames_that_are_filled_again_are_those_they_were(coded):
    frames, buffer = moving(5, 48, 64), np.empty((48, 64, 3), np.uint8)

    def one_buffer():
        for pixels in frames:
            buffer[:] = pixels
            yield buffer

    assert coded(one_buffer(), size=4).data == coded(frames, size=4).data


def test_a_scene_begins_a_group(coded):
    first, other = moving(3, 64, 96), [255 - frame[::-1, ::-1] for frame in moving(3, 64, 96)]
    random = np.random.default_rng(0).integers(0, 256, (64, 96, 3))
    other = [(frame // 2 + random // 2).astype(np.uint8) for frame in other]
    assert [len(kinds) for kinds in kinds_of(coded([*first, *other]).data)] == [3, 3]


@pytest.mark.parametrize(("size", "keyint", "groups"), [(2, 3, [3, 3, 1]), (4, 4, [4, 3])])
def test_groups_end_at_keyint(coded, size, keyint, groups):
    assert [len(kinds) for kinds in kinds_of(coded(moving(7, 32, 32), size=size, keyint=keyint).data)] == groups


def test_a_size_is_met(video_codec):
    frames = moving(4, 64, 96)
    made = video_codec.encode(lambda: frames, Fraction(25), Target(size=3000), Structure(), 1)
    assert 1500 < len(made.data) <= 3000


def test_frames_of_two_sizes_are_refused(coded):
    with pytest.raises(BadRequest, match="after others"):
        coded([*moving(1, 32, 32), *moving(1, 32, 40)])


@pytest.mark.parametrize("frame", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8, 3))])
def test_what_is_no_frame_is_refused(coded, frame):
    with pytest.raises(BadRequest, match="no frame"):
        coded([frame])


def test_a_rate_is_positive(video_codec):
    with pytest.raises(BadRequest, match="0 frames a second"):
        video_codec.encode(lambda: moving(1, 32, 32), Fraction(0), Target(30), Structure(), 1)


@pytest.mark.parametrize("target", [Target(lossless=True), Target(tune="ssimulacra2"), Target(prefixes=True)])
def test_what_is_for_pictures_is_refused(target, video_codec):
    with pytest.raises(BadRequest, match="for pictures"):
        video_codec.encode(lambda: moving(1, 32, 32), Fraction(25), target, Structure(), 1)


def test_no_frames_are_refused(coded):
    with pytest.raises(BadRequest, match="no frames"):
        coded([])


def test_trials_never_take_more_than_the_mini_groups_that_were_tried(coded):
    """Bits at equal PSNR, by the rule that they are compared by."""
    for frames in (moving(9, 64, 96), [moving(9, 64, 96)[number % 2] for number in range(9)]):
        made = {size: coded(frames, size=size) for size in (1, 2, 4, 8, TRIED)}
        first = coded(frames[:1])
        costs = {}
        for size, one in made.items():
            decibels = [psnr(frame, shown) for frame, shown in zip(frames, Reader(one.data, threads=1), strict=True)]
            costs[size] = np.log2(len(one.data) - len(first.data)) - np.mean(decibels[1:]) / DECIBELS_PER_OCTAVE
        assert costs[TRIED] <= min(costs.values()) + 0.02
        assert len({len(kinds) for kinds in kinds_of(made[TRIED].data)}) == 1


def test_a_structure_is_named_by_a_number_or_adaptive():
    assert Structure.of("4", 10) == Structure(4, 10)
    assert Structure.of("trial", 10) == Structure(TRIED, 10)
    assert Structure.of("adaptive", 10) == Structure(keyint=10)
    with pytest.raises(BadRequest, match="none of adaptive, trial, 1, 2"):
        Structure.of("often", 10)


@pytest.mark.parametrize("options", [{"size": 3}, {"keyint": 0}])
def test_impossible_structures_are_refused(options):
    with pytest.raises(BadRequest):
        Structure(**options)


def test_large_frames_are_refused_before_they_are_coded():
    codec = VideoCodec(str(GOLDEN / "golden.trm"), threads=1, adapter="none", limit=4096)
    with pytest.raises(PictureTooLarge):
        codec.encode(lambda: moving(1, 70, 70), Fraction(25), Target(), Structure(), 1)
