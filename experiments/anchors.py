"""Whether published curves of JPEG and WebP come out here, as they were made, and what the settings of peers.py change:

    python experiments/anchors.py ../shared/data/test/kodak

The published curves (experiments/results/published.json, of CompressAI) are of Pillow 7.1.2 and what it does by itself:
JPEG 4:2:0, baseline, with tables of the standard; WebP method 4. Writes experiments/results/anchors.json.
"""

import json
import sys
from typing import Any

from comparison import PUBLISHED, RESULTS

from trellic.evaluate.peers import JPEG, WEBP, Peer, measure, saved
from trellic.evaluate.report import read_published
from trellic.evaluate.summary import METRICS, bits_against, mean_curve
from trellic.files import write_atomically
from trellic.jobs.plan import find_files
from trellic.picture.pillow import SUFFIXES, read

QUALITIES = tuple(range(5, 100, 5))


def as_published(peer: Peer, kind: str) -> Peer:
    """Return a codec with Pillow's own settings."""
    return peer._replace(encode=lambda pixels, quality: saved(pixels, kind, quality=int(quality)), rates=QUALITIES)


def records_of(peer: Peer, folder: str) -> list[dict[str, Any]]:
    """Return a record a picture and a setting."""
    records = []
    for path, _ in find_files([folder], SUFFIXES):
        pixels = read(path).pixels
        for setting in peer.rates:
            point = measure(peer, pixels, setting)
            bpp = 8 * point.bytes / (pixels.shape[0] * pixels.shape[1])
            records.append({"codec": peer.name, "setting": setting, "bpp": bpp, "psnr": point.psnr})
    return records


def main() -> None:
    (folder,) = sys.argv[1:]
    published = read_published(PUBLISHED)["kodak"]
    found: dict[str, dict[str, Any]] = {}
    for peer, kind in ((JPEG, "JPEG"), (WEBP, "WEBP")):
        for way, set_so in (("Pillow's own settings", as_published(peer, kind)), ("settings of the comparison", peer)):
            curve = mean_curve(records_of(set_so, folder), peer.name, METRICS[0])
            rate = bits_against(published[peer.name], curve)
            assert rate
            found.setdefault(peer.name, {})[way] = {**rate._asdict(), "bpp_psnr": curve}
    result = {"command": f"python experiments/anchors.py {folder}", "against_published": found}
    write_atomically(RESULTS / "anchors.json", lambda file: file.write(json.dumps(result, indent=1).encode()))


if __name__ == "__main__":
    main()
