"""Arithmetic for whoever gave parameters: with their threads, its errors in their words."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from isolet_nn.config.experiment import Experiment
from isolet_nn.errors import ConfigError, DivergedError
from isolet_nn.estimator.parameters import in_parameters, in_words
from isolet_nn.system.machine import available_cores
from isolet_nn.training.backends import require_backend
from isolet_nn.training.threads import limited_threads


@contextmanager
def computing_for(experiment: Experiment) -> Iterator[None]:
    """Compute with the threads asked for; tell what is wrong with settings in parameters."""
    try:
        require_backend(experiment)  # imports PyTorch where it is used, whose threads it sets
        torch = sys.modules.get("torch")
        threads = 0 if torch is None else torch.get_num_threads()
        try:
            with limited_threads(experiment, auto=available_cores()):
                yield
        finally:
            if torch is not None:
                torch.set_num_threads(threads)
    except ConfigError as error:
        raise in_parameters(*error.problems) from None


def require_worth(error: str | None) -> None:
    """Raise what is wrong with a training or its weights, if anything is."""
    if error is not None:
        raise DivergedError(in_words(f"{error}, or scaled features"))
