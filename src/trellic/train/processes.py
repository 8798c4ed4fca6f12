"""Several training processes under torchrun: who is first, waiting for each other, sharing gradients and state."""

import atexit
import os
from typing import Any

import torch
import torch.distributed as dist
import torch.distributed.nn.functional  # before there is a group: defaults of its functions would hold that for ever
from torch import nn


def rank() -> int:
    """Return this process's number, 0 for the first or only one."""
    return int(os.environ.get("RANK", "0"))


def local_rank() -> int:
    """Return this process's number on its machine, 0 for the first: the one that fills the machine's cache."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def world() -> int:
    """Return the number of processes."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def start_processes() -> bool:
    """Join the other processes where there are any; return whether this is the first."""
    if world() > 1 and not dist.is_initialized():
        dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
        atexit.register(dist.destroy_process_group)  # its threads must not outlive the interpreter, which would abort
    return rank() == 0


def wait_for_all() -> None:
    """Return when every process has come here."""
    if world() > 1:
        dist.barrier()


def average_gradients(model: nn.Module) -> None:
    """Average gradients over all processes in one message."""
    if world() == 1:
        return
    gradients = [weight.grad for weight in model.parameters() if weight.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= world()
    for gradient, part in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def total(values: list[float]) -> list[float]:
    """Return the sums of numbers over all processes."""
    if world() == 1:
        return values
    sums = torch.tensor(values, dtype=torch.float64, device="cpu")
    dist.all_reduce(sums)
    return [float(value) for value in sums]


def from_first(value: Any) -> Any:
    """Return the first process's value in all of them: a number, or a state of tensors on the processor."""
    if world() == 1:
        return value
    holder = [value]
    dist.broadcast_object_list(holder, 0)
    return holder[0]
