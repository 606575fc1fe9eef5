"""Drawing a run once more: all that `train` and `eval` draw, or one kind of picture."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from isolet_nn.errors import ConfigError, RunError, counted, suggestion
from isolet_nn.runs.boundary import draw_boundary, why_no_plane
from isolet_nn.runs.drawing import (
    ALWAYS,
    IMPORTANCE,
    RUN_KINDS,
    SPEAKERS,
    SPLIT_KINDS,
    draw_curves,
    draw_inspection,
    draw_split,
    draw_weights,
    group_word,
    write_evaluation,
    write_importance,
)
from isolet_nn.runs.execution import SPLITS, evaluate, model_with_data
from isolet_nn.runs.folder import Run
from isolet_nn.runs.importance import measure_importance
from isolet_nn.system.machine import available_cores
from isolet_nn.training.threads import limited_threads


def redraw_run(
    run: Run, kind: str | None = None, announce: Callable[[str], None] = lambda _: None
) -> list[Path]:
    """Draw a run's pictures once more, or those of one kind; return the files written.

    Parameters
    ----------
    announce
        Hears what is computed first, and about how long it will take.

    Raises
    ------
    RunError
        If the run has nothing to draw them from.
    ConfigError
        If there is no such kind.
    """
    match kind:
        case None:
            drawn = draw_curves(run) + list(_redraw_splits(run, [*SPLIT_KINDS, IMPORTANCE]))
            if os.path.lexists(run.model_path) and why_no_plane(run.model().preprocessing) is None:
                drawn.append(_draw_boundary(run))
            if run.experiment.training.inspect:
                drawn.append(draw_inspection(run))
            return drawn
        case "curves":
            return draw_curves(run)
        case "weights":
            return [draw_weights(run)]
        case "importance":
            return _draw_importance(run, announce)
        case "boundary":
            return [_draw_boundary(run)]
        case "inspection":
            return [draw_inspection(run)]
        case _ if kind in SPLIT_KINDS:
            return _redraw_kind(run, kind)
    allowed = f"allowed: {', '.join(RUN_KINDS)}{suggestion(kind, RUN_KINDS)}"
    raise ConfigError(f"kind: found {kind!r}; {allowed}")


def _redraw_splits(run: Run, kinds: Sequence[str]) -> Iterator[Path]:
    for split in SPLITS:
        yield from filter(None, (draw_split(run, kind, split) for kind in kinds))


def _redraw_kind(run: Run, kind: str) -> list[Path]:
    """Draw one kind of picture of every split that there is a table of.

    Raises
    ------
    RunError
        If there is none.
    """
    drawn = list(_redraw_splits(run, [kind]))
    if not drawn and kind not in ALWAYS:  # `train` leaves no tables of them
        split = "test" if run.experiment.training.evaluate_test else "validation"
        written = write_evaluation(run, evaluate(run, split=split), [kind])
        drawn = [path for path in written if path.suffix == ".png"]
    if not drawn:
        command = f"isolet-nn eval {shlex.quote(str(run.path))}"
        grouped = kind == SPEAKERS and group_word(run) == "group"
        unless = " where rows have groups" if grouped else ""
        raise RunError(
            f"{run.path}: has no table to draw {kind} from; `{command}` writes it{unless}"
        )
    return drawn


def _draw_boundary(run: Run) -> Path:
    """Ask a run's model about the plane of its two features, and draw what it says.

    Raises
    ------
    RunError
        If the run has no model, or its data is no longer the same.
    ConfigError
        If its table has not two numeric columns.
    """
    preprocessing = run.model().preprocessing
    if (why := why_no_plane(preprocessing)) is not None:
        raise ConfigError(f"{run.path}: has no decision boundary to draw: {why}")
    with limited_threads(run.experiment, auto=available_cores()):
        model, dataset = model_with_data(run, run.experiment)
        return draw_boundary(run, model, dataset.preprocessing)


def _draw_importance(run: Run, announce: Callable[[str], None]) -> list[Path]:
    """Draw the importance of columns, measured first unless a table has it."""
    drawn = list(_redraw_splits(run, [IMPORTANCE]))
    if not drawn:

        def say(columns: int, rows: int, seconds: float) -> None:
            time = f"about {seconds:.0f} s" if seconds >= 1.0 else "a moment"
            announce(f"shuffling {counted(columns, 'column')} of {counted(rows, 'row')}: {time}")

        split, importances = measure_importance(run, say)
        write_importance(run, split, importances)
        drawn = list(_redraw_splits(run, [IMPORTANCE]))
    return drawn
