"""What a folder remembers of its trackers: by what they know it, and what has been sent.

``tracking.json`` is written whole. Names are noted before they are used, so that after a kill
nothing gets a second one; how much a tracker has is asked of the tracker itself.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Literal

from isolet_nn.runs.records import FORMAT, Record, read_record
from isolet_nn.system.files import write_json

TRACKING = "tracking.json"


class MlflowRecord(Record):
    """By what MLflow knows a run or a sweep."""

    uri: str | None
    """Address of the server or store, without user and password; None is MLflow's own default."""
    experiment: str
    key: str
    """Tag by which the run is found again if its identity never reached us."""
    run: str | None = None
    sent: str | None = None
    """Status of the run or sweep when all of it had been sent."""


class TensorBoardRecord(Record):
    """Where the events of a run or a sweep are."""

    file: str
    """Name of the file in the folder ``tensorboard``."""
    sent: str | None = None
    """Status of the run or sweep when all of it had been sent."""


class TrackingRecord(Record):
    """tracking.json."""

    format: Literal[1]
    tensorboard: TensorBoardRecord | None = None
    mlflow: MlflowRecord | None = None


class Journal:
    """The file ``tracking.json`` of a folder, that several threads write to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / TRACKING
        self._lock = threading.Lock()
        self._record = TrackingRecord(format=FORMAT)
        if os.path.lexists(self._path):
            self._record = read_record(self._path, TrackingRecord)

    @property
    def trackers(self) -> list[str]:
        """Names of the trackers that hear of the folder already."""
        return [name for name in ("tensorboard", "mlflow") if getattr(self._record, name)]

    @property
    def mlflow(self) -> MlflowRecord | None:
        """What is remembered of MLflow."""
        return self._record.mlflow

    @property
    def tensorboard(self) -> TensorBoardRecord | None:
        """What is remembered of TensorBoard."""
        return self._record.tensorboard

    def note(self, record: MlflowRecord | TensorBoardRecord) -> None:
        """Remember what is known of a tracker, in place of what was."""
        name = "mlflow" if isinstance(record, MlflowRecord) else "tensorboard"
        with self._lock:
            self._record = self._record.model_copy(update={name: record})
            write_json(self._path, self._record.model_dump(mode="json"))
