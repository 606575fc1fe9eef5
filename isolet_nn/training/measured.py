"""What a training measures: which splits, and which scores besides loss and accuracy."""

from __future__ import annotations

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.metrics import SCORES, Score, is_score, measure_name
from isolet_nn.config.training import TrainingConfig
from isolet_nn.data.dataset import Dataset
from isolet_nn.errors import ConfigError, Problem
from isolet_nn.scores.measures import why_undefined

EVALUATED_SPLITS = ("validation", "test")


def evaluated_splits(experiment: Experiment, dataset: Dataset) -> list[str]:
    """The splits that a training evaluates beside its own part, in the order of metrics.csv."""
    wanted = EVALUATED_SPLITS if experiment.training.evaluate_test else ("validation",)
    return [name for name in wanted if getattr(dataset, name) is not None]


def scores_asked_for(training: TrainingConfig) -> list[Score]:
    """What every evaluation measures besides loss and accuracy, in the order of metrics.csv."""
    watched = [measure_name(metric) for metric in training.watched.values()]
    return [score for score in SCORES if score in (*training.scores, *watched)]


def require_defined_scores(training: TrainingConfig, dataset: Dataset) -> None:
    """Refuse to stop early, or to lower the rate, by a score that the validation split lacks.

    Raises
    ------
    ConfigError
        Saying why it has none, and what there is instead.
    """
    split = dataset.validation
    for key, metric in training.watched.items():
        if split is None or not is_score(score := measure_name(metric)):
            continue
        reason = why_undefined(score, split.y, dataset.classes, "validation")
        if reason is not None:
            instead = "validation_balanced_accuracy and validation_loss need not all classes"
            found = f"{metric} is undefined: {reason}"
            raise ConfigError(Problem(found, f"{key}.metric", allowed=instead))
