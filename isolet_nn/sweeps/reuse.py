"""What was computed before is taken over instead of trained again.

A trial's bits follow from its config, its data, the version and the processor. Where an earlier
sweep or run has a result of the very same, its metrics, curve and weights are copied, and the
journal says where they are from. Of a trial whose curve or weights are asked for and not there,
nothing is taken: it is trained.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from isolet_nn.config.metrics import rank
from isolet_nn.errors import ConfigError, RunError
from isolet_nn.runs.identity import differences, identity_of
from isolet_nn.runs.model_file import copy_model
from isolet_nn.sweeps.cohort import TrialResult, model_path
from isolet_nn.sweeps.curves import CURVES, Curves, curve_text, evaluated_epochs, keep_curves
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.journal import PENDING_CODE, Journal
from isolet_nn.sweeps.records import JournalHeader
from isolet_nn.sweeps.sources import (
    Here,
    Source,
    checksums_of_settings,
    digest_of,
    open_source,
)
from isolet_nn.sweeps.workers import LocalWorkers, WorkersFactory
from isolet_nn.system.folders import JOURNAL, MODELS
from isolet_nn.training.progress import Row

_AT_ONCE = 1000
"""Trials that are written to the journal together."""
_LEVELS = {"none": 0, "training": 1, "full": 2}


@dataclass
class Reused:
    """What was taken over.

    Attributes
    ----------
    taken
        How many trials of each folder.
    aside
        Folders that were not used, and why.
    """

    taken: Counter[Path] = field(default_factory=Counter)
    aside: dict[Path, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Found:
    """An earlier result of a trial."""

    source: Source
    number: int
    result: TrialResult

    @property
    def has_model(self) -> bool:
        """Whether its weights are there."""
        return self.source.has_model(self.number)


def places_to_look(
    folders: Iterable[str | Path] | None, make_workers: WorkersFactory
) -> Sequence[Path] | None:
    """The folders that are to be looked in for earlier results; None if there are none.

    Raises
    ------
    ConfigError
        If it is not known what will compute, and so what earlier results are worth.
    RunError
        If a folder is not there.
    """
    if folders is None:
        return None
    if make_workers is not LocalWorkers:
        raise ConfigError(
            "--reuse does not go with --cluster: results are taken over from equal processors "
            "only, and those of a cluster are not known"
        )
    places = [*map(Path, folders)]
    for place in places:
        if not place.is_dir():
            raise RunError(f"{place}: no such folder")
    return places


def take_over(
    folder: SweepFolder,
    header: JournalHeader,
    places: Sequence[Path],
    should_stop: Callable[[], bool] = lambda: False,
) -> Reused:
    """Take over what earlier sweeps and runs have of a sweep's pending trials.

    Weights are copied before the curve, and this before the line in the journal: killed in
    between, a trial is pending, and what was copied is replaced or removed.

    Parameters
    ----------
    folder
        The sweep, which this process has locked.
    header
        What its results depend on.
    places
        Folders of sweeps and runs, or folders in which these lie.
    should_stop
        Asked now and then; when it says yes, the rest is left as it is.
    """
    reused = Reused()
    earlier = _Earlier(folder, header, places, reused)
    curves_path = folder.path / CURVES
    keep_curves(curves_path, folder.status != PENDING_CODE)
    curves = None if folder.sweep.save_curves == "none" else Curves(curves_path)
    with (
        nullcontext() if curves is None else closing(curves),
        closing(Journal(folder.path / JOURNAL, header, curves)) as journal,
    ):
        for found in earlier.rounds():
            results = earlier.copied(found, should_stop)
            while piece := [*islice(results, _AT_ONCE)]:
                journal.append(result for result, _ in piece)
                for result, source in piece:
                    folder.record(result)
                    reused.taken[source.path] += 1
    return reused


def reusable(folder: SweepFolder, header: JournalHeader, places: Sequence[Path]) -> Reused:
    """What would be taken over, recorded in a folder that is only looked at."""
    reused = Reused()
    for trial, found in _Earlier(folder, header, places, reused).find().items():
        folder.record(replace(found.result, trial=trial))
        reused.taken[found.source.path] += 1
    return reused


class _Earlier:
    """Earlier results of a sweep's trials."""

    def __init__(
        self, folder: SweepFolder, header: JournalHeader, places: Sequence[Path], reused: Reused
    ) -> None:
        self.folder = folder
        self.reused = reused
        self._checksums = checksums_of_settings(folder, header.data)
        here = Here(folder.trial_table, header.data)
        self._sources: list[Source] = []
        for path in _candidates(places):
            if folder.path != Path() and path.resolve() == folder.path.resolve():
                continue
            opened = open_source(path, here)
            if isinstance(opened, str):
                reused.aside[path] = opened
            elif opened is not None:
                self._sources.append(opened)

    def rounds(self) -> Iterator[dict[int, _Found]]:
        """Earlier results of the pending trials; the next are found when these are recorded.

        Of a nested cross-validation, the trials that score outer folds come last, as far as those
        before them decide what they train.
        """
        yield self.find()
        outer = self.folder.outer
        if outer is not None:
            due = [number for number in range(len(outer)) if outer.is_due(number)]
            yield self._find(outer.first + number for number in due)

    def find(self) -> dict[int, _Found]:
        """Earlier results of the trials that are pending, outer ones aside."""
        return self._find(self.folder.pending().tolist())

    def _find(self, pending: Iterable[int]) -> dict[int, _Found]:
        wanted = {self._digest(trial): trial for trial in pending} if self._sources else {}
        found: dict[int, _Found] = {}
        for source in self._sources:
            for digest, number in source.numbers.items():
                trial = wanted.get(digest)
                if trial is not None and self._is_better(source, number, found.get(trial)):
                    try:
                        found[trial] = _Found(source, number, source.result(number))
                    except RunError as error:
                        self.reused.aside[source.path] = str(error)
        best = self._best(found)
        if best is not None and not found[best].has_model:
            del found[best]  # it is trained, as its weights are to be kept
        return found

    def _digest(self, trial: int) -> bytes:
        per_setting, outer = self.folder.trial_table.per_setting, self.folder.outer
        setting = trial // per_setting
        if outer is not None and trial >= outer.first:
            setting = outer.choice(trial - outer.first)
            if setting < 0:
                return b""
        return digest_of(self.folder.make_experiment(trial), self._checksums[setting])

    def _is_better(self, source: Source, number: int, known: _Found | None) -> bool:
        """Whether a result has all that is to be kept, and more of it than another one."""
        sweep = self.folder.sweep
        if _LEVELS[source.curves] < _LEVELS[sweep.save_curves]:
            return False
        if sweep.save_models == "none":
            return known is None
        if sweep.save_models == "all":
            return known is None and source.has_model(number)
        return known is None or (not known.has_model and source.has_model(number))

    def _best(self, found: Mapping[int, _Found]) -> int | None:
        """The trial whose weights are to be kept because it is better than all others."""
        metric, known = self.folder.metric, self.folder.results.best(self.folder.metric)
        if self.folder.sweep.save_models != "best":
            return None
        values = {
            trial: value
            for trial, each in found.items()
            if (value := each.result.metrics.get(metric)) is not None
        }
        if known is not None:
            values[known[0]] = known[1]
        best = max(values, key=lambda trial: (rank(metric, values[trial]), -trial), default=None)
        return best if best in found else None

    def copied(
        self, found: dict[int, _Found], should_stop: Callable[[], bool]
    ) -> Iterator[tuple[TrialResult, Source]]:
        """Results as they are to be journalled, with their weights copied; and their sources."""
        best = self._best(found)
        of_source: dict[Path, list[int]] = {}
        for trial, each in found.items():
            of_source.setdefault(each.source.path, []).append(trial)
        for trials in of_source.values():
            source = found[trials[0]].source
            try:
                for trial, curve in self._with_curves(found, trials, source):
                    if should_stop():
                        return
                    if self.folder.sweep.save_models == "all" or (
                        trial == best and found[trial].has_model
                    ):
                        self._copy_model(found[trial], trial)
                    yield self._as_own(found[trial], trial, curve), source
            except RunError as error:  # what of it was not taken over yet is trained
                self.reused.aside[source.path] = str(error)

    def _with_curves(
        self, found: Mapping[int, _Found], trials: Sequence[int], source: Source
    ) -> Iterator[tuple[int, str]]:
        """Trials with what is kept of their curves, as it would stand in curves.csv."""
        if self.folder.sweep.save_curves == "none":
            yield from ((trial, "") for trial in trials)
            return
        by_number = {found[trial].number: trial for trial in trials}
        for number, rows in source.histories(by_number):
            trial = by_number[number]
            curve = self._curve(trial, rows, found[trial].result)
            if curve is not None:
                yield trial, curve

    def _curve(self, trial: int, rows: list[Row], result: TrialResult) -> str | None:
        """A trial's rows of curves.csv; None if an epoch is missing that they should have."""
        outer, kept = self.folder.outer, self.folder.sweep.save_curves
        if outer is not None and trial >= outer.first and kept == "full":
            kept = "training"  # as where they are trained
        settings = self.folder.make_experiment(trial).training
        is_evaluated = evaluated_epochs(settings, kept, settings.epochs)
        losses = [name for name in result.metrics if name.endswith("_loss")]
        needed = (row for epoch, row in enumerate(rows, 1) if is_evaluated(epoch))
        if len(rows) != result.epochs or any(row.get(n) is None for row in needed for n in losses):
            return None
        return curve_text(trial, rows, is_evaluated)

    def _copy_model(self, found: _Found, trial: int) -> None:
        """Copy the weights of a result; they must be those of its experiment."""
        experiment = self.folder.make_experiment(trial)
        model = found.source.model(found.number)
        if differences(identity_of(model.experiment), identity_of(experiment)):
            address = found.source.address(found.number)
            raise RunError(f"{address}: damaged: its weights are of another experiment")
        models = self.folder.path / MODELS
        models.mkdir(exist_ok=True)
        copy_model(model, model_path(models, trial), experiment)

    def _as_own(self, found: _Found, trial: int, curve: str) -> TrialResult:
        outer, setting = self.folder.outer, None
        if outer is not None and trial >= outer.first:
            setting = outer.choice(trial - outer.first)
        return replace(
            found.result,
            trial=trial,
            curve=curve,
            setting=setting,
            reused_from=found.source.address(found.number),
        )


def _candidates(places: Sequence[Path]) -> Iterator[Path]:
    """Folders that may have results, the newest name first: those given, and all within them."""
    seen = set()
    for place in places:
        try:
            within = sorted((path for path in place.iterdir() if path.is_dir()), reverse=True)
        except OSError:  # removed just now, or not ours to read
            continue
        for path in (place, *within):
            if path.resolve() not in seen:
                seen.add(path.resolve())
                yield path
