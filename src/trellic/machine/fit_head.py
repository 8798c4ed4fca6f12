"""Train a head: pictures of each class → features as streams have them → logistic regression.

Pictures are encoded in memory, each at a quality drawn for it, so that a head knows streams of all qualities. Part of
each class is for validation, at several qualities; nothing is chosen by that part.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from trellic.errors import FAILURES, NoPictures
from trellic.machine.features import FeatureReader
from trellic.machine.head import FORMAT, Head
from trellic.machine.logistic import Numbers, choose_penalty, fit_logistic, shuffled_groups
from trellic.model.model import Floats

LOWEST, HIGHEST = 10.0, 90.0
"""Qualities of pictures to train on."""
QUALITIES = (10, 30, 50, 80)
"""Those of pictures for validation."""
FEWEST = 2
"""Pictures of a class to train on."""
Read = Callable[[float], bytes]
"""Returns a picture's stream at a quality of 0 to 100; one that was encoded already is as it is at all qualities."""


class Labelled(NamedTuple):
    """A picture: its name for messages, its class by number, and its stream."""

    name: str
    label: int
    read: Read


def fit_head(
    reader: FeatureReader,
    classes: Sequence[str],
    pictures: Sequence[Labelled],
    validation: float,
    seed: int,
    report: Callable[[str], None],
) -> Head:
    """Return a head for pictures of some classes; those that cannot be read are reported, and skipped.

    validation  fraction of each class that is not trained on
    The same pictures and seed give the same head. Raises NoPictures where a class has too few.
    """
    random = np.random.default_rng(seed)
    labels = [picture.label for picture in pictures]
    ranks = shuffled_groups(labels, seed)
    counts = np.bincount(labels, minlength=len(classes))
    own = np.array([rank < round(validation * counts[label]) for rank, label in zip(ranks, labels, strict=True)])
    vectors, kept = [], []
    for number in np.flatnonzero(~own).tolist():
        quality = float(random.uniform(LOWEST, HIGHEST))
        vector = _vector(reader, pictures[number], quality, report)
        if vector is not None:
            vectors.append(vector)
            kept.append(number)
    trained = np.bincount([labels[number] for number in kept], minlength=len(classes))
    if (trained < FEWEST).any():
        poor = classes[int(trained.argmin())]
        raise NoPictures(f"class {poor} has {trained.min()} pictures to train on, and {FEWEST} are needed")
    inputs, wanted = np.array(vectors, np.float64), np.array([labels[number] for number in kept])
    penalty = choose_penalty(inputs, wanted, ranks[kept], len(classes))
    fit = fit_logistic(inputs, wanted, len(classes), penalty)
    head = Head({"classes": list(classes)}, fit.matrix.astype(np.float32), fit.bias.astype(np.float32))
    card = {
        "format": FORMAT,
        "classes": list(classes),
        "model": reader.networks.card["model"],
        "features": reader.networks.sha256.hex(),
        "trained_on": {name: int(count) for name, count in zip(classes, trained, strict=True)},
        "penalty": penalty,
        "seed": seed,
        **_validated(head, reader, [pictures[number] for number in np.flatnonzero(own).tolist()], report),
    }
    return Head(card, head.matrix, head.bias)


def _validated(
    head: Head, reader: FeatureReader, pictures: Sequence[Labelled], report: Callable[[str], None]
) -> dict[str, Any]:
    """Return accuracy by quality, and how often each class (a row) was taken for each, over all qualities."""
    confusion: Numbers = np.zeros((len(head.classes), len(head.classes)), np.int64)
    accuracy, count = {}, 0
    for quality in QUALITIES:
        right = count = 0
        for picture in pictures:
            vector = _vector(reader, picture, quality, report)
            if vector is not None:
                found = int(head.probabilities(vector).argmax())
                confusion[picture.label, found] += 1
                right, count = right + (found == picture.label), count + 1
        if count:
            accuracy[str(quality)] = right / count
    return {"validated_on": count, "accuracy": accuracy, "confusion": confusion.tolist()}


def _vector(reader: FeatureReader, picture: Labelled, quality: float, report: Callable[[str], None]) -> Floats | None:
    try:
        return reader.read(picture.read(quality)).vector
    except FAILURES as error:
        report(f"{picture.name}: skipped, {str(error) or 'not enough memory'}")
        return None
