"""A sweep's folder: what is swept, and the results so far.

The journal in it is what counts; the two tables (``trials.csv``, a row a trial, and
``settings.csv``, a row a setting, the best first), the summary and the plots are made of it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.metrics import ALWAYS_MEASURED, METRICS, SCORES, measure_name
from isolet_nn.config.problems import check
from isolet_nn.config.yaml_files import dump_yaml
from isolet_nn.errors import ConfigError, RunError, problems_at
from isolet_nn.runs.records import read_record, require_format
from isolet_nn.sweeps.asked import ASKED, Asked, Batch, read_asked
from isolet_nn.sweeps.cohort import TrialResult
from isolet_nn.sweeps.config import EVALUATE_TEST, Sweep
from isolet_nn.sweeps.grid import SCORES_KEY, Trials, make_trials
from isolet_nn.sweeps.journal import STATUSES, Results, read_journal
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.nested import OuterTrials, require_whole
from isolet_nn.sweeps.outer_scores import NestedScore, OuterFold, nested_score, outer_folds
from isolet_nn.sweeps.parameters import Parameters
from isolet_nn.sweeps.records import JournalHeader, SweepSummary
from isolet_nn.sweeps.scores import SettingScore, best_settings
from isolet_nn.sweeps.search_config import without_extent
from isolet_nn.sweeps.shard import SHARD, Shard, read_shard
from isolet_nn.system.files import write_text
from isolet_nn.system.folders import (
    JOURNAL,
    SUMMARY,
    SWEEP,
    new_folder,
    read_json,
)
from isolet_nn.system.statuses import COMPLETED, FAILED, PENDING, PRUNED
from isolet_nn.training.measured import scores_asked_for

NUMBERING = ("grid", "list", "random", "search", "seeds", "cross_validation")
"""Keys of a sweep file on which the numbers of trials depend."""
_WATCHING = ("training.early_stopping", "training.schedule.name", "training.schedule.metric")
"""Keys that decide which scores are measured to watch the validation split by."""
_MAY_BE_MISSING = np.array([measure_name(metric) in SCORES for metric in METRICS])


class SweepFolder:
    """A sweep, its folder, and the results so far.

    Attributes
    ----------
    path
        The folder.
    sweep
        The complete sweep.
    trial_table
        Its trials, as a table with a row a setting.
    results
        What is in the journal, but for outer trials.
    outer
        The trials that score the outer folds of a nested cross-validation, and their results.
    asked
        What was asked for so far, if it is a search: settings come in as it goes on.
    shard
        Which trials are to be done here, where the sweep is divided among several folders.
    overruled
        Differences to what was begun, that a resume was told to ignore.
    """

    def __init__(
        self, path: Path, sweep: Sweep, trials: Trials, asked: Asked | None = None
    ) -> None:
        self.path = path
        self.sweep = sweep
        self.asked = asked
        self.trial_table = trials if asked is None else asked.trials
        self.samples = trials
        """Trials that stand for all: the table itself, or of a search what its space was checked
        by."""
        self.results = Results(len(self.trial_table))
        self.outer: OuterTrials | None = None
        if sweep.cross_validation is not None and sweep.cross_validation.outer_folds is not None:
            self.outer = OuterTrials(trials, self.results, self.metric)
        self.shard: Shard | None = None
        self.overruled: list[str] = []

    @classmethod
    def planned(cls, sweep: Sweep) -> Self:
        """A sweep that has no folder yet."""
        trials = make_trials(sweep)
        return cls(Path(), sweep, trials, None if sweep.search is None else Asked.nothing(trials))

    @classmethod
    def create(cls, runs_dir: Path, sweep: Sweep, trials: Trials) -> Self:
        """Make a new folder with sweep.yaml in it."""
        with problems_at(f"{sweep.source}: "):
            text = sweep_config(sweep)
        asked = None if sweep.search is None else Asked.nothing(trials)
        folder = cls(new_folder(runs_dir, sweep.name), sweep, trials, asked)
        write_text(folder.path / SWEEP, text)
        return folder

    @classmethod
    def open(cls, path: str | Path, data_dir: str | None = None) -> Self:
        """Open a folder and read its journal, if there is one.

        `data_dir` replaces the experiment's ``dataset.dir``.

        Raises
        ------
        RunError
            If it is not a sweep folder, or its journal is damaged.
        """
        folder = Path(path)
        if not (folder / SWEEP).exists():
            what = (
                f"no {SWEEP} in it, so not a sweep folder" if folder.exists() else "no such folder"
            )
            raise RunError(f"{folder}: {what}")
        if (folder / SUMMARY).exists():  # before a config that may have other keys
            require_format(read_json(folder / SUMMARY), folder / SUMMARY)
        sweep = load_sweep(folder / SWEEP, None if data_dir is None else {"dataset.dir": data_dir})
        opened = cls(folder, sweep, trials := make_trials(sweep), _asked_of(folder, sweep, trials))
        opened.shard = _shard_of(opened)
        header, results = read_journal(folder / JOURNAL)
        if header is not None:
            opened.require_numbering(header)
        for result in results:
            if result.trial >= opened.n_trials:
                there = f"there are trials 0 to {opened.n_trials - 1}"
                if opened.asked is not None:
                    there = f"{ASKED}, which says of which setting, ends before it or is missing"
                raise RunError(f"{folder / JOURNAL}: damaged: found trial {result.trial}; {there}")
            try:
                opened.record(result)
            except ValueError as error:
                raise RunError(f"{folder / JOURNAL}: damaged: {error}") from None
        if header is not None:
            opened._require_all_metrics(header)
        if opened.outer is not None:
            opened.outer.drop_outdated()
        return opened

    @property
    def n_trials(self) -> int:
        """Number of all trials."""
        return len(self.trial_table) + (0 if self.outer is None else len(self.outer))

    def record(self, result: TrialResult) -> None:
        """Take over the result of a trial.

        Raises
        ------
        ValueError
            If it names a setting that its trial cannot have.
        """
        if self.outer is not None:
            self.outer.record(result)
        elif result.setting is not None:
            raise ValueError(f"found trial {result.trial} with the setting {result.setting}")
        else:
            self.results.record(result)
            if self.asked is not None and result.status == COMPLETED:
                self._take_up_again(result.trial)

    def _take_up_again(self, trial: int) -> None:
        """Take what its failure had ended for pending, after a retry of a training succeeded."""
        own = self.trial_table.per_setting
        for later in range(trial + 1, (trial // own + 1) * own):
            if self.results.status[later] == STATUSES.index(PRUNED):
                self.results.take_back(later)

    def take_in(self, parameters: Sequence[Parameters], write: Callable[[Batch], None]) -> Batch:
        """Take in a batch that a search has asked for, once `write` has made it durable."""
        assert self.asked is not None
        assert self.sweep.search is not None
        batch = self.asked.add(self.sweep.search, parameters)
        write(batch)
        self.results.extend(len(self.asked.trials) - len(self.trial_table))
        self.trial_table = self.asked.trials
        return batch

    def statuses(self, trials: Iterable[int]) -> list[str]:
        """How some trials stand, outer ones aside."""
        return [STATUSES[self.results.status[trial]] for trial in trials]

    def pending(self) -> NDArray[np.int64]:
        """Numbers of the trials that are to be done here, outer ones aside."""
        pending = self.results.trials_with(PENDING)
        return pending if self.shard is None else np.intersect1d(pending, self.shard.trials)

    @property
    def n_own(self) -> int:
        """Number of the trials that are done here: all, unless it is a shard."""
        return self.n_trials if self.shard is None else len(self.shard.trials)

    @property
    def states(self) -> tuple[str, ...]:
        """How trials can stand: those of a search alone are pruned."""
        return (COMPLETED, *([PRUNED] if self.asked is not None else []), FAILED, PENDING)

    def count(self, status: str) -> int:
        """How many of the trials that are done here are pending, completed, failed or pruned."""
        own = self.status if self.shard is None else self.status[self.shard.trials]
        return int(np.sum(own == STATUSES.index(status)))

    def results_with(self, trial: int) -> tuple[Results, int]:
        """Where the result of a trial is."""
        if self.outer is not None and trial >= self.outer.first:
            return self.outer.ended, trial - self.outer.first
        return self.results, trial

    def make_experiment(self, trial: int) -> Experiment:
        """A trial's experiment; raises as `trial_config`."""
        if self.outer is not None and trial >= self.outer.first:
            return self.outer.decided_experiment(trial - self.outer.first)
        return self.trial_table.make_experiment(trial)

    def forget_failed(self) -> None:
        """Take trials that failed for pending."""
        if self.outer is not None:
            self.outer.forget_failed()
        else:
            self.results.forget(FAILED)

    @property
    def errors(self) -> dict[int, str]:
        """Error of each failed trial."""
        if self.outer is None:
            return self.results.errors
        of_outer = self.outer.ended.errors.items()
        return self.results.errors | {self.outer.first + n: error for n, error in of_outer}

    @property
    def n_reused(self) -> int:
        """How many trials were taken over from elsewhere."""
        outer = 0 if self.outer is None else len(self.outer.ended.reused_from)
        return len(self.results.reused_from) + outer

    @property
    def nested(self) -> tuple[list[OuterFold], NestedScore] | None:
        """The outer folds of a nested cross-validation and what they say; None before the first."""
        found = None if self.outer is None else nested_score(self.outer)
        return None if self.outer is None or found is None else (outer_folds(self.outer), found)

    @property
    def status(self) -> NDArray[np.int8]:
        """The state of every trial (n_trials,), outer ones last, as in `Results.status`."""
        ended = [] if self.outer is None else [self.outer.ended.status]
        return np.concatenate([self.results.status, *ended])

    def require_numbering(self, header: JournalHeader) -> None:
        """Refuse a journal whose trials are not numbered as these are.

        Raises
        ------
        RunError
            If what is varied, the seeds, or the folds have changed since.
        """
        begun = without_extent(header.sweep)
        current = without_extent(self.sweep.model_dump(mode="json"))
        changed = [key for key in NUMBERING if begun.get(key) != current[key]]
        if changed:
            raise RunError(
                f"{self.path}: {', '.join(changed)} in {SWEEP} changed since the sweep was begun, "
                f"so the results in {JOURNAL} would be taken for those of other trials; undo the "
                "change, or begin a new sweep"
            )

    def _require_all_metrics(self, header: JournalHeader) -> None:
        """Refuse completed trials without a metric that they evaluate, or with another.

        A score may be missing, since it may be undefined.

        A resume that was told to go on after a change may have made trials evaluate others than
        at first, so either will do.
        """
        completed = self.results.trials_with(COMPLETED)
        if not len(completed):
            return
        found = np.isfinite(self.results.metrics[completed])
        begun = header.sweep.get("experiment")
        either = [self.trial_table.experiment, *([begun] if isinstance(begun, dict) else [])]
        settings = completed // self.trial_table.per_setting
        if self.outer is not None:
            require_whole(self.outer, str(self.path / JOURNAL))
        evaluated = [_evaluated(replace(self.trial_table, experiment=e))[settings] for e in either]
        odd_ones = [(found != expected) & (found | ~_MAY_BE_MISSING) for expected in evaluated]
        fits = ~np.all([odd.any(axis=1) for odd in odd_ones], axis=0)
        if not fits.all():
            first = int(np.argmin(fits))
            odd = METRICS[int(np.argmax(odd_ones[0][first]))]
            what = "with" if odd in np.array(METRICS)[found[first]] else "without"
            raise RunError(
                f"{self.path / JOURNAL}: damaged: found trial {completed[first]} completed {what} "
                f"{odd}"
            )

    @functools.cached_property
    def metric(self) -> str:
        """What settings are ranked by: of the validation split where there is one."""
        experiments = self.samples.one_experiment_each("dataset")
        has_validation = any(e.dataset.validation != "none" for e in experiments)
        return f"{'validation' if has_validation else 'test'}_{self.sweep.rank_by}"

    def best(self, most: int = 10) -> list[SettingScore]:
        """The settings with the best mean over seeds and folds, best first."""
        return best_settings(self.trial_table, self.results, self.metric, most)

    def __repr__(self) -> str:
        return f"SweepFolder({str(self.path)!r})"

    @property
    def earlier_summary(self) -> dict[str, Any]:
        """The content of summary.json as far as there is one: nothing before the first."""
        return self.summary if (self.path / SUMMARY).exists() else {}

    @property
    def summary(self) -> dict[str, Any]:
        """The content of summary.json; raises :class:`RunError` if it is damaged."""
        return read_record(self.path / SUMMARY, SweepSummary).model_dump(exclude_unset=True)


OpenSweep = Callable[[Path], SweepFolder]
"""Reads a sweep: `SweepFolder.open`, or what remembers what it has read of it."""


def _asked_of(folder: Path, sweep: Sweep, samples: Trials) -> Asked | None:
    """What a search has asked for so far."""
    return None if sweep.search is None else read_asked(folder / ASKED, sweep.search, samples)


def _shard_of(folder: SweepFolder) -> Shard | None:
    """The shard that a folder is of, its trials being some of the sweep's."""
    shard = read_shard(folder.path)
    if shard is not None and (shard.trials >= folder.n_trials).any():
        raise RunError(
            f"{folder.path / SHARD}: damaged: found trial {shard.trials[-1]}; there are trials 0 "
            f"to {folder.n_trials - 1}"
        )
    return shard


def _evaluated(trials: Trials) -> NDArray[np.bool_]:
    """Which of `METRICS` trials of each setting measure (n_settings, n_metrics)."""
    keys = ("dataset.name", "dataset.validation", EVALUATE_TEST, SCORES_KEY, *_WATCHING)
    firsts, groups = trials.groups_by(*keys)
    evaluated = np.zeros((len(firsts), len(METRICS)), bool)
    for group, number in enumerate(firsts):
        experiment, _ = check(Experiment, trials.content(number * trials.per_setting))
        if experiment is not None:  # what was begun may be a config of another version
            splits = {
                "train": True,
                "validation": experiment.dataset.validation != "none",
                "test": experiment.training.evaluate_test,
            }
            measures = {*ALWAYS_MEASURED, *scores_asked_for(experiment.training)}
            evaluated[group] = [
                splits[metric.partition("_")[0]] and measure_name(metric) in measures
                for metric in METRICS
            ]
    return evaluated[groups]


def sweep_config(sweep: Sweep) -> str:
    """A sweep's complete config as YAML, with seeds as short as they can be given."""
    n_seeds = len(sweep.seeds)
    is_count = sweep.seeds == [*range(n_seeds)]
    return dump_yaml(sweep, {"seeds": n_seeds} if is_count else None)


def trial_config(what: SweepFolder | Sweep, trial: int) -> str:
    """A trial's complete config as YAML: `train` gives the same bits with it.

    Raises
    ------
    ConfigError
        If there is no trial of that number, or its setting is still to be chosen.
    """
    if isinstance(what, Sweep) and what.search is not None:
        raise ConfigError(
            f"trial {trial}: a search's settings are known once they were asked for: give its "
            "folder, with --resume"
        )
    folder = what if isinstance(what, SweepFolder) else SweepFolder.planned(what)
    if not 0 <= trial < folder.n_trials:
        n = folder.n_trials
        there = f"there are trials 0 to {n - 1}" if n else "none was asked for yet"
        raise ConfigError(f"trial {trial}: {there}")
    return dump_yaml(folder.make_experiment(trial))
