"""How many processors may be used."""

import os

from trellic.errors import BadRequest

VARIABLE = "TRELLIC_THREADS"


def processors() -> int:
    """Return the processors that this process may use: as many as TRELLIC_THREADS says, or as the system allows it.

    Raises BadRequest where the variable is no number.
    """
    wanted = os.environ.get(VARIABLE, "")
    if wanted:
        if not wanted.isdecimal() or int(wanted) < 1:
            raise BadRequest(f"{VARIABLE}={wanted} is no number of threads")
        return int(wanted)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
