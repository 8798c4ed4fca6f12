"""Kernels: plain loops, compiled by numba at their first call and cached on disk where possible.

Where there is none (a read-only installation without a home), numba alone refuses to run at all; and a file of its
cache that was cut short, or that two processes wrote at once, stops every later start. Here it costs a compilation.
And numba looks at a kernel's own file alone: what was compiled with a constant, or a kernel, of another file would stay
in use when that one changes, as with a newer release.

Compiling takes seconds that a first run waits for. So kernels are not compiled anew for each number that another calls
them with, and copy few values by loops.
"""

import contextlib
import hashlib
import warnings
from functools import lru_cache, partial
from typing import Any, Literal

import numpy as np
from numba import njit, types
from numba.core.caching import FunctionCache
from numba.core.dispatcher import Dispatcher
from numba.core.sigutils import normalize_signature


class Uncached(UserWarning):
    """Compiled kernels cannot be kept."""


class _Cache(FunctionCache):
    """numba's cache of one kernel; damaged entries are compiled again, a read-only cache is skipped.

    stamp  names what the kernel is compiled from: its file, and the numbers and kernels of others that it uses
    """

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        names = set(function.__code__.co_names) & function.__globals__.keys()
        used = [_content_of(function.__globals__[name]) for name in sorted(names)]
        self.stamp = hashlib.sha256(repr([self._cache_file._source_stamp, used]).encode()).hexdigest()
        self._cache_file._source_stamp = self.stamp

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        with contextlib.suppress(Exception):  # unpickling damaged bytes may raise anything
            found = super().load_overload(sig, target_context)
            if found is None or found.signature.args == normalize_signature(sig)[0]:
                return found
        with contextlib.suppress(OSError):
            self.flush()
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        with contextlib.suppress(OSError):  # a full disk, say
            super().save_overload(sig, data)


def _content_of(value: Any) -> str:
    """Return what a kernel takes from something global."""
    if isinstance(value, Dispatcher):
        return str(getattr(getattr(value, "_cache", None), "stamp", ""))
    if isinstance(value, tuple):
        return repr([_content_of(one) for one in value])
    return repr(value) if isinstance(value, int | float | np.generic) else ""


@lru_cache(1)  # once is enough
def _warn_uncached() -> None:
    warnings.warn(
        "no folder for compiled kernels can be written, so that every start compiles them; "
        "NUMBA_CACHE_DIR names one that can",
        Uncached,
        stacklevel=1,
    )


def kernel(function: Any = None, *, inline: Literal["never", "always"] = "never") -> Any:
    """Compile a function on numbers and arrays; it runs without the interpreter's lock. A decorator."""
    if function is None:
        return partial(kernel, inline=inline)
    compiled: Any = njit(nogil=True, inline=inline)(function)
    template_of = compiled.get_call_template

    def without_literals(args: Any, kws: Any) -> Any:
        """Let kernels that call this one with a number of their text take what is compiled for any number."""
        return template_of([types.unliteral(each) for each in args], {k: types.unliteral(v) for k, v in kws.items()})

    compiled.get_call_template = without_literals
    try:
        compiled._cache = _Cache(function)  # what `cache=True` does with numba's own
    except RuntimeError:  # numba's word for: no folder can be written
        _warn_uncached()
    return compiled


@kernel
def copy(values, to):  # type: ignore[no-untyped-def]
    """Copy values to an array of as many; for kernels, in place of slices, which take seconds to compile."""
    for n in range(to.size):
        to.flat[n] = values.flat[n]
