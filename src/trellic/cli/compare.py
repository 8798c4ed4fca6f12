"""trellic compare: this codec and others on the same pictures, and a page that shows it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from trellic.cli.options import DEFAULT, DEFAULT_EFFORT, Effort, Model, PictureFiles, named_file
from trellic.errors import BadRequest
from trellic.provenance import command

ALL = "trellic,jpeg,webp,avif,jxl,jpeg2000,hevc,vvc"
LOOKED_AT = 4
"""How many pictures of a set the page lets one look at."""


def compare(
    inputs: PictureFiles,
    codecs: Annotated[
        str,
        typer.Option("--codecs", help="Names; the first is compared with the others. NAME-usual: as usually set."),
    ] = ALL,
    json_file: Annotated[
        Path,
        typer.Option(
            "--json", metavar="FILE", callback=named_file, help="Keep all records here; they are not measured again."
        ),
    ] = Path("compare.jsonl"),
    report: Annotated[
        Path | None, typer.Option("--report", metavar="DIR", help="Write a page and tables here.")
    ] = None,
    published: Annotated[
        Path | None,
        typer.Option(
            "--published",
            metavar="FILE",
            help='Curves to show: {"folder": {"name": {"bpp_psnr": [[0.2, 32.1], …]}}}.',
        ),
    ] = None,
    model: Model = DEFAULT,
    effort: Effort = DEFAULT_EFFORT,
) -> None:
    """Encode and decode every picture with every codec at many rates; report bytes, quality, time and memory.

    Each codec is set for the fewest bytes at equal PSNR. Each folder is a set, and is reported by itself. An
    interrupted run resumes at the picture it had reached. Needs trellic[compare].
    """
    from rich.progress import Progress

    from trellic.evaluate import compare as comparison
    from trellic.evaluate.codecs import codec_named
    from trellic.evaluate.codecs.pillow import decode_on_one_thread
    from trellic.evaluate.report.details import make_details, spread
    from trellic.evaluate.report.page import Report
    from trellic.evaluate.report.published import read_published
    from trellic.evaluate.sets import Member, members
    from trellic.evaluate.ssimulacra2 import need_ssimulacra2
    from trellic.jobs.local import complain, console
    from trellic.jobs.plan import find_pictures
    from trellic.picture.kinds import readable_suffixes
    from trellic.picture.pillow import read

    if published and not report:
        raise BadRequest("--published is for --report, whose page shows it")
    need_ssimulacra2()
    decode_on_one_thread()
    chosen = [codec_named(name, model, effort) for name in dict.fromkeys(codecs.replace(",", " ").split())]
    curves = read_published(published) if published else {}
    pictures = members(find_pictures(inputs, readable_suffixes(), complain))
    for group in curves.keys() - {member.group for member in pictures}:
        complain(f"{published}: curves of {group!r}, which is none of the folders, are not shown")
    results = comparison.opened(json_file, chosen, command(), complain)
    with Progress(console=console(), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("comparing", total=len(pictures))

        def progress(member: Member) -> None:
            bar.update(task, advance=1, description=member.name)
            if bar.disable:
                complain(f"{pictures.index(member) + 1} of {len(pictures)}: {member.name}")

        sound = comparison.measure_pictures(chosen, pictures, results, complain, progress)
        found = comparison.compared(chosen, pictures, results)
        bar.update(task, description="starts and memory")
        pixels = comparison.largest(pictures, found)
        sound = comparison.measure_costs(chosen, results, model, effort, pixels, complain) and sound
        if report:
            have = {(record.group, record.picture) for record in found.records}
            for group in dict.fromkeys(member.group for member in pictures):
                own = [member for member in pictures if member.group == group and (group, member.name) in have]
                for member in spread(own, LOOKED_AT):
                    bar.update(task, description=f"details of {member.name}")
                    make_details(chosen, member.name, read(member.path).pixels, found.records, report)
    if report:
        Report(found, [codec.name for codec in chosen], curves).write(report)
        print(f"{report / 'index.html'}")
    raise typer.Exit(int(not sound))
