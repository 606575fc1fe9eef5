"""Contestants as something that is trained and asked, all in the same two calls."""

from __future__ import annotations

import warnings
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from isolet_nn.baselines.contestants import Contestant, Settings
from isolet_nn.baselines.torch_loop import PlainLoop
from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import load_experiment
from isolet_nn.config.shipped import shipped_config
from isolet_nn.data.dataset import Dataset
from isolet_nn.errors import IsoletNNError
from isolet_nn.nn.losses import softmax
from isolet_nn.training.loop import Training
from isolet_nn.training.threads import limited_threads

Answers = tuple[NDArray[np.int64], NDArray[np.float64] | None]
"""A class a row, and its probability where the learner has one."""
_OF_DATA = "dataset."
"""Begins the names of settings that are of the data."""


class Learner(Protocol):
    """What is trained on the training part of a data set, and then asked."""

    def fit(self, dataset: Dataset) -> None:
        """Learn from ``dataset.train`` alone."""

    def answer(self, x: NDArray[Any]) -> Answers:
        """The class of each row (n, n_features)."""


def experiment_of(settings: Settings) -> Experiment:
    """The experiment whose data some settings ask for, and of networks whose training too."""
    if "config" not in settings:
        of_data = {key: value for key, value in settings.items() if key.startswith(_OF_DATA)}
        return load_experiment({"dataset": {"name": "isolet"}}, of_data)
    changes = {key: value for key, value in settings.items() if key != "config"}
    return load_experiment(shipped_config(str(settings["config"])), changes)


def make_learner(contestant: Contestant, settings: Settings, seed: int) -> Learner:
    """A contestant with some of its settings, not trained yet."""
    if contestant.learner == "isolet-nn":
        return _Ours(experiment_of(settings), seed)
    if contestant.learner == "PyTorch":
        return PlainLoop(experiment_of(settings), seed)
    of_learner = {k: value for k, value in settings.items() if not k.startswith(_OF_DATA)}
    return _Sklearn(_make_sklearn(contestant, of_learner, seed))


def _make_sklearn(contestant: Contestant, settings: Settings, seed: int) -> Any:
    """The estimator of scikit-learn."""
    match contestant.learner:
        case "logistic regression":
            from sklearn.linear_model import LogisticRegression

            return LogisticRegression(**settings)
        case "support vector machine":
            from sklearn.svm import SVC

            return SVC(**settings)
        case "gradient boosting":
            from sklearn.ensemble import HistGradientBoostingClassifier

            return HistGradientBoostingClassifier(random_state=seed, **settings)
        case "nearest neighbours":
            from sklearn.neighbors import KNeighborsClassifier

            return KNeighborsClassifier(**settings)
        case _:
            from sklearn.neural_network import MLPClassifier

            return MLPClassifier(random_state=seed, **settings)


class _Sklearn:
    """An estimator of scikit-learn."""

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator

    def fit(self, dataset: Dataset) -> None:
        from sklearn.exceptions import ConvergenceWarning

        with warnings.catch_warnings():
            # The network of scikit-learn warns where it is asked for a number of epochs.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self._estimator.fit(dataset.train.x, dataset.train.y)

    def answer(self, x: NDArray[Any]) -> Answers:
        if not hasattr(self._estimator, "predict_proba"):  # a support vector machine votes
            return self._estimator.predict(x), None
        probabilities = self._estimator.predict_proba(x)
        best = probabilities.argmax(axis=1)
        of_best = probabilities[np.arange(len(best)), best]
        return self._estimator.classes_[best], of_best.astype(np.float64)


class _Ours:
    """The project's network, trained as ``isolet-nn train`` does."""

    def __init__(self, experiment: Experiment, seed: int) -> None:
        self._experiment = experiment.model_copy(update={"seed": seed})
        self._training: Training

    def fit(self, dataset: Dataset) -> None:
        with limited_threads(self._experiment):
            # Nothing is evaluated on the way: time to train is that of the steps alone.
            self._training = Training([self._experiment], [dataset], evaluate_at=())
            while not self._training.finished:
                self._training.run_epoch()
        error = self._training.members[0].error
        if error is not None:
            raise IsoletNNError(error)

    def answer(self, x: NDArray[Any]) -> Answers:
        with limited_threads(self._experiment):
            probabilities = softmax(self._training.logits(x)[0])
        best = probabilities.argmax(axis=1)
        return best, probabilities[np.arange(len(best)), best].astype(np.float64)
