"""How much each training row counts in the loss.

The weight of a row is that of its class times its own. ``balanced`` is scikit-learn's formula, n
rows divided by the number of classes and by the rows of the class (G. King and L. Zeng, "Logistic
regression in rare events data", Political Analysis 9 (2001) 137-163), where a row counts as often
as its own weight says. All weights are then divided by their mean over the training part, so that
a learning rate means with weights what it means without.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.data.dataset import Dataset
from isolet_nn.errors import ConfigError, Kind, Problem, one_line, suggestion
from isolet_nn.training.backend import RowWeights

_MOST_NAMED = 20
"""Classes that a message lists."""


def row_weights(experiment: Experiment, dataset: Dataset) -> RowWeights:
    """The weight (n,) of each training row in the loss, 1 on average.

    None where all weigh the same, so that this gives the bits of a training without weights.

    Raises
    ------
    ConfigError
        If a class is named that the data has not.
    """
    require_class_names(experiment, dataset.classes)
    train = dataset.train
    weights = np.ones(len(train.y)) if train.weights is None else train.weights
    match experiment.training.class_weight:
        case None:
            pass
        case str():
            weights = weights / weights.max()
            weights = weights * _balanced(train.y, weights)[train.y]
        case by_name:
            of_class = np.array([by_name.get(name, 1.0) for name in dataset.classes])
            weights = weights * of_class[train.y]
    if (weights == weights[:1]).all():
        return None
    scaled = weights / weights.max()  # so that no sum overflows
    of_mean_1: NDArray[np.float64] = scaled / scaled.mean()
    return of_mean_1


def of_copies(weights: RowWeights, copies: int) -> RowWeights:
    """The weight of each row of several copies of the training part, one after another."""
    return weights if weights is None or copies == 1 else np.tile(weights, copies)


def require_class_names(experiment: Experiment, classes: Sequence[str]) -> None:
    """Refuse weights of classes that there are not.

    Raises
    ------
    ConfigError
        Naming each, and the nearest class that there is.
    """
    by_name = experiment.training.class_weight
    if not isinstance(by_name, dict):
        return
    more = ", ..." if len(classes) > _MOST_NAMED else ""
    allowed = f"allowed: {', '.join(map(one_line, classes[:_MOST_NAMED]))}{more}"
    problems = [
        Problem(
            f"the class {one_line(name)!r}",
            "training.class_weight",
            Kind.FOUND,
            allowed,
            suggestion(name, classes),
        )
        for name in by_name
        if name not in classes
    ]
    if problems:
        raise ConfigError(*problems)


def _balanced(y: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """scikit-learn's balanced weight of each class; 0 of one without rows."""
    counts = np.bincount(y, weights)
    present = counts > 0.0
    balanced = np.zeros(len(counts))
    balanced[present] = counts.sum() / (present.sum() * counts[present])
    return balanced
