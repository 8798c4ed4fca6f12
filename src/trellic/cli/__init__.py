"""The command line: one file a verb; a verb is a function, its docstring the help."""

import contextlib
import io
import os
import signal
import sys
import warnings
from typing import Annotated

import typer

from trellic.cli import bulk, models
from trellic.cli.adapt import adapt
from trellic.cli.calibrate import calibrate
from trellic.cli.classify import classify
from trellic.cli.compact import compact
from trellic.cli.compare import compare
from trellic.cli.decode import decode
from trellic.cli.demo import demo
from trellic.cli.encode import encode
from trellic.cli.evaluate import evaluate
from trellic.cli.export import export
from trellic.cli.features import features
from trellic.cli.fit_features import fit_features
from trellic.cli.fit_previews import fit_previews
from trellic.cli.fit_tables import fit_tables
from trellic.cli.info import info
from trellic.cli.layers import layers
from trellic.cli.macs import macs
from trellic.cli.make_pairs import make_pairs
from trellic.cli.retrain import retrain
from trellic.cli.search import search
from trellic.cli.serve import serve
from trellic.cli.stability import stability
from trellic.cli.tiles import tiles
from trellic.cli.train import train
from trellic.cli.train_head import train_head
from trellic.cli.verify import verify
from trellic.cli.version import show_version
from trellic.errors import TrellicError
from trellic.jobs.local import printable

PANELS = {
    "Pictures": (encode, decode, info, verify, layers, tiles, serve, demo),
    "Machines": (features, search, train_head, classify),
    "Measuring": (evaluate, compare, stability),
    "Models": (macs, fit_tables, fit_previews, fit_features, calibrate, compact),
    "Training": (train, retrain, adapt, make_pairs, export),
}
"""The verbs, everyday ones first."""

app = typer.Typer(
    help="A learned image codec: small files, quick on a CPU, streams you can trust.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
for panel, verbs in PANELS.items():
    for verb in verbs:
        app.command(rich_help_panel=panel)(verb)


app.add_typer(bulk.app, name="bulk", rich_help_panel="Pictures")
app.add_typer(models.app, name="models", rich_help_panel="Models")


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Print versions and processor, for bug reports.")] = False,
) -> None:
    """Run what comes before a verb."""
    if version:
        show_version()
        raise typer.Exit


def join_numbers(arguments: list[str]) -> list[str]:
    """Let `--quality 10 30 50` mean what it says: numbers that follow the option become one argument."""
    joined: list[str] = []
    for argument in arguments:
        previous = joined[-2] if len(joined) > 1 else ""
        if previous in {"--quality", "-q"} and joined[1] == "evaluate" and argument.replace(".", "", 1).isdigit():
            joined[-1] += f" {argument}"
        else:
            joined.append(argument)
    return joined


def _warn(message: Warning | str, *rest: object) -> None:
    """Print a warning as errors are printed."""
    print(f"trellic: {message}", file=sys.stderr)


def _stop(number: int, frame: object) -> None:
    """End as an interruption does, by an exception: temporary files are then removed on the way out."""
    raise SystemExit(128 + number)


def hold_standard_files() -> None:
    """Put /dev/null where standard input, output or error are closed, before a file that is opened takes the place."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115


def main() -> None:
    """Run the command line: a TrellicError becomes one line on stderr and exit code 1."""
    hold_standard_files()
    sys.argv = bulk.name_ray(join_numbers(sys.argv))
    if isinstance(sys.stdout, io.TextIOWrapper):  # names of files may be of bytes that the terminal has no letters for
        sys.stdout.reconfigure(errors="backslashreplace")
    warnings.showwarning = _warn  # type: ignore[assignment]
    signal.signal(signal.SIGTERM, _stop)
    code: int | str | None = 0
    try:
        app()
    except SystemExit as end:
        code = end.code
    except TrellicError as error:
        print(f"trellic: {printable(str(error))}", file=sys.stderr)
        code = 1
    except MemoryError:
        print("trellic: not enough memory", file=sys.stderr)
        code = 1
    except OSError as error:
        message = f"{error.strerror or error}: {error.filename or ''}".rstrip(": ")
        print(f"trellic: {printable(message)}", file=sys.stderr)
        code = 1
    with contextlib.suppress(BrokenPipeError):  # the reader of a pipe may have left
        sys.stdout.flush()
        sys.stderr.flush()
    # Taking down the compiler and the thread pools in order takes longer than decoding a picture.
    os._exit(code if isinstance(code, int) else 1)
