"""The same trials in scikit-learn's GridSearchCV, which a sweep is measured by too."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import load_experiment
from isolet_nn.config.optimizers import Adam
from isolet_nn.data import load_dataset


@dataclass(frozen=True)
class SearchResult:
    """The search's time, its processes included, and the test accuracy of each trial."""

    seconds: float
    test_accuracies: list[float]


def why_not_searched(experiment: Experiment) -> str | None:
    """What MLPClassifier cannot do of an experiment that the plain loop can; None if nothing."""
    optimizer = experiment.optimizer
    if not isinstance(optimizer, Adam):
        return f"optimizer: found {optimizer.name}"
    if optimizer.weight_decay:
        return f"optimizer.weight_decay: found {optimizer.weight_decay}"
    return None


def search_grid(contents: Sequence[dict[str, object]], jobs: int) -> SearchResult:
    """Train experiments (as in files) on one data set by GridSearchCV; loading it does not count.

    There is one division, into training and test rows, and no training on all of them at the end.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import GridSearchCV
    from sklearn.neural_network import MLPClassifier

    experiments = [load_experiment(content) for content in contents]
    first = experiments[0]
    dataset = load_dataset(first.dataset, first.seed, first.training.dtype)
    n_train = len(dataset.train.y)
    x = np.concatenate([dataset.train.x, dataset.test.x])
    y = np.concatenate([dataset.train.y, dataset.test.y])
    division = (np.arange(n_train), np.arange(n_train, len(y)))
    network = MLPClassifier(solver="adam", alpha=0.0, early_stopping=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        started = time.perf_counter()
        search = GridSearchCV(
            network,
            [_parameters(experiment, n_train) for experiment in experiments],
            cv=[division],
            n_jobs=jobs,
            refit=False,
            error_score=0.0,  # networks that diverge
        ).fit(x, y)
        seconds = time.perf_counter() - started
    return SearchResult(seconds, search.cv_results_["mean_test_score"].tolist())


def _parameters(experiment: Experiment, n_train: int) -> dict[str, list[object]]:
    """A grid of one cell."""
    optimizer, training = experiment.optimizer, experiment.training
    assert isinstance(optimizer, Adam), "why_not_searched has been asked"
    return {
        "hidden_layer_sizes": [tuple(experiment.model.hidden_layers)],
        "learning_rate_init": [optimizer.learning_rate],
        "beta_1": [optimizer.beta1],
        "beta_2": [optimizer.beta2],
        "epsilon": [optimizer.epsilon],
        "batch_size": [min(training.batch_size, n_train)],
        "max_iter": [training.epochs],
        "n_iter_no_change": [training.epochs],
        "random_state": [experiment.seed],
    }
