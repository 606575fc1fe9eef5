"""Two models on the same test rows: which has right what the other has wrong, and is that chance.

Two accuracies on one test set are not independent, since the same rows are hard for both. What
tells the models apart are the rows on which exactly one of them is right.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.data import load_test_rows
from isolet_nn.errors import RunError
from isolet_nn.runs.execution import evaluate, with_data_dir
from isolet_nn.runs.folder import Run
from isolet_nn.scores.paired import LEVEL, holm
from isolet_nn.scores.statistics import McNemar, mcnemar


@dataclass(frozen=True)
class Duel:
    """Two models compared on one test split."""

    first: str
    second: str
    n: int
    """Rows of the test split."""
    result: McNemar
    p_holm: float
    """Its p-value, corrected for all duels that were held at once."""

    @property
    def differs(self) -> bool:
        """Whether one is better, at the level of 5 % for all duels together."""
        return self.p_holm < LEVEL

    def to_json(self) -> dict[str, Any]:
        """One flat object under the names of ``compare --test --json``."""
        return {
            "first": self.first,
            "second": self.second,
            "n": self.n,
            "only_first": self.result.only_first,
            "only_second": self.result.only_second,
            "p_value": self.result.p_value,
            "p_holm": self.p_holm,
        }


def compare_answers(runs: Mapping[str, Run], *, data_dir: str | None = None) -> list[Duel]:
    """McNemar's test of each two of some runs' models, in the order given, corrected by Holm.

    Parameters
    ----------
    runs
        By the names that the results bear.
    data_dir
        Replaces the experiments' ``dataset.dir``.

    Raises
    ------
    RunError
        If the runs were trained on different data, if their test splits are not the same rows,
        or if a run has no model.
    """
    _require_same_test_rows(runs, data_dir)
    right = {label: evaluate(run, data_dir=data_dir).right for label, run in runs.items()}
    pairs = list(itertools.combinations(runs, 2))
    results = [mcnemar(right[first], right[second]) for first, second in pairs]
    corrected = holm([result.p_value for result in results]).tolist()
    return [
        Duel(first, second, len(right[first]), result, p_holm)
        for (first, second), result, p_holm in zip(pairs, results, corrected, strict=True)
    ]


def _require_same_test_rows(runs: Mapping[str, Run], data_dir: str | None) -> None:
    (label, run), *others = runs.items()
    rows = _test_rows(run, data_dir)
    for other_label, other in others:
        if other.data_checksum != run.data_checksum:
            raise RunError(
                f"{label} and {other_label}: cannot be tested against each other: the data "
                f"differs, checksum {run.data_checksum} and {other.data_checksum}"
            )
        if not np.array_equal(_test_rows(other, data_dir), rows):
            raise RunError(
                f"{label} and {other_label}: cannot be tested against each other: their test "
                "splits are not the same rows; train both with the same dataset.test and "
                "dataset.split_seed"
            )


def _test_rows(run: Run, data_dir: str | None) -> NDArray[np.int64]:
    experiment = with_data_dir(run.experiment, data_dir)
    return load_test_rows(experiment.dataset, experiment.seed)
