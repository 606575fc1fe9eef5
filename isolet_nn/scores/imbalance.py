"""Whether classes are so unequal that accuracy misleads, and which figure to look at instead.

Classes are unequal where the largest has three times the rows of the smallest, or more; a class
without rows does not count. Accuracy misleads where, besides, a model is right no more often than
whoever always answers the largest class, or where its accuracy and its balanced accuracy are more
than 5 points apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from isolet_nn.config.metrics import Score
from isolet_nn.errors import counted, short_repr

UNEQUAL = 3.0
"""Rows of the largest class by those of the smallest, from which on classes are unequal."""
GAP = 0.05
"""Difference of accuracy and balanced accuracy, above which one of them hides something."""


def unequal_classes(classes: Sequence[str], counts: Sequence[int]) -> str | None:
    """What to say of classes whose numbers of rows are unequal; None where they are not.

    Parameters
    ----------
    classes
        Their names.
    counts
        Rows of each.
    """
    there = [(count, name) for name, count in zip(classes, counts, strict=True) if count]
    if not there:
        return None
    most, fewest = max(there, key=_count), min(there, key=_count)
    if most[0] < UNEQUAL * fewest[0]:
        return None
    share = most[0] / sum(counts)
    return (
        f"the classes are unequal ({short_repr(most[1])} has {counted(most[0], 'row')}, "
        f"{short_repr(fewest[1])} {fewest[0]}): whoever always answers {short_repr(most[1])} is "
        f"right in {100 * share:.2f} %"
    )


def _count(of_class: tuple[int, str]) -> int:
    return of_class[0]


def why_accuracy_misleads(
    accuracy: float,
    scores: Mapping[Score, float | None],
    classes: Sequence[str],
    counts: Sequence[int],
    split: str,
) -> str | None:
    """What to say of an accuracy that misleads, and what to look at; None where it does not.

    Parameters
    ----------
    accuracy, scores
        How good the answers are.
    classes, counts
        Names of the classes, and the rows of each.
    split
        What was evaluated.
    """
    unequal = unequal_classes(classes, counts)
    balanced, f1 = scores["balanced_accuracy"], scores["macro_f1"]
    if unequal is None or balanced is None or f1 is None:
        return None
    is_close = abs(accuracy - balanced) <= GAP
    if is_close and accuracy > max(counts) / sum(counts):
        return None
    return (
        f"{unequal}. The {split} accuracy of {100 * accuracy:.2f} % misleads; look at the "
        f"balanced accuracy ({100 * balanced:.2f} %) or the macro F1 ({100 * f1:.2f} %)"
    )
