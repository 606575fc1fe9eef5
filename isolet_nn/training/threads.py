"""How many threads the arithmetic of a training takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from isolet_nn.config.experiment import Experiment


@contextmanager
def limited_threads(experiment: Experiment) -> Iterator[None]:
    """Limit NumPy's linear algebra to the experiment's number of threads."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(experiment.training.threads):
        yield
