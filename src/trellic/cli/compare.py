"""trellic compare: this codec and others on the same pictures, and a page that shows it."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from trellic.cli.options import DEFAULT, DEFAULT_EFFORT, Effort, Inputs, Model

ALL = "trellic,jpeg,webp,avif,jxl,jpeg2000,hevc,vvc"
LOOKED_AT = 4
"""How many pictures of a set the page lets one look at."""


def compare(
    inputs: Inputs,
    codecs: Annotated[str, typer.Option("--codecs", help="Names; the first is compared with the others.")] = ALL,
    json_file: Annotated[
        Path, typer.Option("--json", metavar="FILE", help="Keep all records here; what it holds is not done again.")
    ] = Path("compare.json"),
    report: Annotated[
        Path | None, typer.Option("--report", metavar="DIR", help="Write a page and tables here.")
    ] = None,
    published: Annotated[
        Path | None,
        typer.Option("--published", metavar="FILE", help="Others' curves to show: bpp_psnr by set and by name."),
    ] = None,
    model: Model = DEFAULT,
    effort: Effort = DEFAULT_EFFORT,
) -> None:
    """Encode and decode every picture with every codec at many rates; report bytes, quality, time and memory.

    Each folder is a set, and is reported by itself. An interrupted run goes on with the picture it was at.
    Needs trellic[compare].
    """
    from rich.progress import Progress

    from trellic.errors import BadRequest, PeerFailed
    from trellic.evaluate.compare import Comparison, Results, by_set, complete, distinct_names, other_processors
    from trellic.evaluate.contestants import contestant
    from trellic.evaluate.details import measure_details, spread
    from trellic.evaluate.memory import measure_memory
    from trellic.evaluate.peers import decode_on_one_thread
    from trellic.evaluate.report import Report, read_published
    from trellic.evaluate.ssimulacra2 import need_ssimulacra2
    from trellic.jobs.local import complain, console
    from trellic.jobs.plan import find_files
    from trellic.picture.pillow import SUFFIXES, read, readable

    need_ssimulacra2()
    decode_on_one_thread()
    codec_names = list(dict.fromkeys(codecs.replace(",", " ").split()))
    peers = [contestant(name, model, effort) for name in codec_names]
    curves = read_published(published) if published else {}
    files = find_files(inputs, SUFFIXES)
    names = distinct_names(files)
    results = Results.open(json_file, peers)
    command = shlex.join(["trellic", *sys.argv[1:]])

    areas: dict[Path, int] = {}
    failures = 0
    with other_processors() as pool, Progress(console=console(), disable=not sys.stderr.isatty()) as bar:
        comparison = Comparison(peers, results, pool, lambda: results.write(command), complain)
        task = bar.add_task("", total=len(names) * len(peers))
        for path, picture in readable(names, complain):
            bar.update(task, description=names[path])
            areas[path] = picture.pixels.size
            failures += not comparison.measure_picture(names[path], picture.pixels, lambda: bar.advance(task))
            if bar.disable:
                complain(f"{len(areas)} of {len(names)}: {names[path]}")

        sound = set(complete(results, peers, [names[path] for path in areas]))
        if not sound:
            raise BadRequest("no picture was coded by every codec")
        results.sets = by_set([(path, below) for path, below in files if names[path] in sound], names)
        paths = {names[path]: path for path in areas if names[path] in sound}
        largest = max(paths.values(), key=lambda path: areas[path])
        bar.update(task, description="memory")
        for peer in peers:
            try:
                measure_memory(peer, results, model, effort, names[largest], read(largest).pixels)
            except PeerFailed as error:
                complain(str(error))
                failures += 1
        results.write(command)
        if report:
            for image in [image for group in results.sets.values() for image in spread(group, LOOKED_AT)]:
                bar.update(task, description=f"details of {image}")
                if measure_details(peers, image, read(paths[image]).pixels, results, report):
                    results.write(command)
    if report:
        Report(results, codec_names, curves).write(report, command)
        print(f"{report / 'index.html'}")
    raise typer.Exit(int(failures > 0 or len(areas) < len(names)))
