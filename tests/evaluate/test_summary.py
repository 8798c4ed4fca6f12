"""What is said of records follows from them by hand."""

import pytest

from trellic.evaluate.measure import Record
from trellic.evaluate.report.tables import interval
from trellic.evaluate.summary import (
    METRICS,
    PSNR,
    bits_at,
    complete,
    decibels,
    mean_curve,
    picture_curve,
    saving,
    seconds_per_megapixel,
)


def record(codec, picture, setting, size, psnr, **values):
    """Return a record of 100×80 pixels, so that 1000 bytes are a bit a pixel."""
    return Record(codec, "set", picture, picture, 100, 80, setting, size, 0.4, 0.2, psnr, **values)


def pair(picture, ratio):
    """Return a picture's records by an anchor, and by another codec that takes so many times its bits."""
    sizes = (500, 1000, 2000, 4000)
    return [
        record(codec, picture, setting, round(size * factor), 30 + 2 * setting)
        for codec, factor in (("anchor", 1), ("test", ratio))
        for setting, size in enumerate(sizes)
    ]


def test_a_saving_is_by_picture_and_of_the_mean_curve():
    records = [*pair("a", 0.5), *pair("b", 0.8)]
    found = saving(records, "test", "anchor", PSNR)
    assert found.pictures == {"a": pytest.approx(-50), "b": pytest.approx(-20)}
    assert found.mean == pytest.approx(-35)
    assert found.curve.percent == pytest.approx(-35)  # rates are averaged, then compared


def test_the_error_of_a_mean_is_twice_its_standard_error():
    found = saving([*pair("a", 0.5), *pair("b", 0.8)], "test", "anchor", PSNR)
    assert found.error == pytest.approx(30)
    assert interval(found) == "−35.0 ± 30.0 %"
    assert saving(pair("a", 0.5), "test", "anchor", PSNR).error is None


def test_a_measure_counts_within_its_range_alone():
    """The other codec is better where quality is low, and worse from 30 points on."""
    points = {"anchor": (0, 30, 60, 90, 100), "test": (20, 30, 50, 80, 100)}
    records = [
        record(codec, "a", setting, 1000 * (setting + 1), 40.0, ssimulacra2=float(score))
        for codec, scores in points.items()
        for setting, score in enumerate(scores)
    ]
    found = saving(records, "test", "anchor", METRICS[2]).curve
    assert (found.low, found.high) == (30, 90)
    assert found.percent > 0


def test_a_picture_without_a_common_range_is_skipped():
    far = [record("test", "b", setting, 1000 * setting, 60 + setting) for setting in (1, 2)]
    anchor = [each for each in pair("b", 1) if each.codec == "anchor"]
    assert list(saving([*pair("a", 0.5), *anchor, *far], "test", "anchor", PSNR).pictures) == ["a"]


def test_a_mean_curve_averages_rates_and_decibels_at_each_setting():
    records = [record("c", "a", 1, 1000, 30.0), record("c", "b", 1, 3000, 34.0), record("c", "a", 2, 5000, 40.0)]
    assert mean_curve(records, "c", PSNR) == [(2.0, 32.0), (5.0, 40.0)]


def test_a_setting_without_all_figures_is_no_point_of_a_mean_curve():
    records = [record("c", "a", 1, 1000, 30.0), record("c", "b", 1, 3000, None), record("c", "b", 2, 4000, 35.0)]
    assert mean_curve(records, "c", PSNR) == [(4.0, 35.0)]
    assert picture_curve(records, "c", "b", PSNR) == [(4.0, 35.0)]


def test_ms_ssim_counts_in_decibels():
    assert decibels(0.99) == pytest.approx(20)
    ms_ssim = next(metric for metric in METRICS if metric.key == "ms_ssim")
    assert ms_ssim.of(record("c", "a", 1, 1000, 30.0, ms_ssim=0.9)) == pytest.approx(10)
    assert ms_ssim.of(record("c", "a", 1, 1000, 30.0)) is None


def test_bits_are_compared_at_the_quality_of_the_anchor_at_a_rate():
    anchor, test = [(1.0, 30.0), (2.0, 32.0), (4.0, 34.0)], [(0.5, 30.0), (1.0, 32.0), (2.0, 34.0)]
    assert bits_at(anchor, test, 2.0) == pytest.approx(-50)
    assert bits_at(anchor, test, 8.0) is None
    assert bits_at(anchor, [(0.5, 31.0), (2.0, 34.0)], 1.0) is None


def test_only_pictures_that_every_codec_coded_at_every_setting_are_compared():
    records = [*pair("a", 1), *pair("b", 1)[:-1]]
    kept = complete(records, {"anchor": (0, 1, 2, 3), "test": (0, 1, 2, 3)})
    assert {each.picture for each in kept} == {"a"}
    assert {each.picture for each in complete(records, {"anchor": (0, 1)})} == {"a", "b"}


def test_times_are_medians_a_megapixel_less_the_start():
    records = pair("a", 1)
    assert seconds_per_megapixel(records, "test", "encode") == pytest.approx(50)
    assert seconds_per_megapixel(records, "test", "decode", start=0.1) == pytest.approx(12.5)
    assert 0 < seconds_per_megapixel(records, "test", "decode", start=9.0) < 0.01
