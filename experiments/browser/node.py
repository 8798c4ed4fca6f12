"""Node, which decodes a folder of streams by tlic.js."""

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

SCRIPT = Path(__file__).parent.parent.parent / "web" / "decode.mjs"


def in_node(folder: Path, streams: dict[str, bytes], halves: dict[str, bytes]) -> dict[str, dict[str, Any]]:
    """Return what tlic.js makes of decoder halves and of streams, by their names; samples are uint8 (H, W, 4)."""
    for files, suffix in ((streams, "tlic"), (halves, "tlh")):
        for name, data in files.items():
            (folder / f"{name}.{suffix}").write_bytes(data)
    done = subprocess.run(["node", str(SCRIPT), str(folder)], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    found = {entry.pop("name").rsplit(".", 1)[0]: entry for entry in map(json.loads, lines)}
    for entry in found.values():
        if "data" in entry:
            samples = np.frombuffer(base64.b64decode(entry["data"]), np.uint8)
            entry["data"] = samples.reshape(entry["height"], entry["width"], 4)
    return found
