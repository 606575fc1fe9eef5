"""Earlier results as a new sweep looks at them: completed trials of sweeps, and completed runs.

What is left aside is said why. A result is known by a digest of all that its bits depend on in the
experiment and its data; that the version, the processor and the arithmetic's libraries are the same
is asked of the whole folder.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Collection, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.key_paths import canonical
from isolet_nn.config.metrics import METRICS
from isolet_nn.errors import IsoletNNError, RunError
from isolet_nn.runs.environment import processor
from isolet_nn.runs.folder import Run
from isolet_nn.runs.identity import differences, identity_of
from isolet_nn.runs.model_file import Model, read_model
from isolet_nn.runs.records import Environment, RunSummary, read_record
from isolet_nn.sweeps.cohort import TrialResult, model_path
from isolet_nn.sweeps.curves import CURVES, SavedCurves, read_curves
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.grid import Trials
from isolet_nn.sweeps.header import content_of, processors_of
from isolet_nn.sweeps.journal import read_journal
from isolet_nn.sweeps.records import SweepSummary
from isolet_nn.sweeps.search_config import without_extent
from isolet_nn.sweeps.trial import trial_address
from isolet_nn.system.folders import CONFIG, ENVIRONMENT, JOURNAL, MODELS, SUMMARY, SWEEP, is_locked
from isolet_nn.system.machine import linear_algebra
from isolet_nn.system.statuses import COMPLETED
from isolet_nn.training.progress import Row
from isolet_nn.version import __version__

_LIBRARIES = ("numpy", "scipy", "scikit-learn")
"""Packages on whose versions bits may depend, PyTorch aside."""


class Source(Protocol):
    """A folder with results that may be taken over.

    Attributes
    ----------
    path
        The folder.
    curves
        What it kept of each epoch.
    numbers
        The number of each completed trial, by its digest; that of a run is 0.
    """

    path: Path
    curves: SavedCurves

    @property
    def numbers(self) -> Mapping[bytes, int]: ...

    def address(self, number: int) -> str:
        """Where a result is, as a person would name it."""

    def result(self, number: int) -> TrialResult:
        """How a trial ended."""

    def has_model(self, number: int) -> bool:
        """Whether its weights are there."""

    def model(self, number: int) -> Model:
        """Its weights; raises :class:`RunError` if they are damaged."""

    def histories(self, numbers: Collection[int]) -> Iterator[tuple[int, list[Row]]]:
        """Rows of an epoch each, of some trials; raises :class:`RunError` if damaged."""


def digest_of(experiment: Experiment | Mapping[str, Any], checksum: str) -> bytes:
    """Equal for experiments and data that give equal bits on equal processors."""
    return hashlib.sha256(canonical([identity_of(experiment), checksum]).encode()).digest()


def checksums_of_settings(folder: SweepFolder, checksums: list[str]) -> list[str]:
    """The checksum of the data of each setting, of those in a journal's header.

    Raises
    ------
    AsideError
        If they are not there.
    """

    def data_of(experiment: Experiment) -> str:
        return canonical(experiment.dataset.model_dump(mode="json"))

    sampled = [*folder.samples.one_experiment_each("dataset")]
    known = dict(zip(map(data_of, sampled), checksums, strict=False))
    trials = folder.trial_table
    firsts, groups = trials.groups_by("dataset")
    try:
        found = [known[data_of(trials.make_experiment(n * trials.per_setting))] for n in firsts]
    except KeyError:
        raise AsideError("its journal has not the checksums of all its data") from None
    return [found[group] for group in groups.tolist()]


class AsideError(Exception):
    """A folder whose results are not to be used, and why."""


class SweepSource:
    """The completed trials of a sweep, or of a shard of one.

    Raises
    ------
    AsideError, RunError
        If they are not to be used.
    """

    def __init__(self, path: Path, here: Here) -> None:
        self.path = path
        header, _ = read_journal(path / JOURNAL)
        if header is None or not here.checksums & {*header.data}:
            self._folder = None
            self.curves: SavedCurves = "none"
            return
        here.require_same_version(header.version)
        if header.processor is None:
            raise AsideError("it was computed on a cluster, whose processors are not known")
        here.require_same_arithmetic(read_record(path / ENVIRONMENT, Environment))
        if read_record(path / SUMMARY, SweepSummary).overruled:
            raise AsideError("it went on although something had changed (--force)")
        folder = SweepFolder.open(path)
        begun, now = without_extent(header.sweep), without_extent(content_of(folder.sweep))
        if changes := differences(begun, now):
            raise AsideError(f"its {SWEEP} is no longer what it was begun with: {changes[0]}")
        if processors_of(folder.samples) != header.processor:
            raise AsideError(f"it was computed by another processor, {header.processor}")
        self._folder, self._checksums = folder, header.data
        self.curves = folder.sweep.save_curves

    @functools.cached_property
    def numbers(self) -> Mapping[bytes, int]:
        if (folder := self._folder) is None:
            return {}
        trials = folder.trial_table
        checksums = checksums_of_settings(folder, self._checksums)
        found = {
            digest_of(trials.make_experiment(number), checksums[number // trials.per_setting]): (
                number
            )
            for number in folder.results.trials_with(COMPLETED).tolist()
        }
        if (outer := folder.outer) is not None:
            for place in outer.ended.trials_with(COMPLETED).tolist():
                setting = int(outer.settings[place])
                experiment = outer.make_experiment(place, setting)
                found[digest_of(experiment, checksums[setting])] = outer.first + place
        return found

    @property
    def _opened(self) -> SweepFolder:
        assert self._folder is not None, "without one there are no numbers"
        return self._folder

    def address(self, number: int) -> str:
        return str(trial_address(self.path, number))

    def result(self, number: int) -> TrialResult:
        results, place = self._opened.results_with(number)
        values = zip(METRICS, results.metrics[place].tolist(), strict=True)
        metrics: dict[str, float] = {n: value for n, value in values if math.isfinite(value)}
        epochs, seconds = int(results.epochs[place]), float(results.seconds[place])
        return TrialResult(number, COMPLETED, metrics, epochs, seconds)

    def has_model(self, number: int) -> bool:
        return model_path(self.path / MODELS, number).exists()

    def model(self, number: int) -> Model:
        return read_model(model_path(self.path / MODELS, number))

    def histories(self, numbers: Collection[int]) -> Iterator[tuple[int, list[Row]]]:
        return read_curves(self.path / CURVES, numbers)


class RunSource:
    """A completed run.

    Raises
    ------
    AsideError, RunError
        If it is not to be used.
    """

    curves: SavedCurves = "full"

    def __init__(self, path: Path, here: Here) -> None:
        self.path = path
        self._summary = read_record(path / SUMMARY, RunSummary)
        environment = read_record(path / ENVIRONMENT, Environment)
        self.numbers: Mapping[bytes, int] = {}
        begun, checksum = environment.experiment, environment.dataset.checksum
        # One that an observer ended before its time is not what its config says.
        is_whole = self._summary.status == COMPLETED and self._summary.stopped is None
        if not is_whole or begun is None or checksum not in here.checksums:
            return
        here.require_same_version(environment.isolet_nn)
        here.require_same_arithmetic(environment)
        computes = here.processors.get((begun.get("backend"), begun.get("device")))
        if computes is None:
            return
        if environment.processor != computes:
            raise AsideError(f"it was computed by another processor, {environment.processor}")
        if self._summary.overruled:
            raise AsideError("it went on although something had changed (--force)")
        self.numbers = {digest_of(begun, checksum): 0}

    @functools.cached_property
    def _run(self) -> Run:
        return Run.open(self.path)

    def address(self, number: int) -> str:
        return str(self.path)

    def result(self, number: int) -> TrialResult:
        rows, final = self._run.history(), self._summary.epoch
        is_there = final is not None and 1 <= final <= len(rows) == self._summary.epochs
        if final is None or not is_there:
            raise RunError(f"{self.path}: damaged: its metrics are not those of its summary")
        row = rows[final - 1]
        metrics: dict[str, float] = {
            name: value
            for name in METRICS
            if (value := row.get(name)) is not None and math.isfinite(value)
        }
        return TrialResult(number, COMPLETED, metrics, len(rows), self._summary.seconds or 0.0)

    def has_model(self, number: int) -> bool:
        return self._run.model_path.exists()

    def model(self, number: int) -> Model:
        return self._run.model()

    def histories(self, numbers: Collection[int]) -> Iterator[tuple[int, list[Row]]]:
        yield 0, self._run.history()


class Here:
    """What computes a new sweep, and on what data: what earlier results must have had too.

    Parameters
    ----------
    trials
        Those of the new sweep.
    checksums
        Of its data.
    """

    def __init__(self, trials: Trials, checksums: list[str]) -> None:
        kinds = [*trials.one_experiment_each("backend", "device")]
        self.checksums = {*checksums}
        self.processors: dict[tuple[Any, Any], str] = {
            (e.backend, e.device): processor(e) for e in kinds
        }
        """By backend and device."""
        names = (*_LIBRARIES, *(["torch"] if any(e.backend == "torch" for e in kinds) else []))
        self._packages = {name: _version(name) for name in names}
        self._libraries = _libraries(linear_algebra())

    def require_same_version(self, version: str) -> None:
        """Leave aside what another isolet-nn computed."""
        if version != __version__:
            raise AsideError(f"it was computed by isolet-nn {version}")

    def require_same_arithmetic(self, environment: Environment) -> None:
        """Leave aside what was computed by other versions of NumPy and its like."""
        for name, version in self._packages.items():
            found = environment.packages.get(name)
            if found != version:
                raise AsideError(f"it was computed with {name} {found}, and here is {version}")
        loaded = _libraries([library.model_dump() for library in environment.linear_algebra])
        # A process may have loaded more of them than arithmetic needed.
        if not (loaded <= self._libraries or self._libraries <= loaded):
            raise AsideError("it was computed with other libraries of linear algebra")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _libraries(described: list[Any]) -> set[tuple[Any, ...]]:
    """Name, version and kernels of each library of linear algebra; threads aside."""
    return {
        (library["internal_api"], library["version"], library["architecture"])
        for library in described
        if library["internal_api"] != "openmp"
    }


def open_source(path: Path, here: Here) -> Source | str | None:
    """A folder with earlier results, or why it is left aside; None if it is no such folder."""
    try:
        is_sweep = (path / SWEEP).exists()
        if not is_sweep and not (path / CONFIG).exists():
            return None
        if is_locked(path):
            return "a process is working on it"
        source = SweepSource(path, here) if is_sweep else RunSource(path, here)
        return source if source.numbers else None
    except AsideError as error:
        return str(error)
    except (IsoletNNError, OSError) as error:
        return str(error)
