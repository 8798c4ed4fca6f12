"""trellic stability: what many generations of coding leave of a picture."""

from pathlib import Path
from typing import Annotated

import typer

from trellic.cli.options import DEFAULT, DEFAULT_EFFORT, Effort, Model, PictureFiles, Quantizer, named_file
from trellic.provenance import command

RIVALS = "jpeg-usual,webp-usual,avif-usual"


def stability(
    inputs: PictureFiles,
    generations: Annotated[int, typer.Option(min=2, help="How many times a picture is coded.")] = 50,
    quality: Annotated[float, typer.Option("--quality", "-q", help="Of trellic's files.")] = 50.0,
    codecs: Annotated[
        str, typer.Option("--codecs", help="Names of rivals, from the same PSNR on; '' for none.")
    ] = RIVALS,
    effort: Effort = DEFAULT_EFFORT,
    quantizer: Quantizer = "",
    model: Model = DEFAULT,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="FILE", callback=named_file, help="Keep all chains here; they are not measured again."
        ),
    ] = None,
) -> None:
    """Code, decode and code every picture again, many times, and report what is left of it.

    A chain ends where a file is the one before it. Alpha and metadata are not coded.
    """
    from trellic.evaluate.codecs import codec_named
    from trellic.evaluate.codecs.pillow import decode_on_one_thread
    from trellic.evaluate.codecs.trellic import trellic
    from trellic.evaluate.sets import members
    from trellic.evaluate.stability import Chains, chains_table
    from trellic.jobs.local import complain
    from trellic.jobs.plan import find_pictures
    from trellic.picture.kinds import readable_suffixes
    from trellic.picture.pillow import readable

    decode_on_one_thread()
    ours = trellic(model, effort=effort, quantizer=quantizer, threads=0)
    rivals = [codec_named(name, model, effort) for name in dict.fromkeys(codecs.replace(",", " ").split())]
    pictures = {member.path: member for member in members(find_pictures(inputs, readable_suffixes(), complain))}
    chains = Chains(json_file, [ours, *rivals], command())
    found = []
    for path, picture in readable(pictures, complain):
        member = pictures[path]
        found += chains.measure(ours, rivals, member.group, member.name, picture.pixels, quality, generations)
        complain(f"{member.name}: {found[-1 - len(rivals)].loss:.2f} dB lost")
    print(chains_table(found).text())
    raise typer.Exit(int(len(found) < len(pictures) * (1 + len(rivals))))
