"""Which run is meant: a run folder, a trial of a sweep, or the best of a sweep's trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isolet_nn.config.metrics import in_words
from isolet_nn.errors import ConfigError, RunError
from isolet_nn.results.shown import Run, shown_run
from isolet_nn.sweeps.folder import OpenSweep, SweepFolder
from isolet_nn.sweeps.trial import trial_address, trial_at
from isolet_nn.system.folders import SWEEP


def load_run(path: str | Path, *, open_sweep: OpenSweep = SweepFolder.open) -> Run:
    """Open a run folder, or the trial of a sweep that ``SWEEP/trials/17`` names.

    Parameters
    ----------
    open_sweep
        Reads a trial's sweep, for those who remember what they have read of it.

    Raises
    ------
    RunError
        If it is not one, or one of another format; if the trial has not ended.
    ConfigError
        If the sweep has no trial of that number.
    """
    trial = trial_at(Path(path), open_sweep)
    return Run.open(path) if trial is None else shown_run(trial)


@dataclass(frozen=True)
class Best:
    """The best trial of a sweep."""

    path: Path
    """Its address."""
    trial: int
    metric: str
    """What it was chosen by."""
    value: float

    @property
    def is_biased(self) -> bool:
        """Whether it was chosen by the test set, for want of a validation split."""
        return self.metric.startswith("test_")

    def __str__(self) -> str:
        """Which one it is, and why, in words."""
        text = f"trial {self.trial} has the best {in_words(self.metric)}, {self.value:.4g}"
        if not self.is_biased:
            return text
        return (
            f"{text}; the sweep has no validation split, so the test set chose the trial, and what "
            "it scores there is too good an estimate"
        )


def best_trial(path: str | Path) -> Best:
    """The completed trial of a sweep that did best: by validation, where there is any.

    Of equal ones it is the first. `save_models: best` keeps its model.

    Raises
    ------
    RunError
        If the folder is no sweep, or no trial of it is completed.
    """
    folder = SweepFolder.open(path)
    best = folder.results.best(folder.metric)
    if best is None:
        raise RunError(f"{folder.path}: no trial is completed")
    trial, value = best
    return Best(trial_address(folder.path, trial), trial, folder.metric, value)


def chosen(path: Path, trials: Sequence[int] = (), best: Best | None = None) -> list[Path]:
    """The addresses of some trials of a sweep, and of its best if given; else the path itself.

    Raises
    ------
    ConfigError
        If there are trials to choose, but the path is no sweep.
    """
    if not (trials or best):
        return [path]
    if not is_sweep(path):
        option = "--trial" if trials else "--best"
        raise ConfigError(f"{path}: {option} is for a sweep's folder, and this is none")
    addresses = [trial_address(path, number) for number in trials]
    return [*addresses, *([best.path] if best else [])]


def is_sweep(path: Path) -> bool:
    """Whether a folder is that of a sweep."""
    return (path / SWEEP).is_file()
