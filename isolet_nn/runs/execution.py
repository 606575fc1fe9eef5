"""Carrying out an experiment in a run folder: train, resume, evaluate.

This is where the epoch loop, the data and the run folder meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import load_experiment
from isolet_nn.data import load_dataset
from isolet_nn.data.dataset import Dataset, Split
from isolet_nn.errors import ConfigError, RunError, suggestion
from isolet_nn.runs.environment import describe_environment, processor
from isolet_nn.runs.folder import MODEL, Run
from isolet_nn.runs.identity import differences, identity_of, processor_changes, refuse
from isolet_nn.runs.inspection_file import start_inspection
from isolet_nn.runs.model_file import Model
from isolet_nn.runs.observers import Observer
from isolet_nn.runs.origin import origin_of
from isolet_nn.runs.recording import RecordedTraining, evaluate_split, metric_columns
from isolet_nn.scores.evaluation import Evaluation
from isolet_nn.system.folders import CONFIG
from isolet_nn.system.machine import available_cores
from isolet_nn.system.statuses import COMPLETED, FAILED
from isolet_nn.training.loop import TrainedModel, Training, trained_model
from isolet_nn.training.threads import limited_threads
from isolet_nn.version import __version__

SPLITS = ("test", "validation", "train")
"""What a model can be evaluated on."""


def train(
    experiment: Experiment | str | Path,
    *,
    runs_dir: str | Path = "runs",
    observer: Observer | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Run:
    """Train a network and leave everything in a new run folder.

    Parameters
    ----------
    experiment
        The experiment, its YAML file, or a table.
    runs_dir
        Folder in which the run folder is made.
    observer
        Hears of the progress.
    should_stop
        Asked after every step; when it says yes, everything is written and the run's status is
        ``interrupted``.

    Returns
    -------
    The run; ``run.summary["status"]`` says how it ended.

    Raises
    ------
    IsoletNNError
        If config or data are wrong. A loss that is not finite does not raise: the run's status is
        ``failed`` and its summary says why.
    """
    if not isinstance(experiment, Experiment):
        experiment = load_experiment(experiment)
    with limited_threads(experiment, auto=available_cores()):
        dataset = load_dataset(experiment.dataset, experiment.seed, experiment.training.dtype)
        training = Training([experiment], [dataset])
        run = Run.create(Path(runs_dir), experiment, describe_environment(experiment, dataset))
        with run.locked():
            run.start_metrics(metric_columns(experiment, dataset))
            if experiment.training.inspect:
                start_inspection(run.path)
            RecordedTraining(run, dataset, training, observer or Observer()).carry_out(should_stop)
    return run


def resume(
    path: str | Path,
    *,
    data_dir: str | None = None,
    force: bool = False,
    observer: Observer | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Run:
    """Go on with an interrupted run from its last checkpoint, to the bits of an undisturbed one.

    Parameters that are not named here are those of `train`.

    Parameters
    ----------
    path
        The run's folder.
    data_dir
        Where the data lies now, instead of the experiment's ``dataset.dir``.
    force
        Whether to go on although config, data, version or processor have changed; the summary
        records it.

    Raises
    ------
    RunError
        If the run is complete, has failed without a checkpoint to go on from (a full disk leaves
        one, a loss that is not finite does not), or if config, data, version or processor are no
        longer what it was begun with; lists the differences.
    """
    run = Run.open(path, to_resume=True)
    experiment = run.experiment
    with limited_threads(experiment, auto=available_cores()), run.locked():
        _require_resumable(run)
        _require_same_inspection(run)
        dataset = load_dataset(
            with_data_dir(experiment, data_dir).dataset, experiment.seed, experiment.training.dtype
        )
        changes = changes_since(run, dataset)
        if not force:
            refuse(run.path, "run", changes)
        training = Training([experiment], [dataset])
        run.load_checkpoint(training)
        origin = origin_of(run, training)
        if isinstance(origin, Path):
            changes.append(f"grown_from: was {origin}, is not there")
            if not force:
                refuse(run.path, "run", changes)
            origin = None
        before = run.summary
        overruled = sorted({*before.get("overruled", []), *changes})
        if changes:
            run.write_environment(describe_environment(experiment, dataset))
            run.write_summary(before | {"overruled": overruled})
        run.start_metrics(metric_columns(experiment, dataset), training.members[0].history)
        if experiment.training.inspect:
            start_inspection(run.path, training.epoch)
        compared = None if overruled else origin
        record = RecordedTraining(run, dataset, training, observer or Observer(), compared)
        record.carry_out(should_stop)
    return run


def changes_since(run: Run, dataset: Dataset) -> list[str]:
    """What a run depends on that is not what it was begun with, a line each."""
    begun = run.environment
    processors = begun["processor"], processor(run.experiment)
    return differences(
        {
            "config": identity_of(begun.get("experiment") or {}),
            "data": begun["dataset"]["checksum"],
            "version": begun["isolet_nn"],
        },
        {
            "config": identity_of(run.experiment),
            "data": dataset.checksum,
            "version": __version__,
        },
    ) + processor_changes(*processors)


def _require_resumable(run: Run) -> None:
    summary = run.summary
    if summary.get("status") == COMPLETED:
        raise RunError(f"{run.path}: the run is completed; there is nothing to resume")
    if summary.get("status") == FAILED and not run.has_checkpoint:
        raise RunError(
            f"{run.path}: the run failed and left nothing to resume ({summary.get('error')}); "
            f"train anew from {run.path / CONFIG}"
        )


def _require_same_inspection(run: Run) -> None:
    before = ((run.environment.get("experiment") or {}).get("training") or {}).get("inspect", False)
    now = run.experiment.training.inspect
    if before != now:
        raise RunError(
            f"{run.path / CONFIG}: training.inspect: was {str(before).lower()}, is "
            f"{str(now).lower()}; all epochs of a run are inspected, or none: undo the change"
        )


def evaluate(
    run: Run | str | Path,
    *,
    split: str = "test",
    backend: str | None = None,
    data_dir: str | None = None,
) -> Evaluation:
    """Evaluate a run's model on a split of its data.

    Parameters
    ----------
    run
        The run, or its folder.
    split
        ``test``, ``validation`` or ``train``.
    backend
        ``numpy`` or ``torch``; the run's own if None.
    data_dir
        Replaces the experiment's ``dataset.dir``.

    Raises
    ------
    RunError
        If the run has no model, or its data is no longer the same.
    ConfigError
        If the data set has no such split.
    DivergedError
        If the model's answers are no finite numbers.
    """
    if not isinstance(run, Run):
        run = Run.open(run)
    with read_to_evaluate(run, split, backend, data_dir) as experiment:
        model, dataset = model_with_data(run, experiment)
        of_split(run, dataset, split)
        return evaluate_split(model, dataset, split)


@contextmanager
def read_to_evaluate(
    run: Run, split: str, backend: str | None, data_dir: str | None
) -> Iterator[Experiment]:
    """A run's experiment to evaluate by, with its threads; raises ConfigError as `evaluate`."""
    if split not in SPLITS:
        hint = suggestion(split, SPLITS)
        raise ConfigError(f"split: found {split!r}; allowed: {', '.join(SPLITS)}{hint}")
    experiment = with_data_dir(run.experiment, data_dir)
    if backend is not None:
        changes = {"backend": backend, "device": "auto"}
        experiment = load_experiment({**experiment.model_dump(mode="json"), **changes})
    with limited_threads(experiment, auto=available_cores()):
        yield experiment


def of_split(run: Run, dataset: Dataset, split: str) -> Split:
    """A split of a run's data; raises ConfigError if there is none."""
    part: Split | None = getattr(dataset, split, None)
    if part is None:
        raise ConfigError(
            f"{run.path}: its data has no {split} split, as dataset.validation is none; "
            "it has test and train"
        )
    return part


def model_with_data(run: Run, experiment: Experiment) -> tuple[TrainedModel, Dataset]:
    """A run's model, and its data as `experiment` says where it lies and what computes.

    Raises
    ------
    RunError
        If the run has no model, or its data is no longer the same.
    """
    model = run.model()
    dataset = load_dataset(
        experiment.dataset, experiment.seed, experiment.training.dtype, model.preprocessing
    )
    _require_same_data(run, dataset)
    _require_fit(run, model, dataset)
    return trained_model(experiment, dataset, model.weights), dataset


def with_data_dir(experiment: Experiment, data_dir: str | None) -> Experiment:
    """Replace the folder of the data, ``dataset.dir``, where another one is given."""
    if data_dir is None:
        return experiment
    return load_experiment(experiment.model_dump(mode="json"), {"dataset.dir": data_dir})


def _require_fit(run: Run, model: Model, dataset: Dataset) -> None:
    found = model.first_layer.shape[1], model.classes
    if found != (dataset.n_features, dataset.classes):
        raise RunError(
            f"{run.path / MODEL}: is of {found[0]} features and the classes {', '.join(found[1])}, "
            f"but its data has {dataset.n_features} and {', '.join(dataset.classes)}"
        )


def _require_same_data(run: Run, dataset: Dataset) -> None:
    recorded = run.data_checksum
    if recorded != dataset.checksum:
        raise RunError(
            f"{run.path}: the data is not what the run was trained on: "
            f"checksum {dataset.checksum}, recorded {recorded}"
        )
