"""The journal of a sweep: every trial's end, durable, and all of them in columns.

``trials.jsonl`` begins with a line that says what is swept; then comes a line for every trial that
ended, in the order in which they ended; the last line of a trial counts. A torn last line is what
a crash leaves, and is cut off. Results in memory are columns, so that a million trials take well
below a gigabyte.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Annotated, Any, Required

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from isolet_nn.config.key_paths import canonical
from isolet_nn.config.metrics import METRICS, measure_of
from isolet_nn.errors import RunError
from isolet_nn.runs.records import FORMAT, STRICT, Metrics, Seconds, check_record, what_is_wrong
from isolet_nn.sweeps.cohort import TrialResult
from isolet_nn.sweeps.curves import Curves
from isolet_nn.sweeps.records import JournalHeader
from isolet_nn.system.files import cut_torn_line, errors_name, open_file, parse_json
from isolet_nn.system.statuses import COMPLETED, FAILED, PENDING, PRUNED, TrialEnd

COLUMNS: dict[str, int] = {metric: column for column, metric in enumerate(METRICS)}
"""Of `Results.metrics`."""
STATUSES = (PENDING, COMPLETED, FAILED, PRUNED)
PENDING_CODE, COMPLETED_CODE = 0, 1
"""Numbers of states in `Results.status`."""
_SYNC_SECONDS = 0.2
"""Lines are handed to the system at once, and forced to the disk at least this often."""


_encode = json.JSONEncoder(allow_nan=False).encode


class Results:
    """The state of every trial, in columns.

    Attributes
    ----------
    status : (n,) int8
        0 pending, 1 completed, 2 failed, 3 pruned.
    metrics : (n, n_metrics)
        In the order of `config.metrics.METRICS`; NaN where there is none.
    epochs : (n,) int32
    seconds : (n,)
    errors
        Error of each failed trial.
    reused_from
        Where each trial was taken over from that was not trained here.
    reported
        What a search saw of a trial before its end: its metric by epoch.
    """

    def __init__(self, n_trials: int) -> None:
        self.status = np.zeros(n_trials, np.int8)
        self.metrics = np.full((n_trials, len(METRICS)), np.nan)
        self.epochs = np.zeros(n_trials, np.int32)
        self.seconds = np.zeros(n_trials)
        self.errors: dict[int, str] = {}
        self.reused_from: dict[int, str] = {}
        self.reported: dict[int, dict[int, float]] = {}

    def extend(self, n_trials: int) -> None:
        """Make room for more trials, which are pending."""
        more = Results(n_trials)
        self.status = np.concatenate([self.status, more.status])
        self.metrics = np.concatenate([self.metrics, more.metrics])
        self.epochs = np.concatenate([self.epochs, more.epochs])
        self.seconds = np.concatenate([self.seconds, more.seconds])

    def record(self, result: TrialResult) -> None:
        """Take over one trial's result."""
        trial = result.trial
        self.status[trial] = STATUSES.index(result.status)
        self.metrics[trial] = [
            result.metrics.get(name, np.nan) if result.status == COMPLETED else np.nan
            for name in METRICS
        ]
        self.epochs[trial] = result.epochs
        self.seconds[trial] = result.seconds
        self._forget_texts(trial)
        if result.error is not None:
            self.errors[trial] = result.error
        if result.reused_from is not None:
            self.reused_from[trial] = result.reused_from
        if result.reported:
            self.reported[trial] = result.reported

    def forget(self, status: str) -> None:
        """Take trials in a state for pending."""
        for trial in self.trials_with(status).tolist():
            self.take_back(trial)

    def take_back(self, trial: int) -> None:
        """Take a trial for pending."""
        self.status[trial] = PENDING_CODE
        self.metrics[trial] = np.nan
        self._forget_texts(trial)

    def _forget_texts(self, trial: int) -> None:
        self.errors.pop(trial, None)
        self.reused_from.pop(trial, None)
        self.reported.pop(trial, None)

    def trials_with(self, status: str) -> NDArray[np.int64]:
        """Numbers of the trials in a state: pending, completed, failed or pruned."""
        return np.flatnonzero(self.status == STATUSES.index(status))

    def best(self, metric: str) -> tuple[int, float] | None:
        """The completed trial with the best metric (of equals the first), and its value."""
        values = np.where(self.status == COMPLETED_CODE, self.metric(metric), np.nan)
        if not np.isfinite(values).any():
            return None
        find_best = np.nanargmax if measure_of(metric).greater_is_better else np.nanargmin
        trial = int(find_best(values))
        return trial, float(values[trial])

    def metric(self, name: str) -> NDArray[np.float64]:
        """One metric of all trials (n,); NaN where there is none."""
        return self.metrics[:, COLUMNS[name]]

    def has_metric(self, name: str) -> bool:
        """Whether any trial has it."""
        return bool(np.isfinite(self.metric(name)).any())


def exact_text(value: Any) -> str:
    """A setting's value in a table: text as it is, all else as JSON."""
    return value if isinstance(value, str) else canonical(value)


class Journal:
    """The file ``trials.jsonl``, open for appending.

    Parameters
    ----------
    path
        The file; made with `header` if there is none.
    header
        What is swept, for the first line.
    curves
        Where the curves of the trials go, if they are kept. They are written first, and forced to
        the disk first: a trial in the journal has its curve.
    """

    def __init__(self, path: Path, header: JournalHeader, curves: Curves | None = None) -> None:
        self._curves = curves
        cut_torn_line(path)
        new = not path.exists() or path.stat().st_size == 0
        self._path = path
        self._file: IO[str] = path.open("a", encoding="utf-8")
        self._synced = time.monotonic()
        if new:
            try:
                content = header.model_dump(mode="json")
                self._file.write(json.dumps(content, allow_nan=False) + "\n")
                self._sync()
            except OSError:
                with contextlib.suppress(OSError):
                    self._file.close()
                raise

    def append(self, results: Iterable[TrialResult]) -> None:
        """Write the results of trials that ended."""
        results = list(results)
        if self._curves is not None:
            self._curves.append(result.curve for result in results)
        with errors_name(self._path):
            self._file.write("".join(_line(result) for result in results))
            self._file.flush()
        if time.monotonic() - self._synced >= _SYNC_SECONDS:
            self._sync()

    def sync_when_due(self) -> None:
        """Force to the disk what has waited long enough; to be called while nothing comes."""
        if time.monotonic() - self._synced >= _SYNC_SECONDS:
            self._sync()

    def _sync(self) -> None:
        if self._curves is not None:
            self._curves.sync()
        with errors_name(self._path):
            self._file.flush()
            os.fsync(self._file.fileno())
        self._synced = time.monotonic()

    def close(self) -> None:
        """Force everything to the disk and close."""
        try:
            self._sync()
        finally:
            with errors_name(self._path):
                self._file.close()


@with_config(STRICT)
class _Line(TypedDict, total=False):
    """A line of the journal as it should be."""

    trial: Required[Annotated[int, Field(ge=0)]]
    status: Required[TrialEnd]
    metrics: Metrics
    epochs: Required[Annotated[int, Field(ge=0, lt=2**31)]]
    seconds: Required[Seconds]
    error: str
    setting: Annotated[int, Field(ge=0)]
    reused_from: str
    reported: dict[Annotated[str, Field(pattern=r"^[1-9][0-9]{0,9}$")], float]


_LINE = TypeAdapter(_Line)


def read_journal(path: Path) -> tuple[JournalHeader | None, Iterator[TrialResult]]:
    """The header of a journal, and the results in it, one after another.

    The header is None where there is no journal, or nothing but a torn first line.

    Raises
    ------
    RunError
        If a line other than the last is damaged, or the journal is of another format.
    """
    if not os.path.lexists(path):
        return None, iter(())
    lines = _lines(path)
    _, line = next(lines, (1, None))
    if line is None:
        return None, iter(())
    return _header(path, line), (parse_result(line, f"{path}:{number}") for number, line in lines)


def _header(path: Path, line: bytes) -> JournalHeader:
    try:
        header = check_record(parse_json(line), JournalHeader, f"{path}:1")
    except ValueError as error:
        raise RunError(f"{path}:1: damaged: {error}") from None
    if header.identity != _identity_of(header.sweep, header.data, header.version):
        raise RunError(f"{path}:1: damaged: identity does not fit what stands beside it")
    return header


def parse_result(line: bytes, where: str) -> TrialResult:
    """The trial's result in a line of the journal; `where` is what an error begins with.

    It is validated from bytes, as that is 3 times as fast as by way of `json`.

    Raises
    ------
    RunError
        If it is damaged.
    """
    try:
        content: dict[str, Any] = dict(_LINE.validate_json(line))
        members = sum(map(len, (content, content.get("metrics", ()), content.get("reported", ()))))
        if line.count(b":") != members:  # a key given twice, or else a colon in a text
            parse_json(line)
        if "reported" in content:
            content["reported"] = {int(n): value for n, value in content["reported"].items()}
        result = TrialResult(**content)
    except ValidationError as error:
        raise RunError(f"{where}: damaged: {what_is_wrong(error)}") from None
    except ValueError as error:
        raise RunError(f"{where}: damaged: {error}") from None
    if (result.status == FAILED) != (result.error is not None):
        raise RunError(
            f"{where}: damaged: found a {result.status} trial "
            f"{'with' if result.error is not None else 'without'} an error"
        )
    return result


def make_header(
    sweep: Mapping[str, Any], data: Sequence[str], version: str, processor: str | None
) -> JournalHeader:
    """The header of a sweep (as in a file, complete), its data's checksums, and what computes."""
    identity = _identity_of(sweep, data, version)
    return JournalHeader(
        format=FORMAT,
        identity=identity,
        sweep=dict(sweep),
        data=list(data),
        version=version,
        processor=processor,
    )


def _identity_of(sweep: Mapping[str, Any], data: Sequence[str], version: str) -> str:
    parts = {"sweep": sweep, "data": data, "version": version}
    return hashlib.sha256(canonical(parts).encode()).hexdigest()


def _line(result: TrialResult) -> str:
    content: dict[str, Any] = {"trial": result.trial, "status": result.status}
    if result.metrics:
        content["metrics"] = result.metrics
    content["epochs"], content["seconds"] = result.epochs, result.seconds
    if result.error is not None:
        content["error"] = result.error
    if result.setting is not None:
        content["setting"] = result.setting
    if result.reused_from is not None:
        content["reused_from"] = result.reused_from
    if result.reported:
        content["reported"] = result.reported
    return _encode(content) + "\n"


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The numbers and bytes of all complete lines."""
    try:
        file = open_file(path, limit=sys.maxsize - 1)
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None
    with file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            yield number, line
