"""The closed forms of a Laplacian equal numerical integration."""

import numpy as np
import pytest

from experiments.progressive import theory

MAGNITUDES = np.linspace(0, 60, 2_000_001)


def moments(low: float, high: float, b: float) -> tuple[float, float, float]:
    """Return mass, mean and mean square of magnitudes in a cell."""
    inside = np.logical_and(low <= MAGNITUDES, high > MAGNITUDES)
    points = MAGNITUDES[inside]
    density = np.exp(-points / b) / b
    mass = np.trapezoid(density, points)
    return mass, np.trapezoid(points * density, points) / mass, np.trapezoid(points**2 * density, points) / mass


@pytest.mark.parametrize("b", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("width", [0.5, 2.0])
def test_closed_forms_equal_integrals(b, width):
    reach = 0.6 * width
    assert theory.outside(reach, b) == pytest.approx(1 - moments(0, reach, b)[0], abs=1e-4)
    mass, _, square = moments(0, reach, b)
    assert theory.zero_distortion(reach, b) == pytest.approx(mass * square, rel=1e-3)
    _, mean, square = moments(reach, reach + width, b)
    assert theory.centroid(width, b) == pytest.approx(mean - reach, rel=1e-3)
    assert theory.variance(width, b) == pytest.approx(square - mean**2, rel=1e-3)
    low, *_ = moments(reach, reach + width / 2, b)
    both, *_ = moments(reach, reach + width, b)
    bits, gain = theory.halving(width, b)
    assert bits == pytest.approx(theory.entropy(low / both), rel=1e-3)
    assert gain == pytest.approx(theory.variance(width, b) - theory.variance(width / 2, b))
