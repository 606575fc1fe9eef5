"""Means of a sweep along its axes: a cell for each two values, however many trials there are."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.metrics import measure_of
from isolet_nn.errors import printable
from isolet_nn.pages.reading import numbers
from isolet_nn.pages.shapes import Axis, Grid
from isolet_nn.plots import Coordinate, setting_label, short_text
from isolet_nn.sweeps.axes import axis_of
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.grid import Trials
from isolet_nn.sweeps.overview import axes_of_settings

_MOST_AXES, _MOST_PLACES, _MOST_NUMBERS, _INTERVALS = 8, 40, 20, 12
"""Axes to choose among; names that each have a place, and numbers; intervals of more numbers."""


@dataclass(frozen=True, eq=False)
class Placed:
    """An axis, and the place of each trial along it, (n_trials,)."""

    axis: Axis
    places: NDArray[np.int64]


_axes: weakref.WeakKeyDictionary[Trials, list[Placed]] = weakref.WeakKeyDictionary()
"""Of tables of trials that are drawn again as results come in, which takes time for many."""


def axes_of(folder: SweepFolder) -> list[Placed]:
    """What can stand along the side of a heat map: varied keys, then seeds, repeats and folds."""
    if folder.trial_table not in _axes:
        _axes[folder.trial_table] = _made_axes(folder)
    return _axes[folder.trial_table]


def _made_axes(folder: SweepFolder) -> list[Placed]:
    trials = folder.trial_table
    found = [
        Placed(axis, np.repeat(places, trials.per_setting))
        for axis, places in map(_places, axes_of_settings(folder).values())
    ]
    for key in [key for key, n in trials.shape.items() if 1 < n <= _MOST_PLACES]:
        along = axis_of(trials, key)
        axis: Axis = {"key": key, "label": key, "values": [*map(str, along.values)]}
        found.append(Placed(axis, along.position))
    return found[:_MOST_AXES]


def _places(coordinate: Coordinate) -> tuple[Axis, NDArray[np.int64]]:
    """An axis of settings, and the place of each setting; those that set nothing come last."""
    along = np.asarray(coordinate.places, np.float64)
    known = np.isfinite(along)
    if coordinate.labels is not None:
        places = np.where(known, along, 0.0).astype(np.int64)
        values = list(coordinate.labels)
        if len(values) > _MOST_PLACES:
            values = [*values[: _MOST_PLACES - 1], "others"]
            places = np.minimum(places, _MOST_PLACES - 1)
    else:
        values, places = _numbers(along, known, coordinate.logarithmic)
    if not known.all():
        places = np.where(known, places, len(values))
        values = [*values, "not set"]
    label = printable(setting_label(coordinate.name))
    axis: Axis = {
        "key": printable(coordinate.name),
        "label": label,
        "values": [printable(value) for value in values],
    }
    return axis, places


def _numbers(
    along: NDArray[np.float64], known: NDArray[np.bool_], logarithmic: bool
) -> tuple[list[str], NDArray[np.int64]]:
    """Numbers from the lowest, each with its place, or in intervals of equal width."""
    different, places = np.unique(np.where(known, along, along[known][0]), return_inverse=True)
    if len(different) <= _MOST_NUMBERS:
        return [short_text(float(value)) for value in different], places.reshape(-1)
    low, high = float(different[0]), float(different[-1])
    spaced = np.geomspace if logarithmic else np.linspace
    edges = spaced(low, high, _INTERVALS + 1)
    inner = np.searchsorted(edges[1:-1], different, side="right")
    ends = [short_text(float(f"{edge:.2g}")) for edge in edges]  # room on an axis is scarce
    texts = [f"{low_end} to {high_end}" for low_end, high_end in itertools.pairwise(ends)]
    return texts, inner[places.reshape(-1)]


def grids_of(folder: SweepFolder, axes: Sequence[Placed], metrics: Sequence[str]) -> list[Grid]:
    """The means along each axis and along each two."""
    values = {name: folder.results.metric(name) for name in metrics}
    better_first = values[folder.metric] * (
        -1.0 if measure_of(folder.metric).greater_is_better else 1.0
    )
    order = np.argsort(better_first, kind="stable")
    chosen = [(x, None) for x in range(len(axes))]
    pairs = itertools.combinations(range(len(axes)), 2)
    return [_grid(axes, x, y, values, order) for x, y in (*chosen, *pairs)]


def _grid(
    axes: Sequence[Placed],
    x: int,
    y: int | None,
    values: Mapping[str, NDArray[np.float64]],
    best_first: NDArray[np.int64],
) -> Grid:
    columns = len(axes[x].axis["values"])
    cells, n_cells = axes[x].places, columns
    if y is not None:
        cells, n_cells = axes[y].places * columns + cells, columns * len(axes[y].axis["values"])
    counts, means = {}, {}
    for name, column in values.items():
        counts[name], means[name] = _means(cells, column, n_cells)
    known = best_first[np.isfinite(next(iter(values.values()))[best_first])]
    first, place = np.unique(cells[known], return_index=True)
    best: list[int | None] = [None] * n_cells
    for cell, at in zip(first.tolist(), place.tolist(), strict=True):
        best[cell] = int(known[at])
    return {
        "x": x,
        "y": y,
        "n": counts[next(iter(values))].tolist(),
        "means": {name: numbers(column.tolist()) for name, column in means.items()},
        "best": best,
    }


def _means(
    cells: NDArray[np.int64], column: NDArray[np.float64], n_cells: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """How many finite values there are in each cell, and their means."""
    known = np.isfinite(column)
    counts = np.bincount(cells, weights=known, minlength=n_cells).astype(np.int64)
    sums = np.bincount(cells, weights=np.where(known, column, 0.0), minlength=n_cells)
    means = np.full(n_cells, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return counts, means
