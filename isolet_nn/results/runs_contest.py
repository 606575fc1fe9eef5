"""Groups of runs against each other, on the seeds, folds or data sets they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isolet_nn.config.holdouts import Fold
from isolet_nn.config.key_paths import equal_text, flat, is_within
from isolet_nn.config.metrics import is_metric
from isolet_nn.errors import ConfigError, printable
from isolet_nn.results.comparison import without_date
from isolet_nn.results.contests import Contender, Contest, hold
from isolet_nn.results.designs import (
    Design,
    block_name,
    design_of,
    part_of,
    require_metric,
    require_same_division,
    setting_name,
    source_name,
)
from isolet_nn.runs.folder import Run
from isolet_nn.system.statuses import COMPLETED

if TYPE_CHECKING:
    from isolet_nn.results.comparison import Comparison

_LONGEST_NAME = 60


def contest_of_runs(
    comparison: Comparison, metric: str | None = None, baseline: str | Path | None = None
) -> Contest | None:
    """Compare groups of runs that differ in nothing but the seed, or in the data set too.

    Parameters
    ----------
    metric
        A metric of the final model; None takes the accuracy on the split that runs are compared on.
    baseline
        The folder of a run of the group that the others are compared with.

    Returns
    -------
    None if nothing is repeated: there is one group, or one run of each.

    Raises
    ------
    ConfigError
        If no run has the metric, the baseline is none of the runs, or groups divide the rows
        differently.
    """
    metric = f"{comparison.split}_accuracy" if metric is None else metric
    known = [name for name in comparison.results if is_metric(name)]
    if not known:
        return None
    require_metric(metric, known, "no run has")
    scored = _scored(comparison, metric)
    over_data = len({run.data for run in scored}) > 1
    if over_data:
        _require_one_division_each(scored)
    groups: dict[str, list[_ScoredRun]] = {}
    for run in scored:
        groups.setdefault(run.group(over_data), []).append(run)
    names = _group_names(comparison, list(groups.values()), over_data)
    contenders = [
        _contender(comparison, name, members, over_data, metric)
        for name, members in zip(names, groups.values(), strict=True)
    ]
    if len(contenders) < 2 or max(len(contender.scores) for contender in contenders) < 2:
        return None
    base = None if baseline is None else _group_of(Path(baseline), comparison, contenders)
    design = (
        Design("data sets") if over_data else _design_of_runs([run.run for run in scored], metric)
    )
    return hold(contenders, metric, design, base)


@dataclass(frozen=True)
class _ScoredRun:
    """A completed run with its score.

    Attributes
    ----------
    data
        Which data set: equal for the same content.
    """

    label: str
    run: Run
    score: float
    data: str

    def group(self, over_data: bool) -> str:
        """Equal for runs that differ in nothing but seed, name and fold, or the data set too."""
        content = self.run.experiment.model_dump(mode="json", exclude={"seed", "name"})
        if over_data:
            del content["dataset"]
        else:
            for part in (content["dataset"].get("validation"), content["dataset"].get("test")):
                if isinstance(part, dict):
                    part.pop("fold", None)
                    part.pop("repeat", None)
        return equal_text(content)

    def block(self, metric: str) -> str:
        """What it was scored on: its seed, and its fold if there is one."""
        experiment = self.run.experiment
        part = part_of(experiment.dataset, metric)
        if not isinstance(part, Fold):
            return f"seed {experiment.seed}"
        place = {"repeat": part.repeat, "fold": part.fold}
        is_redrawn = experiment.dataset.split_seed is None
        return block_name({"seed": experiment.seed, **place} if is_redrawn else place)


def _scored(comparison: Comparison, metric: str) -> list[_ScoredRun]:
    """The completed runs that have a metric."""
    scored = []
    for label, run in comparison.runs.items():
        value = comparison.results[metric].get(label)
        if comparison.results["status"][label] == COMPLETED and value is not None:
            data = comparison.checksums[label] or source_name(run.experiment.dataset)
            scored.append(_ScoredRun(label, run, value, data))
    return scored


def _require_one_division_each(scored: Sequence[_ScoredRun]) -> None:
    """Refuse runs that read or divide a data set differently: whose score would it be."""
    first: dict[str, _ScoredRun] = {}
    for run in scored:
        same = first.setdefault(run.data, run)
        contents = [flat(r.run.experiment.dataset.model_dump(mode="json")) for r in (same, run)]
        differing = [key for key in contents[0] if contents[0][key] != contents[1].get(key)]
        if differing:
            raise ConfigError(
                f"{same.label} and {run.label}: cannot be compared over data sets: "
                f"dataset.{differing[0]} differs on the same data; compare the runs of one data "
                "set, or those that divide it alike"
            )


def _group_names(
    comparison: Comparison, groups: Sequence[Sequence[_ScoredRun]], over_data: bool
) -> list[str]:
    """What a person calls groups: names, or what they change, whichever tells them apart."""
    firsts = [members[0].label for members in groups]
    by_name = [printable(without_date(label)) for label in firsts]
    by_change = [setting_name(_own_settings(comparison, label, over_data)) for label in firsts]
    for names in (by_name, by_change):
        if len(set(names)) == len(names) and max(map(len, names)) <= _LONGEST_NAME:
            return names
    return [printable(comparison.names[label]) for label in firsts]


def _contender(
    comparison: Comparison,
    name: str,
    members: Sequence[_ScoredRun],
    over_data: bool,
    metric: str,
) -> Contender:
    by_block: dict[str, list[float]] = {}
    for run in members:
        dataset = run.run.experiment.dataset
        block = source_name(dataset) if over_data else run.block(metric)
        by_block.setdefault(block, []).append(run.score)
    labels = [run.label for run in members]
    return Contender(
        name,
        _own_settings(comparison, labels[0], over_data),
        None,
        labels,
        {block: sum(scores) / len(scores) for block, scores in by_block.items()},
        members[0].run.experiment.dataset.adapted_to,
    )


def _own_settings(comparison: Comparison, label: str, over_data: bool) -> dict[str, Any]:
    """The settings of a run that are not the same in all runs, seed and fold aside."""
    return {
        key: values[label]
        for key, values in comparison.config.items()
        if label in values
        and key not in ("seed", "name")
        and not key.endswith((".fold", ".repeat"))
        and not (over_data and is_within(key, "dataset"))
    }


def _design_of_runs(runs: Sequence[Run], metric: str) -> Design:
    datasets = [(run.experiment.dataset, str(run.path)) for run in runs]
    require_same_division(datasets, metric)
    return design_of(datasets[0][0], metric, "")


def _group_of(baseline: Path, comparison: Comparison, contenders: Sequence[Contender]) -> int:
    """The group that a run is of, by its folder."""
    for place, contender in enumerate(contenders):
        if any(_is_folder(comparison.runs[label], baseline) for label in contender.runs):
            return place
    raise ConfigError(f"--baseline {baseline}: none of the completed runs that are compared")


def _is_folder(run: Run, folder: Path) -> bool:
    return run.path == folder or (folder.exists() and run.path.resolve() == folder.resolve())
