"""trellic and Pillow's codecs on test pictures: file bytes and PSNR of the decoded 8-bit picture.

trellic as it comes, and with its uniform quantizer.

    python experiments/rate_distortion.py ../shared/data/test/kodak --name kodak

writes experiments/results/rate_distortion_NAME.json, picture by picture, resumable; `python experiments/report.py`
makes docs/results.md of all results.
"""

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trellic.codec import Codec
from trellic.evaluate.peers import JPEG, JPEG2000, WEBP, Peer, measure
from trellic.evaluate.run import evaluate_picture
from trellic.files import write_atomically
from trellic.jobs.plan import find_files
from trellic.model import DEFAULT
from trellic.picture.pillow import SUFFIXES, read

QUALITIES = (0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
PEER_SETTINGS: dict[str, tuple[float, ...]] = {
    "jpeg": (5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 85, 90, 95),
    "webp": (0, 5, 10, 20, 30, 40, 50, 60, 70, 80, 85, 90, 93, 96, 98),
    "jpeg2000": (24, 26, 28, 29, 30, 31, 32, 33, 34, 35, 36, 38, 40, 42, 44),
}
PEERS = {peer.name: peer for peer in (JPEG, WEBP, JPEG2000)}
RESULTS = Path(__file__).parent / "results"


def peer_records(peer: Peer, path: Path) -> Iterator[dict[str, Any]]:
    pixels = read(path).pixels
    for setting in PEER_SETTINGS[peer.name]:
        point = measure(peer, pixels, setting)
        bpp = 8 * point.bytes / (pixels.shape[0] * pixels.shape[1])
        yield {"codec": peer.name, "image": path.name, "quality": setting, "bytes": point.bytes, "bpp": bpp,
               "psnr": point.psnr}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--model", default=DEFAULT)
    options = parser.parse_args()
    ours = {"trellic": Codec(options.model), "trellic-uniform": Codec(options.model, quantizer="uniform")}
    model = ours["trellic"].model.name
    target = RESULTS / f"rate_distortion_{options.name}.json"
    head = {
        "command": f"python experiments/rate_distortion.py {' '.join(sys.argv[1:])}",
        "model": model,
        "quantizers": {name: codec.quantizer.name for name, codec in ours.items()},
        "commit": subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip(),
        "machine": platform.machine(),
    }
    old = json.loads(target.read_text()) if target.exists() else {"records": []}
    kept = [record for record in old["records"] if record["codec"] not in ours or old["model"] == model]
    done = {(record["codec"], record["image"]) for record in kept}
    for path, _ in find_files([str(options.folder)], SUFFIXES):
        for peer in PEERS.values():
            if (peer.name, path.name) not in done:
                kept += peer_records(peer, path)
        for name, codec in ours.items():
            if (name, path.name) not in done:
                kept += [{"codec": name, **evaluate_picture(codec, path.name, read(path), q)} for q in QUALITIES]
        print(path.name, file=sys.stderr)
        text = json.dumps({**head, "records": kept}, indent=0)
        write_atomically(target, lambda file, text=text: file.write(text.encode()))


if __name__ == "__main__":
    main()
