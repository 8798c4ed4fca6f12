"""trellic info: header, metadata and sections of .tlic and .tlv files."""

from typing import Annotated, Any

import typer

from trellic.cli.options import AtOnce, Json
from trellic.jobs.local import Manner, run
from trellic.jobs.plan import Job, find_files

Files = Annotated[
    list[str], typer.Argument(metavar="FILE...", help="Files, folders or glob patterns; - is standard input.")
]


def info(files: Files, at_once: AtOnce = 0, as_json: Json = False) -> None:
    """Show headers, metadata and sections of .tlic and .tlv files; checksums are proven, nothing is decoded."""
    from trellic import api
    from trellic.cli.clips import lines_of_clip
    from trellic.jobs.clips import SUFFIX, info_of_clip

    def work(job: Job) -> dict[str, Any]:
        is_clip = job.source.suffix.lower() == SUFFIX
        facts = info_of_clip(job.source) if is_clip else api.info(job.source)
        return {**facts, "line": (lines_of_clip if is_clip else _lines)(job, facts)}

    jobs = [Job(path, path) for path, _ in find_files(files, [".tlic", SUFFIX])]
    raise typer.Exit(run(jobs, work, Manner(as_json=as_json, at_once=at_once, writes=False)))


def _lines(job: Job, facts: dict[str, Any]) -> list[str]:
    """Return facts for people."""
    columns, rows = facts["tiles"]
    shape = f"{facts['width']}×{facts['height']} {facts['mode']}"
    lines = [
        f"{job.name}: {shape}, {facts['bytes']} bytes, {facts['bpp']:.3f} bpp",
        f"quality {facts['quality']:.4g}{' of networks' * bool(facts['layers'])}, quantizer {facts['quantizer']}",
        f"model {facts['model']} ({facts['model_name'] or 'not installed'})",
        *([_adapter(facts["adapter"])] if facts["adapter"] else []),
        *(["realism 0 to 1"] if facts["realism"] else []),
        f"colours {facts['profile'] or 'unspecified'}, orientation {facts['orientation']}",
        *([f"{columns} × {rows} {'blocks' if facts['predicted'] else 'tiles'}"] if (columns, rows) != (1, 1) else []),
    ]
    for number, layer in enumerate(facts["layers"], 1):
        lines.append(f"  to layer {number:<2} {layer['bytes']:8} bytes, {layer['bpp']:.3f} bpp")
    for section in facts["sections"]:
        times = f" in {section['count']}" if section["count"] > 1 else ""
        lines.append(f"  {section['type']:10} {section['bytes']:9} bytes{times}")
    restoration = facts["restoration_bytes"]
    if restoration:
        lines.append(f"  {'restoration':11} {restoration:8} bytes")
    rest = facts["bytes"] - restoration - sum(each["bytes"] for each in facts["sections"])
    lines.append(f"  {'the rest':10} {rest:9} bytes")
    return lines


def _adapter(facts: dict[str, Any]) -> str:
    """Return which adapter a file needs, and where it is."""
    return f"adapter {facts['hash']} ({'in the file' if facts['embedded'] else facts['name'] or 'not installed'})"
