"""What units are worked on with: sessions, and threads for several units at once."""

from typing import NamedTuple

from trellic.codec.tiles import Workers
from trellic.container import Stream
from trellic.model import Sessions


class Resources(NamedTuple):
    """One unit by as many threads as there are, or several by a thread each."""

    sessions: Sessions
    workers: Workers
    coarse: Sessions | None = None
    """Of coarse planes of layers, where these have networks of their own."""

    def showing(self, stream: Stream) -> "Resources":
        """Return what a stream, as far as it goes, is shown with. Raises DamagedStream or UnsupportedStream."""
        if self.coarse and stream.layering and stream.layering.shows_coarse(stream.layer_count):
            return self._replace(sessions=self.coarse)
        return self
