"""Tables and pictures of a run: what evaluation leaves in its folder, and how that is drawn.

A picture is drawn from a table or the weights in the folder and from nothing else, so that it can
be drawn once more at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from isolet_nn.errors import DataError, RunError, counted
from isolet_nn.runs.folder import Run, split_suffix
from isolet_nn.scores.evaluation import Evaluation
from isolet_nn.scores.tables import (
    calibration_csv,
    confusion_csv,
    groups_csv,
    read_calibration_csv,
    read_confusion_csv,
    read_groups_csv,
)
from isolet_nn.system.files import read_text, write_text
from isolet_nn.training.progress import Row

if TYPE_CHECKING:
    from isolet_nn.config.experiment import Experiment

CONFUSION, RELIABILITY, SPEAKERS = "confusion", "reliability", "speakers"
SPLIT_KINDS = (CONFUSION, RELIABILITY, SPEAKERS)
"""Pictures of a model's answers on one split."""
RUN_KINDS = ("curves", *SPLIT_KINDS, "weights")
"""Pictures of a run."""
_TABLES = {CONFUSION: "confusion_matrix", RELIABILITY: "calibration", SPEAKERS: "speakers"}


def write_evaluation(
    run: Run, evaluation: Evaluation, kinds: Sequence[str] = SPLIT_KINDS
) -> list[Path]:
    """Write a split's tables into the run folder, and draw some of `SPLIT_KINDS` from them.

    Returns
    -------
    The files written. Where rows have no groups there is nothing of speakers.
    """
    texts = {
        CONFUSION: confusion_csv(evaluation),
        RELIABILITY: calibration_csv(evaluation.calibration),
    }
    if evaluation.per_group:
        texts[SPEAKERS] = groups_csv(evaluation.per_group)
    tables = {kind: run.table_path(_TABLES[kind], evaluation.split) for kind in texts}
    run.path.mkdir(parents=True, exist_ok=True)  # of a trial there is none before
    for kind, path in tables.items():
        write_text(path, texts[kind])
    drawn = [draw_split(run, kind, evaluation.split) for kind in kinds if kind in tables]
    return [*tables.values(), *filter(None, drawn)]


def draw_split(run: Run, kind: str, split: str) -> Path | None:
    """Draw one of `SPLIT_KINDS` from its table; None if the run has no such table of the split.

    Raises
    ------
    RunError
        If the table is damaged.
    """
    table = run.table_path(_TABLES[kind], split)
    if not table.exists():
        return None
    draw: Callable[[Run, str, str], Path] = {
        CONFUSION: _draw_confusion_matrix,
        RELIABILITY: _draw_reliability,
        SPEAKERS: _draw_speakers,
    }[kind]
    try:
        return draw(run, split, read_text(table))
    except OSError as error:
        raise RunError(f"{table}: cannot be read: {error.strerror}") from None
    except (DataError, UnicodeError) as error:
        raise RunError(f"{table}: {error}") from None


def _draw_confusion_matrix(run: Run, split: str, table: str) -> Path:
    from isolet_nn.plots import in_words, plot_confusion_matrix

    matrix, classes = read_confusion_csv(table)
    accuracy = matrix.trace() / matrix.sum()
    plot = run.plot_path(f"confusion_matrix{split_suffix(split)}")
    title = f"{in_words(run.experiment.name)}: {split} accuracy {100 * accuracy:.2f} %"
    plot_confusion_matrix(matrix, plot, classes, title=title)
    return plot


def _draw_reliability(run: Run, split: str, table: str) -> Path:
    from isolet_nn.plots import in_words, plot_reliability

    plot = run.plot_path(f"reliability{split_suffix(split)}")
    title = f"{in_words(run.experiment.name)}, {split} split"
    plot_reliability(read_calibration_csv(table), plot, title=title)
    return plot


def _draw_speakers(run: Run, split: str, table: str) -> Path:
    from isolet_nn.plots import in_words, plot_groups

    scores = read_groups_csv(table)
    name = group_word(run)
    plot = run.plot_path(f"speakers{split_suffix(split)}")
    title = (
        f"{in_words(run.experiment.name)}: accuracy of {counted(len(scores), f'{split} {name}')}"
    )
    plot_groups(scores, plot, name=name, title=title)
    return plot


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
    from isolet_nn.plots import in_words, plot_accuracy, plot_loss

    rows = run.history() if rows is None else rows
    if not rows:
        raise RunError(run.why_no_history())
    history = {column: [row[column] for row in rows] for column in rows[0]}
    name = in_words(run.experiment.name)
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
    plot_weights(model.first_layer, plot, classes, title=title)
    return plot
