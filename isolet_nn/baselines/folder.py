"""The folder of a comparison: what is compared, and a file for every fit that is done."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from isolet_nn.baselines.contestants import Contestant, Settings
from isolet_nn.baselines.fits import Fit, Task
from isolet_nn.config.section import Folds, Section
from isolet_nn.runs.records import FORMAT, read_record
from isolet_nn.runs.status_file import read_content

FILE, FITS = "baselines.yaml", "fits"


class Baselines(Section):
    """What ``baselines.yaml`` says: who is compared, on what, by which version and processor."""

    format: Literal[1] = FORMAT
    """Of the folder."""
    version: str
    """Version of the package that began."""
    processor: str
    """What trained: times of another would not compare."""
    packages: dict[str, str | None]
    """Versions of what trained: other ones may answer otherwise."""
    data: str
    """Checksum of the rows."""
    configs: dict[str, Settings]
    """What the configs said that networks begin with, by name."""
    quick: bool
    """Whether only some speakers and small models take part."""
    folds: Folds
    """Of the cross-validation, by speaker."""
    contestants: Annotated[list[Contestant], Field(min_length=1)]
    """Complete, in the order of the table."""


def open_baselines(folder: Path) -> Baselines:
    """What a folder compares.

    Raises
    ------
    RunError
        If it is no folder of a comparison.
    """
    return read_content(folder, FILE, Baselines, "baselines")


def fit_file(folder: Path, task: Task) -> Path:
    """The file that a fit is kept in, which appears whole or not at all."""
    return folder / FITS / f"{task.name}.json"


def read_fit(folder: Path, task: Task) -> Fit | None:
    """What came of a fit; None where it is not done yet.

    Raises
    ------
    RunError
        If its file is damaged.
    """
    path = fit_file(folder, task)
    return read_record(path, Fit) if path.exists() else None


def tasks_of_folds(content: Baselines, contestant: Contestant) -> list[Task]:
    """The fits that compare a contestant's settings, fold after fold of each."""
    return [
        Task(contestant, setting, fold)
        for setting in range(len(contestant.candidates))
        for fold in range(content.folds)
    ]


def tasks_of_test(contestant: Contestant, setting: int) -> list[Task]:
    """The fits of the setting that was chosen, each of which reads the test set once."""
    return [Task(contestant, setting, None, seed) for seed in range(contestant.seeds)]


def fold_accuracies(
    folder: Path, content: Baselines, contestant: Contestant
) -> list[list[float]] | None:
    """Accuracy of each setting on each fold; None as long as one is missing."""
    fits = [read_fit(folder, task) for task in tasks_of_folds(content, contestant)]
    known = [fit.accuracy for fit in fits if fit is not None]
    if len(known) < len(fits):
        return None
    return [known[n : n + content.folds] for n in range(0, len(known), content.folds)]


def choose_setting(accuracies: list[list[float]]) -> int:
    """The setting of the highest mean over the folds; of equals the first."""
    # Sums of the same accuracies in another order differ in their last bits.
    means = [round(sum(of_setting) / len(of_setting), 12) for of_setting in accuracies]
    return means.index(max(means))
