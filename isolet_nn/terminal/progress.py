"""How far a training is: a live bar on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn

from isolet_nn.config.metrics import adapted_text
from isolet_nn.errors import counted
from isolet_nn.terminal.notebook import NOTEBOOK_SECONDS, NotebookBar
from isolet_nn.terminal.streams import MESSAGES, ProgressLine, line_width, print_message
from isolet_nn.terminal.words import loss_text, percent

if TYPE_CHECKING:
    from pathlib import Path

    from isolet_nn.data.dataset import Dataset
    from isolet_nn.runs.folder import Run
    from isolet_nn.runs.observers import Observer
    from isolet_nn.training.loop import Training
    from isolet_nn.training.progress import Row
else:  # only what an observer is called by counts, and nothing below is loaded to print
    Observer = object

_PLAIN_LINES = 40
"""Lines that a training prints where there is no terminal, at most, unless it takes long."""
_PLAIN_SECONDS = 10.0
"""A line is printed at least this often."""
_REFRESH_SECONDS = 0.1
_BAR_WIDTH = 6
"""Columns that are kept free for the bar when metrics are shortened."""


def progress_observer(quiet: bool) -> SilentProgress:
    """The observer that suits where standard error goes."""
    if quiet:
        return SilentProgress()
    if MESSAGES.is_jupyter:
        return NotebookProgress()
    return LiveProgress() if MESSAGES.is_terminal else PlainProgress()


class SilentProgress(Observer):
    """Shows nothing, but knows the folder, to tell how to go on in it."""

    path: Path | None = None

    def on_start(self, run: Run, dataset: Dataset, training: Training) -> None:
        self.path = run.path

    def on_step(self, training: Training) -> None:
        pass

    def on_epoch(self, training: Training, row: Row) -> None:
        pass

    def on_end(self, run: Run, training: Training) -> None:
        pass


class LiveProgress(SilentProgress):
    """A progress bar with epoch, time left, loss and accuracies; always a single line."""

    _task: TaskID

    def __init__(self) -> None:
        self._bar = ProgressLine(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=None),
            TimeRemainingColumn(),
            TextColumn("{task.fields[metrics]}"),
            console=MESSAGES,
            auto_refresh=False,
            expand=True,
        )
        self._refreshed = 0.0

    def on_start(self, run: Run, dataset: Dataset, training: Training) -> None:
        super().on_start(run, dataset, training)
        _announce(run, dataset)
        epochs = run.experiment.training.epochs
        self._task = self._bar.add_task(
            "",
            total=epochs * training.steps_per_epoch,
            completed=training.epoch * training.steps_per_epoch + training.step,
            epoch=f"{training.epoch}/{epochs}",
            metrics="",
        )
        self._bar.start()

    def on_step(self, training: Training) -> None:
        now = time.monotonic()
        if now - self._refreshed >= _REFRESH_SECONDS:
            self._refreshed = now
            done = training.epoch * training.steps_per_epoch + training.step
            self._bar.update(self._task, completed=done, refresh=True)

    def on_epoch(self, training: Training, row: Row) -> None:
        epoch = f"{training.epoch}/{training.experiments[0].training.epochs}"
        taken = len(f"epoch {epoch} ") + _BAR_WIDTH + len(" 0:00:00 ")
        self._bar.update(
            self._task,
            completed=training.epoch * training.steps_per_epoch,
            epoch=epoch,
            metrics=metrics_to_fit(row, line_width() - taken),
        )

    def on_end(self, run: Run, training: Training) -> None:
        self._bar.refresh()
        self._bar.stop()


class PlainProgress(SilentProgress):
    """A line now and then, for pipes and log files."""

    def on_start(self, run: Run, dataset: Dataset, training: Training) -> None:
        super().on_start(run, dataset, training)
        _announce(run, dataset)
        self._printed = time.monotonic()
        self._every = max(1, run.experiment.training.epochs // _PLAIN_LINES)

    def on_epoch(self, training: Training, row: Row) -> None:
        epochs = training.experiments[0].training.epochs
        now = time.monotonic()
        due = training.epoch % self._every == 0 or now - self._printed >= _PLAIN_SECONDS
        if due or training.epoch == 1 or training.finished:
            self._printed = now
            print_message(f"epoch {training.epoch}/{epochs}  {_metrics_text(row)}")


class NotebookProgress(SilentProgress):
    """A bar below the cell of a notebook, with epoch, loss and accuracies."""

    def on_start(self, run: Run, dataset: Dataset, training: Training) -> None:
        super().on_start(run, dataset, training)
        self._bar = NotebookBar()
        self._text = _about(run, dataset)
        self._show(training)

    def on_step(self, training: Training) -> None:
        if time.monotonic() - self._shown >= NOTEBOOK_SECONDS:
            self._show(training)

    def on_epoch(self, training: Training, row: Row) -> None:
        epochs = training.experiments[0].training.epochs
        self._text = f"epoch {training.epoch}/{epochs}  {_metrics_text(row)}"

    def on_end(self, run: Run, training: Training) -> None:
        self._show(training)

    def _show(self, training: Training) -> None:
        self._shown = time.monotonic()
        steps = training.experiments[0].training.epochs * training.steps_per_epoch
        done = training.epoch * training.steps_per_epoch + training.step
        self._bar.show(done / steps, self._text)


def _announce(run: Run, dataset: Dataset) -> None:
    print_message(_about(run, dataset))


def _about(run: Run, dataset: Dataset) -> str:
    """What is trained on what, in two lines."""
    experiment = run.experiment
    sizes = "-".join(
        str(n) for n in (dataset.n_features, *experiment.model.hidden_layers, dataset.n_classes)
    )
    rows = [f"{len(dataset.train.y)} training"]
    if dataset.validation is not None:
        rows.append(f"{len(dataset.validation.y)} validation")
    rows.append(counted(len(dataset.test.y), "test row"))
    task = adapted_text(dataset.preprocessing.adapted_to)
    return (
        f"{experiment.name}: {sizes}, {experiment.optimizer.name}, {experiment.backend}{task}\n"
        f"{dataset.name}: {', '.join(rows)}"
    )


def _metrics_text(row: Row) -> str:
    parts = [f"loss {loss_text(row['train_loss'])}"]
    parts += [f"{split} {percent(accuracy)}" for split, accuracy in _accuracies(row).items()]
    return "  ".join(parts)


def metrics_to_fit(row: Row, width: int) -> str:
    """The metrics of an epoch in at most `width` columns: in full, in short, or some of them."""
    accuracies = _accuracies(row)
    parts = [f"loss {loss_text(row['train_loss'], 3)}"]
    parts += [f"{split[:5]} {100.0 * accuracy:.1f}" for split, accuracy in accuracies.items()]
    short = [" ".join(parts[:count]) + " %" for count in range(len(parts), 1, -1)]
    return next((t for t in (_metrics_text(row), *short, parts[0]) if len(t) <= width), "")


def _accuracies(row: Row) -> dict[str, float]:
    named = {split: row.get(f"{split}_accuracy") for split in ("train", "validation", "test")}
    return {split: accuracy for split, accuracy in named.items() if accuracy is not None}
