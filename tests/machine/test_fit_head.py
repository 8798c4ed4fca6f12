"""Heads of four textures: they are distinguished, the same pictures give the same head, bad files are skipped."""

import pytest

from machines import textures
from trellic.errors import NoPictures, UnreadablePicture
from trellic.machine.fit_head import Labelled, fit_head

CLASSES = ("columns", "noise", "rows", "squares")
KINDS = (0, 3, 1, 2)


def pictures(reader, count):
    return [
        Labelled(
            f"{name} {seed}",
            label,
            lambda quality, kind=kind, seed=seed: reader.codec.encode(textures(192, kind, seed), quality),
        )
        for label, (name, kind) in enumerate(zip(CLASSES, KINDS, strict=True))
        for seed in range(count)
    ]


def test_textures_are_distinguished_at_every_quality(reader):
    head = fit_head(reader, CLASSES, pictures(reader, 10), 0.3, 0, pytest.fail)
    card = head.card
    assert (card["trained_on"], card["validated_on"]) == (dict.fromkeys(CLASSES, 7), 12)
    assert set(card["accuracy"]) == {"10", "30", "50", "80"}
    assert min(card["accuracy"].values()) > 0.7
    assert sum(map(sum, card["confusion"])) == 48
    assert (card["model"], card["features"]) == (reader.networks.card["model"], reader.networks.sha256.hex())


def test_the_same_pictures_give_the_same_head(reader):
    one, same, other = (fit_head(reader, CLASSES, pictures(reader, 4), 0.2, seed, pytest.fail) for seed in (1, 1, 2))
    assert one.pack() == same.pack() != other.pack()


def test_bad_files_are_reported_and_skipped(reader):
    def fail(quality):
        raise UnreadablePicture("not a picture")

    said = []
    broken = [*pictures(reader, 3), Labelled("broken.png", 0, fail)]
    head = fit_head(reader, CLASSES, broken, 0.0, 0, said.append)
    assert said == ["broken.png: skipped, not a picture"]
    assert head.card["trained_on"]["columns"] == 3
    assert head.card["accuracy"] == {}


def test_a_class_without_pictures_is_one_clear_error(reader):
    few = [one for one in pictures(reader, 3) if one.label != 2 or one.name.endswith("0")]
    with pytest.raises(NoPictures, match="rows has 1"):
        fit_head(reader, CLASSES, few, 0.0, 0, pytest.fail)
