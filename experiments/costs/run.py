"""Time and memory of every codec, by one photograph, on one thread. Run nothing else meanwhile."""

from pathlib import Path

from experiments.store import command_of, ours, path_of
from trellic.cli.demo import BUNDLED
from trellic.cli.options import DEFAULT, DEFAULT_EFFORT
from trellic.evaluate.codecs import NAMES, codec_named
from trellic.evaluate.codecs.pillow import decode_on_one_thread
from trellic.evaluate.compare import measure_costs
from trellic.evaluate.measure import Harness, Results, processes
from trellic.jobs.local import complain
from trellic.picture.pillow import read

SETTINGS = 3


def run(data: Path) -> None:
    """Measure all of it anew."""
    decode_on_one_thread()
    codecs = [ours(threads=1), *(codec_named(name, DEFAULT, DEFAULT_EFFORT) for name in NAMES if name != "trellic")]
    results = Results(path_of("costs"))
    results.prepare(codecs, command_of("costs"))
    pixels = read(BUNDLED).pixels
    if not measure_costs(codecs, results, DEFAULT, DEFAULT_EFFORT, pixels, complain):
        raise SystemExit("costs: not every codec was measured")
    middle = [codec._replace(curve=spread(codec.curve)) for codec in codecs]
    with processes() as pool:
        Harness(middle, results, ("psnr",), pool, complain).measure("photograph", BUNDLED.name, pixels)


def spread(settings: tuple[float, ...]) -> tuple[float, ...]:
    """Return settings from within a curve."""
    return settings[1 :: max(1, (len(settings) - 1) // SETTINGS)][:SETTINGS]
