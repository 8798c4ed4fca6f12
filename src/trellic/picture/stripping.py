"""Removing metadata that a user does not want in a file."""

from collections.abc import Set
from dataclasses import replace

from trellic.errors import BadRequest
from trellic.picture.metadata import EVERYTHING, Metadata
from trellic.picture.orientation import orientation_alone, orientation_of


def names_to_drop(strip: str, keep: str | None) -> frozenset[str]:
    """Return the metadata to drop: what `strip` names, or all that `keep` does not; names are separated by commas.

    Raises BadRequest.
    """
    wanted = {part.strip() for part in (strip if keep is None else keep).split(",")} - {""}
    if strip and keep is not None:
        raise BadRequest("--strip and --keep exclude each other")
    if unknown := wanted - EVERYTHING - {"all"}:
        raise BadRequest(
            f"no metadata is called {', '.join(sorted(unknown))}; all, {', '.join(sorted(EVERYTHING))} are"
        )
    named = EVERYTHING if "all" in wanted else frozenset(wanted)
    return named if keep is None else EVERYTHING - named


def stripped(metadata: Metadata, names: Set[str]) -> Metadata:
    """Return metadata without some of it. Where the EXIF data go, they still say which way up the picture is."""
    rest = metadata.without(*names)
    orientation = orientation_of(metadata)
    if orientation == orientation_of(rest):
        return rest
    return replace(rest, exif=orientation_alone(orientation))
