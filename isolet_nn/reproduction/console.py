"""What a person sees of a reproduction: what is run, and what came of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

from isolet_nn.baselines.fits import Task
from isolet_nn.baselines.page import PAGE as BASELINES_PAGE
from isolet_nn.baselines.page import to_json
from isolet_nn.baselines.run import BaselinesObserver, results_of
from isolet_nn.baselines.tables import score_table
from isolet_nn.errors import one_line
from isolet_nn.reproduction.page import PAGE
from isolet_nn.reproduction.parts import Part
from isolet_nn.reproduction.run import ReproductionObserver
from isolet_nn.reproduction.verdicts import Claim
from isolet_nn.sweeps.cohort import TrialResult
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.observers import SweepObserver
from isolet_nn.sweeps.plan import Cohort, Plan
from isolet_nn.terminal.printer import FOR_TERMINAL, Printer
from isolet_nn.terminal.streams import print_json, print_message
from isolet_nn.terminal.sweeps import sweep_observer
from isolet_nn.terminal.tables import PrintedColumn, PrintedTable

_CELL_SECONDS = 5.0


class PrintedProgress(ReproductionObserver):
    """Prints the progress, and knows the folder as soon as there is one.

    Parameters
    ----------
    quiet
        Whether to print nothing.
    """

    def __init__(self, quiet: bool) -> None:
        self.path: Path | None = None
        self.shown: _Newest | None = None
        self.showing = threading.RLock()
        self._quiet = quiet
        self._printed = 0.0

    def of_sweep(self) -> SweepObserver:
        return _Newest(self, sweep_observer(self._quiet, verbose=False))

    def on_start(self, folder: Path) -> None:
        self.path = folder

    def on_part(self, part: Part, number: int, total: int) -> None:
        self._say(f"{number} of {total}: {part.name}")

    def on_cell(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._printed >= _CELL_SECONDS or done == total:
            self._printed = now
            self._say(f"{done}/{total} cells")

    def _say(self, text: str) -> None:
        if not self._quiet:
            print_message(text)


class _Newest(SweepObserver):
    """Shows a sweep until the next one begins: two bars would be drawn over each other."""

    def __init__(self, among: PrintedProgress, progress: SweepObserver) -> None:
        self._among, self._progress = among, progress

    def on_start(self, folder: SweepFolder, plan: Plan) -> None:
        self._folder = folder
        with self._among.showing:
            if (before := self._among.shown) is not None:
                before.on_end(before._folder)
            self._among.shown = self
            self._progress.on_start(folder, plan)

    def on_results(self, results: list[TrialResult], cost: float) -> None:
        with self._among.showing:
            if self._among.shown is self:
                self._progress.on_results(results, cost)

    def on_wait(self) -> None:
        with self._among.showing:
            if self._among.shown is self:
                self._progress.on_wait()

    def on_retry(self, cohort: Cohort, error: str) -> None:
        self._progress.on_retry(cohort, error)

    def on_end(self, folder: SweepFolder) -> None:
        with self._among.showing:
            if self._among.shown is self:
                self._progress.on_end(folder)
                self._among.shown = None


def print_verdicts(
    folder: Path,
    conclusions: Sequence[Claim],
    claims: Sequence[Claim],
    printer: Printer = FOR_TERMINAL,
) -> None:
    """Print a row for each conclusion and each claim, the page, and last the folder."""
    printer.tables(_table("the report concludes", conclusions), _table("its text says", claims))
    printer.say(one_line(f"page: {folder / PAGE}"))
    printer.say(one_line(folder))


def _table(heading: str, claims: Sequence[Claim]) -> PrintedTable:
    texts = [f"{number}. {claim.text}" for number, claim in enumerate(claims, 1)]
    outcomes = [claim.outcome for claim in claims]
    return PrintedTable([PrintedColumn(heading, texts), PrintedColumn("verdict", outcomes)])


class PrintedFits(BaselinesObserver):
    """Prints each fit as it ends, and knows the folder as soon as there is one.

    Parameters
    ----------
    quiet
        Whether to print nothing.
    """

    def __init__(self, quiet: bool) -> None:
        self.path: Path | None = None
        self._quiet = quiet

    def on_start(self, folder: Path) -> None:
        self.path = folder

    def on_fit(self, task: Task, accuracy: float, done: int, total: int) -> None:
        if not self._quiet:
            print_message(f"{done} of {total}: {task.name}: {100 * accuracy:.2f} %")


def print_baselines(
    folder: Path, data_dir: str | None, printer: Printer = FOR_TERMINAL, *, as_json: bool = False
) -> None:
    """Print the table, the page, and last the folder; or all of the table as JSON."""
    lines = results_of(folder, data_dir)
    if as_json:
        print_json({"folder": str(folder), "models": to_json(lines)})
        return
    printer.tables(score_table(lines))
    printer.say(one_line(f"page: {folder / BASELINES_PAGE}"))
    printer.say(one_line(folder))
