"""Every error that a user can meet, each a subclass of TrellicError with a one-line message."""

from collections.abc import Iterator
from contextlib import contextmanager


class TrellicError(Exception):
    """The base of all errors that trellic raises on purpose."""


class NoPictures(TrellicError):
    """A list or folder holds nothing to work on."""


class UnreadablePicture(TrellicError):
    """A picture file is damaged, or of a kind that cannot be read."""


class PictureTooLarge(TrellicError):
    """A picture, or that which a stream announces, has more pixels than the limit; or a pipe gives too many bytes."""


class BadRequest(TrellicError):
    """An option has a value that cannot work."""


class OutOfMemory(TrellicError, MemoryError):
    """There is not enough memory for a picture."""


class TargetMissed(TrellicError):
    """No quality reaches the size or PSNR that was asked for."""


class FileExists(TrellicError):
    """A file would be overwritten."""


class NotAStream(TrellicError):
    """The data does not begin as a .tlic file does."""


class UnsupportedStream(TrellicError):
    """The stream is of a version, or holds a part, that this release cannot decode."""


class DamagedStream(TrellicError):
    """A checksum or a value in the stream is wrong."""


class IncompleteStream(TrellicError):
    """The stream is cut off: the part that is there may be sound, and can be shown."""


class MissingModel(TrellicError):
    """The model that is asked for is not installed."""


class DamagedModel(TrellicError):
    """A model file is truncated or altered, or not a model."""


class MissingAdapter(TrellicError):
    """The adapter that is asked for is not installed."""


class DamagedAdapter(TrellicError):
    """An adapter is truncated or altered, or cannot be merged into its model."""


class DamagedHead(TrellicError):
    """A head is truncated or altered, or not a head."""


class NotBetter(TrellicError):
    """Training made nothing better, and nothing is written."""


class BadConfig(TrellicError):
    """A training configuration has unknown keys or values that cannot work."""


class MissingLibrary(TrellicError):
    """What is asked for needs a package that is not installed."""


class PeerFailed(TrellicError):
    """Another codec could not encode or decode a picture."""


class StorageFailed(TrellicError):
    """Storage could not be reached, or did not do what was asked, however often."""


class TooManyErrors(TrellicError):
    """A run over many pictures was ended: more of them failed than it allows."""


FAILURES = (TrellicError, OSError, MemoryError)
"""What ends the work on one file, and not the run."""


@contextmanager
def naming(name: object) -> Iterator[None]:
    """Put the name of what is worked on in front of an error."""
    try:
        yield
    except TrellicError as error:
        raise type(error)(f"{name}: {error}") from error
