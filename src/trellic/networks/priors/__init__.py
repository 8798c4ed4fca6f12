"""Priors by family: they predict latents and decide the order of coding.

A prior of your own is one file: a `Prior` that returns its schedule, and a line that puts it into FAMILIES.
"""

from collections.abc import Callable

from trellic.networks.design import Design
from trellic.networks.priors.base import Gaussian, Head, Prior
from trellic.networks.priors.groups import GroupsPrior

__all__ = ["FAMILIES", "Gaussian", "Head", "Prior"]

FAMILIES: dict[str, Callable[[Design], Prior]] = {"groups": GroupsPrior}
