"""Strips of a grey stream hold one channel three times."""

import numpy as np

from trellic.codec.strips import one_channel


def test_grey_is_the_rounded_mean_of_the_channels():
    pixels = np.array([[(10, 10, 10), (10, 10, 11), (10, 11, 11), (255, 255, 255), (0, 0, 2)]], np.uint8)
    assert one_channel(pixels).tolist() == [[[10] * 3, [10] * 3, [11] * 3, [255] * 3, [1] * 3]]
