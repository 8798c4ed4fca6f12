"""What adapters save on four kinds of pictures: trained on `adapt`, measured on `test`, beside other codecs.

    python -m experiments run adapters

trains what is missing in runs/adapters, minutes of one processor for each kind, then measures every fourth picture.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from experiments.store import measure, ours
from trellic.cli.train import report
from trellic.codec import Codec
from trellic.codec.attached import section_of
from trellic.codec.tiles import SIDE, windows
from trellic.codec.units import code_unit
from trellic.container import Grid, Header, write_stream
from trellic.container.header import HASH_BYTES, QUALITY_ONE
from trellic.errors import NotBetter
from trellic.evaluate.codecs import codec_named
from trellic.evaluate.codecs.image_codec import ImageCodec
from trellic.files import write_bytes
from trellic.jobs.local import complain
from trellic.jobs.plan import find_files
from trellic.model import DEFAULT, Model, find_model
from trellic.model.adapter_store import find_adapter
from trellic.picture.kinds import readable_suffixes
from trellic.picture.types import Picture, Pixels

FOLDER = Path("runs/adapters")
DOMAINS: dict[str, dict[str, Any]] = {
    "xray_nih": {"steps": 1500},
    "screen_browser": {"steps": 750, "rank": 3, "parts": ("analysis", "entropy", "synthesis")},
    "remote_sensing_rsscn7": {"steps": 750},
    "game3d": {"steps": 750},
}
"""How each kind is adapted to, see `trellic.train.adapt.Adaptation`; a step takes 0.3 seconds of a processor."""
ALL_WEIGHTS = "xray_nih"
"""The kind for which all weights are trained too, for as many steps."""
EVERY = 4
"""Of the test pictures; twice that for DRAWN ones, which are large."""
DRAWN = ("screen_browser",)
"""Kinds whose tiles are mostly coded exactly, which no adapter changes: these are measured by latents alone."""
PLAIN, LATENTS = "trellic", "latents alone"
QUALITIES = (10, 30, 50, 70, 90)
OTHERS = {"avif-usual": (12, 38, 62, 88), "jxl-usual": (5, 30, 70, 90), "vvc-usual": (22, 29, 36, 43)}
"""Other codecs, at fewer settings than they have."""
WAVELETS, WAVELETS_ON = "jpeg2000", "remote_sensing_rsscn7"
"""One more codec, and the kind that it is measured on."""


def run(data: Path) -> None:
    """Train and measure what is missing; other codecs first, which need no adapter."""
    for domain in DOMAINS:
        others = [codec_named(name, DEFAULT, 7)._replace(curve=curve) for name, curve in OTHERS.items()]
        if domain == WAVELETS_ON:
            others.append(codec_named(WAVELETS, DEFAULT, 7))
        measure_on(data, domain, others)
    for domain, how in DOMAINS.items():
        if not train(data / "domains" / domain / "adapt", FOLDER / f"{domain}.tra", how):
            continue
        if domain == ALL_WEIGHTS:
            train_all_weights(data / "domains" / domain / "adapt", FOLDER / f"{domain}.trm", how["steps"])
        measure_domain(data, domain)


def measure_domain(data: Path, domain: str) -> None:
    """Measure what is missing of one kind of pictures, whose adapter is there."""
    os.environ["TRELLIC_MODELS"] = str(FOLDER.resolve())
    adapter, how = find_adapter(domain), DOMAINS[domain]
    size = f"adapter {adapter.name}, {len(adapter.pack())} bytes, {len(adapter.decoder)} for decoders"
    settings = " ".join(f"{key} {value}" for key, value in how.items() if not isinstance(value, tuple))
    name, about = f"adapted to {domain}", f"{size}, {settings}"
    if domain in DRAWN:
        codecs = [by_latents(LATENTS, "none", "every tile by its latents"), by_latents(name, domain, about)]
    else:
        codecs = [ours(), whole(name, domain, about)]
    if (FOLDER / f"{domain}.trm").exists():
        about = f"all weights, {how['steps']} steps; by quality"
        codecs.append(ours(model=domain)._replace(name=f"all weights, {domain}", about=about, model=""))
    measure_on(data, domain, [codec._replace(curve=QUALITIES) for codec in codecs])


def measure_on(data: Path, domain: str, codecs: Sequence[ImageCodec]) -> None:
    """Measure what is missing of codecs on the test pictures of a kind."""
    with tempfile.TemporaryDirectory() as place:
        named = Path(place, domain)  # a set has its folder's name
        named.mkdir()
        for path in sorted((data / "domains" / domain / "test").iterdir())[:: EVERY * (1 + (domain in DRAWN))]:
            shutil.copy(path, named)
        measure("adapters", codecs, [named], ("psnr",))


def train(pictures: Path, out: Path, how: dict[str, Any]) -> bool:
    """Train an adapter, unless it is there; return whether there is one that is better on validation pictures."""
    from trellic.train.adapt import Adaptation, adapt  # here, so that pages need no torch

    if not out.exists():
        paths = [path for path, _ in find_files([str(pictures)], readable_suffixes())]
        try:
            made = adapt(Model.read(find_model(DEFAULT)), paths, Adaptation(**how), complain)
        except NotBetter as error:
            complain(f"{out.stem}: {error}")
            return False
        write_bytes(out, made.adapter.pack())
    return True


def train_all_weights(pictures: Path, out: Path, steps: int) -> None:
    """Train a model of all weights, as the recipe joint does, unless it is there: what an adapter is compared with."""
    from trellic.train.data import divide
    from trellic.train.run import export_run, read_config, recipe_named, run_config
    from trellic.train.start import design_of

    if not out.exists():
        base = find_model(DEFAULT)
        trained, held = divide([path for path, _ in find_files([str(pictures)], readable_suffixes())])
        values = {"pictures": list(map(str, trained)), "validation": list(map(str, held)), "steps": steps, "minutes": 0}
        values |= {"start": str(base), "stage": "joint", "quantizer": "tcq8", "design": design_of(base).to_json()}
        values |= {"batch": 1, "crop": 384, "warmup": 30, "average": 50, "mix": {}}
        run_config(read_config(recipe_named("joint"), values), FOLDER / out.stem, FOLDER / "cache", report)
        made, before = export_run(FOLDER / out.stem, f"{out.stem}, all weights"), Model.read(base)
        for quantizer in set(before.card["quantizers"]) - {"tcq8"}:
            made = made.quantizer_of(before, quantizer)
        write_bytes(out, made.pack())


def whole(name: str, adapter: str, about: str) -> ImageCodec:
    """Return trellic as it is used with an adapter."""
    codec = Codec(adapter=adapter)
    return _codec(name, codec, about, lambda pixels, quality: codec.encode(pixels, quality))


def by_latents(name: str, adapter: str, about: str) -> ImageCodec:
    """Return trellic without units that are coded exactly, with an adapter or "none"."""
    codec = Codec(adapter=adapter)
    chosen = find_adapter(adapter) if adapter != "none" else None
    section = section_of(chosen, False)
    sessions = codec._attached(chosen, 0).sessions

    def encode(pixels: Pixels, quality: float) -> bytes:
        grid, points = Grid.of(pixels.shape[1], pixels.shape[0], SIDE), round(quality * QUALITY_ONE)
        header = Header(codec.model.sha256[:HASH_BYTES], grid, points, codec.quantizer.number)
        shown = windows(Picture(pixels), grid, codec.model.margin)
        units = [code_unit(sessions, codec.deployed, points, window, "psnr") for window in shown]
        return write_stream(
            header, [*([section] if section else []), *(one for unit in units for one in unit.sections)]
        )

    return _codec(name, codec, about, encode)


def _codec(name: str, codec: Codec, about: str, encode: Callable[[Pixels, float], bytes]) -> ImageCodec:
    plain = ours()
    about = f"model {codec.model.name}, quantizer {codec.quantizer.name}, {about}; by quality"
    return plain._replace(name=name, about=about, encode=encode, decode=lambda data: codec.decode_picture(data).pixels)
