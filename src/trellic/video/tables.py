"""The probability tables of motion: part of the format, as `tables.npy` beside this file holds them.

`python -m experiments.video.fit` made them of training clips. Other tables would be another version of the format.
"""

from functools import cache
from pathlib import Path

import numpy as np

from trellic.entropy.tables import SCALES, TOTAL, Tables

FILE = Path(__file__).parent / "tables.npy"
MODES, DIRECTIONS, DIFFERENCES, SKIPS, USED = 0, 18, 22, 38, 41
"""Where the tables of each kind of index begin, and how many are used."""
RADII = (*[3] * 18, *[1] * 4, *[31] * 16, *[1] * 3)
"""The largest index coded without escape, by table."""


@cache
def motion_tables() -> Tables:
    """Return the tables of the format."""
    return tables_of(np.load(FILE, allow_pickle=False))


def tables_of(counts: np.ndarray) -> Tables:
    """Return tables of counts, uint16 (n,): frequencies less one, end to end, of the tables that are used."""
    unused = np.full(4 * (SCALES - USED), TOTAL // 4, np.uint32)
    return Tables.of_flat(np.concatenate([counts.astype(np.uint32) + 1, unused]))
