"""A search as a file that Optuna and optuna-dashboard open: what it asked for, and what came of it.

It is made of the journal, as the tables are, and nothing is read back from it.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from isolet_nn.sweeps.parameters import Parameters
from isolet_nn.sweeps.search.study import Outcome, direction, frozen_trial, quiet
from isolet_nn.sweeps.search_config import Search
from isolet_nn.system.files import write_text

STORAGE = "optuna.log"


def write_storage(
    path: Path, name: str, search: Search, trials: Sequence[tuple[Parameters, Outcome]]
) -> None:
    """Write a study in the format of Optuna's ``JournalFileBackend``, if Optuna is here."""
    if importlib.util.find_spec("optuna") is None:
        return
    from optuna import create_study
    from optuna.storages import JournalStorage
    from optuna.storages.journal import BaseJournalBackend

    class Lines(BaseJournalBackend):
        """Keeps what is written, as a file would be forced to the disk after every line."""

        def __init__(self) -> None:
            self.logs: list[dict[str, Any]] = []

        def read_logs(self, log_number_from: int) -> Iterable[dict[str, Any]]:
            return self.logs[log_number_from:]

        def append_logs(self, logs: list[dict[str, Any]]) -> None:
            self.logs += logs

    lines = Lines()
    with quiet():
        study = create_study(
            storage=JournalStorage(lines), study_name=name, direction=direction(search)
        )
        study.set_metric_names([search.metric])
        study.add_trials([frozen_trial(search, *trial, as_pruned=False) for trial in trials])
    encoded = (json.dumps(log, separators=(",", ":")) for log in lines.logs)
    write_text(path, "".join(f"{line}\n" for line in encoded))
