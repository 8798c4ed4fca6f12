"""Logistic regression for several classes with an L2 penalty, by accelerated gradient descent in double precision.

Source: Nesterov, Introductory Lectures on Convex Optimization (2004), 2.2: constant steps, strongly convex functions.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""From which one is chosen."""
FOLDS = 5
MOST_STEPS, CLOSE = 500, 1e-6
"""Steps at most; and the largest gradient with which one stops before."""


class Fit(NamedTuple):
    """A linear classifier of vectors as they are: matrix (D, K) and bias (K,)."""

    matrix: Doubles
    bias: Doubles

    def classes_of(self, vectors: Doubles) -> Numbers:
        """Return the most likely class of each vector, (N, D)."""
        found: Numbers = (vectors @ self.matrix + self.bias).argmax(axis=1)
        return found


def fit_logistic(vectors: Doubles, labels: Numbers, classes: int, penalty: float) -> Fit:
    """Return the classifier that minimises the mean cross entropy plus penalty / 2 · squared weights.

    vectors (N, D) are standardized first; the bias is not penalized.
    """
    mean, deviation = vectors.mean(axis=0), vectors.std(axis=0) + 1e-6
    standard = (vectors - mean) / deviation
    axes = np.linalg.qr(standard.T)[0] if len(standard) < standard.shape[1] else np.eye(standard.shape[1])
    inputs = np.concatenate([standard @ axes, np.ones((len(vectors), 1))], axis=1)  # no weights are needed beside these
    wanted = np.eye(classes)[labels]
    penalties = np.full((inputs.shape[1], 1), penalty)
    penalties[-1] = 0.0
    steepest = _largest_square(inputs) / (2 * len(inputs)) + penalty
    momentum = (steepest**0.5 - penalty**0.5) / (steepest**0.5 + penalty**0.5)
    weights = ahead = np.zeros((inputs.shape[1], classes))
    for _ in range(MOST_STEPS):
        scores = inputs @ ahead
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        errors = powers / powers.sum(axis=1, keepdims=True) - wanted
        gradient = inputs.T @ errors / len(inputs) + penalties * ahead
        before, weights = weights, ahead - gradient / steepest
        ahead = weights + momentum * (weights - before)
        if np.abs(gradient).max() < CLOSE:
            break
    matrix = axes @ weights[:-1] / deviation[:, None]
    return Fit(matrix, weights[-1] - mean @ matrix)


def choose_penalty(vectors: Doubles, labels: Numbers, groups: Numbers, classes: int) -> float:
    """Return the penalty of the best accuracy over five folds; of equal ones the largest.

    groups  (N,): vectors of one group are never parted
    """
    names = np.unique(groups)
    folds = [names[start::FOLDS] for start in range(min(FOLDS, len(names)))]

    def right(penalty: float) -> int:
        found = 0
        for fold in folds:
            inside = np.isin(groups, fold)
            fit = fit_logistic(vectors[~inside], labels[~inside], classes, penalty)
            found += int((fit.classes_of(vectors[inside]) == labels[inside]).sum())
        return found

    return max(PENALTIES, key=lambda penalty: (right(penalty), penalty))


def _largest_square(inputs: Doubles) -> float:
    """Return the square of the largest singular value."""
    return float(np.linalg.eigvalsh(inputs.T @ inputs)[-1])


def shuffled_groups(labels: Sequence[int], seed: int) -> Numbers:
    """Return a group for each label so that every five successive groups have alike shares of all classes."""
    random = np.random.default_rng(seed)
    groups = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        own = np.flatnonzero(np.asarray(labels) == label)
        groups[random.permutation(own)] = np.arange(len(own))
    return groups
