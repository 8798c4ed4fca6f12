"""trellic tiles: a .tlic file as small tiles at every zoom, for map viewers."""

import json
from pathlib import Path
from typing import Annotated

import typer

from trellic.cli.options import Force, Json, MostPixels, refuse
from trellic.cli.serve import serve_until_interrupted
from trellic.limits import MOST_PIXELS


def tiles(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A .tlic file, or its URL.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="DIR", help="Write all tiles, and a page that shows them.")
    ] = None,
    serve: Annotated[bool, typer.Option("--serve", help="Serve them instead, each made when it is asked for.")] = False,
    format: Annotated[str, typer.Option("--format", help="Of the tiles: webp, png or jpg.")] = "webp",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    host: Annotated[str, typer.Option(help="The address; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    max_pixels: MostPixels = MOST_PIXELS,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Show a .tlic file as tiles of 256 pixels at every zoom, z/x/y, as web maps do."""
    from trellic import api
    from trellic.container import Stream
    from trellic.errors import BadRequest, naming
    from trellic.files import open_bytes
    from trellic.serve.answers import tag_of
    from trellic.serve.server import Server
    from trellic.zoom.kinds import kind_named
    from trellic.zoom.pyramid import write_pyramid
    from trellic.zoom.site import TileSite
    from trellic.zoom.source import TileSource

    if serve == (out is not None):
        raise BadRequest("tiles are written to a folder, -o DIR, or served, --serve")
    if serve:
        refuse(context, "is for --out", "force")
    else:
        refuse(context, "is for --serve", "port", "host", "open_page")
    kind_named(format)
    with naming(file), open_bytes(file) as data:
        stream = Stream.parse(data, max_pixels)
        codec = api.codec_for(stream)
        if out is not None:
            count = write_pyramid(codec.decode_strips(stream), out, format, replace=force)
            print(json.dumps({"folder": str(out), "tiles": count}) if as_json else f"{file} → {out}  {count} tiles")
            return
        site = TileSite(TileSource(codec, stream, format), tag_of(data[: stream.entries[0].start]))
        with Server(site, host, port) as server:
            print(json.dumps({"url": server.url}) if as_json else f"{server.url}  (Ctrl-C ends it)", flush=True)
            serve_until_interrupted(server, open_page)
