"""The command line in processes that need not import it: forks of a process that has, and that never ran a command.

As where a user types it, each command has its own folder, variables, standard files and exit code. How one starts is
for tests of the README, of pipes and of signals, which start Python.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["numba", "onnxruntime", "trellic.cli", "trellic.jobs.work", "trellic.video.codec"])


def run_trellic(*arguments: object, cwd: Path, given: bytes = b"", **variables: str) -> subprocess.CompletedProcess:
    """Run the command line, with the golden model among those installed; what it prints comes as bytes."""
    command = ["trellic", *map(str, arguments)]
    environment = {**os.environ, "TRELLIC_MODELS": str(Path(__file__).parent / "golden"), **variables}
    with tempfile.TemporaryDirectory() as place:
        files = [Path(place, name) for name in ("in", "out", "err")]
        files[0].write_bytes(given)
        process = FORKS.Process(target=_become, args=(command, cwd, environment, files))
        process.start()
        process.join()
        return subprocess.CompletedProcess(command, process.exitcode, *(file.read_bytes() for file in files[1:]))


def in_words(done: subprocess.CompletedProcess) -> subprocess.CompletedProcess:
    """Return what a command came to, with text in place of bytes."""
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def _become(command: list[str], cwd: Path, environment: dict[str, str], files: list[Path]) -> None:
    """Be a command, to the end of the process."""
    for number, (file, flags) in enumerate(zip(files, (os.O_RDONLY, *[os.O_WRONLY | os.O_CREAT] * 2), strict=True)):
        os.dup2(os.open(file, flags), number)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", errors="backslashreplace")  # noqa: SIM115
    os.environ.clear()
    os.environ |= environment
    os.chdir(cwd)
    sys.argv = command
    from trellic.cli import main

    main()
