"""Where trials stand in a picture: axes, cells and points, in which results are averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.sweeps.config import SETTING, Plot
from isolet_nn.sweeps.grid import Trials
from isolet_nn.sweeps.journal import exact_text


@dataclass(frozen=True, eq=False)
class Axis:
    """The values of a key path along an axis, and where each trial stands.

    Attributes
    ----------
    values
        The different values: numbers from the lowest, all else in the order of the sweep file.
    position : (n_trials,)
        Index into `values` of each trial.
    """

    key: str
    values: list[Any]
    position: NDArray[np.int64]

    @property
    def labels(self) -> list[str]:
        """The values as text: in short, unless that makes two of them look the same."""
        from isolet_nn.plots import short_text

        short = [*map(short_text, self.values)]
        return short if len(set(short)) == len(short) else [*map(exact_text, self.values)]


def axis_of(trials: Trials, key: str) -> Axis:
    """The axis of a varied key, of a list's settings, of ``seed``, ``repeat`` or ``fold``."""
    n_settings = len(trials.codes)
    if key in trials.shape:
        along = [*trials.shape].index(key)
        places = np.indices([*trials.shape.values()])[along].ravel()
        values = list(trials.seeds) if key == "seed" else [*range(trials.shape[key])]
        return Axis(key, values, np.tile(places, n_settings))
    if key == SETTING:
        settings = [trials.setting(number) for number in range(n_settings)]
        return Axis(key, settings, np.repeat(np.arange(n_settings), trials.per_setting))
    values, places = trials.different_values(key)
    if are_numbers(values):
        order = np.argsort(np.array(values, np.float64), kind="stable")
        values, places = [values[place] for place in order], np.argsort(order)[places]
    return Axis(key, values, np.repeat(places, trials.per_setting))


def are_numbers(values: Sequence[Any]) -> bool:
    """Whether all values are numbers, of which True and False are none."""
    return all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)


def means_on_grid(values: NDArray[np.float64], axes: Sequence[Axis]) -> NDArray[np.float64]:
    """Means of the trials in each cell of a grid of axes; NaN where there is none."""
    shape = tuple(len(axis.values) for axis in axes)
    known = np.isfinite(values)
    cells = tuple(axis.position[known] for axis in axes)
    sums, counts = np.zeros(shape), np.zeros(shape)
    np.add.at(sums, cells, values[known])
    np.add.at(counts, cells, 1.0)
    means = np.full(shape, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def points_of(trials: Trials, plot: Plot) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The points of a scatter plot: settings, of each seed, repeat or fold if that is an axis.

    Returns
    -------
    first : (n_points,)
        A trial of each point.
    point : (n_trials,)
        The point of each trial.
    """
    apart = [axis_of(trials, key).position for key in (plot.x, plot.y) if key in trials.shape]
    settings = np.repeat(np.arange(len(trials.codes)), trials.per_setting)
    _, first, point = np.unique(
        np.stack([settings, *apart]), axis=1, return_index=True, return_inverse=True
    )
    return first, point.reshape(-1)


def is_logarithmic(values: Sequence[Any]) -> bool:
    """Whether numbers are spread so that a logarithmic axis shows them better."""
    return len(values) > 2 and min(values) > 0 and max(values) / min(values) >= 50
