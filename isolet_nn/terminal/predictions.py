"""What `predict` shows: how many rows are done, and how good the predictions are."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

from isolet_nn.config.metrics import adapted_text
from isolet_nn.errors import counted
from isolet_nn.terminal.streams import MESSAGES, ProgressLine, print_message
from isolet_nn.terminal.words import loss_text, percent

if TYPE_CHECKING:
    from isolet_nn.results.prediction_scores import PredictionScores

_REFRESH_SECONDS = 0.1
_BEGIN_SECONDS = 0.5
"""What takes no longer has no bar: in a pipe it would stand before what the last program prints."""
_PLAIN_SECONDS = 10.0
"""Without a terminal, a line is printed this often."""


class PredictionProgress:
    """Counts rows: a bar on a terminal, elsewhere a line now and then, if it `shows` them."""

    def __init__(self, shows: bool) -> None:
        self._bar: ProgressLine | None = None
        self._shows = shows
        self._is_begun = False
        if MESSAGES.is_terminal and shows:
            self._bar = ProgressLine(
                BarColumn(bar_width=None),
                TimeRemainingColumn(),
                TextColumn("{task.fields[rows]}"),
                console=MESSAGES,
                auto_refresh=False,
                transient=True,
                expand=True,
            )
            self._task = self._bar.add_task("", total=None, rows="")

    def __enter__(self) -> Self:
        self.rows = 0
        self._share: float | None = None
        self._begun = self._shown = time.monotonic()
        return self

    def hear_share(self, share: float) -> None:
        """Take note of how much of the table was read, 0 to 1."""
        self._share = share

    def advance(self, rows: int) -> None:
        """Count rows that are done."""
        self.rows += rows
        now = time.monotonic()
        if self._bar is not None:
            if now - self._shown >= (_REFRESH_SECONDS if self._is_begun else _BEGIN_SECONDS):
                if not self._is_begun:
                    self._bar.start()
                    self._is_begun = True
                total = None if self._share is None else 1.0
                done = self._share or 0.0
                self._bar.update(
                    self._task, total=total, completed=done, rows=self._text(now), refresh=True
                )
                self._shown = now
        elif self._shows and now - self._shown >= _PLAIN_SECONDS:
            print_message(self._text(now))
            self._shown = now

    def _text(self, now: float) -> str:
        seconds = max(now - self._begun, 1e-9)
        share = "" if self._share is None else f"{100.0 * self._share:.0f} %, "
        return f"{share}{self.rows:,} rows, {self.rows / seconds:,.0f} a second"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None and self._is_begun:
            self._bar.stop()


def print_unseen(unseen: Mapping[str, int], rows: int) -> None:
    """Warn of columns with categories that the model never saw, given the rows that have one."""
    for column, found in unseen.items():
        print_message(
            f"warning: column {column!r}: {found:,} of {counted(rows, 'row')} have a category that "
            "the model never saw, and that tells it nothing"
        )


def print_prediction_scores(
    scores: PredictionScores, label: str, adapted_to: str | None = None
) -> None:
    """Say to standard error how good predictions were, where the table had the classes."""
    if not scores.n:
        return
    low, high = scores.accuracy_interval
    print_message(
        f"accuracy {percent(scores.n_correct / scores.n)} (95 % interval {percent(low)} to "
        f"{percent(high)}), as the column {label!r} has it: {scores.n_correct:,} of "
        f"{counted(scores.n, 'row')}{adapted_text(adapted_to)}"
    )
    if scores.n_known:
        print_message(
            f"balanced accuracy {percent(scores.balanced_accuracy)}, loss {loss_text(scores.loss)}"
        )
    if scores.unknown:
        rows, names = sum(scores.unknown.values()), list(scores.unknown)
        shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        print_message(
            f"counted as wrong: {counted(rows, 'row')} of classes that the model does not know: "
            f"{shown}"
        )
    if scores.unlabelled:
        print_message(f"not counted: {counted(scores.unlabelled, 'row')} without a class")
