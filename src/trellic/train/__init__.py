"""Training: data, one generic loop, optimizer, export. Needs the `train` extra."""

import os

os.environ.setdefault("GOMP_SPINCOUNT", "10000")
"""Tries of a thread of torch that waits for the others, before it sleeps. By default it goes on for milliseconds: where
something else runs, threads wait for one that does not run, and training takes several times as long. It is set before
torch is loaded, and costs nothing where nothing else runs."""
