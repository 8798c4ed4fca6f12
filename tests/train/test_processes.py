"""Several processes train one model, on one machine or on several."""

import json
import os
import socket
import subprocess
import sys

from together import in_two_processes
from trellic.train.start import load_run

SHARING = """
import atexit, os, torch
from pathlib import Path
from trellic.train.processes import average_gradients, from_first, rank, start_processes, total

@atexit.register
def last_of_all():
    names = [(task / "comm").read_text() for task in Path("/proc/self/task").glob("*")]
    if any("gloo" in name for name in names):
        print("threads that wait for the other process are left:", names, flush=True)
        os._exit(1)

start_processes()
layer = torch.nn.Linear(3, 2)
for number, weight in enumerate(layer.parameters()):
    weight.grad = torch.full_like(weight, 10.0 * number + rank())
average_gradients(layer)
for number, weight in enumerate(layer.parameters()):
    assert bool((weight.grad == 10 * number + 0.5).all()), weight.grad
assert total([1.0, float(rank())]) == [2.0, 1.0]
state = from_first({"weight": torch.full((2,), 7.0)} if rank() == 0 else {})
assert bool((state["weight"] == 7).all())
import torch.distributed.nn.functional  # as torch does where an optimizer is made: its defaults hold a group
"""


def test_processes_share_gradients_sums_and_state_and_end_with_no_thread_but_their_own():
    """A thread that gives up a tensor while the interpreter ends would abort it, once in many times."""
    result = in_two_processes(SHARING, imported="torch")
    assert result.returncode == 0, result.stdout + result.stderr


def test_two_processes_train_one_model(workshop, tmp_path):
    config = workshop.config(tmp_path / "config.toml", batch=4)
    arguments = ("train", "--config", config, "--out", tmp_path / "run", "--cache", tmp_path / "cache")
    result = in_two_processes("from trellic.cli import main; main()", *arguments)
    assert result.returncode == 0, result.stderr
    assert load_run(tmp_path / "run").step == 4


DYING = """
import os, signal
from trellic.cli import main
from trellic.train.loop import Trainer
advance = Trainer.advance
def advance_or_die(run):
    if run.step == 3 and os.environ["RANK"] == "1" and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
        os.kill(os.getpid(), signal.SIGKILL)
    return advance(run)
Trainer.advance = advance_or_die
main()
"""


def test_machines_that_meet_go_on_from_the_checkpoint_when_one_of_them_loses_its_process(workshop, tmp_path):
    """Two launchers are two machines: they find each other by a rendezvous on this one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = workshop.config(tmp_path / "config.toml", batch=4, steps=6)
    launch = [sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1",
              "--max-restarts", "2", "--rdzv-backend", "c10d", "--rdzv-endpoint", f"127.0.0.1:{port}", "--rdzv-id", "1",
              "--no-python", sys.executable, "-c", DYING]  # fmt: skip
    arguments = ["train", "--config", config, "--out", tmp_path / "run", "--cache", workshop.cache]
    command = list(map(str, [*launch, *arguments]))
    variables = {**os.environ, "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
    machines = [
        subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(2)
    ]
    try:
        errors = [machine.communicate(timeout=240)[1].decode() for machine in machines]
    finally:
        for machine in machines:
            machine.kill()
    assert [machine.returncode for machine in machines] == [0, 0], errors[0]
    assert load_run(tmp_path / "run").step == 6
    assert len(json.loads((tmp_path / "run" / "sessions.json").read_text())) == 2
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [0, 6], "it went on where it was, and did not begin again"
