"""Carrying out an experiment in a run folder: train, resume, evaluate.

This is where the epoch loop, the data and the run folder meet.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import load_experiment
from isolet_nn.config.metrics import METRICS
from isolet_nn.data import load_dataset
from isolet_nn.data.dataset import Dataset, Split
from isolet_nn.errors import ConfigError, IsoletNNError, RunError, suggestion
from isolet_nn.runs.drawing import CONFUSION, draw_curves, write_evaluation
from isolet_nn.runs.environment import describe_environment, processor
from isolet_nn.runs.folder import MODEL, Run
from isolet_nn.runs.identity import differences, identity_of, processor_changes, refuse
from isolet_nn.runs.metrics_file import columns_of
from isolet_nn.runs.model_file import Model
from isolet_nn.scores.evaluation import Evaluation, evaluate_logits
from isolet_nn.system.folders import CONFIG, now
from isolet_nn.system.statuses import COMPLETED, FAILED, INTERRUPTED
from isolet_nn.training.backend import n_parameters
from isolet_nn.training.loop import TrainedModel, Training, trained_model
from isolet_nn.training.measured import evaluated_splits, scores_asked_for
from isolet_nn.training.progress import Row
from isolet_nn.training.threads import limited_threads
from isolet_nn.version import __version__

SPLITS = ("test", "validation", "train")
"""What a model can be evaluated on."""


class Observer:
    """Hears of a training's progress; this one does nothing."""

    def on_start(self, run: Run, dataset: Dataset, training: Training) -> None:
        """The run folder exists and training is about to begin, or to go on."""

    def on_step(self, training: Training) -> None:
        """A training step is done; called often."""

    def on_epoch(self, training: Training, row: Row) -> None:
        """An epoch is done."""

    def on_end(self, run: Run, training: Training) -> None:
        """Training is over, completed or not."""


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
    with limited_threads(experiment):
        dataset = load_dataset(experiment.dataset, experiment.seed, experiment.training.dtype)
        training = Training([experiment], [dataset])
        run = Run.create(Path(runs_dir), experiment, describe_environment(experiment, dataset))
        with run.locked():
            run.start_metrics(_columns(experiment, dataset))
            _RecordedTraining(run, dataset, training, observer or Observer()).carry_out(should_stop)
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
    with limited_threads(experiment), run.locked():
        _require_resumable(run)
        dataset = load_dataset(
            with_data_dir(experiment, data_dir).dataset, experiment.seed, experiment.training.dtype
        )
        changes = _changes(run, dataset)
        if not force:
            refuse(run.path, "run", changes)
        training = Training([experiment], [dataset])
        run.load_checkpoint(training)
        if changes:
            before = run.summary
            overruled = sorted({*before.get("overruled", []), *changes})
            run.write_environment(describe_environment(experiment, dataset))
            run.write_summary(before | {"overruled": overruled})
        run.start_metrics(_columns(experiment, dataset), training.members[0].history)
        _RecordedTraining(run, dataset, training, observer or Observer()).carry_out(should_stop)
    return run


def _changes(run: Run, dataset: Dataset) -> list[str]:
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
    if split not in SPLITS:
        hint = suggestion(split, SPLITS)
        raise ConfigError(f"split: found {split!r}; allowed: {', '.join(SPLITS)}{hint}")
    if not isinstance(run, Run):
        run = Run.open(run)
    experiment = with_data_dir(run.experiment, data_dir)
    if backend is not None:
        changes = {"backend": backend, "device": "auto"}
        experiment = load_experiment({**experiment.model_dump(mode="json"), **changes})
    with limited_threads(experiment):
        model, dataset = model_with_data(run, experiment)
        part: Split | None = getattr(dataset, split, None)
        if part is None:
            raise ConfigError(
                f"{run.path}: its data has no {split} split, as dataset.validation is none; "
                "it has test and train"
            )
        return _evaluate(model, dataset, split)


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


def _evaluate(model: TrainedModel, dataset: Dataset, name: str) -> Evaluation:
    """The evaluation of a model on the split of that name."""
    split: Split = getattr(dataset, name)
    return evaluate_logits(
        model(split.x),
        split.y,
        classes=dataset.classes,
        split=name,
        groups=split.groups,
        group_names=dataset.group_names,
    )


def _final_figures(row: Row, evaluations: Sequence[Evaluation]) -> dict[str, Any]:
    """What a summary says of the final model: metrics, those that are undefined, and a warning."""
    scores = {f"{e.split}_{name}": value for e in evaluations for name, value in e.scores.items()}
    metrics = scores | row
    warnings = [evaluation.warning for evaluation in evaluations]
    return {
        "metrics": {metric: metrics[metric] for metric in METRICS if metric in metrics},
        "undefined": {
            f"{e.split}_{name}": why for e in evaluations for name, why in e.undefined.items()
        },
        "warning": warnings[-1] if warnings else None,
    }


class _RecordedTraining:
    """A training, and the run folder that is kept up to date with it."""

    def __init__(self, run: Run, dataset: Dataset, training: Training, observer: Observer) -> None:
        self.run = run
        self.dataset = dataset
        self.training = training
        self.member = training.members[0]
        self.observer = observer
        self._checkpointed = time.monotonic()
        self._evaluations: list[Evaluation] = []
        """Of the final model."""

    def carry_out(self, should_stop: Callable[[], bool]) -> None:
        """Train to the end, and write what a run folder holds, however it ends."""
        self.observer.on_start(self.run, self.dataset, self.training)
        try:
            status = self._train(should_stop)
        except BaseException as error:
            if isinstance(error, Exception):
                kind = "" if isinstance(error, IsoletNNError) else f"{type(error).__name__}: "
                self._write_summary(FAILED, error=f"{kind}{error}")
            else:
                self._write_summary(INTERRUPTED, error=None)
            raise
        finally:
            self.observer.on_end(self.run, self.training)
        self._write_summary(status, error=self.member.error)

    def _train(self, should_stop: Callable[[], bool]) -> str:
        def after_step() -> bool:
            self.observer.on_step(self.training)
            return should_stop()

        while not self.training.finished:
            if should_stop() or not self.training.run_epoch(after_step):
                self.run.write_checkpoint(self.training)
                self._draw_curves()
                return INTERRUPTED
            if self.member.error is None:
                self.run.append_metrics(self.member.history[-1])
                self._checkpoint_when_due()
                self.observer.on_epoch(self.training, self.member.history[-1])
        self._finish()
        return FAILED if self.member.error else COMPLETED

    def _checkpoint_when_due(self) -> None:
        interval = self.run.experiment.training.checkpoint_seconds
        if not self.training.finished and time.monotonic() - self._checkpointed >= interval:
            self.run.write_checkpoint(self.training)
            self._checkpointed = time.monotonic()

    def _finish(self) -> None:
        if self.member.weights is not None:
            self.run.write_model(self.member.weights, self.dataset)
            splits = evaluated_splits(self.run.experiment, self.dataset)
            model = trained_model(self.run.experiment, self.dataset, self.member.weights)
            self._evaluations = [_evaluate(model, self.dataset, name) for name in splits]
            # The test split; where it is left unread, the validation split if there is one. The
            # other pictures are left to `eval`, as drawing takes time.
            for evaluation in self._evaluations[-1:]:
                write_evaluation(self.run, evaluation, kinds=[CONFUSION])
        self._draw_curves()
        self.run.remove_checkpoint()

    def _draw_curves(self) -> None:
        if self.member.history:
            draw_curves(self.run, self.member.history)

    def _write_summary(self, status: str, error: str | None) -> None:
        """Say what is done so far; `seconds` is the time of all epochs, evaluation included.

        A training that diverged has no final metrics, and no epoch of it is the best.
        """
        diverged = self.member.error is not None
        final = (None if diverged else self.member.final_row) or {}
        before = self.run.summary
        history = self.member.history
        self.run.write_summary(
            {
                "status": status,
                "error": error,
                "started": before["started"],
                "overruled": before.get("overruled", []),
                "ended": now(),
                "seconds": sum(row["seconds"] or 0.0 for row in history),
                "epochs": len(history),
                "epoch": final.get("epoch"),
                "best_validation_epoch": None if diverged else self.member.best_epoch,
                **_final_figures(final, self._evaluations),
                "parameters": n_parameters(
                    self.run.experiment, self.dataset.n_features, self.dataset.n_classes
                ),
                "dataset_checksum": self.dataset.checksum,
            }
        )


def _columns(experiment: Experiment, dataset: Dataset) -> list[str]:
    splits = evaluated_splits(experiment, dataset)
    return columns_of(splits, scores_asked_for(experiment.training))


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
