"""The codec for many pictures: a model loaded once, pictures to bytes and back."""

import hashlib
from functools import cached_property

from PIL import Image

from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.picture_decoder import Region, indices_of, metadata_of, show
from trellic.codec.picture_encoder import PictureEncoder, Progress, no_progress
from trellic.codec.rate_control import Encoded, Target, meet
from trellic.codec.resources import Resources
from trellic.codec.tiles import SIDE, Workers
from trellic.container import Grid, Header, Stream
from trellic.container.bytes import Data
from trellic.container.grid import LEAST_SIDE, MOST_SIDE
from trellic.container.header import HASH_BYTES
from trellic.errors import BadRequest
from trellic.limits import MOST_PIXELS
from trellic.model import DEFAULT, Model, Sessions, find_model
from trellic.model.device import sessions_on
from trellic.picture.fill import filled
from trellic.picture.pillow import AnyPicture, picture_of, to_pillow
from trellic.picture.types import Picture, Source, Strips
from trellic.quantize import DEFAULT_EFFORT, Quantizer, quantizer_for, quantizer_named, searches


def _encoding_by(name: str, effort: int) -> tuple[Quantizer, bool]:
    """Return the quantizer of that name, or of an effort, and whether the encoder searches. Raises BadRequest."""
    return (quantizer_named(name), False) if name else (quantizer_for(effort), searches(effort))


class Codec:
    """Encode and decode with one model.

    model      a name, hash prefix or path
    threads    of the transforms; 0 for as many as there are processors
    quantizer  name of the quantizer to encode with; "" for what `effort` stands for
    effort     1 (quick) to 9 (small files, by a search of seconds)
    limit      most pixels to accept, sides counted in multiples of 64; larger pictures raise PictureTooLarge
    tile       a picture of more than one and a half times this side, in pixels, is coded in tiles of about this side
    device     for networks: cpu, cuda, …; those before table indices run there only where that changes nothing
    Raises MissingModel, DamagedModel or BadRequest.
    """

    def __init__(
        self,
        model: str = DEFAULT,
        threads: int = 0,
        quantizer: str = "",
        effort: int = DEFAULT_EFFORT,
        limit: int = MOST_PIXELS,
        tile: int = SIDE,
        device: str = "cpu",
    ) -> None:
        if not LEAST_SIDE <= tile <= MOST_SIDE:
            raise BadRequest(f"tiles have sides of {LEAST_SIDE} to {MOST_SIDE} pixels, not {tile}")
        path = find_model(model)
        self._settings: tuple[str | int, ...] = (str(path), threads, quantizer, effort, limit, tile, device)
        self.model = Model.read(path)
        self.sessions = sessions_on(self.model, threads, device)
        self._one_threaded = Sessions(self.model, 1, self.sessions.devices)
        self.quantizer, self.searches = _encoding_by(quantizer, effort)
        self.threads, self.limit, self.tile = threads, limit, tile

    def __reduce__(self) -> tuple[type["Codec"], tuple[str | int, ...]]:
        """Pickle how it was made: another process loads the model for itself."""
        return type(self), self._settings

    def using(self, quantizer: str = "", effort: int = DEFAULT_EFFORT) -> "Codec":
        """Return a codec with another quantizer, and the networks of this one. Raises BadRequest."""
        other = object.__new__(type(self))
        other.__dict__.update({name: value for name, value in self.__dict__.items() if name != "deployed"})
        other.quantizer, other.searches = _encoding_by(quantizer, effort)
        path, threads, _, _, *others = self._settings
        other._settings = (path, threads, quantizer, effort, *others)
        return other

    @cached_property
    def deployed(self) -> DeployedQuantizer:
        """The quantizer to encode with, as the model is set up for it. Raises BadRequest where it is not."""
        return DeployedQuantizer.of(self.model, self.quantizer)

    def encode(
        self,
        image: AnyPicture,
        quality: float = Target.quality,
        *,
        bpp: float | None = None,
        size: int | None = None,
        psnr: float | None = None,
        lossless: bool = False,
    ) -> bytes:
        """Return the stream of a picture.

        image    a Pillow image of any mode, uint8 (H, W) or (H, W, 3 or 4), a path, or an open file
        quality  0 to 100; instead of it, a rate in bits per pixel, a size in bytes, a PSNR in dB, or nothing lost
        Raises BadRequest, UnreadablePicture, PictureTooLarge or TargetMissed.
        """
        return self.encode_picture(picture_of(image, self.limit), Target(quality, bpp, size, psnr, lossless)).data

    def encode_picture(self, picture: Source, target: Target, progress: Progress = no_progress) -> Encoded:
        """Return the stream of a picture that meets a target, with its facts.

        progress  called with the number of tiles that are done, and of all, each time that they are coded
        Raises BadRequest, PictureTooLarge or TargetMissed.
        """
        grid = Grid.of(picture.width, picture.height, self.tile)
        grid.check(self.limit)
        picture = picture if target.lossless else filled(picture)
        header = Header(self.model.sha256[:HASH_BYTES], grid, 0, self.quantizer.number, picture.grey)
        measured = target.psnr is not None
        encoder = PictureEncoder(picture, header, self.deployed, self._resources, self.searches, measured, progress)
        if target.lossless:
            return encoder.encode_exactly()
        return meet(target, picture.width * picture.height, encoder.encode_at)

    def decode(self, data: Data | Stream, crop: Region | None = None) -> Image.Image:
        """Return the picture of a stream that was coded with this model, or a region of it.

        Raises NotAStream, UnsupportedStream, DamagedStream, IncompleteStream, PictureTooLarge or BadRequest.
        """
        return to_pillow(self.decode_picture(data, crop))

    def decode_picture(self, data: Data | Stream, crop: Region | None = None) -> Picture:
        """Return the picture of a stream, or a region of it, as planes and metadata."""
        return self.decode_strips(data, crop).join()

    def decode_strips(self, data: Data | Stream, crop: Region | None = None) -> Strips:
        """Return the picture of a stream, or a region of it, to be taken in strips, each decoded when it is asked for.

        data  a stream, or its bytes; one that was parsed as partial is shown as far as it goes
        A region takes only the tiles that it touches, or comes near to, and its pixels may be a level off the whole
        picture's. For a whole picture all checksums are proven first. Raises as `decode` does, also while strips are
        taken.
        """
        return show(self._parse(data), self._resources, crop)

    def verify(self, data: Data | Stream) -> str:
        """Return the SHA-256 of a stream's indices: all is decoded but the picture itself.

        Checks every checksum, and that the coded data ends where the picture does, and unpacks alpha and metadata.
        Indices are hashed in coding order, tile by tile, 32-bit little-endian; of an exact tile, its samples are.
        Raises as `decode` does.
        """
        stream = self._parse(data)
        stream.prove()
        sessions, workers = self._resources(stream.header.grid.at_once)
        digest = hashlib.sha256()
        for seen in workers.map(lambda number: indices_of(sessions, stream, number), range(len(stream.units))):
            digest.update(seen)
        metadata_of(stream)
        return digest.hexdigest()

    def _resources(self, tiles: int) -> Resources:
        """Return the sessions and threads for a number of tiles."""
        workers = Workers(self.threads, tiles)
        return Resources(self._one_threaded if workers.count > 1 else self.sessions, workers)

    def _parse(self, data: Data | Stream) -> Stream:
        """Return a stream that this codec may decode."""
        stream = data if isinstance(data, Stream) else Stream.parse(data, self.limit)
        model = stream.header.model
        if model != self.model.sha256[:HASH_BYTES]:
            raise BadRequest(f"the stream needs model {model.hex()}, this codec holds {self.model.name}")
        return stream
