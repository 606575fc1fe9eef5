"""A training and its run folder, which is kept up to date with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.metrics import METRICS
from isolet_nn.data.dataset import Dataset, Split
from isolet_nn.errors import IsoletNNError
from isolet_nn.runs.boundary import draw_boundary, why_no_plane
from isolet_nn.runs.drawing import CONFUSION, draw_curves, draw_inspection, write_evaluation
from isolet_nn.runs.folder import Run
from isolet_nn.runs.inspection_file import append_inspection
from isolet_nn.runs.metrics_file import columns_of
from isolet_nn.runs.observers import Observer, Stop
from isolet_nn.runs.origin import Origin
from isolet_nn.scores.evaluation import Evaluation, evaluate_logits
from isolet_nn.system.folders import now
from isolet_nn.system.statuses import COMPLETED, FAILED, INTERRUPTED
from isolet_nn.training.backend import n_parameters
from isolet_nn.training.loop import TrainedModel, Training, trained_model
from isolet_nn.training.measured import evaluated_splits, scores_asked_for
from isolet_nn.training.progress import Row


class RecordedTraining:
    """A training, and the run folder that is kept up to date with it."""

    def __init__(
        self,
        run: Run,
        dataset: Dataset,
        training: Training,
        observer: Observer,
        origin: Origin | None = None,
    ) -> None:
        self.run = run
        self.origin = origin
        self.dataset = dataset
        self.training = training
        self.member = training.members[0]
        self.observer = observer
        self._checkpointed = time.monotonic()
        self._evaluations: list[Evaluation] = []
        """Of the final model."""
        self._stopped: str | None = None
        """Why an observer ended the training."""

    def carry_out(self, should_stop: Callable[[], bool]) -> None:
        """Train to the end, and write what a run folder holds, however it ends."""
        with self._failures_recorded(), self._saved_if_it_fails():
            self.observer.on_start(self.run, self.dataset, self.training)
        try:
            with self._failures_recorded():
                status = self._train(should_stop)
            self._write_summary(status, error=self.member.error)
            # Last, as a run that is not completed goes on from a checkpoint on the way only.
            if status == COMPLETED and self.run.experiment.training.keep_checkpoint:
                self.run.write_checkpoint(self.training)
        finally:
            self.observer.on_end(self.run, self.training)

    def _train(self, should_stop: Callable[[], bool]) -> str:
        raised: list[Exception] = []

        def after_step() -> bool:
            try:
                self.observer.on_step(self.training)
            except Exception as error:  # which is no reason to leave a step half done
                raised.append(error)
            return bool(raised) or should_stop()

        while not self.training.finished:
            is_whole = not should_stop() and self.training.run_epoch(after_step)
            if is_whole and self.member.error is None:
                self.run.append_metrics(self.member.history[-1])
                if self.training.inspected:
                    append_inspection(self.run.path, self.training.inspected[0])
                if self.origin is not None:
                    self.origin.require_same_epoch(self.training)
                self._checkpoint_when_due()
            with self._saved_if_it_fails():
                if raised:
                    raise raised[0]
                if is_whole and self.member.error is None:
                    self._tell_epoch()
            if not is_whole:
                self._save()
                return INTERRUPTED
        self._finish()
        return FAILED if self.member.error else COMPLETED

    def _tell_epoch(self) -> None:
        """Tell the observer of the epoch just done, with which it may end the training."""
        match self.observer.on_epoch(self.training, self.member.history[-1]):
            case None:
                pass
            case Stop(reason=reason):
                self._stopped = reason
                self.training.stop(0)
            case other:
                raise TypeError(f"on_epoch returned {other!r}, which is neither None nor a Stop")

    @contextmanager
    def _failures_recorded(self) -> Iterator[None]:
        """Let the summary say what ends the block."""
        try:
            yield
        except BaseException as error:
            if isinstance(error, Exception):
                kind = "" if isinstance(error, IsoletNNError) else f"{type(error).__name__}: "
                self._write_summary(FAILED, error=f"{kind}{error}")
            else:
                self._write_summary(INTERRUPTED, error=None)
            raise

    @contextmanager
    def _saved_if_it_fails(self) -> Iterator[None]:
        """Lose nothing if an observer raises: an epoch is over, or none has begun."""
        try:
            yield
        except Exception:
            if self.training.finished:
                self._finish()
            else:
                self._save()
            raise

    def _save(self) -> None:
        """Leave all that going on needs."""
        self.run.write_checkpoint(self.training)
        self._draw_curves()

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
            self._evaluations = [evaluate_split(model, self.dataset, name) for name in splits]
            # The test split; where it is left unread, the validation split if there is one. The
            # other pictures are left to `eval`, as drawing takes time.
            for evaluation in self._evaluations[-1:]:
                write_evaluation(self.run, evaluation, kinds=[CONFUSION])
            if why_no_plane(self.dataset.preprocessing) is None:
                draw_boundary(self.run, model, self.dataset.preprocessing)
        self._draw_curves()
        if self.run.experiment.training.inspect and self.member.history:
            draw_inspection(self.run)
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
        adapted_to = self.dataset.preprocessing.adapted_to
        self.run.write_summary(
            {
                "status": status,
                "error": error,
                "started": before["started"],
                "overruled": before.get("overruled", []),
                **{key: before[key] for key in ("grown_from",) if key in before},
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
                **({} if self._stopped is None else {"stopped": self._stopped}),
                **({} if adapted_to is None else {"adapted_to": adapted_to}),
            }
        )


def evaluate_split(model: TrainedModel, dataset: Dataset, name: str) -> Evaluation:
    """The evaluation of a model on the split of that name."""
    split: Split = getattr(dataset, name)
    return evaluate_logits(
        model(split.x),
        split.y,
        classes=dataset.classes,
        split=name,
        groups=split.groups,
        group_names=dataset.group_names,
        adapted_to=dataset.preprocessing.adapted_to,
    )


def _final_figures(row: Row, evaluations: Sequence[Evaluation]) -> dict[str, Any]:
    """What a summary says of the final model: metrics, those that are undefined, and a warning."""
    metrics = {f"{e.split}_{name}": value for e in evaluations for name, value in e.scores.items()}
    for evaluation in evaluations:  # where training was stopped in an epoch without evaluation
        metrics[f"{evaluation.split}_loss"] = evaluation.loss
        metrics[f"{evaluation.split}_accuracy"] = evaluation.accuracy
    metrics |= {name: value for name, value in row.items() if value is not None}
    warnings = [evaluation.warning for evaluation in evaluations]
    return {
        "metrics": {metric: metrics[metric] for metric in METRICS if metric in metrics},
        "undefined": {
            f"{e.split}_{name}": why for e in evaluations for name, why in e.undefined.items()
        },
        "warning": warnings[-1] if warnings else None,
    }


def metric_columns(experiment: Experiment, dataset: Dataset) -> list[str]:
    """The columns of a run's metrics.csv."""
    splits = evaluated_splits(experiment, dataset)
    return columns_of(splits, scores_asked_for(experiment.training))
