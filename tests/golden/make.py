"""Make golden models and streams that are missing: `python tests/golden/make.py`. Those that are there never change.

The model is untrained, and its entropy heads are constants, so that every processor reads the same rows from it.
`golden.trm` and the uniform stream are of the first release; `trellis.trm` adds what the other quantizers need.
"""

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from trellic.codec import Codec
from trellic.entropy.tables import SCALES, gaussian_tables
from trellic.model import ModelFile
from trellic.networks.codec import TrainableCodec
from trellic.networks.design import Design
from trellic.networks.prior import Step
from trellic.networks.transforms import fit_to
from trellic.quantize import QUANTIZERS
from trellic.train.export import export

HERE = Path(__file__).parent
DESIGN = Design(latents=12, groups=(4, 8), fine=(0, 0, 8), coarse=(1, 1, 8), hyper=4, features=8)


def picture(width: int = 75, height: int = 50) -> Image.Image:
    """Return pixels of waves with an alpha ramp."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [128 + 90 * np.sin(x / (5 + 3 * c)) * np.cos(y / (9 - 2 * c)) for c in range(3)]
    return Image.fromarray(np.stack([*planes, np.minimum(x * 3, 255)], axis=2).astype(np.uint8))


def make_model(path: Path) -> None:
    torch.manual_seed(0)
    model = TrainableCodec(DESIGN)
    pixels = torch.from_numpy(np.asarray(picture().convert("RGB").resize((128, 128)))).permute(2, 0, 1)[None] / 255
    model.gains.fit_to(fit_to(pixels, DESIGN, model.analysis, model.synthesis))
    with torch.no_grad():
        for step in model.prior.steps:
            assert isinstance(step, Step)
            for head in (step.first_head, step.second_head):
                head.weight.zero_()
                half = len(head.bias) // 2
                head.bias[:half] = 0.0625
                head.bias[half:] = torch.linspace(-2.5, 2.5, half)
    export(model, {"summary": "golden: constant entropy heads"}, path)


def add_trellis(before: Path, path: Path) -> None:
    """Add tables, points and weights that are not trivial to the first model."""
    points = {kinds: np.tile(np.array([-40, 25, -5], np.int16), (SCALES * kinds, 1)) for kinds in (1, 2)}
    weights = np.stack([np.linspace(-0.5, 0.5, DESIGN.latents), np.full(DESIGN.latents, 0.1)]).astype(np.float32)
    arrays = {"tables_trellis.npy": gaussian_tables(sets=2).frequency, "points_tcq8.npy": points[2],
              "points_rdoq.npy": points[1], "sensitivity.npy": weights}  # fmt: skip
    path.write_bytes(ModelFile.read(before).pack_with({}, arrays))


def make_stream(model: Path, quantizer: str, image: Image.Image, name: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    image.info["exif"] = exif.tobytes()
    codec = Codec(str(model), quantizer=quantizer, tile=256)
    data = codec.encode(image, 80)
    (HERE / f"{name}.tlic").write_bytes(data)
    buffer = io.BytesIO()
    codec.decode(data).save(buffer, "PNG")
    (HERE / f"{name}.png").write_bytes(buffer.getvalue())


def main() -> None:
    first, trellis = HERE / "golden.trm", HERE / "trellis.trm"
    if not first.exists():
        make_model(first)
    if not trellis.exists():
        add_trellis(first, trellis)
    streams = {quantizer.name: (quantizer.name, picture()) for quantizer in QUANTIZERS}
    streams["tiles"] = ("tcq8", picture(400, 90))
    for name, (quantizer, image) in streams.items():
        if not (HERE / f"{name}.tlic").exists():
            make_stream(first if quantizer == "uniform" else trellis, quantizer, image, name)


if __name__ == "__main__":
    main()
