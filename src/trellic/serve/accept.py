"""Which kind of picture a client is sent for a .tlic file. Source: RFC 9110, section 12.5.1."""

TLIC = "image/x-tlic"
"""Media type of a stream."""


def shown_kind(accept: str) -> str:
    """Return "WEBP" or "PNG" for a client that names kinds of pictures but not ours, as <img> does; else "".

    accept  the Accept header; a client that names no kind of picture at all, such as curl, takes files as they are
    """
    named = {item.partition(";")[0].strip().lower() for item in accept.split(",") if not _is_refused(item)}
    if TLIC in named or not any(name.startswith("image/") for name in named):
        return ""
    return "WEBP" if "image/webp" in named else "PNG"


def _is_refused(item: str) -> bool:
    """Return whether an item has quality 0."""
    parameters = [part.replace(" ", "").lower() for part in item.split(";")[1:]]
    return any(part.startswith("q=0") and not part[3:].strip(".0") for part in parameters)
