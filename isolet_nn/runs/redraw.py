"""Drawing a run once more: all that `train` and `eval` draw, or one kind of picture."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from isolet_nn.errors import ConfigError, RunError, suggestion
from isolet_nn.runs.drawing import (
    RUN_KINDS,
    SPEAKERS,
    SPLIT_KINDS,
    draw_curves,
    draw_split,
    draw_weights,
    group_word,
)
from isolet_nn.runs.execution import SPLITS
from isolet_nn.runs.folder import Run


def redraw_run(run: Run, kind: str | None = None) -> list[Path]:
    """Draw a run's pictures once more, or those of one kind; return the files written.

    Raises
    ------
    RunError
        If the run has nothing to draw them from.
    ConfigError
        If there is no such kind.
    """
    match kind:
        case None:
            return draw_curves(run) + list(_redraw_splits(run, SPLIT_KINDS))
        case "curves":
            return draw_curves(run)
        case "weights":
            return [draw_weights(run)]
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
    if not drawn:
        command = f"isolet-nn eval {shlex.quote(str(run.path))}"
        grouped = kind == SPEAKERS and group_word(run) == "group"
        unless = " where rows have groups" if grouped else ""
        raise RunError(
            f"{run.path}: has no table to draw {kind} from; `{command}` writes it{unless}"
        )
    return drawn
