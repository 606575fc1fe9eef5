"""Pictures of all settings of a sweep together: of a search, and of any other settings too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from isolet_nn.config.metrics import adapted_text, measure_of
from isolet_nn.errors import BackendUnavailableError, RunError, counted
from isolet_nn.sweeps.config import Plot
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.overview import Overview, axes_of_settings, overview
from isolet_nn.sweeps.setting_importance import SettingImportance, setting_importance
from isolet_nn.system.statuses import COMPLETED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from isolet_nn.plots import Coordinate

_MOST_AXES = 15
"""Keys that stand beside each other; of more, the most important where that can be told."""


def draw_overview(folder: SweepFolder, plot: Plot, paths: list[Path]) -> list[Path]:
    """Draw a picture of all settings into some files, which are returned.

    Raises
    ------
    RunError
        If no setting is completed, or, of their importance, too few.
    BackendUnavailableError
        If the importance is asked for, and Optuna is not installed.
    """
    from isolet_nn.plots import save

    found = overview(folder, plot.value)
    if not np.isfinite(found.scores).any():
        raise RunError(f"{folder.path}: no setting is completed with all its trials")
    match plot.kind:
        case "history":
            figure = _history(folder, plot, found)
        case "importance":
            figure = _shares(folder, plot, found)
        case "parallel":
            figure = _parallel(folder, plot, found)
        case "contour":
            figure = _contour(folder, plot, found)
        case _:
            figure = _epochs(folder, found)
    for path in paths:
        save(figure, path)
    return paths


def _history(folder: SweepFolder, plot: Plot, found: Overview) -> Figure:
    from isolet_nn.plots import figure_history

    return figure_history(
        found.seen.tolist(),
        statuses=found.statuses,
        value_name=plot.value,
        title=title_of(folder),
        note=_over_trials(folder),
    )


def _epochs(folder: SweepFolder, found: Overview) -> Figure:
    from isolet_nn.plots import figure_epochs

    return figure_epochs(
        found.epochs.tolist(),
        statuses=found.statuses,
        title=title_of(folder),
        note=_epochs_spared(found),
    )


def _epochs_spared(found: Overview) -> str:
    """How many epochs were trained; and of how many, if settings that ended early had gone on."""
    trained = int(found.epochs.sum())
    completed = np.array(found.statuses, object) == COMPLETED
    each = found.epochs[completed]
    if completed.all() or not len(each) or np.ptp(each) > 0.0:
        return counted(trained, "epoch")
    whole = int(each[0]) * len(found.epochs)
    return f"{trained} epochs of the {whole} that all to the end would take"


def _shares(folder: SweepFolder, plot: Plot, found: Overview) -> Figure:
    from isolet_nn.plots import figure_shares, setting_label

    axes = axes_of_settings(folder)
    importance = importance_of(folder, axes, plot.value, found)
    names = {name: setting_label(name) for name in importance.shares}
    if len(set(names.values())) < len(names):
        names = {name: name for name in names}
    note = importance.basis
    if importance.left_out:
        left_out = ", ".join(map(setting_label, importance.left_out))
        note += f"; without {left_out}, which not all of them set"
    shares = {names[name]: share for name, share in importance.shares.items()}
    return figure_shares(shares, title=title_of(folder), note=note)


def importance_of(
    folder: SweepFolder, axes: Mapping[str, Coordinate], metric: str, found: Overview
) -> SettingImportance:
    """The importance of settings; scores far from the others count as those at the far limit."""
    from isolet_nn.plots.colors import far_limit

    scores = found.scores if measure_of(metric).greater_is_better else -found.scores
    limit = far_limit(scores, greater_is_better=True)
    if limit is not None:
        scores = np.maximum(scores, limit)  # which leaves NaN as it is
    try:
        return setting_importance(axes, scores)
    except RunError as error:
        raise RunError(f"{folder.path}: {error}") from None


def _by_importance(
    folder: SweepFolder, axes: Mapping[str, Coordinate], metric: str, found: Overview
) -> list[str]:
    """Keys, the most important first where that can be told; else in the order of the file."""
    try:
        shares = importance_of(folder, axes, metric, found).shares
    except (RunError, BackendUnavailableError):
        shares = {}
    return [*shares, *(name for name in axes if name not in shares)]


def _parallel(folder: SweepFolder, plot: Plot, found: Overview) -> Figure:
    from isolet_nn.plots import figure_parallel

    axes = axes_of_settings(folder)
    _require_keys(folder, axes, 1)
    note = _over_trials(folder)
    if len(axes) > _MOST_AXES:
        first = _by_importance(folder, axes, plot.value, found)[:_MOST_AXES]
        note = "; ".join(filter(None, [note, f"{_MOST_AXES} of {len(axes)} keys"]))
        axes = {name: axis for name, axis in axes.items() if name in first}
    return figure_parallel(
        found.scores.tolist(),
        axes_of_keys=list(axes.values()),
        value_name=plot.value,
        title=title_of(folder),
        note=note,
    )


def _contour(folder: SweepFolder, plot: Plot, found: Overview) -> Figure:
    from isolet_nn.plots import figure_scatter

    axes = axes_of_settings(folder)
    _require_keys(folder, axes, 2)
    given = [key for key in (plot.x, plot.y) if key is not None]
    for key in given:
        if key not in axes:
            raise RunError(f"{folder.path}: {key} has no two values that stand along an axis")
    if len(given) < 2:
        given += [n for n in _by_importance(folder, axes, plot.value, found) if n not in given]
    x, y = axes[given[0]], axes[given[1]]
    set_both = np.isfinite(np.asarray(x.places)) & np.isfinite(np.asarray(y.places))
    scores = np.where(set_both, found.scores, np.nan)
    if not np.isfinite(scores).any():
        raise RunError(f"{folder.path}: no completed setting sets both {x.name} and {y.name}")
    of_numbers = x.labels is None and y.labels is None
    return figure_scatter(
        scores.tolist(),
        x=x,
        y=y,
        value_name=plot.value,
        with_surface=of_numbers,
        title=title_of(folder),
        note=_over_trials(folder),
    )


def _require_keys(folder: SweepFolder, axes: Mapping[str, Coordinate], number: int) -> None:
    if len(axes) < number:
        raise RunError(
            f"{folder.path}: {counted(len(axes), 'key')} differ between settings, and this picture "
            f"takes {number} at least"
        )


def title_of(folder: SweepFolder) -> str:
    """What a picture of a sweep's scores is called: its name, and its task if that is another."""
    from isolet_nn.plots import title_with

    return title_with(folder.sweep.name, adapted_text(*set(folder.trial_table.tasks)))


def _over_trials(folder: SweepFolder) -> str:
    """What a score is the mean of."""
    parts = [counted(n, name) for name, n in folder.trial_table.shape.items() if n > 1]
    return f"each setting: mean of {' x '.join(parts)}" if parts else ""
