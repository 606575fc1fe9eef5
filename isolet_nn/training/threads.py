"""How many threads the arithmetic of a training takes.

NumPy's linear algebra itself has one thread, as its sums depend on the number: the network from
scratch cuts its products by their shape alone, and shares the blocks among a pool of threads. So
its bits do not depend on `training.threads`. PyTorch's may.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any

from isolet_nn.config.experiment import Experiment

_automatic: ContextVar[int] = ContextVar("threads that `auto` stands for", default=1)
_asked: dict[int, list[int]] = {}
"""Limits that hold, by Python's thread that set them, the innermost last."""
_before: Any = None
"""Restores the libraries' threads that there were before the first limit."""
_setting = threading.Lock()


@contextmanager
def limited_threads(experiment: Experiment, *, auto: int = 1) -> Iterator[None]:
    """Limit the libraries' threads to what bits may depend on.

    Parameters
    ----------
    experiment
        What is computed.
    auto
        Threads that ``threads: auto`` stands for in the network from scratch.
    """
    from threadpoolctl import ThreadpoolController

    before = _automatic.set(auto)
    threads = 1 if experiment.backend == "numpy" else threads_of(experiment)
    try:
        with _at_most(threads, ThreadpoolController()):
            yield
    finally:
        _automatic.reset(before)


def single_threaded_products() -> AbstractContextManager[None]:
    """Let NumPy's linear algebra have one thread, in well under a millisecond the next time."""
    return _at_most(1, _linear_algebra())


@functools.cache
def _linear_algebra() -> Any:
    """The libraries that are loaded, which takes milliseconds to find out."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def _at_most(threads: int, libraries: Any) -> Iterator[None]:
    """Limit the libraries' threads, a number that the whole process shares.

    Where several of Python's threads compute at the same time, the least that one asks for holds
    for all, and what was before comes back when the last has ended.
    """
    global _before
    me = threading.get_ident()
    with _setting:
        _asked.setdefault(me, []).append(threads)
        _take_control()
        limits = libraries.limit(limits=_least())
        _before = _before or limits
    try:
        yield
    finally:
        with _setting:
            _asked[me].pop()
            if not _asked[me]:
                del _asked[me]
            _take_control()
            limits.restore_original_limits()  # OpenMP's are of each thread
            if _asked:
                libraries.limit(limits=_least(), user_api="blas")
            else:
                _before.restore_original_limits()
                _before = None
            _take_control()


def _take_control() -> None:
    """Let whichever of Python's threads asks next limit OpenBLAS.

    Recent versions of threadpoolctl do nothing where another thread was the first to ask.
    """
    from threadpoolctl import OpenBLASController

    if hasattr(OpenBLASController, "clear_controlling_thread"):
        OpenBLASController.clear_controlling_thread(force=True)


def _least() -> int:
    return min(limits[-1] for limits in _asked.values())


def threads_of(experiment: Experiment) -> int:
    """The threads that share an experiment's arithmetic here."""
    asked = experiment.training.threads
    if asked != "auto":
        return asked
    # Not all cores for PyTorch: a sweep's trial, which has one, is to give the bits of `train`.
    return _automatic.get() if experiment.backend == "numpy" else 1
