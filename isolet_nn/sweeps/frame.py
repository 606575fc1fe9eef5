"""All trials of a sweep as a data frame: what trials.csv holds, with numbers as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from isolet_nn.config.metrics import METRICS
from isolet_nn.notebook.frames import data_frame, import_pandas
from isolet_nn.sweeps.journal import STATUSES, exact_text
from isolet_nn.system.statuses import PENDING

if TYPE_CHECKING:
    import pandas
    from numpy.typing import NDArray

    from isolet_nn.sweeps.grid import Trials
    from isolet_nn.sweeps.journal import Results


def trials_frame(trials: Trials, results: Results) -> pandas.DataFrame:
    """A row a trial, by its number; raises ImportError without pandas.

    Settings are numbers where all values of a key are; else categories, which are text as in
    trials.csv, in the order of the sweep's file.
    """
    numbers = np.arange(len(trials))
    columns: dict[str, Any] = {"trial": numbers, "status": np.array(STATUSES)[results.status]}
    for key in trials.keys:
        values, places = trials.different_values(key)
        columns[key] = _column(values, places[numbers // trials.per_setting])
    rest = numbers % trials.per_setting
    columns["seed"] = np.array(trials.seeds)[rest // trials.per_seed]
    size = trials.per_seed
    for name, n in list(trials.shape.items())[1:]:
        size //= n
        columns[name] = rest // size % n
    columns |= {name: results.metric(name) for name in METRICS if results.has_metric(name)}
    ended = results.status != STATUSES.index(PENDING)
    columns["epochs"] = results.epochs if ended.all() else np.where(ended, results.epochs, np.nan)
    columns["seconds"] = np.where(ended, results.seconds, np.nan)
    columns["error"] = [results.errors.get(trial) for trial in range(len(trials))]
    return data_frame(columns, "trial")


def _column(values: Sequence[Any], places: NDArray[np.int64]) -> Any:
    """The values at some places, as an array of their own kind if they have one in common."""
    kinds = {type(value) for value in values}
    if kinds == {bool} or kinds <= {int, float}:
        return np.array(values)[places]
    texts = [exact_text(value) for value in values]
    of_trials = [texts[place] for place in places.tolist()]
    return import_pandas().Categorical(of_trials, categories=[*dict.fromkeys(texts)])
