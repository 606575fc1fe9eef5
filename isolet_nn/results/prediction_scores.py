"""How good predictions are for the rows of a table whose class is known."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from isolet_nn.data.columns import encode
from isolet_nn.scores.evaluation import wilson_interval
from isolet_nn.scores.measures import mean_recall
from isolet_nn.training.backend import FloatArray


@dataclass
class PredictionScores:
    """How good predictions are for rows whose class is known, as they come.

    Attributes
    ----------
    classes
        Names of the model's classes.
    counts : (n_classes, n_classes)
        Rows are actual classes, columns predicted ones.
    loss_sum
        Of the cross-entropy, in nats.
    unlabelled
        Rows without a class, which are not counted.
    unknown
        Rows of each class that the model does not know; their predictions are wrong.
    """

    classes: tuple[str, ...]
    counts: NDArray[np.int64] = field(init=False)
    loss_sum: float = 0.0
    unlabelled: int = 0
    unknown: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with no rows."""
        self.counts = np.zeros((len(self.classes), len(self.classes)), np.int64)
        self._codes = {name: code for code, name in enumerate(self.classes)}

    def add(self, labels: NDArray[np.object_], probabilities: FloatArray) -> None:
        """Count rows: names (n,) of classes, empty for none; probabilities (n, n_classes)."""
        y = np.array([self._code_of(label) for label in labels.tolist()], np.int64)
        for label in labels[y < 0].tolist():
            if label:
                self.unknown[label] = self.unknown.get(label, 0) + 1
            else:
                self.unlabelled += 1
        known = y >= 0
        predicted = probabilities[known].argmax(axis=1)
        np.add.at(self.counts, (y[known], predicted), 1)
        of_class = probabilities[known, y[known]].astype(np.float64)
        self.loss_sum -= float(np.log(np.maximum(of_class, np.finfo(np.float64).tiny)).sum())

    def _code_of(self, label: str) -> int:
        """Number of the class, -1 if there is none; 1, 1. and 1.0 are the same class."""
        if label not in self._codes and label:
            self._codes[label] = self._codes.get(encode([label])[0][0], -1)
        return self._codes.get(label, -1)

    @property
    def n_known(self) -> int:
        """Rows of classes that the model knows."""
        return int(self.counts.sum())

    @property
    def n(self) -> int:
        """Rows that are counted."""
        return self.n_known + sum(self.unknown.values())

    @property
    def n_correct(self) -> int:
        """Rows of which the class was predicted."""
        return int(self.counts.trace())

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """95 % Wilson interval of the accuracy."""
        return wilson_interval(self.n_correct, self.n)

    @property
    def loss(self) -> float:
        """Mean cross-entropy in nats over rows of classes that the model knows."""
        return self.loss_sum / self.n_known

    @property
    def balanced_accuracy(self) -> float:
        """Mean of the classes' recalls, over those that occur."""
        return mean_recall(self.counts)
