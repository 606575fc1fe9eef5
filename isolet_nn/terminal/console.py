"""What a person sees: progress while a network trains, and tables of results.

Progress and messages go to standard error, results to standard output. On a terminal progress is
a live bar, elsewhere plain lines.
"""

from __future__ import annotations

import math
import signal
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from isolet_nn.errors import counted
from isolet_nn.runs.drawing import group_word
from isolet_nn.runs.execution import Observer
from isolet_nn.runs.folder import Run
from isolet_nn.system import interrupts
from isolet_nn.system.folders import PLOTS
from isolet_nn.terminal.streams import MESSAGES, RESULTS, ProgressLine, line_width, print_line
from isolet_nn.training.loop import EVALUATED_SPLITS, Row, Training

if TYPE_CHECKING:
    from types import FrameType

    from isolet_nn.config.experiment import Experiment
    from isolet_nn.config.shipped import ShippedConfig
    from isolet_nn.data.dataset import Dataset
    from isolet_nn.data.kind import DatasetInfo
    from isolet_nn.runs.xor import XorResult
    from isolet_nn.scores.calibration import Calibration
    from isolet_nn.scores.evaluation import Evaluation

_PLAIN_LINES = 40
"""Lines that a training prints where there is no terminal, at most, unless it takes long."""
_PLAIN_SECONDS = 10.0
"""A line is printed at least this often."""
_REFRESH_SECONDS = 0.1

_FEWEST_FOR_TOP3 = 5
"""Classes of which three guesses leave out enough to say something."""
_TEXT_WIDTH = 24
"""Columns that a text beside its name needs to be readable."""

_BAR_WIDTH = 6
"""Columns that are kept free for the bar when metrics are shortened."""


def progress_observer(quiet: bool) -> SilentProgress:
    """The observer that suits where standard error goes."""
    if quiet:
        return SilentProgress()
    return LiveProgress() if MESSAGES.is_terminal else PlainProgress()


class SilentProgress(Observer):
    """Shows nothing, but knows the folder, to tell how to go on in it."""

    path: Path | None = None

    def on_start(self, run: Run, dataset: Dataset, training: Training) -> None:
        self.path = run.path


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
            MESSAGES.print(f"epoch {training.epoch}/{epochs}  {_metrics_text(row)}", soft_wrap=True)


def _announce(run: Run, dataset: Dataset) -> None:
    experiment = run.experiment
    sizes = "-".join(
        str(n) for n in (dataset.n_features, *experiment.model.hidden_layers, dataset.n_classes)
    )
    rows = [f"{len(dataset.train.y)} training"]
    if dataset.validation is not None:
        rows.append(f"{len(dataset.validation.y)} validation")
    rows.append(counted(len(dataset.test.y), "test row"))
    MESSAGES.print(
        f"{experiment.name}: {sizes}, {experiment.optimizer.name}, {experiment.backend}\n"
        f"{dataset.name}: {', '.join(rows)}",
        soft_wrap=True,
    )


def _metrics_text(row: Row) -> str:
    parts = [f"loss {row['train_loss']:.4f}"]
    parts += [f"{split} {percent(accuracy)}" for split, accuracy in _accuracies(row).items()]
    return "  ".join(parts)


def metrics_to_fit(row: Row, width: int) -> str:
    """The metrics of an epoch in at most `width` columns: in full, in short, or some of them."""
    accuracies = _accuracies(row)
    parts = [f"loss {row['train_loss']:.3f}"]
    parts += [f"{split[:5]} {100.0 * accuracy:.1f}" for split, accuracy in accuracies.items()]
    short = [" ".join(parts[:count]) + " %" for count in range(len(parts), 1, -1)]
    return next((t for t in (_metrics_text(row), *short, parts[0]) if len(t) <= width), "")


def _accuracies(row: Row) -> dict[str, float]:
    named = {split: row.get(f"{split}_accuracy") for split in ("train", *EVALUATED_SPLITS)}
    return {split: accuracy for split, accuracy in named.items() if accuracy is not None}


def percent(share: float | None) -> str:
    """0.9567 as ``95.67 %``."""
    return "" if share is None else f"{100.0 * share:.2f} %"


def print_run(run: Run) -> None:
    """Print the table of a finished run, and last its folder."""
    summary = run.summary
    metrics: Mapping[str, float | None] = summary["metrics"]
    if metrics:
        table = Table(
            "split", "loss", "accuracy", title=f"{run.experiment.name}, epoch {summary['epoch']}"
        )
        for split in ("train", "validation", "test"):
            loss = metrics.get(f"{split}_loss")
            if loss is not None:
                table.add_row(split, f"{loss:.4f}", percent(metrics[f"{split}_accuracy"]))
        RESULTS.print(table)
        best = summary["best_validation_epoch"]
        stopping = run.experiment.training.early_stopping
        metric = (stopping.metric if stopping else "validation_loss").replace("_", " ")
        RESULTS.print(
            f"{counted(summary['epochs'], 'epoch')} in {summary['seconds']:.2f} s"
            + (f", best {metric} in epoch {best}" if best else ""),
            soft_wrap=True,
        )
        RESULTS.print(f"plots: {run.path / PLOTS}", soft_wrap=True)
    print_path(run)


def print_path(run: Run) -> None:
    """Print a run's folder, a line of its own."""
    print_line(run.path)


def print_evaluation(run: Run, evaluation: Evaluation) -> None:
    """Print an evaluation: scores, classes, confused pairs, and the worst groups."""
    low, high = percent(evaluation.accuracy_low), percent(evaluation.accuracy_high)
    lines = [
        f"{evaluation.split} split, {counted(evaluation.n, 'row')}",
        f"accuracy       {percent(evaluation.accuracy)}  (95 % interval {low} to {high})",
        f"top-3 accuracy {percent(evaluation.top3_accuracy)}",
        f"loss           {evaluation.loss:.4f}",
        f"calibration    {_calibration_text(evaluation.calibration)}",
    ]
    if len(evaluation.classes) < _FEWEST_FOR_TOP3:
        del lines[2]
    RESULTS.print("\n".join(lines), soft_wrap=True)
    classes = Table("class", "precision", "recall", "F1", "rows", title="by class")
    for score in evaluation.per_class:
        scores = (score.precision, score.recall, score.f1)
        classes.add_row(score.name, *map(percent, scores), str(score.support))
    RESULTS.print(classes)
    pairs = evaluation.most_confused(10)
    if pairs:
        confused = Table("actual", "taken for", "rows", title="most confused")
        for pair in pairs:
            confused.add_row(pair.actual, pair.predicted, str(pair.count))
        RESULTS.print(confused)
    if evaluation.per_group:
        name = group_word(run)
        groups = Table(name, "accuracy", "right", "rows", title=f"lowest accuracy by {name}")
        for group in evaluation.worst_groups(10):
            groups.add_row(
                str(group.group), percent(group.accuracy), str(group.correct), str(group.n)
            )
        RESULTS.print(groups)


def _calibration_text(calibration: Calibration) -> str:
    """The expected calibration error, and in which direction the model errs on the whole."""
    error = calibration.expected_calibration_error
    if not math.isfinite(error):
        return "unknown: no answer has a confidence"
    gap = calibration.mean_gap
    direction = f", mostly {'under' if gap > 0 else 'over'}confident" if gap else ""
    return f"expected error {percent(error)}{direction}"


def print_xor(run: Run, result: XorResult, recipe: str) -> None:
    """Print the 4 x 2 matrix of probabilities as the report has it, the verdict, and the folder."""
    rows = [" ".join(f"{p:.2f}".removeprefix("0") for p in row) for row in result.probabilities]
    RESULTS.print("[" + " ".join(f"[{row}]" for row in rows) + "]", soft_wrap=True)
    MESSAGES.print("rows: inputs 00, 01, 10, 11; columns: probability of 0 and of 1")
    if result.solved:
        verdict = "solved"
    elif hopeless := _hopeless(run.experiment):
        verdict = f"not solved, as expected: {hopeless}"
    else:
        other = "--recipe robust" if recipe == "report" else "more --epochs"
        verdict = f"not solved; another --seed, or {other}, may"
    RESULTS.print(verdict, soft_wrap=True)
    print_path(run)


def _hopeless(experiment: Experiment) -> str | None:
    """Why no network of this shape can solve exclusive or; None if one can."""
    hidden = experiment.model.hidden_layers
    if not hidden:
        return "without a hidden layer no network can"
    if all(neurons == 1 for neurons in hidden):
        return "with one neuron a layer no network can"
    return None


def print_xor_count(experiment: Experiment, recipe: str, solved: int, trials: int) -> None:
    """Print how many seeds solved exclusive or."""
    last = experiment.seed + trials - 1
    RESULTS.print(
        f"recipe {recipe}: {solved} of {counted(trials, 'seed')} ({experiment.seed} to {last}) "
        "solve it" + (f", as expected: {hopeless}" if (hopeless := _hopeless(experiment)) else ""),
        soft_wrap=True,
    )


def print_datasets(infos: Sequence[DatasetInfo]) -> None:
    """Print a table of data sets."""
    table = Table(
        "name", "rows", "features", "classes", Column("what, and where it lies", overflow="fold")
    )
    separator = "\n" if RESULTS.is_terminal else "; "
    for info in infos:
        table.add_row(
            info.name,
            _count(info.rows),
            _count(info.features),
            _count(None if info.classes is None else len(info.classes)),
            f"{info.description}{separator}{info.source}",
        )
    RESULTS.print(table)


def print_dataset(info: DatasetInfo) -> None:
    """Print all that is known of one data set, a line each."""
    classes = None if info.classes is None else f"{len(info.classes)}: {' '.join(info.classes)}"
    groups = None if info.groups is None else f"{info.groups} ({info.group_name})"
    lines = {
        "name": info.name,
        "what": info.description,
        "where": info.source,
        "rows": info.rows,
        "training rows": info.train_rows,
        "test rows": info.test_rows,
        "features": info.features,
        "classes": classes,
        "groups": groups,
        "checksum": info.checksum,
        **{f"checksum of {part}": value for part, value in info.part_checksums.items()},
        "verdict": info.verdict,
        "licence": info.licence,
        "citation": info.citation,
    }
    _print_pairs({name: str(value) for name, value in lines.items() if value is not None})


def _count(number: int | None) -> str:
    return "" if number is None else str(number)


def print_configs(configs: Sequence[ShippedConfig]) -> None:
    """Print names and first lines of the shipped configs, by the command that runs them."""
    for command in ("train", "sweep", "reproduce report"):
        RESULTS.print(f"for isolet-nn {command}:")
        _print_pairs({c.name: c.description for c in configs if c.command == command})


def _print_pairs(pairs: Mapping[str, str]) -> None:
    """Print names and what belongs to them; beside each other where there is room."""
    indent = max(map(len, pairs)) + 2
    beside = not RESULTS.is_terminal or RESULTS.width - indent >= _TEXT_WIDTH
    width = RESULTS.width - (indent if beside else 2) if RESULTS.is_terminal else sys.maxsize
    for name, text in pairs.items():
        lines = textwrap.wrap(text, width, break_on_hyphens=False) or [""]
        if beside:
            lines[0] = f"{name:<{indent}}{lines[0]}"
        else:
            RESULTS.print(name, soft_wrap=True)
            lines[0] = f"  {lines[0]}"
        for number, line in enumerate(lines):
            margin = " " * (indent if beside else 2) if number else ""
            RESULTS.print(f"{margin}{line}", soft_wrap=True)


class StopSignal:
    """SIGINT and SIGTERM as a wish to stop, heard by who asks.

    Until somebody asks for the first time, nobody would hear the wish: then a signal raises
    KeyboardInterrupt at once, and so does a second one.
    """

    def __init__(self) -> None:
        self._heard = False
        self._received = False

    def __call__(self) -> bool:
        """Whether a signal came."""
        self._heard = True
        return self._received

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Note a signal (a signal handler)."""
        if self._received or not self._heard:
            interrupts.interrupt()
        self._received = True


@contextmanager
def stop_signal() -> Iterator[StopSignal]:
    """Handle SIGINT and SIGTERM by a `StopSignal` while the block runs."""
    stop = StopSignal()
    previous = {
        number: signal.signal(number, stop.handle) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
