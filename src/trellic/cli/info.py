"""trellic info: what a .tlic file says of itself."""

import json
from pathlib import Path
from typing import Annotated

import typer

from trellic.cli.options import Json
from trellic.errors import UnreadablePicture


def info(file: Annotated[Path, typer.Argument(metavar="FILE")], as_json: Json = False) -> None:
    """Show a .tlic file's header and sections; its checksums are proven, nothing is decoded."""
    from trellic import api
    from trellic.files import open_bytes

    try:
        with open_bytes(file) as data:
            facts = api.info(data)
    except OSError as error:
        raise UnreadablePicture(f"{file}: {error.strerror}") from error
    if as_json:
        print(json.dumps(facts, indent=1))
        return
    model = facts["model"] or "not installed"
    print(f"{file}: {facts['width']}×{facts['height']} {facts['mode']}, {facts['bytes']} bytes, {facts['bpp']:.3f} bpp")
    print(f"quality {facts['quality']:g}, quantizer {facts['quantizer']}")
    print(f"model {facts['model_hash']} ({model})")
    if facts["tiles"] != [1, 1]:
        print(f"{facts['tiles'][0]} × {facts['tiles'][1]} tiles")
    for section in facts["sections"]:
        times = f" in {section['count']}" if section["count"] > 1 else ""
        print(f"  {section['type']:10} {section['bytes']:9} bytes{times}")
    print(f"  {'the rest':10} {facts['bytes'] - sum(s['bytes'] for s in facts['sections']):9} bytes")
