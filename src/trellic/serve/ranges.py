"""Byte ranges of requests. Source: RFC 9110, section 14."""

import re
from http import HTTPStatus

from trellic.serve.answers import Refused

_ONE = re.compile(r"bytes=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.ASCII | re.IGNORECASE)


def range_of(header: str, length: int) -> tuple[int, int] | None:
    """Return the first byte that a Range header asks for and the one after the last, or None for all.

    Several ranges, other units and what cannot be parsed mean all, as the standard allows. Raises Refused, status 416,
    for a range that lies outside.
    """
    match = _ONE.fullmatch(header)
    if not match or not (match[1] or match[2]):
        return None
    if match[1]:
        start, stop = int(match[1]), min(length, int(match[2]) + 1 if match[2] else length)
        if match[2] and int(match[2]) < start:
            return None
    else:
        start, stop = max(0, length - int(match[2])), length
    if start >= stop:
        raise Refused(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, f"there are {length} bytes")
    return start, stop
