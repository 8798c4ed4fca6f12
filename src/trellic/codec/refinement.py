"""What an encoder does beside quantizing: better latents to begin with, a search, and corrections."""

from typing import NamedTuple


class Refinement(NamedTuple):
    """What is done beside quantizing.

    rounds         of a search for better latents (`codec/search.py`); 0 for none
    restores       whether the decoded picture is corrected, where that is worth its bits (`codec/fit_restoration.py`)
    back_projects  whether latents of pictures are back projected before they are quantized (`codec/analysis.py`); those
                   of frames are not
    """

    rounds: int = 0
    restores: bool = False
    back_projects: bool = False


UNREFINED = Refinement()
RESTORING_EFFORT, PROJECTING_EFFORT = 3, 5
"""The least that do."""
ROUNDS = {7: 2, 8: 4, 9: 10}
"""By effort."""
PARTS_EFFORT = 8
"""The least at which blocks, small tiles and frames are searched: the former are seen with much around them, frames are
many."""


def refinement_of(effort: int, restore: bool = True, parts: bool = False) -> Refinement:
    """Return what is done at an effort.

    restore  whether pictures may be corrected
    parts    whether it is for blocks, small tiles or frames
    """
    rounds = 0 if parts and effort < PARTS_EFFORT else ROUNDS.get(effort, 0)
    return Refinement(rounds, restore and effort >= RESTORING_EFFORT, effort >= PROJECTING_EFFORT)
