"""How many threads the arithmetic of a training takes.

NumPy's linear algebra itself has one thread, as its sums depend on the number: the network from
scratch cuts its products by their shape alone, and shares the blocks among a pool of threads. So
its bits do not depend on `training.threads`. PyTorch's may.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any

from isolet_nn.config.experiment import Experiment

_automatic: ContextVar[int] = ContextVar("threads that `auto` stands for", default=1)


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
    from threadpoolctl import threadpool_limits

    before = _automatic.set(auto)
    try:
        with threadpool_limits(1 if experiment.backend == "numpy" else threads_of(experiment)):
            yield
    finally:
        _automatic.reset(before)


def single_threaded_products() -> AbstractContextManager[object]:
    """Let NumPy's linear algebra have one thread, in well under a millisecond the next time."""
    limited: AbstractContextManager[object] = _linear_algebra().limit(limits=1)
    return limited


@functools.cache
def _linear_algebra() -> Any:
    """The libraries that are loaded, which takes milliseconds to find out."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def threads_of(experiment: Experiment) -> int:
    """The threads that share an experiment's arithmetic here."""
    asked = experiment.training.threads
    if asked != "auto":
        return asked
    # Not all cores for PyTorch: a sweep's trial, which has one, is to give the bits of `train`.
    return _automatic.get() if experiment.backend == "numpy" else 1
