"""Drawing the pictures of a run or a sweep once more, from what its folder holds.

One picture of a run can be chosen; a sweep can also be drawn along other axes, or by another
metric, than its file says.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from isolet_nn.errors import ConfigError, RunError
from isolet_nn.runs.drawing import RUN_KINDS
from isolet_nn.runs.folder import Run
from isolet_nn.runs.redraw import redraw_run
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.redraw import KINDS, PlotChoice, redraw_sweep
from isolet_nn.sweeps.trial import trial_at
from isolet_nn.system.folders import CONFIG, SWEEP


def redraw(
    folder: str | Path,
    choice: PlotChoice | None = None,
    announce: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Draw the pictures of a run or a sweep once more; return the files written.

    Parameters
    ----------
    folder
        A run's or a sweep's folder.
    choice
        For a run, a kind of picture; without one, all that `train` and `eval` draw. For a sweep,
        one picture other than those of its file. It is written beside them, under a
        name that says what it shows. What is left open is taken from the first picture in the
        file (of that kind, if a kind is given), or else from what the sweep varies.
    announce
        Hears what is computed first, and about how long it will take.

    Raises
    ------
    RunError
        If the folder is neither, or has no results to draw.
    ConfigError
        If the choice does not fit the run or the sweep.
    """
    path = Path(folder)
    if (path / SWEEP).exists():
        if choice is not None and choice.kind in RUN_KINDS and choice.kind not in KINDS:
            raise ConfigError(_misfit(path, choice.kind, "run", "sweep", KINDS))
        return redraw_sweep(SweepFolder.open(path), choice)
    run = trial_at(path)
    if run is None and not (path / CONFIG).exists():
        raise RunError(f"{path}: {_why_nothing(path)}")
    return _redraw_run(run or Run.open(path), choice or PlotChoice(), announce)


def _why_nothing(path: Path) -> str:
    if path.is_dir():
        return f"has neither {CONFIG} nor {SWEEP}"
    if path.exists():
        return "is a file; give the folder of a run or a sweep"
    return "no such folder"


def _misfit(path: Path, kind: str, there: str, here: str, kinds: tuple[str, ...]) -> str:
    return f"{path}: {kind} is a picture of a {there}; a {here} has {', '.join(kinds)}"


def _redraw_run(run: Run, choice: PlotChoice, announce: Callable[[str], None]) -> list[Path]:
    if choice.kind in KINDS and choice.kind not in RUN_KINDS:
        raise ConfigError(_misfit(run.path, choice.kind, "sweep", "run", RUN_KINDS))
    given = [*choice.axes, *(["value"] if choice.value else [])]
    if given:
        raise ConfigError(f"{run.path}: --{given[0]} is for a sweep; a run takes --kind only")
    return redraw_run(run, choice.kind, announce)
