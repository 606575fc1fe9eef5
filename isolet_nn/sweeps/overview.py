"""A sweep setting by setting, in the order in which they were tried, for pictures of the whole."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.sweeps.axes import are_numbers, is_logarithmic
from isolet_nn.sweeps.config import distribution_of
from isolet_nn.sweeps.distributions import LogUniform
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.grid import Trials
from isolet_nn.sweeps.journal import STATUSES, exact_text
from isolet_nn.sweeps.settings import NOT_SET
from isolet_nn.system.statuses import COMPLETED, FAILED, PENDING, PRUNED

if TYPE_CHECKING:
    from isolet_nn.plots import Coordinate

_MOST_LISTS, _MOST_PLACES = 12, 6
"""Lists that are values along one axis; of more, each place has an axis, up to so many."""


@dataclass(frozen=True, eq=False)
class Overview:
    """What became of each setting.

    Attributes
    ----------
    statuses : (n,)
        Pruned, failed or pending if a trial of it is so; else completed.
    scores : (n,)
        Mean of the metric over all its trials; NaN where one is not completed.
    seen : (n,)
        Of what was pruned the mean of what was seen last; else the score.
    epochs : (n,)
        Trained, over all its trials.
    """

    statuses: list[str]
    scores: NDArray[np.float64]
    seen: NDArray[np.float64]
    epochs: NDArray[np.float64]


def overview(folder: SweepFolder, metric: str) -> Overview:
    """What became of each setting of a sweep, by a metric."""
    results, shape = folder.results, (len(folder.trial_table.codes), folder.trial_table.per_setting)
    codes = results.status.reshape(shape)
    statuses = np.full(len(codes), COMPLETED, object)
    for status in (PENDING, FAILED, PRUNED):
        statuses[(codes == STATUSES.index(status)).any(axis=1)] = status
    values = results.metric(metric).reshape(shape)
    scores = np.where(statuses == COMPLETED, values.mean(axis=1), np.nan)
    seen = scores.copy()
    last = {trial: of[max(of)] for trial, of in results.reported.items() if of}
    for number in np.flatnonzero(statuses == PRUNED).tolist():
        trials = range(number * shape[1], (number + 1) * shape[1])
        known = [last[trial] for trial in trials if trial in last]
        seen[number] = float(np.mean(known)) if known else np.nan
    epochs = results.epochs.reshape(shape).sum(axis=1).astype(np.float64)
    return Overview(statuses.tolist(), scores, seen, epochs)


def axes_of_settings(folder: SweepFolder) -> dict[str, Coordinate]:
    """Where each setting stands along an axis for each key that is not the same in all.

    NaN is where a search does not set a key. Of many different lists, such as layers, there is an
    axis for their length, and one for each place in them.
    """
    if folder.trial_table not in _axes:
        _axes[folder.trial_table] = _made_axes(folder)
    return _axes[folder.trial_table]


_axes: weakref.WeakKeyDictionary[Trials, dict[str, Coordinate]] = weakref.WeakKeyDictionary()
"""Of tables that are drawn again, which takes seconds for very many settings."""


def _made_axes(folder: SweepFolder) -> dict[str, Coordinate]:
    found = {}
    for key in folder.trial_table.keys:
        values = _values_of(folder, key)
        for name, column in _columns(key, values).items():
            if len({"" if _is_unset(v) else exact_text(v) for v in column}) > 1:
                found[name] = _coordinate(folder, key, name, column)
    return found


def _values_of(folder: SweepFolder, key: str) -> list[Any]:
    """The value of a key in each setting; `_Unset` where a search does not set it."""
    trials = folder.trial_table
    if folder.sweep.search is not None:
        column = trials.keys.index(key)
        codes = trials.codes[:, column].tolist()
        return [_UNSET if code == NOT_SET else trials.values[column][code] for code in codes]
    values, places = trials.different_values(key)
    return [values[place] for place in places.tolist()]


_UNSET = float("nan")


def _is_unset(value: Any) -> bool:
    return isinstance(value, float) and value != value


def _columns(key: str, values: Sequence[Any]) -> dict[str, list[Any]]:
    """The values of a key; of many different lists their lengths, and what is at each place."""
    given = [value for value in values if not _is_unset(value)]
    is_lists = bool(given) and all(
        isinstance(value, list) and are_numbers(value) for value in given
    )
    if not is_lists or len(set(map(exact_text, given))) <= _MOST_LISTS:
        return {key: list(values)}
    columns = {f"{key} (number)": [_UNSET if _is_unset(v) else len(v) for v in values]}
    for place in range(min(max(map(len, given)), _MOST_PLACES)):
        columns[f"{key} ({place + 1})"] = [
            _UNSET if _is_unset(v) or len(v) <= place else v[place] for v in values
        ]
    return columns


def _coordinate(folder: SweepFolder, key: str, name: str, column: Sequence[Any]) -> Coordinate:
    from isolet_nn.plots import Coordinate, short_text

    given = [value for value in column if not _is_unset(value)]
    if are_numbers(given):
        space = distribution_of(folder.sweep, key)
        by_kind = isinstance(space, LogUniform) and name == key
        spread = (space is None or name != key) and is_logarithmic(given)
        return Coordinate(name, [float(v) for v in column], logarithmic=by_kind or spread)
    texts = list(dict.fromkeys(exact_text(value) for value in given))
    place_of = {text: float(place) for place, text in enumerate(texts)}
    value_of = {exact_text(value): value for value in given}
    short = [short_text(value_of[text]) for text in texts]
    labels = short if len(set(short)) == len(short) else texts
    places = [_UNSET if _is_unset(v) else place_of[exact_text(v)] for v in column]
    return Coordinate(name, places, labels)
