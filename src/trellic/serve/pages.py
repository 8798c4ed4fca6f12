"""The page's own files, and those that decode in it, from the package."""

from pathlib import Path

from trellic.model.store import SHIPPED
from trellic.serve.answers import Answer, tag_of
from trellic.web import STATIC

PAGE = Path(__file__).parent / "page"
EXAMPLE = SHIPPED / "demo.webp"
WORKER = "/service-worker.js"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webp": "image/webp",
}
"""Media types by suffix."""
POLICY = (
    "default-src 'self'; img-src 'self' blob:; script-src 'self' 'wasm-unsafe-eval'; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a page may load and run: its own files, and pictures that it made."""


def page_files() -> dict[str, Answer]:
    """Return the files by path; "/" is index.html. The service worker names the content of them all: it keeps them."""
    paths = [path for path in (*PAGE.iterdir(), *STATIC.iterdir(), EXAMPLE) if path.suffix in TYPES]
    bodies = {f"/{path.name}": path.read_bytes() for path in sorted(paths)}
    bodies[WORKER] += f"// {tag_of(b''.join(bodies.values()))}\n".encode()
    headers = {"Content-Security-Policy": POLICY}
    found = {
        name: Answer(TYPES[Path(name).suffix], body, tag_of(body), headers=headers) for name, body in bodies.items()
    }
    return found | {"/": found["/index.html"]}
