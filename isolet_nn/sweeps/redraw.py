"""Drawing a sweep once more: its own pictures, or one along other axes or by another metric."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from isolet_nn.config.metrics import METRICS
from isolet_nn.config.problems import validate
from isolet_nn.errors import ConfigError, RunError, suggestion
from isolet_nn.sweeps.axes import axis_of
from isolet_nn.sweeps.config import OVERVIEWS, Plot, Sweep, axis_keys, leaves_test_unread
from isolet_nn.sweeps.drawing import default_plots, draw_plot, draw_plots, name_of
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.journal import exact_text

KINDS = ("heatmap", "boxplot", "line", "scatter", *OVERVIEWS)
"""Pictures of a sweep."""
_AXES = ("x", "y", "panels")


@dataclass(frozen=True)
class PlotChoice:
    """What to draw instead of a run's usual pictures, or of those in a sweep's file.

    None leaves the choice open. Only a sweep has axes and a value.
    """

    kind: str | None = None
    x: str | None = None
    y: str | None = None
    panels: str | None = None
    value: str | None = None

    @property
    def axes(self) -> dict[str, str]:
        """The key paths that are given, by axis."""
        given = {axis: getattr(self, axis) for axis in _AXES}
        return {axis: key for axis, key in given.items() if key is not None}


def redraw_sweep(folder: SweepFolder, choice: PlotChoice | None = None) -> list[Path]:
    """Draw a sweep's pictures once more, or one as chosen; return the files written.

    Raises
    ------
    RunError
        If the sweep has no results to draw.
    ConfigError
        If the choice does not fit the sweep.
    """
    known = [name for name in METRICS if folder.results.has_metric(name)]
    if not known:
        raise RunError(f"{folder.path}: no trial is completed, so there is nothing to draw")
    if choice is None:
        written = draw_plots(folder)
        if not written and folder.sweep.plot:
            wanted = ", ".join(dict.fromkeys(plot.value for plot in folder.sweep.plot))
            raise RunError(f"{folder.path}: no trial has {wanted}; there is {', '.join(known)}")
        if written:
            return written
    plot = choose_plot(folder.sweep, choice or PlotChoice())
    if plot.value not in known:
        raise ConfigError(f"--value: no trial has {plot.value}; there is {', '.join(known)}")
    if plot.kind == "line" and plot.x is not None:
        _require_numbers(folder, plot.x)
    return draw_plot(folder, plot, name_of(plot))


def choose_plot(sweep: Sweep, choice: PlotChoice) -> Plot:
    """The picture that is meant by a choice, completed as `results.redraw` says.

    Raises
    ------
    ConfigError
        If there is no such kind, key or metric, or they do not go together.
    """
    keys = axis_keys(sweep)
    _require_known(choice, keys)
    usual = f"{'validation' if leaves_test_unread(sweep) else 'test'}_{sweep.rank_by}"
    plots = sweep.plot or default_plots(sweep, usual)
    base = next((plot for plot in plots if choice.kind in (None, plot.kind)), None)
    kind = choice.kind or (base.kind if base else "boxplot")
    axes = _choose_axes(choice, kind, base, keys)
    value = choice.value or (base.value if base else usual)
    return validate(Plot, {"kind": kind, **axes, "value": value}, "plot")


def _require_known(choice: PlotChoice, keys: list[str]) -> None:
    if choice.value is not None and choice.value not in METRICS:
        hint = suggestion(choice.value, METRICS)
        allowed = ", ".join(METRICS)
        raise ConfigError(f"--value: found {choice.value!r}; allowed: {allowed}{hint}")
    seen: dict[str, str] = {}
    for axis, key in choice.axes.items():
        if key not in keys:
            allowed = f"the sweep varies {', '.join(keys)}{suggestion(key, keys)}"
            raise ConfigError(f"--{axis}: found {key!r}; {allowed}")
        if key in seen:
            raise ConfigError(f"--{axis}: {key} is on --{seen[key]} already")
        seen[key] = axis


def _choose_axes(
    choice: PlotChoice, kind: str, base: Plot | None, keys: list[str]
) -> dict[str, str]:
    """The axes as given, then as in `base`, then whatever the sweep varies."""
    chosen = choice.axes
    usual = {} if base is None else {axis: getattr(base, axis) for axis in _AXES}
    if kind in OVERVIEWS:  # which choose for themselves what is left open
        return chosen
    needed = ("x", "y") if kind == "heatmap" else ("x",)
    for axis in _AXES:
        free = [key for key in (*usual.values(), *keys) if key and key not in chosen.values()]
        if axis in chosen:
            continue
        if usual.get(axis) in free:
            chosen[axis] = usual[axis]
        elif axis in needed and free:
            chosen[axis] = free[0]
        elif axis in needed:
            raise ConfigError(f"--{axis}: a {kind} needs one more key; there is {', '.join(keys)}")
    return chosen


def _require_numbers(folder: SweepFolder, key: str) -> None:
    for value in axis_of(folder.trial_table, key).values:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ConfigError(
                f"--x: a line needs numbers, and {key} is {exact_text(value)}; "
                "take --kind heatmap or boxplot"
            )
