"""Where training computes, and in which precision: chosen by configuration, the same code for every device."""

import os

import torch

from trellic.errors import BadConfig


def device_named(name: str) -> torch.device:
    """Return the device of that name; "auto" is an accelerator where there is one. Raises BadConfig.

    Of several accelerators in a machine, each of its processes takes one.
    """
    if name == "auto":
        found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        name = found.type if found else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise BadConfig(f"device {name!r} cannot be used ({str(error).splitlines()[0]})") from error
    if device.type == "cuda" and device.index is None:
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
        torch.cuda.set_device(device)
    return device


def has_bfloat16(device: torch.device) -> bool:
    """Return whether a device computes in bfloat16; a processor that only emulates it is slower with it."""
    if device.type == "cpu":
        return any(value for name, value in torch.cpu.get_capabilities().items() if name.endswith("bf16"))
    return device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)


def type_of(device: torch.device, precision: str) -> torch.dtype:
    """Return the type of numbers in which a device computes at a configuration's precision."""
    return torch.bfloat16 if precision == "bfloat16" and has_bfloat16(device) else torch.float32


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Return the context in which a loss is computed: blocks in that precision where the device has it."""
    return torch.autocast(device.type, torch.bfloat16, enabled=type_of(device, precision) == torch.bfloat16)
