"""A completed run continued: a new run of more epochs, the first of which are the old ones."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import load_experiment
from isolet_nn.config.training import Swa
from isolet_nn.data import load_dataset
from isolet_nn.errors import ConfigError, RunError
from isolet_nn.runs.environment import describe_environment
from isolet_nn.runs.execution import changes_since, with_data_dir
from isolet_nn.runs.folder import Run
from isolet_nn.runs.identity import refuse
from isolet_nn.runs.inspection_file import start_inspection
from isolet_nn.runs.observers import Observer
from isolet_nn.runs.origin import Origin
from isolet_nn.runs.recording import RecordedTraining, metric_columns
from isolet_nn.system.machine import available_cores
from isolet_nn.system.statuses import COMPLETED, FAILED
from isolet_nn.training.components import make_schedule
from isolet_nn.training.loop import Training
from isolet_nn.training.progress import Member
from isolet_nn.training.threads import limited_threads


def extend(
    path: str | Path,
    *,
    epochs: int,
    name: str | None = None,
    runs_dir: str | Path = "runs",
    data_dir: str | None = None,
    force: bool = False,
    observer: Observer | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Run:
    """Continue a completed run in a new one of more epochs, to the bits of one trained at once.

    Where the run kept a checkpoint at its end (``training.keep_checkpoint``), the new one goes on
    from there. Else its epochs are trained again, and each is compared with what it was. The new
    run's config is complete: trained by itself, it gives the same bits.

    Parameters that are not named here are those of `train`.

    Parameters
    ----------
    path
        The run's folder.
    epochs
        Of the new run, those of the old one included.
    name
        Name of the new experiment; by default that of the old one.
    data_dir
        Where the data lies now, instead of the experiment's ``dataset.dir``.
    force
        Whether to go on although config, data, version or processor have changed, without
        comparing; the summary records it.

    Raises
    ------
    RunError
        If the run is not completed, or has stopped early; if config, data, version or processor
        are no longer what it was begun with; or if an epoch trained again is not what it was.
    ConfigError
        If it has that many epochs already, or if its first epochs depend on how many there are.
    """
    origin = _origin(Run.open(path))
    experiment = with_data_dir(_longer(origin, epochs, name), data_dir)
    with limited_threads(experiment, auto=available_cores()):
        dataset = load_dataset(experiment.dataset, experiment.seed, experiment.training.dtype)
        changes = changes_since(origin.run, dataset)
        if not force:
            refuse(origin.run.path, "run", changes)
        training = Training([experiment], [dataset])
        _require_same_beginning(origin, training)
        goes_on = origin.run.has_checkpoint and not origin.ends_with_an_extra_evaluation
        if goes_on:
            origin.run.load_checkpoint(training, beyond_its_end=True)
        run = Run.create(
            Path(runs_dir),
            experiment,
            describe_environment(experiment, dataset),
            overruled=changes,
            grown_from={"run": str(origin.run.path.absolute()), "epochs": origin.epochs},
        )
        with run.locked():
            run.start_metrics(metric_columns(experiment, dataset), training.members[0].history)
            if experiment.training.inspect:
                start_inspection(run.path, training.epoch, origin.run.path)
            if goes_on:
                run.write_checkpoint(training)
            compared = None if force else origin
            record = RecordedTraining(run, dataset, training, observer or Observer(), compared)
            record.carry_out(should_stop)
    return run


def _origin(run: Run) -> Origin:
    """The run and its number of epochs.

    Raises
    ------
    RunError
        If it is not completed.
    """
    summary = run.summary
    status = summary["status"]
    if status != COMPLETED:
        end = f"end it first with: isolet-nn train --resume {shlex.quote(str(run.path))}"
        remedy = "there is nothing to continue" if status == FAILED else end
        raise RunError(f"{run.path}: the run is {status}; {remedy}")
    origin = Origin(run, summary["epochs"])
    if len(origin.rows) < origin.epochs:
        raise RunError(f"{run.path}: metrics.csv has {len(origin.rows)} of {origin.epochs} epochs")
    return origin


def _longer(origin: Origin, epochs: int, name: str | None) -> Experiment:
    """The experiment with more epochs."""
    changes = {"training.epochs": epochs} | ({} if name is None else {"name": name})
    origins = {"training.epochs": "--epochs: ", "name": "--name: "}
    content = origin.run.experiment.model_dump(mode="json")
    experiment = load_experiment(content, changes, origins)
    if experiment.training.epochs <= origin.epochs:
        raise ConfigError(
            f"--epochs: found {epochs}; {origin.run.path} has {origin.epochs} epochs already: "
            "give the number of all epochs, with those that are done"
        )
    return experiment


def _require_same_beginning(origin: Origin, training: Training) -> None:
    """Refuse a run that would have begun otherwise, had it had more epochs.

    Raises
    ------
    ConfigError
        If a setting depends on the number of epochs, saying which.
    RunError
        If the run stopped early, as it would with more epochs.
    """
    before, after = origin.run.experiment.training, training.experiments[0].training
    n_steps = training.steps_per_epoch
    schedule = make_schedule(before.schedule)
    depending = []
    if any(
        schedule(step, n_steps, before.epochs * n_steps)
        != schedule(step, n_steps, after.epochs * n_steps)
        for step in range(origin.epochs * n_steps)
    ):
        depending.append(f"training.schedule is {before.schedule.name}")
    if isinstance(before.weight_averaging, Swa):
        depending.append("training.weight_averaging is swa")
    if depending:
        raise ConfigError(
            f"{origin.run.path}: {' and '.join(depending)}, which depends on the number of epochs: "
            f"the first {origin.epochs} of {after.epochs} would be others; train a new run from "
            "its config.yaml with --epochs instead"
        )
    if _stops_early(origin, training):
        raise RunError(
            f"{origin.run.path}: the run stopped early in epoch {origin.epochs}, and would stop "
            "there with more epochs too; train a new run with a larger "
            "training.early_stopping.patience instead"
        )


def _stops_early(origin: Origin, training: Training) -> bool:
    """Whether patience is used up by the epochs that there are."""
    member = Member(training.experiments[0].training)
    for row in origin.rows:
        is_extra = row is origin.rows[-1] and origin.ends_with_an_extra_evaluation
        seen = {k: None if is_extra and k.startswith("validation_") else v for k, v in row.items()}
        member.record(seen, dict)
    return member.finished
