"""Exclusive or as a sanity check: the smallest problem that needs a hidden layer.

There are two recipes, both shipped as configs: a robust one, and the report's own, with which the
initial weights decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.data import load_dataset
from isolet_nn.data.dataset import Dataset
from isolet_nn.errors import ConfigError
from isolet_nn.nn.losses import softmax
from isolet_nn.runs.folder import Run
from isolet_nn.training.loop import Training, trained_model
from isolet_nn.training.threads import limited_threads

RECIPES = {"robust": "xor", "report": "report/xor"}
"""Names of the shipped configs."""

_STACKED = 1000
"""Networks trained at once: enough to be quick, few enough for any memory."""


@dataclass(frozen=True)
class XorResult:
    """What a network says of the four points.

    Attributes
    ----------
    probabilities
        (4, 2): the probability of 0 and of 1 for 00, 01, 10, 11.
    solved
        Whether each point's class has more than half of the probability.
    """

    probabilities: NDArray[np.floating[Any]]
    solved: bool


def require_xor(experiment: Experiment) -> None:
    """Refuse an experiment on another data set.

    Raises
    ------
    ConfigError
        Naming the data set found.
    """
    if experiment.dataset.name != "xor":
        raise ConfigError(f"dataset.name: found {experiment.dataset.name}; expected xor")


def result_of(run: Run) -> XorResult:
    """Ask a finished run's network for the four points."""
    experiment = run.experiment
    with limited_threads(experiment):
        dataset = _dataset(experiment)
        logits = trained_model(experiment, dataset, run.model().weights)
        return _result(logits(dataset.train.x), dataset)


def count_solved(experiment: Experiment, trials: int) -> int:
    """Train `trials` networks that differ in their seed only; return how many solve it."""
    return sum(which_solve(experiment, trials))


def which_solve(experiment: Experiment, trials: int) -> list[bool]:
    """Train `trials` networks that differ in their seed only; whether each solves it.

    They are trained in stacks, and evaluated once they are trained: to note how far a thousand of
    them are after each of a thousand epochs takes longer than all their steps.
    """
    seeds = range(experiment.seed, experiment.seed + trials)
    solve: list[bool] = []
    with limited_threads(experiment):
        dataset = _dataset(experiment)
        for start in range(0, trials, _STACKED):
            stack = [
                experiment.model_copy(update={"seed": seed})
                for seed in seeds[start : start + _STACKED]
            ]
            training = Training(stack, [dataset] * len(stack))
            while training.epoch < experiment.training.epochs:
                training.take_steps()
                training.pass_epoch()
            # Numbers of one that has diverged are none, and none of its classes has the most.
            with np.errstate(all="ignore"):
                solve += [_result(z, dataset).solved for z in training.logits(dataset.train.x)]
    return solve


def _dataset(experiment: Experiment) -> Dataset:
    return load_dataset(experiment.dataset, experiment.seed, experiment.training.dtype)


def _result(logits: NDArray[np.floating[Any]], dataset: Dataset) -> XorResult:
    probabilities = softmax(logits)
    of_class = probabilities[np.arange(len(probabilities)), dataset.train.y]
    return XorResult(probabilities, bool((of_class > 0.5).all()))
