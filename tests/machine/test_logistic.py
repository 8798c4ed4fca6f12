"""Logistic regression: the minimum of what it says, whatever the units of its inputs, and never a group parted."""

import numpy as np
import pytest

from trellic.machine import logistic
from trellic.machine.logistic import choose_penalty, fit_logistic, shuffled_groups

RANDOM = np.random.default_rng(0)
LABELS = np.arange(60) % 3
VECTORS = RANDOM.normal(0, 1, (60, 8)) + np.eye(3, 8)[LABELS]


def cost(matrix, bias, penalty):
    """The cost of standardized inputs."""
    inputs = (VECTORS - VECTORS.mean(axis=0)) / (VECTORS.std(axis=0) + 1e-6)
    weights = matrix * (VECTORS.std(axis=0) + 1e-6)[:, None]
    scores = inputs @ weights + bias + VECTORS.mean(axis=0) @ matrix
    entropy = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(60), LABELS]
    return entropy.mean() + penalty / 2 * np.square(weights).sum()


@pytest.mark.parametrize("penalty", [1e-3, 1e-1])
def test_it_is_the_minimum(penalty):
    fit = fit_logistic(VECTORS, LABELS, 3, penalty)
    best = cost(*fit, penalty)
    for _ in range(20):
        nudge = RANDOM.normal(0, 1e-2, fit.matrix.shape), RANDOM.normal(0, 1e-2, 3)
        assert cost(fit.matrix + nudge[0], fit.bias + nudge[1], penalty) > best


def test_units_do_not_matter():
    one, other = fit_logistic(VECTORS, LABELS, 3, 0.01), fit_logistic(VECTORS * 1000 + 7, LABELS, 3, 0.01)
    assert np.array_equal(one.classes_of(VECTORS), other.classes_of(VECTORS * 1000 + 7))
    assert np.mean(one.classes_of(VECTORS) == LABELS) > 0.7


def test_more_numbers_than_vectors_change_nothing():
    """The penalty is the same along all axes: numbers beside those that vectors span need no weights."""
    wide = np.concatenate([VECTORS, RANDOM.normal(0, 1, (60, 80))], axis=1)
    fit = fit_logistic(wide[:30], LABELS[:30], 3, 0.1)
    gradient = np.eye(3)[LABELS[:30]]
    scores = np.exp(wide[:30] @ fit.matrix + fit.bias)
    deviation = wide[:30].std(axis=0) + 1e-6
    inputs = (wide[:30] - wide[:30].mean(axis=0)) / deviation
    gradient = inputs.T @ (scores / scores.sum(axis=1, keepdims=True) - gradient) / 30
    assert np.abs(gradient + 0.1 * fit.matrix * deviation[:, None]).max() < 1e-4


def test_what_means_nothing_is_penalized_most():
    assert choose_penalty(RANDOM.normal(0, 1, (60, 8)) * 0, LABELS, shuffled_groups(LABELS, 0), 3) == 1.0


def test_a_group_is_never_parted(monkeypatch):
    groups, seen = np.repeat(np.arange(20), 3), []
    plain = fit_logistic

    def spy(vectors, labels, classes, penalty):
        seen.append({int(np.flatnonzero((vector == VECTORS).all(axis=1))[0]) // 3 for vector in vectors})
        assert len(vectors) == 3 * len(seen[-1])
        return plain(vectors, labels, classes, penalty)

    monkeypatch.setattr(logistic, "fit_logistic", spy)
    choose_penalty(VECTORS, LABELS, groups, 3)
    assert all(len(each) == 16 for each in seen)


def test_groups_have_all_classes():
    groups = shuffled_groups(LABELS, 1)
    assert all(set(LABELS[groups % 5 == fold]) == {0, 1, 2} for fold in range(5))
    assert not np.array_equal(groups, shuffled_groups(LABELS, 2))
