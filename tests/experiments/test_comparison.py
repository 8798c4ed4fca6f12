"""A codec is in a table only where it coded every picture of ours at every setting, and only those pictures count."""

import pytest

from experiments.comparison import page
from trellic.evaluate.lines import Head
from trellic.evaluate.measure import Record, Results


def records(codec, pictures, settings=(1, 2, 3)):
    """Return records in which a codec takes more bits and has more quality at each setting."""
    return [
        Record(codec, "kodak", picture, picture, 100, 80, setting, 1000 * 2**setting, 0.1, 0.1, 30.0 + setting)
        for picture in pictures
        for setting in settings
    ]


@pytest.fixture
def measured(monkeypatch):
    """Put records in place of files; returns a function (ours, others) → (records, codecs) of the set."""

    def put(ours, others):
        monkeypatch.setattr(page, "results_of", lambda name: Results(None, Head(), ours))
        monkeypatch.setattr(page, "others", lambda: Results(None, Head(), others))
        page.all_of.cache_clear()
        found = page.all_of("kodak")
        page.all_of.cache_clear()
        return found

    return put


def test_a_codec_with_a_picture_missing_is_in_no_table(measured):
    _, codecs = measured(records("trellic", "ab"), [*records("jpeg", "ab"), *records("webp", "a")])
    assert codecs == ["trellic", "jpeg"]


def test_a_codec_with_a_setting_missing_is_in_no_table(measured):
    _, codecs = measured(records("trellic", "ab"), [*records("webp", "a"), *records("webp", "b", (1, 2))])
    assert codecs == ["trellic"]


def test_only_pictures_of_ours_count(measured):
    found, codecs = measured(records("trellic", "a"), records("jpeg", "abc"))
    assert codecs == ["trellic", "jpeg"]
    assert {record.picture for record in found} == {"a"}
