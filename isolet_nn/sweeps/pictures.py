"""Pictures of a sweep's results.

Cells and lines average over everything that is not an axis, seeds and folds above all.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.files import whole_file
from isolet_nn.folders import PLOTS
from isolet_nn.sweeps.config import Plot
from isolet_nn.sweeps.grid import Trials
from isolet_nn.sweeps.journal import setting_text

if TYPE_CHECKING:
    from isolet_nn.sweeps.folder import SweepFolder

_SUFFIXES = (".png", ".svg")


def draw_plots(folder: SweepFolder, plots: Sequence[Plot]) -> list[Path]:
    """Draw plots into the folder, as PNG and SVG; a heat map also as heatmap.csv."""
    written: list[Path] = []
    counts: dict[str, int] = {}
    for plot in plots:
        if not folder.results.has_metric(plot.value):
            continue
        counts[plot.kind] = number = counts.get(plot.kind, 0) + 1
        name = plot.kind if number == 1 else f"{plot.kind}-{number}"
        written += draw_plot(folder, plot, name)
    return written


def draw_plot(folder: SweepFolder, plot: Plot, name: str) -> list[Path]:
    """Draw one plot into the folder, its files called `name`."""
    draw = {"heatmap": _draw_heatmap, "boxplot": _draw_boxplot, "line": _draw_lines}[plot.kind]
    return list(draw(folder, plot, name))


@dataclass(frozen=True, eq=False)
class Axis:
    """The values of a key path along an axis, and where each trial stands.

    Attributes
    ----------
    values
        The different values, in the order of the sweep file.
    position : (n_trials,)
        Index into `values` of each trial.
    """

    key: str
    values: list[Any]
    position: NDArray[np.int64]

    @property
    def labels(self) -> list[str]:
        """The values as text: in short, unless that makes two of them look the same."""
        from isolet_nn.plots import setting_text as label

        short = [label(value) for value in self.values]
        return short if len(set(short)) == len(short) else [*map(setting_text, self.values)]


def axis_of(trials: Trials, key: str) -> Axis:
    """The axis of a varied key, of ``seed``, or of ``fold``."""
    n_settings, n_seeds, n_folds = len(trials.codes), len(trials.seeds), trials.n_folds
    if key == "seed":
        seeds = np.repeat(np.arange(n_seeds), n_folds)
        return Axis(key, list(trials.seeds), np.tile(seeds, n_settings))
    if key == "fold":
        folds = np.arange(n_folds)
        return Axis(key, folds.tolist(), np.tile(folds, n_settings * n_seeds))
    values, places = trials.different_values(key)
    return Axis(key, values, np.repeat(places, trials.n_repeats))


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


def _draw_heatmap(folder: SweepFolder, plot: Plot, name: str) -> Iterator[Path]:
    from isolet_nn.plots import plot_heatmap

    trials = folder.trials
    assert plot.y is not None, "checked with the sweep file"
    rows, columns = axis_of(trials, plot.y), axis_of(trials, plot.x)
    panels = [] if plot.panels is None else [axis_of(trials, plot.panels)]
    means = means_on_grid(folder.results.metric(plot.value), [*panels, rows, columns])
    table = folder.path / f"{name}.csv"
    _write_grid(table, means, [*panels, rows, columns])
    yield table
    for path in _targets(folder, name):
        plot_heatmap(
            means,
            path,
            x_labels=columns.labels,
            y_labels=rows.labels,
            x_name=plot.x,
            y_name=plot.y,
            value_name=plot.value,
            panels=[f"{plot.panels}: {label}" for axis in panels for label in axis.labels],
            title=folder.sweep.name,
        )
        yield path


def _targets(folder: SweepFolder, name: str) -> list[Path]:
    """The files that a picture is written to."""
    return [folder.path / PLOTS / f"{name}{suffix}" for suffix in _SUFFIXES]


def _write_grid(path: Path, means: NDArray[np.float64], axes: Sequence[Axis]) -> None:
    """Write a grid of means: a row for each panel and row, a column for each column."""
    *leading, columns = axes
    with (
        whole_file(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*(axis.key for axis in leading), *map(setting_text, columns.values)])
        for index in np.ndindex(means.shape[:-1]):
            labels = [
                setting_text(axis.values[place]) for axis, place in zip(leading, index, strict=True)
            ]
            writer.writerow([*labels, *("" if v != v else repr(v) for v in means[index].tolist())])


def _draw_boxplot(folder: SweepFolder, plot: Plot, name: str) -> Iterator[Path]:
    from isolet_nn.plots import plot_boxplot

    axis = axis_of(folder.trials, plot.x)
    values = folder.results.metric(plot.value)
    known = np.isfinite(values)
    groups = {
        label: values[known & (axis.position == place)].tolist()
        for place, label in enumerate(axis.labels)
    }
    filled = {label: values for label, values in groups.items() if values}
    for path in _targets(folder, name):
        plot_boxplot(filled, path, x_name=plot.x, value_name=plot.value, title=folder.sweep.name)
        yield path


def _draw_lines(folder: SweepFolder, plot: Plot, name: str) -> Iterator[Path]:
    from isolet_nn.plots import Band, plot_lines

    trials, values = folder.trials, folder.results.metric(plot.value)
    x_axis = axis_of(trials, plot.x)
    lines = [("", np.ones(len(values), np.bool_))]
    if plot.y is not None:
        y_axis = axis_of(trials, plot.y)
        lines = [(label, y_axis.position == place) for place, label in enumerate(y_axis.labels)]
    bands = {}
    for label, members in lines:
        places = [
            (x, of_x)
            for place, x in enumerate(x_axis.values)
            if len(of_x := values[members & (x_axis.position == place) & np.isfinite(values)])
        ]
        places.sort(key=lambda pair: pair[0])
        bands[label or plot.value] = Band(
            [float(x) for x, _ in places],
            [float(of_x.mean()) for _, of_x in places],
            [float(of_x.min()) for _, of_x in places],
            [float(of_x.max()) for _, of_x in places],
        )
    for path in _targets(folder, name):
        plot_lines(
            bands,
            path,
            x_name=plot.x,
            value_name=plot.value,
            lines_name=plot.y,
            log_x=_is_logarithmic(x_axis.values),
            title=folder.sweep.name,
        )
        yield path


def _is_logarithmic(values: Sequence[Any]) -> bool:
    """Whether numbers are spread so that a logarithmic axis shows them better."""
    return len(values) > 2 and min(values) > 0 and max(values) / min(values) >= 50
