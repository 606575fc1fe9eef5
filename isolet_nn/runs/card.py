"""What a notebook shows of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from isolet_nn.config.key_paths import flat
from isolet_nn.config.metrics import MEASURES, METRICS, adapted_text, measure_name, measure_of
from isolet_nn.errors import counted
from isolet_nn.notebook.cards import Card, value_text
from isolet_nn.runs.drawing import title_of, training_loss_note
from isolet_nn.runs.folder import Run

if TYPE_CHECKING:
    from isolet_nn.training.progress import Row

_HUGE = 1e6
_SPLITS = ("train", "validation", "test")


def card_of_run(run: Run) -> Card:
    """Settings, scores and curves of a run, as far as it has come."""
    summary, history = run.summary, run.history()
    metrics = summary.get("metrics") or (history[-1] if history else {})
    headings, rows = _scores(metrics)
    task = adapted_text(run.experiment.dataset.adapted_to)
    return Card(
        title=f"{run.experiment.name}: {summary['status']}{task}",
        facts=_facts(run, summary, history),
        headings=headings,
        rows=rows,
        problem=summary.get("error") or "",
        pictures=_curves(run, history),
        settings={
            key: value_text(value)
            for key, value in flat(run.experiment.model_dump(mode="json")).items()
        },
    )


def _facts(run: Run, summary: Mapping[str, Any], history: Sequence[Row]) -> list[str]:
    experiment = run.experiment
    epochs = counted(summary.get("epochs", len(history)), "epoch")
    seconds = summary.get("seconds")
    return [
        experiment.dataset.name,
        experiment.backend,
        epochs if seconds is None else f"{epochs} in {seconds:.2f} s",
        str(run.path),
    ]


def _scores(metrics: Mapping[str, float | None]) -> tuple[list[str], list[list[str]]]:
    """A row a split, a column a measure."""
    known = [name for name in METRICS if metrics.get(name) is not None]
    measures = list(dict.fromkeys(map(measure_name, known)))
    splits = [split for split in _SPLITS if metrics.get(f"{split}_loss") is not None]
    columns = {name: [metrics.get(f"{split}_{name}") for split in splits] for name in measures}
    texts = ([text_of(name, value) for value in values] for name, values in columns.items())
    rows = [list(row) for row in zip(splits, *texts, strict=True)]
    return ["split", *(MEASURES[name].words for name in measures)], rows


def text_of(metric: str, value: float | None) -> str:
    """A metric's value as a card says it: with as many digits as the commands print."""
    if value is None:
        return ""
    if measure_of(metric).in_percent:
        return f"{100 * value:.2f} %"
    return f"{value:.4f}" if abs(value) < _HUGE else f"{value:.4g}"


def _curves(run: Run, history: Sequence[Row]) -> dict[str, bytes]:
    """Pictures of loss and accuracy over the epochs."""
    from isolet_nn.plots import figure_accuracy, figure_loss, rendered

    if not history:
        return {}
    columns = {name: [row[name] for row in history] for name in history[0]}
    title, note = title_of(run), training_loss_note(run.experiment)
    figures = {
        "loss by epoch": figure_loss(columns, title=title, note=note),
        "accuracy by epoch": figure_accuracy(columns, title=title),
    }
    return {name: rendered(figure, ".png") for name, figure in figures.items()}
