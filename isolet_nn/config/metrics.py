"""The metrics there are: their names in files and tables, in words, and which way is better.

A metric is of a split: ``validation_macro_f1`` is what `MEASURES` has as ``macro_f1``, of the
validation split. Loss and accuracy are always measured; the scores cost more, and are measured at
the end of a run, and elsewhere where they are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeGuard, get_args

Score = Literal["balanced_accuracy", "macro_f1", "matthews", "roc_auc", "average_precision"]
MeasureName = Literal[
    "loss",
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "matthews",
    "roc_auc",
    "average_precision",
]
ValidationMetric = Literal[
    "validation_loss",
    "validation_accuracy",
    "validation_balanced_accuracy",
    "validation_macro_f1",
    "validation_matthews",
    "validation_roc_auc",
    "validation_average_precision",
]
TestMetric = Literal[
    "test_loss",
    "test_accuracy",
    "test_balanced_accuracy",
    "test_macro_f1",
    "test_matthews",
    "test_roc_auc",
    "test_average_precision",
]
TrainMetric = Literal["train_loss", "train_accuracy"]
"""Of the batches of an epoch, while the weights change."""
Metric = TrainMetric | ValidationMetric | TestMetric

SCORES: tuple[Score, ...] = get_args(Score)
ALWAYS_MEASURED: tuple[MeasureName, ...] = ("loss", "accuracy")
"""Of every split that is evaluated."""
TRAIN_METRICS: tuple[TrainMetric, ...] = get_args(TrainMetric)
METRICS: tuple[Metric, ...] = (
    *TRAIN_METRICS,
    *get_args(ValidationMetric),
    *get_args(TestMetric),
)
"""All of them, in the order of tables that have one column after another."""


@dataclass(frozen=True)
class Measure:
    """What is measured of some answers, whatever the split.

    Attributes
    ----------
    words
        What a person calls it.
    greater_is_better
        Which way is better.
    lowest, highest
        What it can be; None where there is no bound above.
    in_percent
        Whether it is printed and drawn as percent.
    """

    words: str
    greater_is_better: bool = True
    lowest: float = 0.0
    highest: float | None = 1.0
    in_percent: bool = False


MEASURES: dict[MeasureName, Measure] = {
    "loss": Measure("loss", greater_is_better=False, highest=None),
    "accuracy": Measure("accuracy", in_percent=True),
    "balanced_accuracy": Measure("balanced accuracy", in_percent=True),
    "macro_f1": Measure("macro F1", in_percent=True),
    "matthews": Measure("Matthews correlation", lowest=-1.0),
    "roc_auc": Measure("ROC AUC"),
    "average_precision": Measure("average precision"),
}


def measure_of(metric: str) -> Measure:
    """What a metric, such as ``test_loss``, or its name without a split measures.

    Raises
    ------
    KeyError
        If there is no such metric.
    """
    return MEASURES[measure_name(metric)]


def measure_name(metric: str) -> MeasureName:
    """A metric's name without its split: ``test_macro_f1`` is ``macro_f1``.

    Raises
    ------
    KeyError
        If there is no such metric.
    """
    split, _, rest = metric.partition("_")
    name = rest if split in ("train", "validation", "test") else metric
    if name not in MEASURES:
        raise KeyError(metric)
    return name


def is_metric(name: str) -> TypeGuard[Metric]:
    """Whether something is called as a metric of a split is."""
    return name in METRICS


def is_score(name: str) -> TypeGuard[Score]:
    """Whether a measure is one of those that are measured where they are asked for."""
    return name in SCORES


def in_words(metric: str) -> str:
    """A metric as a person says it: ``test_macro_f1`` is test macro F1."""
    name = measure_name(metric)
    return metric.removesuffix(name).replace("_", " ") + MEASURES[name].words


def task_text(*groups: str | None) -> str:
    """The task of models that adapt to a group, in words; empty for the usual one.

    It is another one: they know which rows are of one group.

    Parameters
    ----------
    groups
        Whose own rows standardise them, of each model that a result is of; None: nobody's.
    """
    names = sorted({group for group in groups if group is not None})
    some = "some " if None in groups else ""
    return f"{some}adapted to the {' or the '.join(names)}" if names else ""


def adapted_text(*groups: str | None) -> str:
    """What is put behind results of models that adapt to a group, as `task_text`."""
    task = task_text(*groups)
    return f", {task}" if task else ""


def is_better(metric: str, value: float, other: float, by: float = 0.0) -> bool:
    """Whether a value of a metric is better than another by more than `by`."""
    gain = value - other if measure_of(metric).greater_is_better else other - value
    return gain > by


def rank(metric: str, value: float) -> float:
    """A number that is the higher, the better the value is."""
    return value if measure_of(metric).greater_is_better else -value
