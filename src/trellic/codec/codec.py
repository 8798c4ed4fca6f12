"""The codec for many pictures: a model loaded once, pictures to bytes and back."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path

from PIL import Image

from trellic.codec.attached import MOST_ATTACHED, AttachedModel, adapter_of, section_of
from trellic.codec.carried import carried_stream
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.layer_targets import LayersAsked, LayerTargets
from trellic.codec.options import BEST_ADAPTER, NO_ADAPTER, CodecOptions
from trellic.codec.picture_decoder import Region, all_indices, metadata_of, show
from trellic.codec.picture_encoder import PictureEncoder, Progress, no_progress
from trellic.codec.rate_control import Encoded, Target, best_of, meet
from trellic.codec.resources import Resources
from trellic.codec.tiles import SIDE
from trellic.codec.view import FULL, View, view_of_groups, view_of_preview
from trellic.container import Grid, Header, Stream
from trellic.container.bytes import Data
from trellic.container.header import HASH_BYTES
from trellic.container.restoration import weights_of
from trellic.errors import BadRequest, TargetMissed
from trellic.limits import MOST_PIXELS
from trellic.model import DEFAULT, Model, Sessions, find_model
from trellic.model.adapter import Adapter
from trellic.model.adapter_store import COARSE, find_adapter, installed_adapters, shipped_adapter
from trellic.model.device import sessions_on
from trellic.model.pleasing import STEPS, read_pleasing, steps_of
from trellic.model.previews import Preview, read_previews
from trellic.picture.fill import filled
from trellic.picture.pillow import AnyPicture, picture_of, strips_to_pillow
from trellic.picture.types import Picture, Source, Strips, exactly
from trellic.quantize import DEFAULT_EFFORT, NESTED


class Codec:
    """Encode and decode with one model, and any adapters of it.

    model      a name, hash prefix or path
    threads    of the transforms; 0 for as many as there are processors
    quantizer  name of the quantizer to encode with, without back projection or a search; "" for what `effort` has
    effort     1 (quick) to 9 (small files); from 7 on latents are searched, of blocks and tiles of less than 512 pixels
               each way from 8 on
    limit      most pixels to accept, sides counted in multiples of 64; larger pictures raise PictureTooLarge
    tile       a picture of more than one and a half times this side, in pixels, is coded in tiles of about this side
    device     for networks: cpu, cuda, …; those before table indices run there only where that changes nothing
    adapter    to encode with: a name, hash prefix or path; "none", or "best" of none and all installed ones
    embed      whether streams hold the adapter that they need
    predict    whether tiles are blocks of that very side, which predict each other: for small ones
    restore    whether decoded pictures are corrected where that is worth its bits
    Raises MissingModel, DamagedModel, MissingAdapter, DamagedAdapter or BadRequest.
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
        adapter: str = NO_ADAPTER,
        embed: bool = False,
        predict: bool = False,
        restore: bool = True,
    ) -> None:
        self.options = CodecOptions(
            str(find_model(model)), quantizer, effort, limit, tile, device, adapter, embed, predict, restore
        )
        self.options.check()
        self.model = Model.read(Path(self.options.model))
        if predict and not self.model.codes_blocks:
            raise BadRequest(f"model {self.model.name} predicts at several scales, and codes no blocks")
        self.threads, self.sessions = threads, sessions_on(self.model, threads, device)
        self._attached = lru_cache(MOST_ATTACHED + 1)(self._attach)
        self.quantizer, self.refinement = self.options.encoding()
        self._candidates()

    @classmethod
    def of(cls, options: CodecOptions, threads: int = 0) -> "Codec":
        """Return the codec of options. Raises as `Codec` does."""
        return cls(threads=threads, **options._asdict())

    def __reduce__(self) -> tuple[Callable[[CodecOptions, int], "Codec"], tuple[CodecOptions, int]]:
        """Pickle how it was made: another process loads the model for itself."""
        return type(self).of, (self.options, self.threads)

    def using(
        self,
        quantizer: str = "",
        effort: int = DEFAULT_EFFORT,
        adapter: str = NO_ADAPTER,
        embed: bool = False,
    ) -> "Codec":
        """Return a codec with another quantizer and adapter, and the networks of this one. Raises as `Codec` does."""
        other = object.__new__(type(self))
        other.__dict__.update({name: value for name, value in self.__dict__.items() if name != "deployed"})
        other.options = self.options._replace(quantizer=quantizer, effort=effort, adapter=adapter, embed=embed)
        other.quantizer, other.refinement = other.options.encoding()
        other._candidates()
        return other

    @cached_property
    def deployed(self) -> DeployedQuantizer:
        """The quantizer to encode with, as the model is set up for it. Raises BadRequest where it is not."""
        return DeployedQuantizer.of(self.model, self.quantizer)

    @cached_property
    def _previews(self) -> dict[int, Preview]:
        return read_previews(self.model)

    def encode(
        self,
        image: AnyPicture,
        quality: float = Target.quality,
        *,
        bpp: float | None = None,
        size: int | None = None,
        psnr: float | None = None,
        lossless: bool = False,
        tune: str = Target.tune,
        layers: LayersAsked | None = None,
        prefixes: bool = False,
    ) -> bytes:
        """Return the stream of a picture.

        image     a Pillow image of any mode, uint8 (H, W) or (H, W, 3 or 4), a path, or an open file
        quality   0 to 100; instead of it, a rate in bits per pixel, a size in bytes, a PSNR in dB, or nothing lost
        tune      the measure to encode for: psnr or ssimulacra2
        layers    how many layers, 2 to 16, or the sizes where they end: "20000,60000" in bytes, "0.1,0.3bpp"
        prefixes  whether previews can be read, and proven, without the rest of the stream
        Raises BadRequest, UnreadablePicture, PictureTooLarge or TargetMissed.
        """
        ends = LayerTargets.of(layers) if layers is not None else None
        target = Target(quality, bpp, size, psnr, lossless, tune, ends, prefixes)
        with exactly(lossless):
            picture = picture_of(image, self.options.limit)
        return self.encode_picture(picture, target).data

    def encode_picture(self, picture: Source, target: Target, progress: Progress = no_progress) -> Encoded:
        """Return the stream of a picture that meets a target, with its facts.

        progress  called with the number of tiles that are done, and of all, each time that they are coded
        A picture that carries the stream it was decoded from becomes that very stream, where it meets the target.
        Raises BadRequest, PictureTooLarge or TargetMissed.
        """
        if isinstance(picture, Picture):
            carried = carried_stream(
                picture, target, self.model, self.options.limit, self.decode_picture, self.options.restore
            )
            if carried:
                return carried
        if self.options.predict and target.lossless:
            raise BadRequest("exact tiles predict nothing: no blocks of a lossless picture")
        if self.options.predict and target.prefixes:
            raise BadRequest("blocks that predict each other have no prefixes")
        grid = self.grid_of(picture.width, picture.height)
        grid.check(self.options.limit)
        picture = picture if target.lossless else filled(picture)
        deployed = self.deployed
        if target.layers:
            if self.options.predict:
                raise BadRequest("blocks that predict each other are not coded in layers")
            if self.options.quantizer:
                raise BadRequest("layers have a quantizer of their own: no other with them")
            deployed = DeployedQuantizer.of(self.model, NESTED)
        header = Header(self.model.sha256[:HASH_BYTES], grid, 0, deployed.quantizer.number, picture.grey)
        plain = PictureEncoder(
            picture,
            header,
            deployed,
            self._attached(None, 0).resources,
            target.tune,
            self.refinement,
            layers=target.layers,
            prefixes=target.prefixes,
            progress=progress,
        )
        if target.lossless:
            return plain.encode_exactly()
        candidates, pixels = self._candidates(), picture.width * picture.height
        plain.measured = target.psnr is not None or len(candidates) > 1

        def encode_with(adapter: Adapter | None) -> Encoded:
            own = self._coarse_adapter if target.layers and not adapter else None
            resources = self._resources(adapter or own, is_coarse=own is not None)
            encoder = replace(plain, resources_for=resources, adapter=section_of(adapter or own, self.options.embed))
            try:
                return meet(target, pixels, encoder.encode_at)
            except TargetMissed:
                if target.psnr is not None or not encoder.refinement.restores:
                    raise
                unrestored = encoder.refinement._replace(restores=False)  # a few bytes may decide
                return meet(target, pixels, replace(encoder, refinement=unrestored).encode_at)

        return best_of(target, pixels, [lambda each=each: encode_with(each) for each in candidates])  # type: ignore[misc]

    def grid_of(self, width: int, height: int) -> Grid:
        """Return the tiles, or blocks, that a picture is coded in; what looks drawn may be coded in others."""
        return (Grid.of_blocks if self.options.predict else Grid.of)(width, height, self.options.tile)

    def decode(
        self,
        data: Data | Stream,
        crop: Region | None = None,
        *,
        groups: int | None = None,
        layers: int | None = None,
        realism: float = 0.0,
    ) -> Image.Image:
        """Return the picture of a stream that was coded with this model, or a region of it.

        groups   how many groups of latents to decode, the rest being predicted from them; None for all
        layers   how many layers to decode, of a stream that has them; None for all
        realism  0 (faithful) to 1 (pleasing), where the model has a companion for it
        Raises NotAStream, UnsupportedStream, DamagedStream, IncompleteStream, PictureTooLarge or BadRequest.
        """
        stream = self._parse(data)
        stream = stream if layers is None else stream.keeping(layers)
        return strips_to_pillow(self.decode_strips(stream, crop, view_of_groups(self.model, groups), realism))

    def preview(self, data: Data | Stream, scale: int = 8) -> Image.Image:
        """Return a stream's picture at 1/8, 1/4 or 1/2 of its size, its sides rounded up, from the first groups alone.

        Raises as `decode` does.
        """
        return strips_to_pillow(self.decode_strips(data, view=self.preview_view(scale)))

    def decode_picture(self, data: Data | Stream, crop: Region | None = None) -> Picture:
        """Return the picture of a stream, or a region of it, as planes and metadata."""
        return self.decode_strips(data, crop).join()

    def preview_view(self, scale: int) -> View:
        """Return the view of a preview at a scale of 2, 4 or 8. Raises BadRequest or DamagedModel."""
        return view_of_preview(self.model, self._previews, scale)

    def decode_strips(
        self, data: Data | Stream, crop: Region | None = None, view: View = FULL, realism: float = 0.0
    ) -> Strips:
        """Return the picture of a stream, or a region of it, to be taken in strips, each decoded when it is asked for.

        data     a stream, or its bytes; one that was parsed as partial is shown as far as it goes
        view     how much is decoded, and at what scale it is shown; a region is widened to multiples of that
        realism  0 (faithful) to 1 (pleasing), rounded to 1/16
        A region takes only the tiles that it touches, or comes near to, and its pixels may be a level off the whole
        picture's, of which restoration may make more. For a whole picture all checksums are proven first. Raises as
        `decode` does, also while strips are taken.
        """
        stream = self._parse(data)
        if realism:
            stream = stream.unrestored()
        return show(stream, self.resources_of(stream, realism), crop, view)

    def verify(self, data: Data | Stream) -> str:
        """Return the SHA-256 of a stream's indices: all is decoded but the picture itself.

        Checks every checksum, and that the coded data ends where the picture does, and unpacks alpha and metadata.
        Indices are hashed in coding order, tile by tile, 32-bit little-endian; of an exact tile, its samples are.
        Raises as `decode` does.
        """
        stream = self._parse(data)
        stream.prove()
        weights_of(stream.header.restoration, stream.header.grid)
        digest = hashlib.sha256()
        for seen in all_indices(stream, self.resources_of(stream)(stream.header.grid.at_once)):
            digest.update(seen)
        metadata_of(stream)
        return digest.hexdigest()

    def adapter_payloads(self, in_layers: bool = False) -> list[bytes]:
        """Return the payloads of the sections that name its adapters in streams, or in such in layers; b"" for none."""
        own = self._coarse_adapter if in_layers else None
        sections = [section_of(one or own, self.options.embed) for one in self._candidates()]
        return [section.payload if section else b"" for section in sections]

    @property
    def _coarse_adapter(self) -> Adapter | None:
        """What codes coarse planes of layers where no other adapter is asked for."""
        return shipped_adapter(COARSE, self.model.sha256)

    def _candidates(self) -> list[Adapter | None]:
        """Return the adapters to encode with. Raises MissingAdapter, DamagedAdapter or BadRequest."""
        if self.options.adapter == NO_ADAPTER:
            return [None]
        if self.options.adapter == BEST_ADAPTER:
            return [None, *(one for one in installed_adapters().values() if one.base == self.model.sha256)]
        adapter = find_adapter(self.options.adapter)
        adapter.check_base(self.model)
        return [adapter]

    def _attach(self, adapter: Adapter | None, steps: int) -> AttachedModel:
        """Return the model with an adapter, and so many steps towards a pleasing one.

        Raises BadRequest, DamagedAdapter or DamagedModel.
        """
        model = adapter.attach_to(self.model) if adapter else self.model
        if steps:
            model = read_pleasing(self.model).attach_to(model, steps / STEPS)
        if model is self.model:
            return AttachedModel(self.sessions)
        return AttachedModel(Sessions(model, self.threads, self.sessions.devices))

    def resources_of(self, stream: Stream, realism: float = 0.0) -> Callable[[int], Resources]:
        """Return what gives the sessions and threads that a stream is decoded with, for a number of tiles."""
        adapter, layering = adapter_of(stream, self.model.sha256), stream.layering
        return self._resources(adapter, steps_of(realism), layering is not None and layering.coarse > 0)

    def _resources(
        self, adapter: Adapter | None, steps: int = 0, is_coarse: bool = False
    ) -> Callable[[int], Resources]:
        """Return what gives sessions and threads for a number of tiles; `is_coarse` for an adapter of coarse planes."""
        attached = self._attached(adapter, steps).resources
        if not is_coarse:
            return attached
        plain = self._attached(None, steps).resources
        return lambda tiles: plain(tiles)._replace(coarse=attached(tiles).sessions)

    def _parse(self, data: Data | Stream) -> Stream:
        """Return a stream that this codec may decode."""
        stream = data if isinstance(data, Stream) else Stream.parse(data, self.options.limit)
        self.check_model(stream)
        return stream

    def check_model(self, stream: Stream) -> None:
        """Raise BadRequest where a stream is of another model."""
        model = stream.header.model
        if model != self.model.sha256[:HASH_BYTES]:
            raise BadRequest(f"the stream needs model {model.hex()}, this codec holds {self.model.name}")
