"""Options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

from trellic.errors import BadRequest

DEFAULT, DEFAULT_EFFORT, SIDE = "base", 7, 1024
"""Named here too, where the codec is not loaded; a test holds them to it."""

Inputs = Annotated[
    list[str], typer.Argument(metavar="IN...", help="Files, folders or glob patterns; - is standard input.")
]
PictureFiles = Annotated[list[str], typer.Argument(metavar="IN...", help="Pictures, folders or glob patterns.")]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--out", metavar="OUT|DIR", help="A file for one input (- is standard output), else a folder."),
]
Force = Annotated[bool, typer.Option("--force", "-f", help="Overwrite files that exist; links are followed.")]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Resume an earlier run: skip complete outputs that match the options, --tune aside; sources may differ.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print errors only.")]
AtOnce = Annotated[int, typer.Option("--jobs", min=0, help="Number of files at a time; 0 for one per processor.")]
Json = Annotated[bool, typer.Option("--json", help="Print results as JSON on stdout.")]


def named_file(path: Path | None) -> Path | None:
    """Return an option's file. Raises BadRequest where the next option was taken for its name."""
    if path and str(path).startswith("-"):
        raise BadRequest(f"{path} is no name of a file: --json FILE takes one here")
    return path


Model = Annotated[str, typer.Option("--model", "-m", metavar="M", help="A model's name, hash or .trm file.")]
MostPixels = Annotated[int, typer.Option("--max-pixels", help="Refuse larger pictures.")]
Effort = Annotated[
    int,
    typer.Option(
        "--effort", min=1, max=9, help="1 quick … 9 small; 7 to 9 search, ever longer. Decoding time is the same."
    ),
]
Quantizer = Annotated[
    str, typer.Option("--quantizer", help="Instead of an effort: uniform, deadzone, rdoq, or tcq4 to tcq1024.")
]
Quantizers = Annotated[list[str] | None, typer.Option("--quantizer", help="Only this quantizer; may be repeated.")]

Quality = Annotated[float, typer.Option("--quality", "-q", help="0 small … 100 faithful.")]
Bpp = Annotated[float | None, typer.Option(help="Instead of a quality: at most this rate, bits per pixel.")]
Size = Annotated[int | None, typer.Option(metavar="BYTES", help="Instead of a quality: at most this file size.")]
Psnr = Annotated[float | None, typer.Option(metavar="DB", help="Instead of a quality: at least this PSNR.")]
Lossless = Annotated[
    bool,
    typer.Option(
        "--lossless", help="Instead of a quality: code every pixel exactly; what has more than 8 bits is refused."
    ),
]
Tune = Annotated[str, typer.Option(metavar="MEASURE", help="What to encode for: psnr or ssimulacra2.")]
Layers = Annotated[
    str,
    typer.Option(
        "--layers", metavar="N|SIZES", help="Code in N layers, or in layers of 20000,60000 bytes, 0.1,0.3bpp."
    ),
]
Prefixes = Annotated[
    bool, typer.Option("--prefixes", help="Let previews be read, and proven, from a part of the file.")
]
Tile = Annotated[int, typer.Option(metavar="SIDE", help="Side of the tiles of large pictures.")]
Predict = Annotated[
    bool, typer.Option("--predict", help="Tiles of 128, 192, 256 or 384 pixels that predict each other: quick regions.")
]
Restoration = Annotated[
    bool, typer.Option("--restoration/--no-restoration", help="Whether what is decoded is corrected, for some bytes.")
]
Strip = Annotated[str, typer.Option(metavar="NAMES", help="Metadata to drop: all, or some of exif,icc,xmp,resolution.")]
Keep = Annotated[str | None, typer.Option(metavar="NAMES", help="The only metadata to keep.")]
Adapter = Annotated[
    str, typer.Option("--adapter", metavar="A", help="An adapter's name, hash or .tra file; none; or best, of all.")
]
Embed = Annotated[bool, typer.Option("--embed", help="Put the adapter into the file: it decodes anywhere.")]
Bitrate = Annotated[float | None, typer.Option(min=1, metavar="KBIT", help="Of videos: at most so many kbit a second.")]
Gop = Annotated[str, typer.Option(help="Of videos: frames of a mini-group, 1 to 8; adaptive; or trial, the cheapest.")]
Keyint = Annotated[int, typer.Option(help="Of videos: most frames from one that is coded alone to the next.")]
"""Of encoding."""
Device = Annotated[str, typer.Option(help="Of networks: cuda, openvino, …, as onnxruntime has them.")]
Format = Annotated[str, typer.Option("--format", help="Suffix of the pictures, unless OUT has one.")]
Background = Annotated[
    str, typer.Option(metavar="COLOUR", help="Colour behind transparent pictures, for formats without alpha.")
]
"""Of decoding."""


def refuse_unused(context: typer.Context, quantizer: str, lossless: bool, *sizes: float | None) -> None:
    """Raise BadRequest where an option of encoding would be ignored beside another.

    sizes  what else than a quality may be asked for; None where it is not
    """
    if quantizer:
        refuse(context, "does not go with --quantizer, which an effort chooses", "effort")
    if lossless or any(each is not None for each in sizes):
        refuse(context, "does not go with --bpp, --size, --psnr or --lossless", "quality")


def side_of_tiles(context: typer.Context, tile: int, predict: bool) -> int:
    """Return the side of tiles, of blocks where none is asked for. Raises BadRequest."""
    from trellic.container.grid import BLOCK_SIDES

    return tile if not predict or given(context, "tile") else BLOCK_SIDES[0]


def refuse(context: typer.Context, why: str, *names: str) -> None:
    """Raise BadRequest, "--crop is for pictures", where the command line has one of these options.

    names  of the verb's parameters
    """
    for option in given(context, *names):
        raise BadRequest(f"{option} {why}")


def given(context: typer.Context, *names: str) -> list[str]:
    """Return which of these options the command line has: those of parameters "crop" and "preview" as "--crop"."""
    sources = [(option, context.get_parameter_source(option.name or "")) for option in context.command.params]
    return [
        option.opts[0] for option, source in sources if option.name in names and source and source.name == "COMMANDLINE"
    ]
