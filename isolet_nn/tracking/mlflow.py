"""Runs and sweeps in MLflow: a run there for each here, below that of its sweep for a trial.

A run is found again by the identity that the folder remembers; if that never arrived, by a tag
that was noted in the folder before. What a run has is asked of MLflow before the first value is
sent, and again after every failure, so that no epoch is there twice and none is missing.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from isolet_nn.config.tracking import Mlflow
from isolet_nn.errors import TrackingError, without_credentials
from isolet_nn.system.statuses import COMPLETED, FAILED, RUNNING
from isolet_nn.tracking.content import TRIAL, Content, epochs_after
from isolet_nn.tracking.journal import Journal, MlflowRecord
from isolet_nn.tracking.store import Metric, Store, StoredRun

_TIMEOUT = 10.0
"""Seconds after which a server that is silent counts as one that does not answer."""
_MOST_METRICS, _MOST_PARAMETERS = 500, 90
"""In one message; MLflow takes 1,000 and 100."""
_MOST_LETTERS = 500
"""Of a parameter or a tag, which any version of MLflow takes."""
_KEY, _PARENT = "isolet_nn.key", "mlflow.parentRunId"
_STATUSES = {RUNNING: "RUNNING", COMPLETED: "FINISHED", FAILED: "FAILED"}
_OTHER_STATUS = "KILLED"
"""Of what was interrupted, or pruned."""


class MlflowTracker:
    """Keeps MLflow up to date with one run or sweep.

    Parameters
    ----------
    journal
        What the folder remembers.
    config
        Where MLflow is; what the folder remembers comes first.
    """

    name = "mlflow"

    def __init__(self, journal: Journal, config: Mlflow) -> None:
        self._journal = journal
        self._config = config
        self._store: Store | None = None
        self._run: _OpenRun | None = None
        self._trials: dict[int, StoredRun] | None = None
        self._files = set[tuple[Path, int]]()
        """What was sent: files, and when each was changed last."""

    @property
    def seconds_to_begin(self) -> float:
        """Time of a processor that beginning takes."""
        return 0.1 if _is_server(self._address()) else 2.0

    @property
    def where(self) -> str:
        """Address for a person."""
        return without_credentials(self._address() or "MLflow's own store")

    def send(self, content: Content, pause: Callable[[], None]) -> None:
        """Bring the run up to date with what there is to say of it."""
        run = self._opened(content)
        try:
            run.send_rows(content, pause)
            if content.status != RUNNING:
                run.end(content)
                self._send_files(run, content, pause)
                self._note_sent(content.status)
        except TrackingError:
            self._run = None  # what of it arrived is asked anew
            raise

    def _send_files(self, run: _OpenRun, content: Content, pause: Callable[[], None]) -> None:
        """Send the folder's files, but for those that were sent as they are."""
        for path in content.files:
            state = path, path.stat().st_mtime_ns
            if state not in self._files:
                place = path.relative_to(content.folder).as_posix()
                run.store.upload(run.known, path, place)
                self._files.add(state)
                pause()

    def send_trial(self, sweep: Content, trial: int, content: Content) -> None:
        """Add a trial that has ended to a sweep."""
        parent = self._opened(sweep)
        store = parent.store
        try:
            if self._trials is None:
                below = store.runs_with(parent.experiment, _PARENT, parent.identity)
                known_trials = _only(store, below, TRIAL)
                self._trials = {int(number): run for number, run in known_trials.items()}
            known, status = self._trials.get(trial), _STATUSES.get(content.status, _OTHER_STATUS)
            if known is not None and known.status == status:
                return
            if known is None:
                tags = {_PARENT: parent.identity, TRIAL: str(trial)}
                identity = store.create(parent.experiment, content.name, _ms(content.started), tags)
                known = StoredRun(identity, "RUNNING", tags)
            else:
                known = store.run(known.identity)
            run = _OpenRun(store, parent.experiment, known)
            run.send_rows(content, lambda: None)
            run.end(content)
            self._trials[trial] = StoredRun(run.identity, status, known.tags)
        except TrackingError:
            self._trials = None
            raise

    def _opened(self, content: Content) -> _OpenRun:
        """The run in MLflow: as it was, or found by its tag, or made."""
        if self._run is not None:
            return self._run
        if self._store is None:
            self._store = _store_at(self._address())
        store, noted = self._store, self._journal.mlflow
        address = _without_user(store.uri)
        if noted is None or (noted.run is None and noted.uri != address):
            name = self._config.experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME", "Default")
            noted = MlflowRecord(uri=address, experiment=name, key=uuid.uuid4().hex)
            self._journal.note(noted)
        experiment = store.experiment(noted.experiment)
        if noted.run is None:
            found = _only(store, store.runs_with(experiment, _KEY, noted.key), _KEY)
            if noted.key in found:
                identity = found[noted.key].identity
            else:
                tags = {_KEY: noted.key, "mlflow.source.name": "isolet-nn"}
                identity = store.create(experiment, content.name, _ms(content.started), tags)
            noted = noted.model_copy(update={"run": identity})
            self._journal.note(noted)
        assert noted.run is not None
        run = _OpenRun(store, experiment, store.run(noted.run))
        if content.status == RUNNING and run.known.status != "RUNNING":
            store.set_status(run.identity, "RUNNING", None)
        self._run = run
        return run

    def _note_sent(self, status: str) -> None:
        noted = self._journal.mlflow
        if noted is not None and noted.sent != status:
            self._journal.note(noted.model_copy(update={"sent": status}))

    def _address(self) -> str | None:
        """Where the store is; of two addresses that differ in the password, the one with it."""
        asked = self._config.uri or os.environ.get("MLFLOW_TRACKING_URI") or None
        noted = self._journal.mlflow
        if noted is None or noted.run is None or _without_user(asked) == noted.uri:
            return asked
        return noted.uri


class _OpenRun:
    """A run in MLflow, and what it has."""

    def __init__(self, store: Store, experiment: str, known: StoredRun) -> None:
        self.store = store
        self.experiment = experiment
        self.known = known
        self.identity = known.identity
        self._sent = 0
        """Epochs of which everything was sent."""
        self._described = False
        self._steps: dict[str, set[int]] = {
            name: store.steps(self.identity, name)
            for name in known.latest
            if not name.startswith(_FINAL)
        }

    def send_rows(self, content: Content, pause: Callable[[], None]) -> None:
        """Send parameters once, and the epochs that MLflow does not have."""
        if not self._described:
            self._describe(content)
            self._described = True
        batch: list[Metric] = []
        for epoch, time, metrics in epochs_after(content, self._sent):
            for name, value in metrics.items():
                if epoch not in self._steps.get(name, ()):
                    batch.append(Metric(name, value, _ms(time), epoch))
            if len(batch) >= _MOST_METRICS or epoch == len(content.rows):
                if batch:
                    self.store.log(self.identity, {}, batch, {})
                    pause()
                batch, self._sent = [], epoch

    def end(self, content: Content) -> None:
        """Say how it ended, with the final metrics."""
        ended = _ms(content.started + content.seconds)
        finals = {f"{_FINAL}{name}": value for name, value in content.final.items()}
        changed = {n: v for n, v in finals.items() if self.known.latest.get(n) != v}
        metrics = [Metric(name, value, ended, len(content.rows)) for name, value in changed.items()]
        facts = {key: value[:_MOST_LETTERS] for key, value in content.facts.items()}
        if metrics or facts:
            self.store.log(self.identity, {}, metrics, facts)
        self.store.set_status(self.identity, _STATUSES.get(content.status, _OTHER_STATUS), ended)

    def _describe(self, content: Content) -> None:
        missing = {
            name: value[:_MOST_LETTERS]
            for key, value in content.parameters.items()
            if (name := _parameter_name(key)) not in self.known.parameters
        }
        for part in _in_parts(missing, _MOST_PARAMETERS):
            self.store.log(self.identity, part, [], {})


_FINAL = "final/"


def _only(store: Store, runs: Iterable[StoredRun], tag: str) -> dict[str, StoredRun]:
    """Runs by a tag; of those made twice, as a server answered too late, one is left."""
    found: dict[str, StoredRun] = {}
    for run in sorted(runs, key=lambda run: (run.status == "RUNNING", run.identity)):
        if (value := run.tags.get(tag)) is None:
            continue
        if found.setdefault(value, run) is not run:
            store.delete(run.identity)
    return found


def _parameter_name(key: str) -> str:
    """A key path in the letters that MLflow takes; names of classes may have others."""
    return re.sub(r"[^\w.\- /]", "_", key, flags=re.ASCII)[:250]


def _in_parts(values: Mapping[str, str], most: int) -> Iterator[dict[str, str]]:
    items = list(values.items())
    for start in range(0, len(items), most):
        yield dict(items[start : start + most])


def _ms(seconds: float) -> int:
    return round(1000 * seconds)


def _is_server(uri: str | None) -> bool:
    return uri is not None and uri.startswith(("http://", "https://"))


def _store_at(uri: str | None) -> Store:
    """What reaches MLflow at an address."""
    from isolet_nn.tracking.mlflow_client import MlflowClient

    if uri is not None and _is_server(uri):
        from isolet_nn.tracking.mlflow_server import MlflowServer

        return MlflowServer(uri, _TIMEOUT, lambda: MlflowClient(uri))
    return MlflowClient(uri)


def _without_user(uri: str | None) -> str | None:
    """An address without user and password, as it is remembered."""
    return None if uri is None else re.sub(r"(?<=://)\S+@", "", uri)
