"""What a person sees of a run: its results, its evaluation, and exclusive or."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from isolet_nn.config.metrics import MEASURES, Score, adapted_text, in_words
from isolet_nn.errors import counted, one_line
from isolet_nn.system.folders import PLOTS
from isolet_nn.terminal.printer import FOR_TERMINAL, Printer
from isolet_nn.terminal.streams import MESSAGES, RESULTS, print_line, print_warning
from isolet_nn.terminal.tables import PrintedColumn, PrintedTable
from isolet_nn.terminal.words import loss_text, metric_text, percent

if TYPE_CHECKING:
    from isolet_nn.config.experiment import Experiment
    from isolet_nn.runs.folder import Run
    from isolet_nn.runs.known_rows import KnownRowsCurve
    from isolet_nn.runs.xor import XorResult
    from isolet_nn.scores.calibration import Calibration
    from isolet_nn.scores.evaluation import Evaluation
    from isolet_nn.training.inspector import LayerInspection

_FEWEST_FOR_TOP3 = 5
"""Classes of which three guesses leave out enough to say something."""
_MANY_DEAD, _MANY_SATURATED = 0.1, 0.5
"""Shares of a layer from which on it is said."""


def print_run(run: Run, printer: Printer = FOR_TERMINAL) -> None:
    """Print the table of a finished run, and last its folder."""
    summary = run.summary
    metrics: Mapping[str, float | None] = summary["metrics"]
    if metrics:
        splits = [
            s for s in ("train", "validation", "test") if metrics.get(f"{s}_loss") is not None
        ]
        columns = [
            PrintedColumn("split", splits),
            PrintedColumn("loss", [metrics[f"{split}_loss"] for split in splits], loss_text),
            PrintedColumn("accuracy", [metrics[f"{split}_accuracy"] for split in splits], percent),
        ]
        task = adapted_text(summary.get("adapted_to"))
        title = f"{run.experiment.name}, epoch {summary['epoch']}{task}"
        printer.tables(PrintedTable(columns, title))
        best = summary["best_validation_epoch"]
        stopping = run.experiment.training.early_stopping
        metric = in_words(stopping.metric if stopping else "validation_loss")
        printer.say(
            f"{counted(summary['epochs'], 'epoch')} in {summary['seconds']:.2f} s"
            + (f", best {metric} in epoch {best}" if best else "")
        )
        if (stopped := summary.get("stopped")) is not None:
            printer.say(one_line(f"stopped: {stopped}"))
        if run.experiment.training.inspect:
            for line in _inert(run):
                printer.say(line)
        printer.say(f"plots: {run.path / PLOTS}")
        if (warning := summary.get("warning")) is not None:
            print_warning(warning)
    printer.say(one_line(run.path))


def _inert(run: Run) -> list[str]:
    """What to say of layers many of whose units are dead or saturated at the end."""
    records = run.inspection()
    last: dict[int, list[LayerInspection]] = {}
    for record in records:
        if record.epoch == records[-1].epoch:
            last.setdefault(record.layer, []).append(record)
    lines = []
    for layer, of_networks in last.items():
        units = sum(record.units for record in of_networks)
        dead = sum(record.dead_units or 0 for record in of_networks)
        saturated = sum(record.saturated_share or 0.0 for record in of_networks) / len(of_networks)
        if dead >= _MANY_DEAD * units:
            why = "no row activates them, so they " + (
                "no longer learn" if of_networks[0].activation == "relu" else "hardly learn"
            )
            lines.append(f"{dead} of {counted(units, 'unit')} of layer {layer} are dead: {why}")
        if saturated >= _MANY_SATURATED:
            lines.append(
                f"{percent(saturated)} of the activations of layer {layer} are saturated: they let "
                "hardly any gradient through"
            )
    return lines


def print_evaluation(
    evaluation: Evaluation, group_word: str, printer: Printer = FOR_TERMINAL
) -> None:
    """Print an evaluation: scores, classes, confused pairs, and the worst groups.

    Parameters
    ----------
    group_word
        What a group of rows is called, such as a speaker.
    """
    printer.tables(
        _scores(evaluation),
        _classes(evaluation),
        *filter(None, [_confused(evaluation), _worst_groups(evaluation, group_word)]),
    )


def print_known_rows(curve: KnownRowsCurve, printer: Printer = FOR_TERMINAL) -> None:
    """Print the accuracy by how many rows of each group are known."""
    points = curve.points
    columns = [
        PrintedColumn(
            "known rows",
            ["all" if point.known is None else str(point.known) for point in points],
            str,
            numbers=True,
        ),
        PrintedColumn("accuracy", [point.mean for point in points], percent),
        PrintedColumn("lowest", [point.low for point in points], percent),
        PrintedColumn("highest", [point.high for point in points], percent),
    ]
    task = adapted_text(curve.adapted_to)
    title = f"{curve.split} split, {counted(curve.n, 'row')}{task}, by its rows that are known"
    printer.tables(PrintedTable(columns, title))


def _scores(evaluation: Evaluation) -> PrintedTable:
    """A row a score."""
    low, high = percent(evaluation.accuracy_low), percent(evaluation.accuracy_high)
    accuracy = f"{percent(evaluation.accuracy)}  (95 % interval {low} to {high})"
    error = evaluation.calibration.expected_calibration_error
    rows = {
        "accuracy": (accuracy, evaluation.accuracy),
        "top-3 accuracy": (percent(evaluation.top3_accuracy), evaluation.top3_accuracy),
        "loss": (loss_text(evaluation.loss), evaluation.loss),
        **{
            MEASURES[name].words: (_score_text(evaluation, name), value)
            for name, value in evaluation.scores.items()
        },
        "calibration": (_calibration_text(evaluation.calibration), error),
    }
    if len(evaluation.classes) < _FEWEST_FOR_TOP3:
        del rows["top-3 accuracy"]
    texts, values = zip(*rows.values(), strict=True)
    is_accuracy = [name == "accuracy" for name in rows]
    exact = {
        "value": values,
        "low": [evaluation.accuracy_low if bounded else None for bounded in is_accuracy],
        "high": [evaluation.accuracy_high if bounded else None for bounded in is_accuracy],
    }
    columns = [PrintedColumn("score", list(rows)), PrintedColumn("value", texts, str, exact)]
    task = adapted_text(evaluation.adapted_to)
    title = f"{evaluation.split} split, {counted(evaluation.n, 'row')}{task}"
    return PrintedTable(columns, title, "pairs")


def _score_text(evaluation: Evaluation, name: Score) -> str:
    reason = evaluation.undefined.get(name)
    return f"undefined: {reason}" if reason else metric_text(name, evaluation.scores[name])


def _classes(evaluation: Evaluation) -> PrintedTable:
    scores = evaluation.per_class
    columns = [
        PrintedColumn("class", [score.name for score in scores]),
        PrintedColumn("precision", [score.precision for score in scores], percent),
        PrintedColumn("recall", [score.recall for score in scores], percent),
        PrintedColumn("F1", [score.f1 for score in scores], percent),
        PrintedColumn("rows", [score.support for score in scores]),
    ]
    return PrintedTable(columns, "by class")


def _confused(evaluation: Evaluation) -> PrintedTable | None:
    pairs = evaluation.most_confused(10)
    columns = [
        PrintedColumn("actual", [pair.actual for pair in pairs]),
        PrintedColumn("taken for", [pair.predicted for pair in pairs]),
        PrintedColumn("rows", [pair.count for pair in pairs]),
    ]
    return PrintedTable(columns, "most confused") if pairs else None


def _worst_groups(evaluation: Evaluation, group_word: str) -> PrintedTable | None:
    if not evaluation.per_group:
        return None
    groups = evaluation.worst_groups(10)
    columns = [
        PrintedColumn(group_word, [group.group for group in groups], str),
        PrintedColumn("accuracy", [group.accuracy for group in groups], percent),
        PrintedColumn("right", [group.correct for group in groups]),
        PrintedColumn("rows", [group.n for group in groups]),
    ]
    return PrintedTable(columns, f"lowest accuracy by {group_word}")


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
