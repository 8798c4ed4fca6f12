"""Features of files: what the verbs for machines share."""

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.lib.format import read_array

from trellic.codec import Codec
from trellic.container import Stream
from trellic.errors import BadRequest, NoPictures
from trellic.files import open_bytes, write_atomically
from trellic.jobs.plan import find_files
from trellic.machine.features import FeatureReader
from trellic.machine.fit_head import Labelled, Read
from trellic.machine.network import FEATURES, FeatureNetworks
from trellic.model.archive import unpack_entries
from trellic.model.model import Floats
from trellic.picture.kinds import readable_suffixes

SUFFIX = ".npz"
LARGEST_TABLE = 1 << 31


class Table(NamedTuple):
    """Vectors of pictures: names (n,), vectors float32 (n, 512), and the SHA-256 of the features that they are of."""

    names: list[str]
    vectors: Floats
    features: str

    def write(self, path: Path, replace: bool) -> None:
        """Write an .npz file."""
        arrays = {"names": np.array(self.names, np.str_), "vectors": self.vectors, "features": np.str_(self.features)}
        write_atomically(path, lambda file: np.savez_compressed(file, **arrays), replace)  # type: ignore[arg-type]

    def check_networks(self, networks: FeatureNetworks) -> None:
        """Raise BadRequest where the vectors are not of these networks."""
        own, other = self.features, networks.sha256.hex()
        if own != other:
            raise BadRequest(f"the table is of features {own[:16]}, model {networks.name} has {other[:16]}")

    @classmethod
    def read(cls, path: Path) -> "Table":
        """Read what `write` wrote. Raises BadRequest."""
        with path.open("rb") as file:
            data = file.read(LARGEST_TABLE + 1)
        try:
            entries = unpack_entries(data, LARGEST_TABLE, SUFFIX)
            names, vectors, features = (read_array(io.BytesIO(entries[f"{name}.npy"])) for name in cls._fields)
            sound = (
                names.ndim == 1
                and names.dtype.kind == features.dtype.kind == "U"
                and features.ndim == 0
                and str(features).isalnum()
                and vectors.shape == (len(names), FEATURES)
                and vectors.dtype == np.float32
                and np.isfinite(vectors).all()
            )
            if not sound:
                raise ValueError("names, vectors or the hash of features are impossible")
        except Exception as error:  # damaged arrays make numpy raise errors of any kind, some of several lines
            raise BadRequest(f"no table of features ({' '.join(str(error).split())})") from error
        return cls(names.tolist(), vectors, str(features))


def reader_named(model: str, threads: int) -> FeatureReader:
    """Return what reads features of a model's streams. Raises MissingModel or DamagedModel."""
    return FeatureReader(Codec(model, threads))


def reader_of_file(source: Path, threads: int, limit: int) -> FeatureReader:
    """Return what reads features of the streams of a file's model. Raises as `vector_of` does."""
    with open_bytes(source) as data:
        stream = Stream.parse(data, limit, partial=True)
    return reader_named(stream.header.model.hex(), threads)


def vector_of(source: Path, reader: FeatureReader, limit: int) -> Floats:
    """Return the vector of a stream's picture. Raises a TrellicError that says what is wrong, or OSError."""
    with open_bytes(source) as data:
        return reader.read(Stream.parse(data, limit, partial=True)).vector


def likeness(vectors: Floats, to: Floats) -> Floats:
    """Return the cosine, -1 to 1, of the angle between each vector, (n, 512), and another, (512,)."""
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(to)
    return (vectors @ to / np.maximum(lengths, np.float32(1e-12))).astype(np.float32)


def labelled_files(folder: Path, codec: Codec) -> tuple[list[str], list[Labelled]]:
    """Return the classes of a folder, its subfolders, and their pictures and streams. Raises NoPictures."""
    suffixes = [*readable_suffixes(), ".tlic"]
    classes = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    if len(classes) < 2:
        raise NoPictures(f"{folder}: has no two subfolders; each is a class")
    pictures = [
        Labelled(str(path), label, _reading(path, codec))
        for label, name in enumerate(classes)
        for path, _ in find_files([str(folder / name)], suffixes)
    ]
    return classes, pictures


def _reading(path: Path, codec: Codec) -> Read:
    if path.suffix.lower() == ".tlic":
        return lambda quality: path.read_bytes()
    return lambda quality: codec.encode(path, quality)
