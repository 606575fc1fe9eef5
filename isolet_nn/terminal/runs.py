"""What a person sees of a run: its results, its evaluation, and exclusive or."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.table import Table

from isolet_nn.errors import counted
from isolet_nn.system.folders import PLOTS
from isolet_nn.terminal.streams import MESSAGES, RESULTS, print_line
from isolet_nn.terminal.words import loss_text, percent

if TYPE_CHECKING:
    from isolet_nn.config.experiment import Experiment
    from isolet_nn.runs.folder import Run
    from isolet_nn.runs.xor import XorResult
    from isolet_nn.scores.calibration import Calibration
    from isolet_nn.scores.evaluation import Evaluation

_FEWEST_FOR_TOP3 = 5
"""Classes of which three guesses leave out enough to say something."""


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
                table.add_row(split, loss_text(loss), percent(metrics[f"{split}_accuracy"]))
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
    print_line(run.path)


def print_evaluation(evaluation: Evaluation, group_word: str) -> None:
    """Print an evaluation: scores, classes, confused pairs, and the worst groups.

    Parameters
    ----------
    group_word
        What a group of rows is called, such as a speaker.
    """
    low, high = percent(evaluation.accuracy_low), percent(evaluation.accuracy_high)
    lines = [
        f"{evaluation.split} split, {counted(evaluation.n, 'row')}",
        f"accuracy       {percent(evaluation.accuracy)}  (95 % interval {low} to {high})",
        f"top-3 accuracy {percent(evaluation.top3_accuracy)}",
        f"loss           {loss_text(evaluation.loss)}",
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
        title = f"lowest accuracy by {group_word}"
        groups = Table(group_word, "accuracy", "right", "rows", title=title)
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
    print_line(run.path)


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
