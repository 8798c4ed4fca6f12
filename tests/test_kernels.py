"""Compiled kernels: where they cannot be kept, or what was kept is damaged, they are compiled, and all still works."""

import os
import subprocess
import sys

import pytest

from test_architecture import SOURCE, imports_of

TINY = """
from trellic.kernels import kernel

@kernel
def add(a, b):
    return a + b

print(add(1, 2), add(1.5, 2.5), sum(add.stats.cache_hits.values()))
"""


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True, text=True, check=True, env={**os.environ, **environment},
    )  # fmt: skip


def test_encoding_and_decoding_work_where_no_folder_can_be_written():
    code = (
        "import numba.core.caching; numba.core.caching.CacheImpl._locator_classes = [];"
        "import numpy, trellic; print(trellic.decode(trellic.encode(numpy.zeros((9, 9, 3), 'u1'))).size)"
    )
    result = run("-c", code)
    assert result.stdout == "(9, 9)\n"
    assert result.stderr.count("NUMBA_CACHE_DIR") == 1


def test_a_cache_folder_that_cannot_be_written_is_passed_over(tmp_path):
    (tmp_path / "tiny.py").write_text(TINY)
    assert run(tmp_path / "tiny.py", NUMBA_CACHE_DIR="/dev/null/nowhere").stdout == "3 4.0 0\n"
    assert run(tmp_path / "tiny.py", NUMBA_CACHE_DIR="/dev/null/nowhere").stdout == "3 4.0 2\n"


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_a_damaged_cache_costs_a_compilation_once(tmp_path, suffix):
    (tmp_path / "tiny.py").write_text(TINY)
    cache = str(tmp_path / "cache")
    assert run(tmp_path / "tiny.py", NUMBA_CACHE_DIR=cache).stdout == "3 4.0 0\n"
    for path in (tmp_path / "cache").rglob(f"*.{suffix}"):
        path.write_bytes(path.read_bytes()[:-20])
    assert run(tmp_path / "tiny.py", NUMBA_CACHE_DIR=cache).stdout == "3 4.0 0\n"
    assert run(tmp_path / "tiny.py", NUMBA_CACHE_DIR=cache).stdout == "3 4.0 2\n"


def test_kernels_of_other_types_under_one_name_are_not_taken(tmp_path):
    """Two processes that compile a kernel for two types at once may leave either's code under the other's name."""
    (tmp_path / "tiny.py").write_text(TINY)
    cache = tmp_path / "cache"
    assert run(tmp_path / "tiny.py", NUMBA_CACHE_DIR=str(cache)).stdout == "3 4.0 0\n"
    first, second = sorted(cache.rglob("*.nbc"))
    first.write_bytes(second.read_bytes())
    assert run(tmp_path / "tiny.py", NUMBA_CACHE_DIR=str(cache)).stdout.startswith("3 4.0 ")


def test_numba_is_reached_through_one_door():
    users = {path.name for path in SOURCE.rglob("*.py") if any(name.startswith("numba") for name in imports_of(path))}
    assert users == {"kernels.py"}


def test_a_kernel_is_compiled_anew_where_what_it_takes_from_another_file_changes(tmp_path):
    """As with a newer release: a decoder that goes on with an old constant reads noise."""
    (tmp_path / "tiny.py").write_text(
        "from other import FACTOR, raised\n" + TINY.replace("return a + b", "return FACTOR * raised(a + b)")
    )
    other = "from trellic.kernels import kernel\n\nFACTOR = {}\n\n@kernel\ndef raised(a):\n    return a + {}\n"
    for factor, addend, wanted in ((1, 0, "3 4.0 0"), (1, 0, "3 4.0 2"), (2, 0, "6 8.0 0"), (2, 1, "8 10.0 0")):
        (tmp_path / "other.py").write_text(other.format(factor, addend))
        assert run(tmp_path / "tiny.py", NUMBA_CACHE_DIR=str(tmp_path / "cache")).stdout == f"{wanted}\n"


CALLING = """
from trellic.kernels import kernel

@kernel
def add(a, b):
    return a + b

@kernel
def sums(a):
    return add(1, a) + add(2, a) + add(a, a)

print(sums(3), len(add.signatures))
"""


def test_a_kernel_is_compiled_once_for_all_numbers_that_others_call_it_with(tmp_path):
    (tmp_path / "calling.py").write_text(CALLING)
    assert run(tmp_path / "calling.py", NUMBA_CACHE_DIR=str(tmp_path / "cache")).stdout == "15 1\n"


COPYING = """
import numpy as np
from trellic.kernels import copy, kernel

@kernel
def swap(values):
    kept = np.zeros(2, np.int64)
    copy(values[0], kept)
    copy(values[1], values[0])
    copy(kept, values[1])

values = np.array([[1, -2], [300, 4]], np.int16)
swap(values)
print(values.tolist())
"""


def test_kernels_copy_rows(tmp_path):
    (tmp_path / "copying.py").write_text(COPYING)
    assert run(tmp_path / "copying.py", NUMBA_CACHE_DIR=str(tmp_path / "cache")).stdout == "[[300, 4], [1, -2]]\n"
