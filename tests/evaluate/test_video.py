"""Other video codecs are measured as they are: what they take, and how near they come."""

from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("imageio_ffmpeg")

from moving import moving
from trellic.evaluate.video import PEERS, code_peer, compare, measure_peer
from trellic.video.frames import BT601, probe, read_frames, write_video


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    write_video(iter(moving(4, 64, 96)), str(path), ".mp4", (96, 64), Fraction(25), BT601, b"")
    return probe(path)


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_larger_settings_of_a_codec_take_more_bytes_and_come_nearer(peer, clip):
    frames = list(read_frames(clip))
    small, large = (measure_peer(peer, clip, frames, setting) for setting in (peer.settings[0], peer.settings[-1]))
    assert large.bytes > 2 * small.bytes
    assert large.psnr > small.psnr + 3
    assert large.psnr_y > small.psnr_y


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_a_codec_predicts_frames(peer, clip):
    alone, _ = code_peer(peer, clip, 1, peer.settings[-3])
    data, decoded = code_peer(peer, clip, 4, peer.settings[-3])
    assert len(decoded) == 4
    assert len(data) < 4 * len(alone)


def test_luma_is_weighed_as_the_matrix_says():
    frames = [np.zeros((8, 8, 3), np.uint8)]
    green = [np.zeros((8, 8, 3), np.uint8)]
    green[0][:, :, 1] = 10
    assert compare(frames, green, 1, 1).psnr_y < compare(frames, green, 1, 6).psnr_y
