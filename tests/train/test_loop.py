"""The loop: it learns, logs, goes on from its checkpoint, and branches off a decay."""

import json

import pytest
import torch

from trellic.errors import BadConfig, NotBetter
from trellic.train.start import load_run


def log_of(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def weights_of(folder):
    return load_run(folder).codec.state_dict()


def test_training_lowers_the_loss_and_logs_it(trained):
    entries = log_of(trained(steps=100, learning_rate=3e-3))
    losses = [entry["loss"] for entry in entries if "loss" in entry]
    costs = [entry["validation"]["cost"] for entry in entries if "validation" in entry]
    assert losses[-1] < losses[0]
    assert costs[-1] < costs[0]
    assert entries[-1]["done"]
    assert len(entries[-1]["validation"]["psnr"]) == 5


def test_a_run_that_diverged_says_so_and_ends(trained):
    with pytest.raises(NotBetter, match="not finite from step"):
        trained(steps=60, learning_rate=1e30)


def test_a_run_goes_on_from_its_checkpoint(trained):
    out = trained(steps=3)
    assert load_run(out).step == 3
    state = torch.load(out / "checkpoint.pt", weights_only=True)
    for part in ("model", "average"):
        state[part]["synthesis.stem.bias"] += 5.0
    torch.save(state, out / "checkpoint.pt")
    run = load_run(trained(steps=5))
    assert run.step == 5
    assert float(run.codec.synthesis.stem.bias.detach().min()) > 4.0


def test_a_run_goes_on_as_it_was_begun(trained):
    trained(steps=3)
    with pytest.raises(BadConfig, match="learning_rate, seed"):
        trained(steps=5, learning_rate=2e-3, seed=7)


def test_the_same_seed_trains_the_same_model(trained):
    first, second = weights_of(trained("first")), weights_of(trained("second"))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_decay_branches_off_a_run_that_goes_on(trained):
    """The branch begins with the run's average and moments; the run itself is not touched."""
    start = trained("constant", steps=6, schedule="constant")
    before = (start / "checkpoint.pt").read_bytes()
    branch = trained("branch", steps=3, schedule="decay", branch=str(start), average=10_000)
    assert (start / "checkpoint.pt").read_bytes() == before
    assert load_run(branch).step == 3
    ours, theirs = weights_of(branch), weights_of(start)
    moved = [float((ours[name] - theirs[name]).abs().max()) for name in ours if ours[name].is_floating_point()]
    assert 0 < max(moved) < 0.02
    costs = [entry["validation"]["cost"] for entry in (log_of(start)[-1], log_of(branch)[0])]
    assert costs[0] == pytest.approx(costs[1], abs=1e-4)


def test_learning_rates_by_group_hold_weights_still(trained):
    held = weights_of(trained("held", rates={"synthesis.*": 0.0}))
    start = weights_of(trained("start", steps=1, learning_rate=0.0))
    assert all(torch.equal(held[name], start[name]) for name in held if name.startswith("synthesis."))
    assert any(not torch.equal(held[name], start[name]) for name in held if name.startswith("analysis."))
