"""What units are worked on with: sessions, and threads for several units at once."""

from typing import NamedTuple

from trellic.codec.tiles import Workers
from trellic.model import Sessions


class Resources(NamedTuple):
    """One unit by as many threads as there are, or several by a thread each."""

    sessions: Sessions
    workers: Workers
