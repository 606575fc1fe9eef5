"""Comparing runs: what differs in their configs, their results side by side, their curves overlaid.

Nothing is trained or evaluated; all of it is in the run folders. Runs that differ only in their
seeds are one line, with a band from the lowest to the highest of them.
"""

from __future__ import annotations

import functools
import math
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isolet_nn.config.key_paths import flat
from isolet_nn.config.metrics import ALWAYS_MEASURED, SCORES, task_text
from isolet_nn.errors import ConfigError, RunError, printable
from isolet_nn.results.listing import status_of
from isolet_nn.results.selection import load_run
from isolet_nn.runs.folder import Run
from isolet_nn.sweeps.folder import OpenSweep, SweepFolder
from isolet_nn.system.files import why_not_written
from isolet_nn.training.progress import Row

if TYPE_CHECKING:
    from isolet_nn.plots import Band

_MEASURES = ALWAYS_MEASURED[::-1]
_RESULTS = (
    "status",
    *(f"{split}_{m}" for split in ("test", "validation", "train") for m in _MEASURES),
    *(f"{split}_{score}" for split in ("test", "validation") for score in SCORES),
    "epochs",
    "best_validation_epoch",
    "seconds",
    "parameters",
    "adapted_to",
)
_PICTURE = "comparison.png"
_DATE = re.compile(r"(^|/)\d{8}-\d{6}-")
"""What the name of a run's folder begins with, unless a person chose it."""
_BAND_NOTE = "several seeds: line at their mean, band from the lowest to the highest"


@dataclass(frozen=True, eq=False)
class Comparison:
    """How runs differ; a run's label is its folder as seen from the one that all of them lie in.

    Attributes
    ----------
    folder
        The folder that all runs lie in; relative if all of them were given so.
    runs
        The runs by label.
    config
        By key path and label: settings that are not the same in all runs. A run whose config does
        not have the key is left out.
    results
        By name and label: final metrics, epochs done, the epoch with the best validation
        loss (or of what early stopping watches), the time of all epochs in seconds, the number of
        parameters, whose own rows standardise them.
    histories
        By label: the rows of metrics.csv.
    checksums
        By label: the checksum of the data.
    groups
        Labels of runs that differ in nothing but seed and name, each group in the order given; a
        run that is like no other is a group of its own.
    """

    folder: Path
    runs: dict[str, Run]
    config: dict[str, dict[str, Any]]
    results: dict[str, dict[str, Any]]
    histories: dict[str, list[Row]]
    checksums: dict[str, str | None]
    groups: list[list[str]]
    left_out: dict[str, str]
    """By path as it was given: what is there but is no run that can be read, and why."""

    @functools.cached_property
    def names(self) -> dict[str, str]:
        """What a person calls the runs, by label: without the date where that tells them apart."""
        return names_without_dates(list(self.runs))

    def group_name(self, labels: Sequence[str]) -> str:
        """What a person calls the runs of a group: the first of them, how many there are.

        A task that is not the usual one comes first, as names are cut at their ends.
        """
        first = printable(self.names[labels[0]])
        name = first if len(labels) == 1 else f"{len(labels)} seeds: {first}, ..."
        task = printable(task_text(self.tasks[labels[0]]))
        return f"{task}: {name}" if task else name

    @property
    def split(self) -> str | None:
        """The split that the runs are compared on: the test split if any run has read it."""
        known = {
            column
            for rows in self.histories.values()
            for row in rows
            for column, value in row.items()
            if value is not None
        }
        splits = ("test", "validation")
        return next((split for split in splits if f"{split}_accuracy" in known), None)

    @property
    def same_data(self) -> bool:
        """Whether all runs were trained on the same data; if not, they cannot be compared."""
        return len(set(self.checksums.values())) == 1

    @property
    def same_task(self) -> bool:
        """Whether all runs adapt to a group, or none does; if not, they cannot be compared."""
        return len(set(self.tasks.values())) == 1

    @functools.cached_property
    def tasks(self) -> dict[str, str | None]:
        """By label: whose own rows standardise them, which is another task; None: nobody's."""
        return {label: run.experiment.dataset.adapted_to for label, run in self.runs.items()}

    def to_json(self) -> dict[str, Any]:
        """All but the curves, as one object for JSON."""
        return {
            "runs": {label: str(run.path) for label, run in self.runs.items()},
            "same_data": self.same_data,
            **({"adapted_to": self.tasks} if any(self.tasks.values()) else {}),
            "checksums": self.checksums,
            "config": self.config,
            "results": self.results,
            "groups": self.groups,
            "left_out": self.left_out,
        }


def compare(
    folders: Sequence[str | Path],
    *,
    open_sweep: OpenSweep = SweepFolder.open,
) -> Comparison:
    """Compare runs.

    What lies among them in a folder, as an earlier comparison's picture, is left out, and so are
    sweeps and damaged runs.

    Parameters
    ----------
    folders
        Of runs, or addresses of trials.
    open_sweep
        Reads the sweeps of trials, for those who remember what they have read of them.

    Raises
    ------
    ConfigError
        If there are fewer than two runs.
    RunError
        If there is no such folder, or fewer than two runs can be read.
    """
    paths = [Path(os.path.abspath(folder)) for folder in folders]  # noqa: PTH100
    if len(set(paths)) < 2:
        raise ConfigError("a comparison needs two different runs at least")
    common = Path(os.path.commonpath([path.parent for path in paths]))
    all_relative = not any(Path(folder).is_absolute() for folder in folders)
    given_by_label = {str(p.relative_to(common)): f for p, f in zip(paths, folders, strict=True)}
    runs: dict[str, Run] = {}
    left_out: dict[str, str] = {}
    for label, given in given_by_label.items():
        try:
            runs[label] = _open_whole(given, open_sweep)
        except (ConfigError, RunError) as error:
            if not os.path.lexists(given):
                raise
            left_out[str(given)] = str(error)
    if len(runs) < 2:
        raise RunError("\n".join(left_out.values()))
    return Comparison(
        folder=Path(os.path.relpath(common)) if all_relative else common,
        runs=runs,
        config=_differences(runs),
        results=_results(runs),
        histories={label: run.history() for label, run in runs.items()},
        checksums={label: run.data_checksum for label, run in runs.items()},
        groups=_groups(runs),
        left_out=left_out,
    )


def _open_whole(folder: str | Path, open_sweep: OpenSweep) -> Run:
    """Open a run of which all that is compared can be read."""
    try:
        run = load_run(folder, open_sweep=open_sweep)
        _ = run.summary, run.environment, run.history()
    except OSError as error:
        raise RunError(f"{error.filename}: cannot be read: {error.strerror}") from None
    return run


def _groups(runs: Mapping[str, Run]) -> list[list[str]]:
    """Put together what differs in seed and name only; a seed counts once in a group."""
    groups: list[tuple[tuple[Any, ...], dict[int, str]]] = []
    for label, run in runs.items():
        settings = run.experiment.model_dump(mode="json", exclude={"seed", "name"})
        same, seed = (settings, run.data_checksum), run.experiment.seed
        of_group = next((seeds for key, seeds in groups if key == same and seed not in seeds), None)
        if of_group is None:
            groups.append((same, {seed: label}))
        else:
            of_group[seed] = label
    return [list(seeds.values()) for _, seeds in groups]


def _differences(runs: Mapping[str, Run]) -> dict[str, dict[str, Any]]:
    settings = {label: flat(run.experiment.model_dump(mode="json")) for label, run in runs.items()}
    keys = dict.fromkeys(key for of_run in settings.values() for key in of_run)
    sections = list(dict.fromkeys(key.split(".")[0] for key in keys))
    by_key = {
        key: {label: of_run[key] for label, of_run in settings.items() if key in of_run}
        for key in sorted(keys, key=lambda key: sections.index(key.split(".")[0]))
    }
    return {
        key: values
        for key, values in by_key.items()
        if len(values) < len(runs) or any(v != next(iter(values.values())) for v in values.values())
    }


def _results(runs: Mapping[str, Run]) -> dict[str, dict[str, Any]]:
    of_runs = {label: _results_of(run) for label, run in runs.items()}
    by_name = {
        name: {label: results.get(name) for label, results in of_runs.items()} for name in _RESULTS
    }
    return {
        name: values
        for name, values in by_name.items()
        if any(value is not None for value in values.values())
    }


def _results_of(run: Run) -> dict[str, Any]:
    """A run's results; those so far, where it has not come to an end."""
    summary = run.summary
    results = {
        **summary,
        **(summary.get("metrics") or {}),
        "status": status_of(run.path, summary["status"]),
    }
    if "metrics" not in summary and (rows := run.history()):
        results |= {
            **rows[-1],
            "epochs": len(rows),
            "seconds": sum(r["seconds"] or 0 for r in rows),
        }
    return results


def draw_comparison(comparison: Comparison, output: str | Path | None = None) -> Path | None:
    """Overlay accuracy and loss of all groups of runs; return the file written.

    Parameters
    ----------
    comparison
        The runs.
    output
        A PNG or SVG file in a folder there is; ``comparison.png`` in the folder that all runs lie
        in if None.

    Returns
    -------
    The file; None if no run has an evaluated epoch to draw.

    Raises
    ------
    ConfigError
        If the file is neither PNG nor SVG, or its folder does not exist.
    """
    from isolet_nn.plots import plot_line_panels

    path = comparison.folder / _PICTURE if output is None else Path(output)
    if output is not None:
        require_picture_path(path)
    if comparison.split is None:
        return None
    if output is None:
        comparison.folder.mkdir(exist_ok=True)  # of a sweep's trials there may be none
    curves = [f"{comparison.split}_{metric}" for metric in _MEASURES]
    bands = {
        comparison.group_name(labels): bands_over_seeds(
            [comparison.histories[label] for label in labels], curves
        )
        for labels in comparison.groups
    }
    panels = {metric: {label: of[metric] for label, of in bands.items()} for metric in curves}
    has_bands = any(len(labels) > 1 for labels in comparison.groups)
    plot_line_panels(panels, path, x_name="epoch", note=_BAND_NOTE if has_bands else "")
    return path


def require_picture_path(path: Path) -> None:
    """Refuse a file that no picture can be written to.

    Raises
    ------
    ConfigError
        If it is neither PNG nor SVG, its folder does not exist, or it is no file itself.
    """
    if path.suffix.lower() not in (".png", ".svg"):
        raise ConfigError(f"--output {path}: a picture's name ends in .png or .svg")
    if why := why_not_written(path):
        raise ConfigError(f"--output {path}: {why}")


def names_without_dates(labels: Sequence[str]) -> dict[str, str]:
    """Names for folders: without date and time, unless another would then be called the same."""
    short = {label: without_date(label) for label in labels}
    times = Counter(short.values())
    return {label: name if times[name] == 1 else label for label, name in short.items()}


def without_date(label: str) -> str:
    """A run's label without the date and time that its folder begins with."""
    return _DATE.sub(r"\1", label)


def bands_over_seeds(histories: Sequence[Sequence[Row]], metrics: Sequence[str]) -> dict[str, Band]:
    """Mean over some runs in each epoch, and the range from the lowest to the highest of them.

    Parameters
    ----------
    histories
        For each run the rows of its metrics.csv.
    metrics
        Columns of metrics.csv.

    Returns
    -------
    By metric. An epoch is left out if some run did not come to it, did not measure it, or
    measured what is not finite; runs without any epoch do not count. A single run has no band.
    """
    return {metric: _band(histories, metric) for metric in metrics}


def _band(histories: Sequence[Sequence[Row]], metric: str) -> Band:
    from isolet_nn.plots import Band

    measured = [
        {
            row["epoch"] or 0: value
            for row in rows
            if (value := row.get(metric)) is not None and math.isfinite(value)
        }
        for rows in histories
        if rows
    ]
    first = measured[0] if measured else {}
    epochs = [epoch for epoch in first if all(epoch in of_run for of_run in measured)]
    values = [[of_run[epoch] for of_run in measured] for epoch in epochs]
    means = [sum(of_epoch) / len(of_epoch) for of_epoch in values]
    if len(measured) < 2:
        return Band(epochs, means)
    return Band(epochs, means, [*map(min, values)], [*map(max, values)])
