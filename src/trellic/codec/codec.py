"""The codec for many pictures: a model loaded once, pictures to bytes and back."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from PIL import Image

from trellic.codec.decoder import check_coded_size
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.rate_control import Target, quality_for_psnr, quality_for_size
from trellic.codec.strips import StripDecoder, decode_alpha, decode_tile, shown_grid
from trellic.codec.tiles import SIDE, Workers
from trellic.codec.trial import Progress, Trial, no_progress
from trellic.container import (
    Box,
    Contents,
    Grid,
    Header,
    Mode,
    Section,
    scan_stream,
    size_in,
    tile_sections,
    write_stream,
)
from trellic.container.bytes import Data
from trellic.container.grid import LEAST_SIDE, MOST_SIDE
from trellic.container.header import HASH_BYTES, MOST_PIXELS, QUALITY_ONE
from trellic.errors import BadRequest
from trellic.metrics import psnr_of
from trellic.model import DEFAULT, Model, Sessions, find_model
from trellic.picture.metadata import Metadata
from trellic.picture.payloads import pack_metadata, unpack_metadata
from trellic.picture.pillow import from_pillow
from trellic.picture.saving import to_pillow
from trellic.picture.types import Picture, Pixels, Source, Strips, check_size
from trellic.quantize import DEFAULT_EFFORT, quantizer_for, quantizer_named

Region = tuple[int, int, int, int]
"""x, y, width and height in pixels."""


@dataclass(frozen=True)
class Encoded:
    """A whole stream, with what is known of it: quality 0 to 100, and the bits that the tables promised for it."""

    data: bytes
    quality: float
    estimated_bits: float


class Codec:
    """Encode and decode with one model.

    model      a name, hash prefix or path
    threads    of the transforms; 0 for as many as there are processors
    quantizer  name of the quantizer to encode with; "" for the one that `effort` stands for
    effort     1 (quick) to 9 (small files)
    limit      most pixels to accept, sides counted in multiples of 64; larger pictures raise PictureTooLarge
    tile       a picture of more than one and a half times this side, in pixels, is coded in tiles of about this side
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
    ) -> None:
        if not LEAST_SIDE <= tile <= MOST_SIDE:
            raise BadRequest(f"tiles have sides of {LEAST_SIDE} to {MOST_SIDE} pixels, not {tile}")
        self.model = Model.read(find_model(model))
        self.sessions, self._one_threaded = Sessions(self.model, threads), Sessions(self.model, 1)
        self.quantizer = quantizer_named(quantizer) if quantizer else quantizer_for(effort)
        self.threads, self.limit, self.tile = threads, limit, tile

    @cached_property
    def deployed(self) -> DeployedQuantizer:
        """The quantizer to encode with, as the model is set up for it. Raises BadRequest where it is not."""
        return DeployedQuantizer.of(self.model, self.quantizer)

    def encode(
        self,
        image: Image.Image | npt.NDArray[np.uint8],
        quality: float = Target.quality,
        *,
        bpp: float | None = None,
        size: int | None = None,
        psnr: float | None = None,
    ) -> bytes:
        """Return the stream of a picture.

        image    a Pillow image of any mode, or uint8 (H, W) or (H, W, 3 or 4)
        quality  0 to 100; instead of it, a rate in bits a pixel, a size in bytes, or a PSNR in dB
        Raises BadRequest, PictureTooLarge or TargetMissed.
        """
        if not isinstance(image, Image.Image):
            shape = image.shape
            if image.dtype != np.uint8 or len(shape) not in {2, 3} or (len(shape) == 3 and shape[2] not in {3, 4}):
                raise BadRequest(f"an array {image.dtype} {shape} is no picture; uint8 (H, W) or (H, W, 3 or 4) is")
            check_size(shape[1], shape[0], self.limit)
            image = Image.fromarray(image)
        check_size(*image.size, self.limit)
        return self.encode_picture(from_pillow(image), Target(quality, bpp, size, psnr)).data

    def encode_picture(self, picture: Source, target: Target, progress: Progress = no_progress) -> Encoded:
        """Return the stream of a picture that meets a target, and what is known of it.

        progress  called with the number of tiles that are done, and of all, each time that they are coded
        Raises BadRequest, PictureTooLarge or TargetMissed.
        """
        width, height = picture.width, picture.height
        check_coded_size(width, height, self.limit)
        grid = Grid.of(width, height, self.tile)
        sessions, workers = self._means(grid.tiles)
        trial = Trial(sessions, self.deployed, picture, grid, workers, progress)
        mode = Mode.GREY if picture.grey else Mode.RGB
        metadata = [Section(kind, data) for kind, data in pack_metadata(picture.metadata).items()]
        tried: dict[int, Encoded] = {}

        def encode_at(quality: int) -> Encoded:
            """Encode; the trials next to this one are kept, one of which a bisection ends at."""
            if quality not in tried:
                coded, bits = trial.code(quality)
                number, step = self.deployed.quantizer.number, self.deployed.at(quality).step
                header = Header(self.model.sha256[:HASH_BYTES], width, height, mode, quality, number, step)
                data = write_stream(header, [*metadata, *tile_sections(grid, coded)])
                below = max((other for other in tried if other < quality), default=quality)
                above = min((other for other in tried if other > quality), default=quality)
                for far in set(tried) - {below, above}:
                    del tried[far]
                tried[quality] = Encoded(data, quality / QUALITY_ONE, bits)
            return tried[quality]

        if target.psnr is not None:
            quality = quality_for_psnr(lambda quality: self._psnr(picture, encode_at(quality).data), target.psnr)
        elif target.size is not None or target.bpp is not None:
            limit = target.size if target.size is not None else int((target.bpp or 0) * width * height / 8)
            quality = quality_for_size(lambda quality: len(encode_at(quality).data), limit)
        else:
            quality = round(target.quality * QUALITY_ONE)
        return encode_at(quality)

    def decode(self, data: Data, crop: Region | None = None) -> Image.Image:
        """Return the picture of a stream that was coded with this model, or a region of it.

        Raises NotAStream, UnsupportedStream, DamagedStream, PictureTooLarge or BadRequest.
        """
        return to_pillow(self.decode_picture(data, crop))

    def decode_picture(self, data: Data, crop: Region | None = None) -> Picture:
        """Return the picture of a stream, or a region of it, as planes and metadata."""
        return self.decode_strips(data, crop).join()

    def decode_strips(self, data: Data, crop: Region | None = None) -> Strips:
        """Return the picture of a stream, or a region of it, to be taken in strips, each decoded when it is asked for.

        A region takes only the tiles that it touches, or comes near to, and its pixels may be a level off the whole
        picture's. For a whole picture all checksums are proven first. Raises as `decode` does, also while strips are
        taken.
        """
        contents = self._contents(data, prove=crop is None)
        header = contents.header
        region = Box(0, 0, header.width, header.height)
        if crop is not None:
            left, top, width, height = crop
            wanted = Box(left, top, left + width, top + height)
            if min(width, height) < 1 or wanted.common(region) != wanted:
                raise BadRequest(f"region {left},{top},{width},{height} is not within {header.width}×{header.height}")
            region = wanted
        sessions, workers = self._means(len(list(shown_grid(contents.grid).touching(region))))
        grey = header.mode is Mode.GREY
        decoder = StripDecoder(sessions, contents, region, workers)
        metadata = metadata_of(contents)
        strips = decoder.strips()
        if grey:
            strips = ((_one_channel(pixels), alpha) for pixels, alpha in strips)
        return Strips(region.width, region.height, grey, contents.has_alpha, metadata, len(decoder.rows), strips)

    def verify(self, data: Data) -> str:
        """Return the SHA-256 of a stream's indices: all is decoded but the picture itself.

        Checks every checksum, and that the coded data ends where the picture does, and unpacks alpha and metadata.
        Indices are hashed in coding order, tile by tile, 32-bit little-endian. Raises as `decode` does.
        """
        contents = self._contents(data, prove=True)
        sessions, workers = self._means(len(contents.pieces))

        def indices_of(number: int) -> bytes:
            seen: list[bytes] = []
            decode_tile(sessions, contents, number, lambda indices: seen.append(indices.astype("<i4").tobytes()))
            decode_alpha(contents, number)
            return b"".join(seen)

        digest = hashlib.sha256()
        for indices in workers.map(indices_of, range(len(contents.pieces))):
            digest.update(indices)
        metadata_of(contents)
        return digest.hexdigest()

    def _means(self, tiles: int) -> tuple[Sessions, Workers]:
        """Return what works on so many tiles: one by as many threads as there are, several by a thread each."""
        workers = Workers(self.threads, tiles)
        return (self._one_threaded if workers.count > 1 else self.sessions), workers

    def _psnr(self, picture: Source, data: bytes) -> float:
        """Return the PSNR in dB of what a stream decodes to."""
        errors, top = 0, 0
        for strip, _ in self.decode_strips(data).strips:
            original, _ = picture.rows(top, top + len(strip))
            errors += int(np.square(original.astype(np.int32) - strip).sum(dtype=np.int64))
            top += len(strip)
        return psnr_of(errors / (3 * picture.width * picture.height))

    def _contents(self, data: Data, prove: bool) -> Contents:
        """Return the sections of a stream that this codec may decode, all checksums proven if so wished."""
        check_coded_size(*size_in(data), self.limit)
        header, sections = scan_stream(data)
        if header.model != self.model.sha256[:HASH_BYTES]:
            raise BadRequest(f"the stream needs model {header.model.hex()}, this codec holds {self.model.name}")
        for section in sections if prove else ():
            section.read()
        contents = Contents.of(header, sections)
        contents.check_size()
        return contents


def metadata_of(contents: Contents) -> Metadata:
    """Return what a stream says of its picture beside the samples. Raises DamagedStream."""
    return unpack_metadata({kind: section.read() for kind, section in contents.metadata.items()})


def _one_channel(pixels: Pixels) -> Pixels:
    """Return the rounded mean of the three channels in all three: what a grey stream decodes to."""
    grey = (pixels.sum(axis=2, dtype=np.uint16) + 1) // 3
    return np.repeat(grey.astype(np.uint8)[:, :, None], 3, axis=2)
