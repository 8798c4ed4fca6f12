"""The codec for many pictures: a model loaded once, pictures to bytes and back."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
from PIL import Image

from trellic import image as pictures
from trellic.codec.decoder import check_coded_size, decode_latents, synthesize
from trellic.codec.encoder import Analysed, Coded, analyse, code
from trellic.codec.quantization import Quantization
from trellic.codec.rate_control import Target, quality_for_psnr, quality_for_size
from trellic.container import Header, Mode, Section, SectionType, read_stream, write_stream
from trellic.container.header import HASH_BYTES, MOST_PIXELS, QUALITY_ONE
from trellic.errors import BadRequest
from trellic.image import Picture
from trellic.metrics import psnr
from trellic.model import DEFAULT, ModelFile, Networks, find_model
from trellic.quantize import DEFAULT_EFFORT, quantizer_for, quantizer_named


@dataclass(frozen=True)
class Encoded:
    """A whole stream, with what is known of it: quality 0 to 100, and its coded latents."""

    data: bytes
    quality: float
    coded: Coded


@dataclass
class _Trial:
    """One picture under rate control: trials are kept, so that what is returned was tried."""

    networks: Networks
    analysed: Analysed
    quantization: Quantization
    picture: Picture
    kept: dict[int, Coded] = field(default_factory=dict)

    def code(self, quality: int) -> Coded:
        """Code at a quality; the last two trials are remembered, which is all that a bisection goes back to."""
        if quality not in self.kept:
            coded = code(self.networks, self.analysed, quality, self.quantization)
            self.kept = {**dict(list(self.kept.items())[-1:]), quality: coded}
        return self.kept[quality]

    def psnr(self, quality: int) -> float:
        """Return the PSNR in dB of the picture that a quality decodes to."""
        decoded = self.code(quality).reconstruct(self.networks, quality, self.analysed)
        return psnr(self.picture.pixels, _one_channel(decoded) if self.picture.grey else decoded)


class Codec:
    """Encode and decode with one model.

    model      a name, hash prefix or path
    threads    of the transforms; 0 for as many as there are processors
    quantizer  name of the quantizer to encode with; "" for the one that `effort` stands for
    effort     1 (quick) to 9 (small files)
    limit      most pixels to accept, sides counted in multiples of 64; larger pictures raise PictureTooLarge
    Raises MissingModel, DamagedModel or BadRequest.
    """

    def __init__(
        self,
        model: str = DEFAULT,
        threads: int = 0,
        quantizer: str = "",
        effort: int = DEFAULT_EFFORT,
        limit: int = MOST_PIXELS,
    ) -> None:
        self.model = ModelFile.read(find_model(model))
        self.networks = Networks(self.model, threads)
        self.quantizer = quantizer_named(quantizer) if quantizer else quantizer_for(effort)
        self.limit = limit

    @cached_property
    def quantization(self) -> Quantization:
        """The quantizer to encode with, as the model is set up for it. Raises BadRequest where it is not."""
        return Quantization.of(self.networks, self.quantizer)

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
            pictures.check_size(shape[1], shape[0], self.limit)
            image = Image.fromarray(image)
        pictures.check_size(*image.size, self.limit)
        return self.encode_picture(pictures.from_pillow(image), Target(quality, bpp, size, psnr)).data

    def encode_picture(self, picture: Picture, target: Target) -> Encoded:
        """Return the stream of a picture that meets a target, and what is known of it.

        Raises BadRequest, PictureTooLarge or TargetMissed.
        """
        height, width = picture.pixels.shape[:2]
        check_coded_size(width, height, self.limit)
        trial = _Trial(self.networks, analyse(self.networks, picture.pixels), self.quantization, picture)
        rest = self._sections_beside_latents(picture)

        def stream_at(quality: int) -> bytes:
            mode = Mode.GREY if picture.grey else Mode.RGB
            number, step = self.quantization.quantizer.number, self.quantization.at(quality).step
            header = Header(self.model.sha256[:HASH_BYTES], width, height, mode, quality, number, step)
            return write_stream(header, [*rest, Section(SectionType.LATENTS, trial.code(quality).data)])

        if target.psnr is not None:
            quality = quality_for_psnr(trial.psnr, target.psnr)
        elif target.size is not None or target.bpp is not None:
            limit = target.size if target.size is not None else int((target.bpp or 0) * width * height / 8)
            quality = quality_for_size(lambda quality: len(stream_at(quality)), limit)
        else:
            quality = round(target.quality * QUALITY_ONE)
        data = stream_at(quality)
        return Encoded(data, quality / QUALITY_ONE, trial.code(quality))

    def decode(self, data: bytes) -> Image.Image:
        """Return the picture of a stream that was coded with this model.

        Raises NotAStream, UnsupportedStream, DamagedStream, PictureTooLarge or BadRequest.
        """
        return pictures.to_pillow(self.decode_picture(data))

    def decode_picture(self, data: bytes) -> Picture:
        """Return the picture of a stream as planes and metadata."""
        header, payloads = self._read(data)
        latents = decode_latents(self.networks, header, payloads[SectionType.LATENTS])
        pixels = synthesize(self.networks, latents, header.quality, header.width, header.height)
        shown = pixels if header.mode is Mode.RGB else _one_channel(pixels)
        return Picture(shown, header.mode is Mode.GREY, *self._beside_latents(header, payloads))

    def verify(self, data: bytes) -> str:
        """Return the SHA-256 of a stream's indices: all is decoded but the picture itself.

        Checks every checksum, and that the coded data ends where the picture does, and unpacks alpha and metadata.
        Indices are hashed in coding order, 32-bit little-endian. Raises as `decode` does.
        """
        header, payloads = self._read(data)
        digest = hashlib.sha256()
        data = payloads[SectionType.LATENTS]
        decode_latents(self.networks, header, data, lambda indices: digest.update(indices.astype("<i4").tobytes()))
        self._beside_latents(header, payloads)
        return digest.hexdigest()

    def _read(self, data: bytes) -> tuple[Header, dict[int, bytes]]:
        """Return the header and the payloads by type of a stream that this codec may decode."""
        header, sections = read_stream(data)
        if header.model != self.model.sha256[:HASH_BYTES]:
            raise BadRequest(f"the stream needs model {header.model.hex()}, this codec holds {self.model.name}")
        check_coded_size(header.width, header.height, self.limit)
        return header, {section.type: section.payload for section in sections}

    @staticmethod
    def _beside_latents(header: Header, payloads: dict[int, bytes]) -> tuple[pictures.Pixels | None, bytes, bytes]:
        """Return alpha, profile and EXIF."""
        alpha, icc, exif = (payloads.get(kind) for kind in (SectionType.ALPHA, SectionType.ICC, SectionType.EXIF))
        return (
            pictures.unpack_alpha(alpha, header.width, header.height) if alpha is not None else None,
            pictures.unpack_metadata(icc) if icc is not None else b"",
            pictures.unpack_metadata(exif) if exif is not None else b"",
        )

    @staticmethod
    def _sections_beside_latents(picture: Picture) -> list[Section]:
        sections = []
        if picture.alpha is not None:
            sections.append(Section(SectionType.ALPHA, pictures.pack_alpha(picture.alpha)))
        for kind, data in ((SectionType.ICC, picture.icc), (SectionType.EXIF, picture.exif)):
            if data:
                sections.append(Section(kind, pictures.pack_metadata(data)))
        return sections


def _one_channel(pixels: pictures.Pixels) -> pictures.Pixels:
    """Return the rounded mean of the three channels in all three: what a grey stream decodes to."""
    grey = (pixels.sum(axis=2, dtype=np.uint16) + 1) // 3
    return np.repeat(grey.astype(np.uint8)[:, :, None], 3, axis=2)
