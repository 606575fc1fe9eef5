"""Tables and pictures of a run: what evaluation leaves in its folder, and how that is drawn.

A picture is drawn from a table or the weights in the folder and from nothing else, so that it can
be drawn once more at any time.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from isolet_nn.config.metrics import adapted_text
from isolet_nn.errors import DataError, RunError, counted
from isolet_nn.runs.folder import Run, split_suffix
from isolet_nn.scores.curves import precision_recall_curves, roc_curves
from isolet_nn.scores.evaluation import Evaluation
from isolet_nn.scores.importance import Importance
from isolet_nn.scores.measures import mean_recall
from isolet_nn.scores.tables import (
    calibration_csv,
    confusion_csv,
    groups_csv,
    importance_csv,
    precision_recall_csv,
    read_calibration_csv,
    read_confusion_csv,
    read_groups_csv,
    read_importance_csv,
    read_precision_recall_csv,
    read_roc_csv,
    roc_csv,
)
from isolet_nn.system.files import read_text, write_text
from isolet_nn.system.folders import CONFIG, INSPECTION
from isolet_nn.training.inspector import LayerInspection
from isolet_nn.training.progress import Row

if TYPE_CHECKING:
    from isolet_nn.config.experiment import Experiment

TableT = TypeVar("TableT")

CONFUSION, RELIABILITY, SPEAKERS = "confusion", "reliability", "speakers"
NORMALIZED, ROC, PRECISION_RECALL = "confusion-normalized", "roc", "precision-recall"
IMPORTANCE = "importance"
SPLIT_KINDS = (CONFUSION, NORMALIZED, RELIABILITY, ROC, PRECISION_RECALL, SPEAKERS)
"""Pictures of a model's answers on one split."""
RUN_KINDS = ("curves", *SPLIT_KINDS, IMPORTANCE, "weights", "boundary", "inspection")
"""Pictures of a run."""
ALWAYS = (CONFUSION, RELIABILITY, SPEAKERS)
"""Those of which every evaluation leaves the tables."""
_TABLES = {
    CONFUSION: "confusion_matrix",
    NORMALIZED: "confusion_matrix",
    RELIABILITY: "calibration",
    ROC: "roc",
    PRECISION_RECALL: "precision_recall",
    SPEAKERS: "speakers",
    IMPORTANCE: "importance",
}


def write_evaluation(
    run: Run, evaluation: Evaluation, kinds: Sequence[str] = SPLIT_KINDS
) -> list[Path]:
    """Write a split's tables into the run folder, and draw some of `SPLIT_KINDS` from them.

    Returns
    -------
    The files written. Where rows have no groups there is nothing of speakers.
    """
    texts = {
        _TABLES[kind]: text
        for kind in SPLIT_KINDS
        if kind in (*ALWAYS, *kinds) and (text := _table_text(kind, evaluation))
    }
    tables = [run.table_path(name, evaluation.split) for name in texts]
    run.path.mkdir(parents=True, exist_ok=True)  # of a trial there is none before
    for path, text in zip(tables, texts.values(), strict=True):
        write_text(path, text)
    drawn = [draw_split(run, kind, evaluation.split) for kind in kinds if _TABLES[kind] in texts]
    return [*tables, *filter(None, drawn)]


def _table_text(kind: str, evaluation: Evaluation) -> str | None:
    """What the table of a picture of answers holds; None where there is nothing of the kind."""
    match kind:
        case "confusion" | "confusion-normalized":
            return confusion_csv(evaluation)
        case "reliability":
            return calibration_csv(evaluation.calibration)
        case "speakers":
            return groups_csv(evaluation.per_group) if evaluation.per_group else None
        case "roc":
            curves = roc_curves(evaluation)
            return roc_csv(curves) if curves else None
        case _:
            return precision_recall_csv(precision_recall_curves(evaluation))


def write_importance(run: Run, split: str, importances: Sequence[Importance]) -> Path:
    """Write the importance of columns, measured on a split, into the run folder."""
    path = run.table_path(_TABLES[IMPORTANCE], split)
    run.path.mkdir(parents=True, exist_ok=True)
    write_text(path, importance_csv(importances))
    return path


def draw_split(run: Run, kind: str, split: str) -> Path | None:
    """Draw a picture of a split from its table; None if the run has no such table of the split.

    Parameters
    ----------
    kind
        One of `SPLIT_KINDS`, or `IMPORTANCE`.

    Raises
    ------
    RunError
        If the table is damaged.
    """
    pictures: dict[str, Callable[[Run, str, str], Path]] = {
        CONFUSION: _draw_confusion_matrix,
        NORMALIZED: partial(_draw_confusion_matrix, normalize=True),
        ROC: _draw_roc,
        PRECISION_RECALL: _draw_precision_recall,
        IMPORTANCE: _draw_importance,
        RELIABILITY: _draw_reliability,
        SPEAKERS: _draw_speakers,
    }
    return read_table(run, kind, split, partial(pictures[kind], run, split))


def read_table(run: Run, kind: str, split: str, read: Callable[[str], TableT]) -> TableT | None:
    """What `read` makes of the table of a picture; None if the run has no such table of the split.

    Raises
    ------
    RunError
        If the table is damaged.
    """
    table = run.table_path(_TABLES[kind], split)
    if not table.exists():
        return None
    try:
        return read(read_text(table))
    except OSError as error:
        raise RunError(f"{table}: cannot be read: {error.strerror}") from None
    except (DataError, UnicodeError) as error:
        raise RunError(f"{table}: {error}") from None


def _draw_confusion_matrix(run: Run, split: str, table: str, *, normalize: bool = False) -> Path:
    from isolet_nn.plots import plot_confusion_matrix

    matrix, classes = read_confusion_csv(table)
    name = "confusion_normalized" if normalize else "confusion_matrix"
    plot = run.plot_path(f"{name}{split_suffix(split)}")
    if normalize:
        what, value = "balanced accuracy", mean_recall(matrix)
    else:
        what, value = "accuracy", matrix.trace() / matrix.sum()
    title = title_of(run, f": {split} {what} {100 * value:.2f} %")
    plot_confusion_matrix(matrix, plot, classes, title=title, normalize=normalize)
    return plot


def _draw_roc(run: Run, split: str, table: str) -> Path:
    from isolet_nn.plots import plot_roc

    plot = run.plot_path(f"roc{split_suffix(split)}")
    title = title_of(run, f", {split} split: ROC")
    plot_roc(read_roc_csv(table), plot, title=title)
    return plot


def _draw_precision_recall(run: Run, split: str, table: str) -> Path:
    from isolet_nn.plots import plot_precision_recall

    plot = run.plot_path(f"precision_recall{split_suffix(split)}")
    title = title_of(run, f", {split} split: precision and recall")
    plot_precision_recall(read_precision_recall_csv(table), plot, title=title)
    return plot


def _draw_importance(run: Run, split: str, table: str) -> Path:
    from isolet_nn.plots import plot_importance

    plot = run.plot_path(f"importance{split_suffix(split)}")
    title = title_of(run, f": importance on the {split} split")
    plot_importance(read_importance_csv(table), plot, title=title, note="95 % interval")
    return plot


def _draw_reliability(run: Run, split: str, table: str) -> Path:
    from isolet_nn.plots import plot_reliability

    plot = run.plot_path(f"reliability{split_suffix(split)}")
    title = title_of(run, f", {split} split")
    plot_reliability(read_calibration_csv(table), plot, title=title)
    return plot


def _draw_speakers(run: Run, split: str, table: str) -> Path:
    from isolet_nn.plots import plot_groups

    scores = read_groups_csv(table)
    name = group_word(run)
    plot = run.plot_path(f"speakers{split_suffix(split)}")
    title = title_of(run, f": accuracy of {counted(len(scores), f'{split} {name}')}")
    plot_groups(scores, plot, name=name, title=title)
    return plot


def title_of(run: Run, behind: str = "") -> str:
    """The title of a picture of a run's scores: its name, and its task where that is another."""
    from isolet_nn.plots import title_with

    task = adapted_text(run.experiment.dataset.adapted_to)
    return title_with(run.experiment.name, behind + task)


def group_word(run: Run) -> str:
    """What a group of the run's rows is called."""
    return run.experiment.dataset.group_word


def draw_curves(run: Run, rows: Sequence[Row] | None = None) -> list[Path]:
    """Draw loss and accuracy over the epochs into the run folder; return the paths.

    Parameters
    ----------
    rows
        Those of metrics.csv; read from there if None.

    Raises
    ------
    RunError
        If there is no epoch.
    """
    from isolet_nn.plots import plot_accuracy, plot_loss

    rows = run.history() if rows is None else rows
    if not rows:
        raise RunError(run.why_no_history())
    history = {column: [row[column] for row in rows] for column in rows[0]}
    name = title_of(run)
    loss, accuracy = run.plot_path("loss"), run.plot_path("accuracy")
    plot_loss(history, loss, title=name, note=training_loss_note(run.experiment))
    plot_accuracy(history, accuracy, title=name)
    return [loss, accuracy]


def training_loss_note(experiment: Experiment) -> str:
    """What only the loss on the training split includes, in words; nothing where it is nothing."""
    model, training = experiment.model, experiment.training
    included = {
        "dropout": model.input_dropout or (model.dropout and model.hidden_layers),
        "noise": model.input_noise,
        "mixup": training.mixup,
        "label smoothing": training.label_smoothing,
        "class weights": training.class_weight,
    }
    names = [name for name, there in included.items() if there]
    if not names:
        return ""
    *first, last = names
    return f"the training loss includes {' and '.join(filter(None, [', '.join(first), last]))}"


def draw_weights(run: Run) -> Path:
    """Draw the weights of the model's first layer into the run folder; return the path.

    Raises
    ------
    RunError
        If the run has no model.
    """
    from isolet_nn.plots import in_words, plot_weights

    model = run.model()
    classes = None if model.experiment.model.hidden_layers else model.classes
    plot = run.plot_path("weights")
    networks = model.experiment.ensemble
    which = "" if networks == 1 else f", network 1 of {networks}"
    title = f"{in_words(run.experiment.name)}: weights of the first layer{which}"
    features = model.preprocessing.feature_names
    plot_weights(model.first_layer, plot, classes, title=title, features=features)
    return plot


def draw_inspection(run: Run) -> Path:
    """Draw what was seen of the run's networks into its folder; return the path.

    Raises
    ------
    RunError
        If it was not inspected.
    """
    from isolet_nn.plots import in_words, plot_inspection

    records = run.inspection()
    if not records:
        config = shlex.quote(str(run.path / CONFIG))
        raise RunError(
            f"{run.path}: was not inspected, so there is no {INSPECTION} to draw; "
            f"`isolet-nn train {config} --inspect` trains the same weights and measures them"
        )
    networks = max(record.network for record in records)
    name = in_words(run.experiment.name)
    note = "" if networks == 1 else f"means over the {networks} networks of the ensemble"
    path = run.plot_path("inspection")
    plot_inspection(_by_layer(records), path, title=f"{name}: layer by layer", note=note)
    return path


def _by_layer(records: Sequence[LayerInspection]) -> dict[str, dict[str, list[float | None]]]:
    """Columns over the epochs of each layer, means over the networks of an ensemble."""
    layers: dict[int, dict[int, list[LayerInspection]]] = {}
    for record in records:
        layers.setdefault(record.layer, {}).setdefault(record.epoch, []).append(record)
    found: dict[str, dict[str, list[float | None]]] = {}
    for number, epochs in layers.items():
        first = epochs[1][0]
        name = f"layer {number}: {first.units} {first.activation}"
        found[name] = {"epoch": [*epochs]}
        for column in _INSPECTED:
            values = [_mean([getattr(r, column) for r in of_epoch]) for of_epoch in epochs.values()]
            if any(value is not None for value in values):
                found[name][column] = values
    return found


_INSPECTED = (
    *("gradient_norm", "update_norm", "weight_norm"),
    *("activation_mean", "activation_deviation", "dead_share", "saturated_share"),
)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
