"""trellic demo: one picture, compared with JPEG and WebP at the same number of bytes."""

from pathlib import Path
from typing import Annotated

import typer

from trellic.cli.options import DEFAULT, Force, Model

BUNDLED = Path(__file__).parent.parent / "models" / "demo.webp"
QUALITIES = (15.0, 40.0, 65.0)


def demo(
    picture: Annotated[
        Path | None, typer.Argument(metavar="[PICTURE]", help="A picture instead of the bundled photograph.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for the files.")] = Path("trellic-demo"),
    model: Model = DEFAULT,
    force: Force = False,
) -> None:
    """Compress one picture at three qualities, decode it, and compare it with JPEG and WebP of the same size."""
    import numpy as np
    from rich.console import Console
    from rich.table import Table

    from trellic.codec import Codec, Target
    from trellic.errors import naming
    from trellic.evaluate.codecs.pillow import JPEG, WEBP_USUAL
    from trellic.evaluate.measure import nearest_in_size
    from trellic.evaluate.report.sheet import draw_sheet
    from trellic.files import check_free, write_bytes
    from trellic.metrics import psnr
    from trellic.picture.pillow import read
    from trellic.picture.saving import save
    from trellic.picture.types import Picture

    source = picture or BUNDLED
    sheet_path = out / "comparison.png"
    streams = {quality: out / f"{source.stem}-q{quality:g}.tlic" for quality in QUALITIES}
    for path in (sheet_path, *streams.values(), *(path.with_suffix(".png") for path in streams.values())):
        check_free(path, force)
    with naming(source):
        original = read(source)
    codec = Codec(model)
    height, width = original.pixels.shape[:2]
    table = Table(title=f"{source.name}, {width}×{height}: PSNR in dB, and bytes, at equal size")
    for heading in ("quality", "bpp", "trellic", "WebP", "JPEG"):
        table.add_column(heading, justify="right")
    rows = []
    for quality in QUALITIES:
        data = codec.encode_picture(original, Target(quality)).data
        stream = streams[quality]
        write_bytes(stream, data)
        decoded = codec.decode_picture(stream.read_bytes())
        save(decoded, stream.with_suffix(".png"))
        webp, jpeg = (nearest_in_size(other, original.pixels, len(data))[1] for other in (WEBP_USUAL, JPEG))
        ours, webp_psnr, jpeg_psnr = (psnr(original.pixels, coded.pixels) for coded in (decoded, webp, jpeg))
        table.add_row(
            f"{quality:g}", f"{8 * len(data) / (width * height):.3f}", f"{ours:.2f} ({len(data)})",
            f"{webp_psnr:.2f} ({webp.bytes})", f"{jpeg_psnr:.2f} ({jpeg.bytes})",
        )  # fmt: skip
        rows.append([
            (f"trellic {len(data)} B, {ours:.2f} dB", decoded.pixels),
            (f"WebP {webp.bytes} B, {webp_psnr:.2f} dB", webp.pixels),
            (f"JPEG {jpeg.bytes} B, {jpeg_psnr:.2f} dB", jpeg.pixels),
        ])  # fmt: skip
    save(Picture(np.asarray(draw_sheet(original.pixels, rows))), sheet_path)
    Console().print(table)
    print(f"files and pictures are in {out}; look at {sheet_path}")
