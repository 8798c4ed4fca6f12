"""Training and networks run on the device that the configuration names: no tensor is made without one."""

import ast
from pathlib import Path

import pytest
import torch

import trellic
from trellic.errors import BadConfig
from trellic.train.devices import autocast, device_named

SOURCE = Path(trellic.__file__).parent
MAKERS = {"tensor", "zeros", "ones", "full", "empty", "rand", "randn", "randint", "arange", "linspace", "eye", "normal"}
PROCESSOR_ONLY = {"export.py"}
FILES = [
    path
    for part in ("train", "networks")
    for path in sorted((SOURCE / part).rglob("*.py"))
    if path.name not in PROCESSOR_ONLY
]
"""They work on a copy on the processor."""


def makers_without_device(tree: ast.AST) -> list[int]:
    """Return the lines that make a tensor without naming a device, but for weights: modules are moved as a whole."""
    inside = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    weights = {id(each) for node in inside for each in ast.walk(node)}
    parameters = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("nn.Parameter")
    ]
    weights |= {id(each) for node in parameters for each in ast.walk(node)}
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and ast.unparse(node.func.value) == "torch"
        and node.func.attr in MAKERS
        and id(node) not in weights
        and not any(keyword.arg == "device" for keyword in node.keywords)
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_tensor_is_made_without_a_device(path):
    assert makers_without_device(ast.parse(path.read_text())) == []


def test_the_lint_sees_what_it_is_for():
    text = (
        "class A:\n def __init__(s):\n  s.w = torch.zeros(1)\ndef f(x):\n return torch.ones(2), torch.ones(2, device=x)"
    )
    assert makers_without_device(ast.parse(text)) == [5]


def test_devices_are_named():
    assert device_named("cpu") == torch.device("cpu")
    assert device_named("auto").type in {"cpu", "cuda", "mps", "xpu"}
    for wrong in ("nosuch", "cuda:77"):
        with pytest.raises(BadConfig, match="cannot be used"):
            device_named(wrong)


@pytest.mark.parametrize("can", [True, False])
def test_blocks_compute_in_half_the_bits_where_the_device_can(monkeypatch, can):
    monkeypatch.setattr("trellic.train.devices.has_bfloat16", lambda device: can)
    layer, values = torch.nn.Linear(4, 4), torch.ones(1, 4)
    with autocast(torch.device("cpu"), "bfloat16"):
        assert (layer(values).dtype == torch.bfloat16) == can
    with autocast(torch.device("cpu"), "float32"):
        assert layer(values).dtype == torch.float32
