"""Make the golden model and stream: `python tests/golden/make.py`. Only a new format version may need it again.

The model is untrained, and its entropy heads are constants, so that every processor reads the same rows from it.
"""

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from trellic.codec import Codec
from trellic.networks.codec import TrainableCodec
from trellic.networks.design import Design
from trellic.networks.prior import Step
from trellic.networks.transforms import fit_to
from trellic.train.export import export

HERE = Path(__file__).parent
DESIGN = Design(latents=12, groups=(4, 8), fine=(0, 0, 8), coarse=(1, 1, 8), hyper=4, features=8)


def picture() -> Image.Image:
    """Return 75×50 pixels of waves with an alpha ramp."""
    y, x = np.mgrid[0:50, 0:75]
    planes = [128 + 90 * np.sin(x / (5 + 3 * c)) * np.cos(y / (9 - 2 * c)) for c in range(3)]
    return Image.fromarray(np.stack([*planes, x * 3], axis=2).astype(np.uint8))


def main() -> None:
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
    export(model, {"summary": "golden: constant entropy heads"}, HERE / "golden.trm")
    image = picture()
    exif = Image.Exif()
    exif[0x0112] = 3
    image.info["exif"] = exif.tobytes()
    codec = Codec(str(HERE / "golden.trm"))
    data = codec.encode(image, 80)
    (HERE / "uniform.tlic").write_bytes(data)
    buffer = io.BytesIO()
    codec.decode(data).save(buffer, "PNG")
    (HERE / "uniform.png").write_bytes(buffer.getvalue())


if __name__ == "__main__":
    main()
