"""Make golden models, adapters and streams that are missing.

    TRELLIC_MODELS=tests/golden PYTHONPATH=tests python tests/golden/make.py

Those that are there never change.

The model is untrained, and its entropy heads are constants, so that every processor reads the same indices from it.
"""

import io
from fractions import Fraction
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from pictures import QUALITY, TILE, waves
from PIL import Image

from adapters import random_changes
from moving import moving
from trellic.codec import Codec, Target
from trellic.codec.layer_targets import LayersAsked
from trellic.entropy.tables import SCALES
from trellic.model import Model
from trellic.model.adapter import Adapter
from trellic.networks.codec import TrainableCodec
from trellic.networks.design import Design, PriorOptions, TransformOptions
from trellic.networks.export import export
from trellic.networks.priors import Head
from trellic.quantize import QUANTIZERS
from trellic.video import Reader, Structure, VideoCodec

HERE = Path(__file__).parent
LAYERS = {"layers": 6, "layers_trits": 3, "layers_step": 4}
DESIGN = Design(
    latents=12,
    transform=TransformOptions(fine=(0, 0, 8), coarse=(1, 1, 8), gain_knots=3),
    prior=PriorOptions(groups=(4, 8), z=4, features=8),
)


def make_model(path: Path) -> None:
    """Write an untrained model, with offsets and sensitivities that are not trivial."""
    torch.manual_seed(0)
    model = TrainableCodec(DESIGN)
    pixels = torch.from_numpy(np.asarray(waves().convert("RGB").resize((128, 128)))).permute(2, 0, 1)[None] / 255
    model.family.fit_to(pixels, model.analysis, model.synthesis)
    with torch.no_grad():
        for head in (module for module in model.modules() if isinstance(module, Head)):
            head.layer.weight.zero_()
            half = len(head.layer.bias) // 2
            head.layer.bias[:half] = 0.0625
            head.layer.bias[half:] = torch.linspace(-2.5, 2.5, half)
    offsets = {sets: np.tile(np.array([-40, 25, -5], np.int16), (SCALES * sets, 1)) for sets in (1, 2)}
    logs = np.stack([np.linspace(-0.5, 0.5, DESIGN.latents), np.full(DESIGN.latents, 0.1)]).astype(np.float32)
    made = export(model, {"summary": "golden: constant entropy heads"}).with_sensitivity(logs)
    made = made.with_quantizer("rdoq", offsets=offsets[1]).with_quantizer("tcq8", offsets=offsets[2])
    path.write_bytes(made.pack())


def make_adapter(model: Path, path: Path) -> None:
    """Write an adapter that changes the transforms alone."""
    base = Model.read(model)
    changes = {
        half: [change for change in each if not change.array.startswith("prior.")]
        for half, each in random_changes(base).items()
    }
    path.write_bytes(Adapter.of(base, changes).pack())


def make_stream(
    model: Path,
    quantizer: str,
    image: Image.Image,
    name: str,
    adapter: str = "none",
    block: int = 0,
    layers: LayersAsked | None = None,
    prefixes: bool = False,
    restore: bool = False,
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    image.info["exif"] = exif.tobytes()
    codec = Codec(
        str(model), 0, quantizer, tile=block or TILE, adapter=adapter, embed=True, predict=block > 0, restore=restore
    )
    data = codec.encode(image, QUALITY, layers=layers, prefixes=prefixes)
    (HERE / f"{name}.tlic").write_bytes(data)
    buffer = io.BytesIO()
    codec.decode(data).save(buffer, "PNG")
    (HERE / f"{name}.png").write_bytes(buffer.getvalue())


def make_video(model: Path, path: Path, restore: bool) -> None:
    """Write a video of two groups, of chains and of a pyramid, and its last frame.

    The one that is not restored is of version 1 of the format, which encoders wrote before they restored.
    """
    codec = VideoCodec(str(model), threads=1, adapter="none", restore=restore)
    frames = moving(12, 70, 90)
    made = codec.encode(lambda: frames, Fraction(30000, 1001), Target(QUALITY), Structure(4, 10), 6, b"sound")
    path.write_bytes(made.data)
    Image.fromarray(Reader(made.data)[11]).save(path.with_suffix(".png"))


def main() -> None:
    model = HERE / "golden.trm"
    if not model.exists():
        make_model(model)
    adapter = HERE / "golden.tra"
    if not adapter.exists():
        make_adapter(model, adapter)
    if not (HERE / "adapter.tlic").exists():
        make_stream(model, "tcq8", waves(), "adapter", str(adapter))
    if not (HERE / "blocks.tlic").exists():
        make_stream(model, "tcq8", waves(400, 300), "blocks", block=128)
    if not (HERE / "prefixes.tlic").exists():
        make_stream(model, "tcq8", waves(400, 90), "prefixes", prefixes=True)
    if not (HERE / "restored_bands.tlic").exists():  # restored.tlic is of a time when there were no bands
        make_stream(model, "tcq8", waves(400, 90), "restored_bands", restore=True)
    for name, restore in (("video", False), ("video_restored", True)):
        if not (HERE / f"{name}.tlv").exists():
            make_video(model, HERE / f"{name}.tlv", restore)
    for name, layers in LAYERS.items():
        if not (HERE / f"{name}.tlic").exists():
            make_stream(model, "", waves(400, 90), name, layers=layers)
    if not (HERE / "adapter_layers.tlic").exists():
        with mock.patch("trellic.codec.codec.COARSE", adapter):
            make_stream(model, "", waves(400, 90), "adapter_layers", layers=10)
    streams = {quantizer.name: (quantizer.name, waves()) for quantizer in QUANTIZERS}
    streams["tiles"] = ("tcq8", waves(400, 90))
    streams["lattice"] = ("lattice", waves())
    for name, (quantizer, image) in streams.items():
        if not (HERE / f"{name}.tlic").exists():
            make_stream(model, quantizer, image, name)


if __name__ == "__main__":
    main()
