"""A trial of a sweep as a run: what a command does to a run, it does to a trial.

Nothing is copied. A trial's folder, ``trials/17`` in that of the sweep, is its address, and is only
made to hold what is written of it later: tables and pictures.
"""

from __future__ import annotations

import functools
import math
import shlex
from pathlib import Path
from typing import Any

from isolet_nn.config.key_paths import equal_text
from isolet_nn.config.metrics import METRICS
from isolet_nn.errors import ConfigError, RunError
from isolet_nn.runs.folder import Run
from isolet_nn.runs.records import Environment, read_record
from isolet_nn.sweeps.cohort import model_path
from isolet_nn.sweeps.curves import CURVES, metrics_measured, read_curve
from isolet_nn.sweeps.folder import OpenSweep, SweepFolder
from isolet_nn.sweeps.journal import STATUSES
from isolet_nn.system.folders import ENVIRONMENT, MODELS, SWEEP
from isolet_nn.system.statuses import FAILED, PENDING, PRUNED
from isolet_nn.training.progress import Row

TRIALS = "trials"
"""Folder of a sweep in which each trial has its address."""


class Trial(Run):
    """A trial that has ended.

    Parameters
    ----------
    sweep
        Its sweep.
    number
        Its number.

    Raises
    ------
    ConfigError
        If there is no trial of that number.
    RunError
        If it has not ended yet.
    """

    def __init__(self, sweep: SweepFolder, number: int) -> None:
        most = sweep.n_trials - 1
        if not 0 <= number <= most:
            raise ConfigError(
                f"{sweep.path}: found trial {number}; allowed: the sweep's trials are 0 to {most}"
            )
        self.sweep, self.number = sweep, number
        results, place = sweep.results_with(number)
        self.status = STATUSES[results.status[place]]
        if self.status == PENDING:
            raise RunError(
                f"{sweep.path}: trial {number} has not ended; end the sweep with: "
                f"isolet-nn sweep --resume {shlex.quote(str(sweep.path))}"
            )
        super().__init__(trial_address(sweep.path, number), sweep.make_experiment(number))

    @property
    def summary(self) -> dict[str, Any]:
        """What summary.json of a run says, as far as a sweep knows it."""
        results, place = self.sweep.results_with(self.number)
        values = {name: float(results.metric(name)[place]) for name in METRICS}
        return {
            "status": self.status,
            "error": results.errors.get(place),
            "started": self.sweep.earlier_summary.get("started"),
            "epochs": int(results.epochs[place]),
            "seconds": float(results.seconds[place]),
            "metrics": {name: value for name, value in values.items() if math.isfinite(value)},
        }

    @functools.cached_property
    def environment(self) -> dict[str, Any]:
        """The sweep's environment, with the data and the experiment of the trial."""
        environment = read_record(self.sweep.path / ENVIRONMENT, Environment)
        content = environment.model_dump(exclude_unset=True)
        checksums = content.pop("dataset_checksums", None) or [content["dataset"]["checksum"]]
        table, dataset = self.sweep.samples, self.experiment.dataset
        for checksum, other in zip(checksums, table.one_experiment_each("dataset"), strict=False):
            if equal_text(_data_of(other.dataset)) == equal_text(_data_of(dataset)):
                content["dataset"] = {"name": dataset.name, "checksum": checksum}
        return content | {"experiment": self.experiment.model_dump(mode="json")}

    def history(self) -> list[Row]:
        """The trial's rows of curves.csv; none where the sweep kept no curves."""
        return metrics_measured(read_curve(self.sweep.path / CURVES, self.number))

    @property
    def model_path(self) -> Path:
        """Where the weights are, if the sweep kept them."""
        return model_path(self.sweep.path / MODELS, self.number)

    @property
    def preprocessing_path(self) -> None:
        """None: the sweep's models have theirs in common."""
        return None

    def why_no_model(self) -> str:
        """What to do where the sweep kept no weights of this trial."""
        if self.status == FAILED:
            return f"{self.path}: the trial failed: {self.summary['error']}"
        if self.status == PRUNED:
            return f"{self.path}: the search ended the trial before its time, and kept no weights"
        return self._not_kept("model", f"save_models is {self.sweep.sweep.save_models}")

    def why_no_history(self) -> str:
        """What to do where the sweep kept no curve of this trial."""
        return self._not_kept("curve", f"save_curves is {self.sweep.sweep.save_curves}")

    def _not_kept(self, what: str, why: str) -> str:
        config, sweep = f"trial-{self.number}.yaml", shlex.quote(str(self.sweep.path))
        return (
            f"{self.sweep.path}: kept no {what} of trial {self.number}, as {why}; "
            "to train it alone, to the same bits:\n"
            f"isolet-nn sweep --resume {sweep} --print-trial {self.number} > {config}\n"
            f"isolet-nn train {config}"
        )


def _data_of(dataset: Any) -> dict[str, Any]:
    """What decides on the data alone, of a dataset section: not how it is divided."""
    parts = ("test", "validation")
    return {k: v for k, v in dataset.model_dump(mode="json").items() if k not in parts}


def trial_address(sweep: Path, number: int) -> Path:
    """The path by which a trial is known, whether it exists or not."""
    return sweep / TRIALS / str(number)


def trial_at(path: Path, open_sweep: OpenSweep = SweepFolder.open) -> Trial | None:
    """The trial of which a path is the address; None if it is no such address.

    Parameters
    ----------
    open_sweep
        Reads its sweep, for those who remember what they have read of it.

    Raises
    ------
    ConfigError, RunError
        As `Trial`.
    """
    sweep = path.parent.parent
    if path.parent.name != TRIALS or not (sweep / SWEEP).is_file():
        return None
    if not (path.name.isascii() and path.name.isdecimal() and len(path.name) < 10):
        raise ConfigError(f"{path}: found {path.name!r}, expected the number of a trial")
    return Trial(open_sweep(sweep), int(path.name))
