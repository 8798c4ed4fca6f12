"""What made a file: the command, the commit of the code, and the machine."""

import os
import platform
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import trellic

CPUINFO = Path("/proc/cpuinfo")
"""What Linux says of processors."""


def command() -> str:
    """Return the command line of this process."""
    return shlex.join(["trellic", *sys.argv[1:]])


def machine() -> str:
    """Return the processor, how many of it there are, and the system: what times depend on.

    Rented machines hide which processor they have in its name; its family and model say it.
    """
    lines = CPUINFO.read_text().partition("\n\n")[0].splitlines() if CPUINFO.exists() else []  # of the first one
    facts = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    processor = facts.get("model name") or platform.processor() or platform.machine()
    if "cpu family" in facts:
        processor += f" (family {facts['cpu family']}, model {facts.get('model', '?')})"
    return f"{processor}, {os.cpu_count()} processors, {platform.system()}, Python {platform.python_version()}"


@cache
def commit() -> str:
    """Return the commit that the package's source is of, or its version where it is installed from elsewhere."""
    head = _git("rev-parse", "--short=12", "HEAD") if _git("rev-parse", "HEAD:./") else ""  # else it is another's
    return head or f"version {trellic.__version__}"


@cache
def source() -> str:
    """Return what names the state of the package's own files as they were committed, or its version."""
    return _git("rev-parse", "--short=12", "HEAD:./") or f"version {trellic.__version__}"


def _git(*command: str) -> str:
    """Return what git says of the package's folder; nothing where there is no git, or no repository."""
    try:
        done = subprocess.run(["git", *command], cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
