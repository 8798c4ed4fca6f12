"""Work that takes processors: a few at a time, each within a time; who waits too long is refused."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from trellic.serve.answers import Refused


class Deadline:
    """The end of the time that a request has."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._end = seconds, time.monotonic() + seconds

    def check(self, *_: object) -> None:
        """Raise Refused, status 503, where the time is over; a `Progress` of the encoder."""
        if time.monotonic() > self._end:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, f"takes longer than {self._seconds:g} s here")


class Turns:
    """Turns of requests.

    at_once  requests that are worked on at a time
    seconds  that a request may wait, and may then take
    """

    def __init__(self, at_once: int, seconds: float) -> None:
        self._free, self._seconds = threading.BoundedSemaphore(at_once), seconds

    @contextmanager
    def take(self) -> Iterator[Deadline]:
        """Wait for a turn, and give its end. Raises Refused, status 503."""
        if not self._free.acquire(timeout=self._seconds):
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "too much to do; try again later")
        try:
            yield Deadline(self._seconds)
        finally:
            self._free.release()
