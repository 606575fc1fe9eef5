"""Pictures of a sweep's results.

Cells, lines and points average over everything that is not an axis, seeds and folds above all, and
say so. What is drawn at random from a range has hardly a value twice: there each setting is a
point, whatever kind of picture was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.metrics import measure_name
from isolet_nn.errors import BackendUnavailableError, RunError, counted
from isolet_nn.sweeps.axes import (
    Axis,
    are_numbers,
    axis_of,
    is_logarithmic,
    means_on_grid,
    points_of,
)
from isolet_nn.sweeps.config import (
    OVERVIEWS,
    SETTING,
    Plot,
    Sweep,
    distribution_of,
    varied_keys,
)
from isolet_nn.sweeps.distributions import Choice, Integers, LogUniform
from isolet_nn.sweeps.journal import exact_text
from isolet_nn.sweeps.overview_drawing import draw_overview, title_of
from isolet_nn.sweeps.search_config import ListOf, NoPruner
from isolet_nn.system.csv_tables import CsvCell, unless_nan, write_csv
from isolet_nn.system.folders import PLOTS

if TYPE_CHECKING:
    from isolet_nn.plots import Coordinate
    from isolet_nn.sweeps.folder import SweepFolder

_SUFFIXES = (".png", ".svg")
_MOST_PLACES = 12
"""Different whole numbers that a range may have to be drawn one beside the other."""


def draw_plots(folder: SweepFolder) -> list[Path]:
    """Draw the sweep's plots into its folder, as PNG and SVG; a heat map also as heatmap.csv."""
    written = draw_outer_folds(folder)
    usual = [f"{split}_{folder.sweep.rank_by}" for split in ("test", "validation")]
    measured = [name for name in usual if folder.results.has_metric(name)]
    if not measured:
        return []
    plots = folder.sweep.plot or default_plots(folder.sweep, measured[0])
    kinds: set[str] = set()
    for plot in plots:
        if folder.results.has_metric(plot.value):
            name = name_of(plot) if plot.kind in kinds else plot.kind
            kinds.add(plot.kind)
            with suppress(RunError, BackendUnavailableError):  # too few settings, or no Optuna
                written += draw_plot(folder, plot, name)
    return written


def name_of(plot: Plot) -> str:
    """A name for a picture's files that says what it shows."""
    name = f"{plot.kind}-{plot.value}"
    name += f"-by-{plot.x}" if plot.x else ""
    name += f"-and-{plot.y}" if plot.y else ""
    return name + (f"-for-each-{plot.panels}" if plot.panels else "")


def first_picture(folder: SweepFolder) -> Path | None:
    """The PNG of the first picture that `draw_plots` drew, if it is there."""
    usual = ["history", "heatmap", "line", "boxplot", "scatter"]
    kinds = [plot.kind for plot in folder.sweep.plot] or usual
    pictures = (folder.path / PLOTS / f"{kind}.png" for kind in kinds)
    return next((picture for picture in pictures if picture.is_file()), None)


def draw_outer_folds(folder: SweepFolder) -> list[Path]:
    """Draw what each setting was chosen by beside what it came to on its outer fold."""
    from isolet_nn.plots import plot_boxplot

    if folder.nested is None:
        return []
    folds, found = folder.nested
    done = [
        (fold.inner_mean, fold.score)
        for fold in folds
        if fold.score is not None and fold.inner_mean is not None
    ]
    inner, scores = zip(*done, strict=True)
    boxes = {"inner folds": [*inner], "outer fold": [*scores]}
    for path in (paths := _targets(folder, "outer_folds")):
        plot_boxplot(
            boxes,
            path,
            x_name="scored on",
            value_name=measure_name(found.score),
            title=title_of(folder),
            note=f"each box: {counted(found.n, 'outer fold')}",
        )
    return paths


def draw_plot(folder: SweepFolder, plot: Plot, name: str) -> list[Path]:
    """Draw one plot into the folder, its files called `name`.

    Raises
    ------
    RunError, BackendUnavailableError
        If the importance of settings is asked for, and cannot be told.
    """
    if plot.kind in OVERVIEWS:
        return draw_overview(folder, plot, _targets(folder, name))
    draw = {
        "heatmap": _draw_heatmap,
        "boxplot": _draw_boxplot,
        "line": _draw_lines,
        "scatter": _draw_scatter,
    }[_kind_of(folder.sweep, plot)]
    return list(draw(folder, plot, name))


def _kind_of(sweep: Sweep, plot: Plot) -> str:
    """The kind that can show a plot's axes: only points and a line's x are of any number."""
    axes = {plot.y, plot.panels} if plot.kind == "line" else {plot.x, plot.y, plot.panels}
    return "scatter" if any(is_continuous(sweep, key) for key in axes if key) else plot.kind


def is_continuous(sweep: Sweep, key: str) -> bool:
    """Whether a key is drawn from a range so wide that hardly a value comes twice."""
    match space := distribution_of(sweep, key):
        case None | Choice() | ListOf():
            return False
        case Integers():
            low, high = space.integers
            return high - low >= _MOST_PLACES
        case _:
            return True


def default_plots(sweep: Sweep, value: str) -> list[Plot]:
    """Pictures that suit what a sweep varies, where its file asks for none."""

    def plot(kind: str, **axes: str) -> Plot:
        return Plot.model_validate({"kind": kind, "value": value, **axes})

    if sweep.search is not None:
        prunes = not isinstance(sweep.search.pruner, NoPruner)
        return [plot(kind) for kind in ("history", "parallel", *(["epochs"] if prunes else []))]
    keys = [key for key in varied_keys(sweep) if _is_varied(sweep, key)]
    if not keys:
        folds = sweep.cross_validation.shape if sweep.cross_validation else {}
        repeats = [("seed", len(sweep.seeds)), *folds.items()]
        return [plot("boxplot", x=key) for key, number in repeats if number > 1][:1]
    if sweep.list is not None and len(keys) > 1:
        return [plot("boxplot", x=SETTING)]
    if len(keys) == 1:
        return [plot(_kind_for_one(sweep, keys[0]), x=keys[0])]
    if any(is_continuous(sweep, key) for key in keys):
        pair = [plot("scatter", x=keys[0], y=keys[1])] if len(keys) == 2 else []
        return pair or [plot(_kind_for_one(sweep, key), x=key) for key in keys]
    panels = {"panels": keys[2]} if len(keys) > 2 else {}
    return [plot("heatmap", x=keys[0], y=keys[1], **panels)]


def _is_varied(sweep: Sweep, key: str) -> bool:
    """Whether a key has more than one value; an entry of a list may leave it as it is."""
    values = _values(sweep, key)
    return values is None or len(values) > 1 or sweep.list is not None


def _values(sweep: Sweep, key: str) -> Sequence[Any] | None:
    """The values that a sweep gives to a key; None if they are of a range."""
    if sweep.grid is not None:
        return sweep.grid[key]
    if sweep.list is not None:
        return [setting[key] for setting in sweep.list if key in setting]
    match distribution_of(sweep, key):
        case Choice() as space:
            return space.choice
        case _:
            return None


def _kind_for_one(sweep: Sweep, key: str) -> str:
    """What shows a value over one key best."""
    if is_continuous(sweep, key):
        return "scatter"
    values = _values(sweep, key)
    if distribution_of(sweep, key) is None and values and len(values) > 2 and are_numbers(values):
        return "line"
    return "boxplot"


def _draw_heatmap(folder: SweepFolder, plot: Plot, name: str) -> Iterator[Path]:
    from isolet_nn.plots import plot_heatmap, setting_label

    trials = folder.trial_table
    assert plot.y is not None, "checked with the sweep file"
    rows, columns = axis_of(trials, plot.y), axis_of(trials, _x(plot))
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
            x_name=_x(plot),
            y_name=plot.y,
            value_name=plot.value,
            panels=[
                f"{setting_label(axis.key)}: {label}" for axis in panels for label in axis.labels
            ],
            title=title_of(folder),
            note=_pooled(folder, plot, "mean of {}"),
        )
        yield path


def _x(plot: Plot) -> str:
    """The key along the bottom of a plot that must have one."""
    assert plot.x is not None, "checked with the sweep file"
    return plot.x


def _pooled(folder: SweepFolder, plot: Plot, wording: str) -> str:
    """In words what is put together at one place of a picture; nothing if that is one trial.

    Parameters
    ----------
    wording
        With ``{}`` where the seeds, folds and other keys stand.
    """
    from isolet_nn.plots import setting_label

    trials, shown = folder.trial_table, {plot.x, plot.y, plot.panels}
    if _kind_of(folder.sweep, plot) == "scatter":
        shown |= set(trials.keys)
    others = [
        setting_label(key)
        for key, values in zip(trials.keys, trials.values, strict=True)
        if len(values) > 1 and key not in shown and SETTING not in shown
    ]
    parts = [counted(n, key) for key, n in trials.shape.items() if n > 1 and key not in shown]
    parts += [f"all values of {' and '.join(others)}"] if len(others) in (1, 2) else []
    parts += [f"all values of {len(others)} other keys"] if len(others) > 2 else []
    if not parts:
        return ""
    return f"{wording.format(' x '.join(parts))} ({_numbers_pooled(folder, plot)})"


def _numbers_pooled(folder: SweepFolder, plot: Plot) -> str:
    """How many trials one place of a picture puts together."""
    keys = [key for key in (plot.x, plot.y, plot.panels) if key is not None]
    if _kind_of(folder.sweep, plot) == "scatter":
        places = [points_of(folder.trial_table, plot)[1]]
    else:
        places = [axis_of(folder.trial_table, key).position for key in keys]
    known = np.isfinite(folder.results.metric(plot.value))
    counts = np.unique(np.stack(places)[:, known], axis=1, return_counts=True)[1]
    low, high = counts.min(), counts.max()
    return f"n = {low}" if low == high else f"n = {low} to {high}"


def _targets(folder: SweepFolder, name: str) -> list[Path]:
    """The files that a picture is written to."""
    return [folder.path / PLOTS / f"{name}{suffix}" for suffix in _SUFFIXES]


def _write_grid(path: Path, means: NDArray[np.float64], axes: Sequence[Axis]) -> None:
    """Write a grid of means: a row for each panel and row, a column for each column."""
    *leading, columns = axes

    def row(index: tuple[int, ...]) -> list[CsvCell]:
        labels = (axis.values[place] for axis, place in zip(leading, index, strict=True))
        return [*map(exact_text, labels), *map(unless_nan, means[index].tolist())]

    header = [*(axis.key for axis in leading), *map(exact_text, columns.values)]
    write_csv(path, header, map(row, np.ndindex(means.shape[:-1])))


def _draw_boxplot(folder: SweepFolder, plot: Plot, name: str) -> Iterator[Path]:
    from isolet_nn.plots import plot_boxplot

    axis = axis_of(folder.trial_table, _x(plot))
    values = folder.results.metric(plot.value)
    known = np.isfinite(values)
    groups = {
        label: values[known & (axis.position == place)].tolist()
        for place, label in enumerate(axis.labels)
    }
    filled = {label: values for label, values in groups.items() if values}
    for path in _targets(folder, name):
        plot_boxplot(
            filled,
            path,
            x_name=_x(plot),
            value_name=plot.value,
            title=title_of(folder),
            note=_pooled(folder, plot, "each box: {}"),
        )
        yield path


def _draw_lines(folder: SweepFolder, plot: Plot, name: str) -> Iterator[Path]:
    from isolet_nn.plots import Band, plot_lines

    trials, values = folder.trial_table, folder.results.metric(plot.value)
    x_axis = axis_of(trials, _x(plot))
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
            x_name=_x(plot),
            value_name=plot.value,
            lines_name=plot.y,
            log_x=is_logarithmic(x_axis.values),
            title=title_of(folder),
            note=_pooled(folder, plot, "mean of {}, band from the lowest to the highest"),
        )
        yield path


def _draw_scatter(folder: SweepFolder, plot: Plot, name: str) -> Iterator[Path]:
    from isolet_nn.plots import plot_scatter

    first, point = points_of(folder.trial_table, plot)
    axis = Axis(SETTING, [*range(len(first))], point)
    means = means_on_grid(folder.results.metric(plot.value), [axis])
    shown = _have_numbers(folder, [key for key in (plot.x, plot.y) if key], first)
    means, first = means[shown], first[shown]
    for path in _targets(folder, name):
        plot_scatter(
            means.tolist(),
            path,
            x=_coordinate(folder, _x(plot), first),
            y=None if plot.y is None else _coordinate(folder, plot.y, first),
            value_name=plot.value,
            title=title_of(folder),
            note=_pooled(folder, plot, "each point: mean of {}"),
        )
        yield path


def _have_numbers(
    folder: SweepFolder, keys: Sequence[str], chosen: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which of some trials set all keys of real numbers; a search sets some under conditions."""
    shown = np.ones(len(chosen), bool)
    for key in keys:
        if is_continuous(folder.sweep, key):
            axis = axis_of(folder.trial_table, key)
            shown &= np.array([v is not None for v in axis.values])[axis.position[chosen]]
    return shown


def _coordinate(folder: SweepFolder, key: str, chosen: NDArray[np.int64]) -> Coordinate:
    """Where some trials stand along the axis of a key."""
    from isolet_nn.plots import Coordinate

    axis = axis_of(folder.trial_table, key)
    places = axis.position[chosen]
    values = [axis.values[place] for place in places.tolist()]
    if not are_numbers(values):
        return Coordinate(key, places.tolist(), axis.labels)
    space = distribution_of(folder.sweep, key)
    numbers = [*map(float, values)]
    if isinstance(space, LogUniform) or (space is None and is_logarithmic(axis.values)):
        return Coordinate(key, numbers, logarithmic=True)
    return Coordinate(key, numbers)
