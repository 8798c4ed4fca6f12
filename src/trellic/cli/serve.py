"""trellic serve: a page that shows, codes and compares pictures."""

import json
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trellic.cli.options import DEFAULT, Json, Model

if TYPE_CHECKING:
    from trellic.serve.server import Server

EFFORT = 6
"""Of pictures that are sent: somebody waits, two minutes at most."""


def serve(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="A folder whose pictures and .tlic files are listed.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    host: Annotated[str, typer.Option(help="The address; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    model: Model = DEFAULT,
    as_json: Json = False,
) -> None:
    """Serve a page that decodes .tlic in the browser, codes pictures, and compares with JPEG, WebP and AVIF."""
    from trellic.codec import Codec
    from trellic.serve.coding import Coding
    from trellic.serve.folder import Folder
    from trellic.serve.server import Server
    from trellic.serve.site import Site

    site = Site(Coding(Codec(model, effort=EFFORT)), Folder(folder) if folder else None)
    with Server(site, host, port) as server:
        if as_json:
            print(json.dumps({"url": server.url, "folder": str(folder) if folder else None}), flush=True)
        else:
            print(f"{server.url}  (Ctrl-C ends it)", flush=True)
        serve_until_interrupted(server, open_page)


def serve_until_interrupted(server: "Server", open_page: bool) -> None:
    """Serve until Ctrl-C, the page opened in a browser where that is asked for."""
    if open_page:
        webbrowser.open(server.url)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        raise typer.Exit from None
