"""A learning-rate range test carried out: a table, a picture and a summary in a folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from isolet_nn import plots
from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import load_experiment
from isolet_nn.config.yaml_files import dump_yaml
from isolet_nn.data import load_dataset
from isolet_nn.runs.environment import describe_environment
from isolet_nn.runs.records import FORMAT
from isolet_nn.system.csv_tables import csv_text
from isolet_nn.system.files import write_json, write_text
from isolet_nn.system.folders import ENVIRONMENT, RANGE_TEST, new_folder
from isolet_nn.system.machine import available_cores
from isolet_nn.training.range_test import RangeTest, range_test
from isolet_nn.training.threads import limited_threads

EXPERIMENT = "experiment.yaml"
"""Not config.yaml, as the folder is no run."""
TABLE, PICTURE = "learning_rates.csv", "learning_rates.png"


@dataclass(frozen=True)
class FoundRate:
    """A range test and its folder.

    Attributes
    ----------
    path
        The folder.
    learning_rate
        The suggestion; None where nothing can be said.
    measured
        All that was measured.
    """

    path: Path
    measured: RangeTest

    @property
    def learning_rate(self) -> float | None:
        """The suggestion; None where nothing can be said."""
        return self.measured.suggestion

    def to_json(self) -> dict[str, Any]:
        """What range_test.json says, and where it is."""
        return {"path": str(self.path), **_summary(self.measured)}


def find_learning_rate(
    experiment: Experiment | str | Path,
    *,
    runs_dir: str | Path = "runs",
    should_stop: Callable[[], bool] = lambda: False,
) -> FoundRate | None:
    """Find a learning rate by a range test, and leave what was measured in a new folder.

    A network is trained on the training part while its learning rate rises from 1e-6 to 100, until
    the loss is four times its lowest. What is suggested is the rate at which the smoothed loss
    fell most steeply (Smith, 2017). No other split is looked at.

    Parameters
    ----------
    experiment
        The experiment, its YAML file, or a table. Its own learning rate and schedule are not used.
    runs_dir
        Folder in which the folder is made.
    should_stop
        Asked after every step; when it says yes, nothing is written.

    Returns
    -------
    What was found; None if it was stopped.

    Raises
    ------
    IsoletNNError
        If config or data are wrong.
    """
    if not isinstance(experiment, Experiment):
        experiment = load_experiment(experiment)
    with limited_threads(experiment, auto=available_cores()):
        dataset = load_dataset(experiment.dataset, experiment.seed, experiment.training.dtype)
        measured = range_test(experiment, dataset, should_stop=should_stop)
    if measured.outcome == "interrupted":
        return None
    folder = new_folder(Path(runs_dir), f"{experiment.name}-learning-rates")
    write_text(folder / EXPERIMENT, dump_yaml(experiment))
    environment = describe_environment(experiment, dataset)
    write_json(folder / ENVIRONMENT, {"format": FORMAT, **environment})
    rows = zip(measured.rates, measured.losses, measured.smoothed, strict=True)
    columns = ("step", "learning_rate", "loss", "smoothed_loss")
    write_text(folder / TABLE, csv_text(columns, ((n, *row) for n, row in enumerate(rows, 1))))
    plots.plot_rates(
        plots.LossByRate(measured.rates, measured.losses, measured.smoothed),
        folder / PICTURE,
        suggestion=measured.suggestion,
        title=experiment.name,
        note=f"{experiment.optimizer.name}, a batch of {experiment.training.batch_size} a step",
    )
    write_json(folder / RANGE_TEST, {"format": FORMAT, **_summary(measured)})
    return FoundRate(folder, measured)


def _summary(measured: RangeTest) -> dict[str, Any]:
    of_steps = ("rates", "losses", "smoothed")
    found = {key: value for key, value in asdict(measured).items() if key not in of_steps}
    lowest, highest = (measured.rates[0], measured.rates[-1]) if measured.rates else (None, None)
    return found | {"steps": len(measured.rates), "lowest": lowest, "highest": highest}
