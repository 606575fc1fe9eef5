"""How good a model's answers are: loss, accuracy, confusion matrix, scores by class and by group.

Everything is computed in float64 from the logits and the true classes; no model is needed here.

Answers count only where all of them are finite numbers. One logit of a split that is not, or a
loss that is not, and there is no accuracy: `argmax` would find a class among any numbers.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.metrics import SCORES, Score
from isolet_nn.errors import DataError, DivergedError
from isolet_nn.scores.calibration import Calibration, calibrate
from isolet_nn.scores.imbalance import why_accuracy_misleads
from isolet_nn.scores.measures import scores_of, undefined_scores

Z_95 = 1.959963984540054
"""Quantile of the standard normal distribution that leaves 2.5 % above it."""


@dataclass(frozen=True)
class ClassScore:
    """Scores of one class against all others.

    A ratio without a denominator (a class never predicted, or never there) is 0, as with
    ``zero_division=0`` in scikit-learn.
    """

    name: str
    precision: float
    """Right among the rows predicted to be of this class."""
    recall: float
    """Right among the rows of this class."""
    f1: float
    """Harmonic mean of precision and recall."""
    support: int
    """Rows of this class."""


@dataclass(frozen=True)
class GroupScore:
    """Accuracy over the rows of one group, for instance one speaker."""

    group: int | str
    """Its number, or its name where it has one."""
    n: int
    correct: int
    accuracy: float


@dataclass(frozen=True)
class ConfusedPair:
    """How many rows of class `actual` were taken for class `predicted`."""

    actual: str
    predicted: str
    count: int


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """The result of evaluating one model on one split."""

    split: str
    n: int
    """Rows evaluated."""
    loss: float
    """Mean cross-entropy in nats."""
    accuracy: float
    accuracy_low: float
    """Lower end of the 95 % Wilson interval of the accuracy."""
    accuracy_high: float
    """Upper end of the 95 % Wilson interval of the accuracy."""
    top3_accuracy: float
    """Share of rows whose class is among the three highest logits."""
    scores: dict[Score, float | None]
    """Those of :mod:`~isolet_nn.scores.measures`; None where one is undefined."""
    undefined: dict[Score, str]
    """Why, for each score that is."""
    classes: tuple[str, ...]
    confusion_matrix: NDArray[np.int64]
    """Counts (n_classes, n_classes): rows are actual classes, columns predicted ones."""
    per_class: list[ClassScore]
    """In the order of `classes`."""
    per_group: list[GroupScore]
    """In the order of group numbers; empty where rows have no groups."""
    calibration: Calibration
    """Confidence against accuracy, in bins of confidence."""
    right: NDArray[np.bool_]
    """(n,) whether each row's class is the predicted one, in the order of the split."""
    y: NDArray[np.integer[Any]]
    """(n,) true classes."""
    logits: NDArray[np.floating[Any]]
    """(n, n_classes)."""
    adapted_to: str | None = None
    """Whose own rows standardised them ("speaker"): another task; None: nobody's."""

    def __repr__(self) -> str:
        return (
            f"Evaluation(split={self.split!r}, n={self.n}, accuracy={self.accuracy:.4f}, "
            f"loss={self.loss:.4f})"
        )

    def most_confused(self, k: int = 10) -> list[ConfusedPair]:
        """The `k` most frequent mistakes, most frequent first; ties in the order of the classes."""
        mistakes = self.confusion_matrix.copy()
        np.fill_diagonal(mistakes, 0)
        order = np.argsort(-mistakes, axis=None, kind="stable")[: max(k, 0)]
        rows, columns = np.unravel_index(order, mistakes.shape)
        return [
            ConfusedPair(self.classes[row], self.classes[column], int(mistakes[row, column]))
            for row, column in zip(rows, columns, strict=True)
            if mistakes[row, column]
        ]

    def worst_groups(self, k: int = 10) -> list[GroupScore]:
        """The `k` groups of lowest accuracy, lowest first; ties in the order of group numbers."""
        return sorted(self.per_group, key=lambda score: score.accuracy)[: max(k, 0)]

    @property
    def warning(self) -> str | None:
        """Why the accuracy misleads, if it does."""
        rows = [score.support for score in self.per_class]
        return why_accuracy_misleads(self.accuracy, self.scores, self.classes, rows, self.split)

    def to_json(self) -> dict[str, Any]:
        """Plain lists and numbers under the names of ``eval --json``."""
        return {
            "split": self.split,
            "n": self.n,
            **({} if self.adapted_to is None else {"adapted_to": self.adapted_to}),
            "accuracy": self.accuracy,
            "accuracy_low": self.accuracy_low,
            "accuracy_high": self.accuracy_high,
            "loss": self.loss,
            "top3_accuracy": self.top3_accuracy,
            **{str(name): value for name, value in self.scores.items()},
            "undefined": self.undefined,
            "warning": self.warning,
            "classes": list(self.classes),
            "confusion_matrix": self.confusion_matrix.tolist(),
            "per_class": [asdict(score) for score in self.per_class],
            "per_speaker": [
                {"speaker": of.group, "n": of.n, "correct": of.correct, "accuracy": of.accuracy}
                for of in self.per_group
            ],
            "calibration": self.calibration.to_json(),
        }


def loss_and_accuracy(
    logits: NDArray[np.floating[Any]], y: NDArray[np.integer[Any]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean cross-entropy and accuracy of one network, or of each network in a stack.

    Network k of a stack gets the same bits as alone: every reduction runs over contiguous
    memory of that network only. Among equal logits the first class is the prediction.

    Parameters
    ----------
    logits
        (n, n_classes) or (K, n, n_classes), of any floating type.
    y
        (n,) true classes, 0 .. n_classes - 1.

    Returns
    -------
    loss, accuracy
        Scalars, or (K,) each; the loss in nats. The loss is NaN where a logit is not finite, and
        the accuracy is NaN where the loss is not finite.

    Raises
    ------
    DataError
        If there are no rows.
    ValueError
        If the shapes do not fit together.
    """
    _check_shapes(logits, y)
    scores = np.ascontiguousarray(logits)
    hits = np.ascontiguousarray(scores.argmax(axis=-1) == y)
    accuracy = hits.sum(axis=-1, dtype=np.int64) / len(y)
    # A logit of -inf leaves the loss finite where it is that of another class.
    is_finite = np.isfinite(scores).all(axis=(-2, -1))
    loss = np.where(is_finite, cross_entropy(scores, y).mean(axis=-1), np.nan)
    return loss, np.where(np.isfinite(loss), accuracy, np.nan)


def ensemble_logits(logits: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Logits of ensembles whose networks' probabilities are averaged.

    For E networks with log-probabilities l_e: log(sum_e exp(l_e) / E), computed in float64 with
    the largest taken out first. A single network's logits stay as they are.

    Parameters
    ----------
    logits
        (K, E, n, n_classes).

    Returns
    -------
    (K, n, n_classes).
    """
    networks = logits.shape[1]
    if networks == 1:
        alone: NDArray[np.floating[Any]] = logits[:, 0]
        return alone
    z = logits.astype(np.float64)
    z -= z.max(axis=-1, keepdims=True)
    z -= np.log(np.exp(z).sum(axis=-1, keepdims=True))
    largest = z.max(axis=1, keepdims=True)
    combined: NDArray[np.float64] = np.log(np.exp(z - largest).sum(axis=1) / networks)
    combined += largest[:, 0]
    return combined


def cross_entropy(
    logits: NDArray[np.floating[Any]], y: NDArray[np.integer[Any]]
) -> NDArray[np.float64]:
    """Cross-entropy of each row in nats: ``log(sum(exp(logits))) - logits[y]``.

    The largest logit is taken out of the sum first, so nothing overflows.

    Parameters
    ----------
    logits
        (..., n, n_classes).
    y
        (n,) true classes.

    Returns
    -------
    losses
        (..., n), C-contiguous.
    """
    shifted = np.array(logits, dtype=np.float64, order="C")
    with np.errstate(invalid="ignore", over="ignore"):
        shifted -= shifted.max(axis=-1, keepdims=True)
    of_true_class = np.ascontiguousarray(shifted[..., np.arange(len(y)), y])
    np.exp(shifted, out=shifted)
    losses: NDArray[np.float64] = np.log(shifted.sum(axis=-1))
    losses -= of_true_class
    return losses


def evaluate_logits(
    logits: NDArray[np.floating[Any]],
    y: NDArray[np.integer[Any]],
    *,
    classes: Sequence[str],
    split: str,
    groups: NDArray[np.integer[Any]] | None = None,
    group_names: Sequence[str] | None = None,
    adapted_to: str | None = None,
) -> Evaluation:
    """Everything worth knowing about one network's answers on one split.

    Parameters
    ----------
    logits
        (n, n_classes).
    y
        (n,) true classes, 0 .. n_classes - 1.
    classes
        Names of the classes, in the order of the columns of `logits`.
    split, adapted_to
        As `Evaluation` has them.
    groups
        (n,) number of each row's group, for instance its speaker.
    group_names
        Names of the groups, by number, where they have names.

    Raises
    ------
    DataError
        If there are no rows.
    DivergedError
        If a logit, or the loss, is not finite.
    ValueError
        If the shapes do not fit together, or a class in `y` does not exist.
    """
    _check_shapes(logits, y)
    n, n_classes = logits.shape
    if len(classes) != n_classes:
        raise ValueError(f"{len(classes)} class names for logits of {n_classes} classes")
    if y.min() < 0 or y.max() >= n_classes:
        raise ValueError(f"classes must be 0 to {n_classes - 1}, found {y.min()} to {y.max()}")
    if groups is not None and groups.shape != y.shape:
        raise ValueError(f"groups of shape {groups.shape} for {n} rows")
    loss = float(loss_and_accuracy(logits, y)[0])
    if not math.isfinite(loss):
        raise DivergedError(
            f"the network's answers on the {split} split are no finite numbers (the loss is "
            f"{loss}), so none of them is right or wrong"
        )

    best = np.argsort(-logits, axis=-1, kind="stable")[:, :3]
    predicted = best[:, 0]
    right = predicted == y
    correct = int(np.count_nonzero(right))
    low, high = wilson_interval(correct, n)
    matrix = _confusion_matrix(y, predicted, n_classes)
    return Evaluation(
        split=split,
        n=n,
        loss=loss,
        accuracy=correct / n,
        accuracy_low=low,
        accuracy_high=high,
        top3_accuracy=int(np.count_nonzero((best == y[:, None]).any(axis=1))) / n,
        scores=scores_of(logits, y, SCORES),
        undefined=undefined_scores(y, classes, split),
        classes=tuple(classes),
        confusion_matrix=matrix,
        per_class=class_scores(matrix, classes),
        per_group=[] if groups is None else _group_scores(groups, right, group_names),
        calibration=calibrate(logits, right),
        right=right,
        y=y,
        logits=logits,
        adapted_to=adapted_to,
    )


def wilson_interval(successes: int, n: int, z: float = Z_95) -> tuple[float, float]:
    """Score interval of a proportion, 95 % by default.

    With p = successes / n: (p + z²/2n ± z sqrt(p(1 - p)/n + z²/4n²)) / (1 + z²/n).

    Unlike p ± z sqrt(p(1 - p)/n) it stays within 0 and 1 and does not shrink to a point at
    either end. E. B. Wilson, "Probable inference, the law of succession, and statistical
    inference", Journal of the American Statistical Association 22 (1927) 209-212.

    Raises
    ------
    ValueError
        If `n` is not positive or `successes` is not within 0 and `n`.
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} is not a proportion")
    p = successes / n
    centre = p + z * z / (2 * n)
    half_width = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # At either end the formula gives exactly 0 or 1, were it not for rounding.
    low = 0.0 if successes == 0 else (centre - half_width) / scale
    high = 1.0 if successes == n else (centre + half_width) / scale
    return low, high


def _check_shapes(logits: NDArray[np.floating[Any]], y: NDArray[np.integer[Any]]) -> None:
    if y.ndim != 1 or logits.ndim < 2 or logits.shape[-2] != len(y):
        raise ValueError(f"logits of shape {logits.shape} do not fit classes of shape {y.shape}")
    if len(y) == 0:
        raise DataError("nothing to evaluate: the split has no rows")


def _confusion_matrix(
    actual: NDArray[np.integer[Any]], predicted: NDArray[np.integer[Any]], n_classes: int
) -> NDArray[np.int64]:
    cells = actual.astype(np.int64) * n_classes + predicted
    counts = np.bincount(cells, minlength=n_classes * n_classes)
    return counts.reshape(n_classes, n_classes).astype(np.int64)


def class_scores(matrix: NDArray[np.int64], classes: Sequence[str]) -> list[ClassScore]:
    """Scores of each class, from a confusion matrix with a row for each actual class."""
    scores = []
    for index, name in enumerate(classes):
        right = int(matrix[index, index])
        support, predicted = int(matrix[index].sum()), int(matrix[:, index].sum())
        scores.append(
            ClassScore(
                name=name,
                precision=right / predicted if predicted else 0.0,
                recall=right / support if support else 0.0,
                f1=2 * right / (support + predicted) if support + predicted else 0.0,
                support=support,
            )
        )
    return scores


def _group_scores(
    groups: NDArray[np.integer[Any]], hits: NDArray[np.bool_], names: Sequence[str] | None
) -> list[GroupScore]:
    numbers, member = np.unique(groups, return_inverse=True)
    sizes = np.bincount(member)
    correct = np.bincount(member[hits], minlength=len(numbers))
    return [
        GroupScore(group if names is None else names[group], n, right, right / n)
        for group, n, right in zip(numbers.tolist(), sizes.tolist(), correct.tolist(), strict=True)
    ]
