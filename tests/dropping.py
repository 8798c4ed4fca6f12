"""What tests of the server and its page send: pictures and streams, as a hand drops them."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from conftest import textured
from trellic import api


def png(height: int = 96, width: int = 160) -> bytes:
    """Return a textured picture's file."""
    buffer = io.BytesIO()
    Image.fromarray(textured(height, width)).save(buffer, "PNG")
    return buffer.getvalue()


def upright(path: Path) -> np.ndarray:
    """Return the pixels of a stream as they are meant to be seen."""
    return np.asarray(ImageOps.exif_transpose(api.decode(path)))


def drop(page: Any, **files: bytes) -> None:
    """Drop files on the page, as a hand does; their names have a "_" for the "."."""
    named = [[name.replace("_", "."), base64.b64encode(data).decode()] for name, data in files.items()]
    transfer = page.evaluate_handle(
        """named => {
          const transfer = new DataTransfer();
          for (const [name, data] of named) {
            transfer.items.add(new File([Uint8Array.from(atob(data), each => each.charCodeAt(0))], name));
          }
          return transfer;
        }""",
        named,
    )
    page.dispatch_event("body", "drop", {"dataTransfer": transfer})
