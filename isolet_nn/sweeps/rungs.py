"""Where a search looks at a trial while it is trained, and what it must have reached there.

What is asked at a rung is known before the training begins, so that no trial waits for another, and
none depends on who else is trained at the time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from isolet_nn.config.metrics import is_better
from isolet_nn.training.progress import Row


@dataclass(frozen=True)
class Rung:
    """An epoch at which a trial is looked at.

    Attributes
    ----------
    epoch
        After which epoch.
    least
        What the metric has to reach, or the trial ends; None where all go on.
    of_best
        Whether the best value so far has to reach it, rather than the present one.
    """

    epoch: int
    least: float | None
    of_best: bool = False


Rungs = tuple[Rung, ...]


@dataclass
class RungWatch:
    """What was seen at the rungs of the trials of a cohort.

    Attributes
    ----------
    metric
        What is looked at.
    reported
        By trial, the values by epoch.
    pruned
        The trials that ended.
    """

    metric: str
    reported: dict[int, dict[int, float]] = field(default_factory=dict)
    pruned: set[int] = field(default_factory=set)

    def ends(self, trial: int, rungs: Rungs, history: Sequence[Row]) -> bool:
        """Whether a trial ends at the epoch just trained, the last of its `history`."""
        rung = next((rung for rung in rungs if rung.epoch == len(history)), None)
        if rung is None:
            return False
        # With early stopping, how often is evaluated is a setting: the newest value counts.
        values = (row.get(self.metric) for row in reversed(history))
        value = next((value for value in values if value is not None), None)
        if value is None:
            return False
        seen = self.reported.setdefault(trial, {})
        if math.isfinite(value):
            seen[rung.epoch] = value
        if rung.least is None:
            return False
        best = value
        for other in seen.values() if rung.of_best else ():
            best = other if is_better(self.metric, other, best) else best
        if math.isfinite(best) and not is_better(self.metric, rung.least, best):
            return False
        self.pruned.add(trial)
        return True
