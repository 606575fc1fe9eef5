"""What a person sees of a sweep: its plan, its progress, and its best settings.

As everywhere, messages go to standard error and results to standard output.
"""

from __future__ import annotations

import functools
import shlex
import time
from collections.abc import Sequence, Set
from typing import TYPE_CHECKING

from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn

from isolet_nn.config.metrics import adapted_text, in_words, is_better, measure_name
from isolet_nn.errors import counted, one_line
from isolet_nn.system.folders import OUTER_FOLDS, PLOTS, SETTINGS, TABLE
from isolet_nn.system.statuses import FAILED, PENDING, PRUNED
from isolet_nn.terminal.nested import outer_table, say_nested
from isolet_nn.terminal.notebook import NOTEBOOK_SECONDS, NotebookBar
from isolet_nn.terminal.printer import FOR_TERMINAL, Printer
from isolet_nn.terminal.streams import MESSAGES, ProgressLine, print_message
from isolet_nn.terminal.tables import PrintedColumn, PrintedTable, setting_column
from isolet_nn.terminal.words import duration, metric_text, setting_text

if TYPE_CHECKING:
    from pathlib import Path

    from isolet_nn.sweeps.cohort import TrialResult
    from isolet_nn.sweeps.distributions import Setting
    from isolet_nn.sweeps.folder import SweepFolder
    from isolet_nn.sweeps.observers import SweepObserver
    from isolet_nn.sweeps.plan import Cohort, Plan
    from isolet_nn.sweeps.reuse import Reused
    from isolet_nn.sweeps.scores import MeanScore, SettingScore
    from isolet_nn.sweeps.staff import Staff
else:  # as in `progress`
    SweepObserver = object

_PLAIN_SECONDS = 5.0
_REFRESH_SECONDS = 0.1
_MOST_NAMED = 10
"""Folders that are named of those from which trials were taken over."""


def sweep_observer(quiet: bool, verbose: bool) -> SilentSweepProgress:
    """The observer that suits where standard error goes."""
    if quiet:
        return SilentSweepProgress()
    if MESSAGES.is_jupyter:
        return NotebookSweepProgress(verbose)
    return LiveSweepProgress(verbose) if MESSAGES.is_terminal else SweepProgress(verbose)


class SilentSweepProgress(SweepObserver):
    """Prints nothing; knows the folder as soon as there is one."""

    path: Path | None = None

    def on_start(self, folder: SweepFolder, plan: Plan) -> None:
        self.path = folder.path

    def on_reuse(self, folder: SweepFolder, reused: Reused) -> None:
        self.path = folder.path

    def on_end(self, folder: SweepFolder) -> None:
        pass

    def on_submit(self, cohort: Cohort, ticket: int) -> None:
        pass

    def on_results(self, results: list[TrialResult], cost: float) -> None:
        pass

    def on_retry(self, cohort: Cohort, error: str) -> None:
        pass

    def on_wait(self) -> None:
        pass


class SweepProgress(SilentSweepProgress):
    """Trials done, rate, time left, failures and the best so far: a line now and then.

    Parameters
    ----------
    verbose
        Whether to say which trials each cohort has that is begun or ended.
    """

    _interval = _PLAIN_SECONDS
    """Seconds between two lines."""

    def __init__(self, verbose: bool) -> None:
        self._verbose = verbose

    def on_start(self, folder: SweepFolder, plan: Plan) -> None:
        super().on_start(folder, plan)
        self._total = plan.n_trials + plan.n_later
        self._cost = max(plan.cost + plan.later_cost, 1e-9)
        self._done = self._failed = self._pruned = 0
        self._cost_done = 0.0
        self._metric = folder.metric
        best = folder.results.best(folder.metric)
        self._best = None if best is None else best[1]
        self._started = self._printed = time.monotonic()
        done_before = folder.n_own - folder.count(PENDING)
        self._begin(
            f"{folder.path}: {counted(plan.n_trials, 'trial')} in "
            f"{counted(plan.n_trainings, 'training')}, {counted(len(plan.cohorts), 'cohort')}"
            + (f", then {plan.later}" if plan.n_later else "")
            + (f"; {done_before} {_are(done_before)} done already" if done_before else "")
        )

    def on_reuse(self, folder: SweepFolder, reused: Reused) -> None:
        super().on_reuse(folder, reused)
        say_reused(reused)

    def _begin(self, about: str) -> None:
        """Show what is about to be done."""
        print_message(about)

    def _draw(self, state: str) -> None:
        """Show how far it is."""
        print_message(f"{self._trials()}  {state}")

    def on_submit(self, cohort: Cohort, ticket: int) -> None:
        if self._verbose:
            trials = ", ".join("+".join(map(str, line)) for line in cohort.lines)
            print_message(f"cohort {ticket} begun: trials {trials}")

    def on_results(self, results: list[TrialResult], cost: float) -> None:
        self._done += len(results)
        self._cost_done += cost
        for result in results:
            value = result.metrics.get(self._metric)
            if result.status == FAILED:
                self._failed += 1
            elif result.status == PRUNED:
                self._pruned += 1
            elif value is not None and (
                self._best is None or is_better(self._metric, value, self._best)
            ):
                self._best = value
        if self._verbose:
            print_message(
                f"ended ({self._metric.replace('_', ' ')}): "
                + ", ".join(map(self._ending, results))
            )
        self._show()

    def _ending(self, result: TrialResult) -> str:
        """What became of a trial: its number and its score."""
        score = result.error
        if result.status != FAILED:
            value = result.metrics.get(self._metric)
            score = PRUNED if result.status == PRUNED else metric_text(self._metric, value)
        return f"trial {result.trial} {score}".rstrip()

    def on_retry(self, cohort: Cohort, error: str) -> None:
        n = cohort.n_trials
        print_message(f"{counted(n, 'trial')} {_are(n)} tried once more: {error}")

    def _show(self) -> None:
        now = time.monotonic()
        if now - self._printed >= self._interval or self._done == self._total:
            self._printed = now
            self._draw(self._state(now))

    def _trials(self) -> str:
        return f"{self._done}/{counted(self._total, 'trial')}"

    def _state(self, now: float) -> str:
        seconds = now - self._started
        parts = [f"{self._done / max(seconds, 1e-9):.1f}/s"]
        if 0.0 < self._cost_done < self._cost:
            left = seconds * (self._cost - self._cost_done) / self._cost_done
            parts.append(f"{duration(left)} left")
        if self._failed:
            parts.append(f"{self._failed} failed")
        if self._pruned:
            parts.append(f"{self._pruned} pruned")
        if self._best is not None:
            parts.append(f"best {self._metric} {metric_text(self._metric, self._best)}")
        return "  ".join(parts)


class LiveSweepProgress(SweepProgress):
    """A bar that is drawn over itself on a terminal."""

    _interval = _REFRESH_SECONDS
    _task: TaskID

    def _begin(self, about: str) -> None:
        super()._begin(about)
        self._bar = ProgressLine(
            TextColumn("{task.fields[trials]}"),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[state]}"),
            console=MESSAGES,
            auto_refresh=False,
        )
        self._task = self._bar.add_task("", total=self._cost, trials=self._trials(), state="")
        self._bar.start()

    def _draw(self, state: str) -> None:
        self._bar.update(self._task, completed=self._cost_done, trials=self._trials(), state=state)
        self._bar.refresh()

    def on_wait(self) -> None:
        self._show()

    def on_end(self, folder: SweepFolder) -> None:
        self._bar.stop()


class NotebookSweepProgress(SweepProgress):
    """A bar below the cell of a notebook."""

    _interval = NOTEBOOK_SECONDS

    def _begin(self, about: str) -> None:
        self._bar = NotebookBar()
        self._bar.show(0.0, about)

    def _draw(self, state: str) -> None:
        self._bar.show(self._cost_done / self._cost, f"{self._trials()}  {state}")

    def on_wait(self) -> None:
        self._show()


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def say_reused(reused: Reused) -> None:
    """Say how many trials were taken over and from where, and what was left aside."""
    total = reused.taken.total()
    print_message(
        f"{counted(total, 'trial')} {_are(total)} taken over"
        + (f" from {counted(len(reused.taken), 'folder')}" if total else "")
    )
    for path, count in reused.taken.most_common(_MOST_NAMED):
        print_message(f"  {count} from {path}")
    reasons: dict[str, list[Path]] = {}
    for path, reason in reused.aside.items():
        reasons.setdefault(reason, []).append(path)
    for reason, paths in [*reasons.items()][:_MOST_NAMED]:
        others = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        print_message(f"left aside: {paths[0]}{others}: {reason}")


def print_plan(plan: Plan, trials: int, staff: Staff, printer: Printer = FOR_TERMINAL) -> None:
    """Print what a sweep would do: trials, trainings, cohorts, what is shared and why."""
    cost = plan.cost + plan.later_cost
    workers, processor = counted(staff.workers, "worker"), "processor"
    if staff.gpus:
        names = ", ".join(dict.fromkeys(staff.gpus))
        memory = f"{(staff.gpu_memory or 0) / 1e9:.0f} GB at least"
        workers, processor = f"{workers} on {names} ({memory})", "GPU"
    later = f"then {plan.later}\n" if plan.n_later else ""
    printer.say(
        f"{counted(trials, 'trial')}, {plan.n_trials + plan.n_later} of them to be done\n"
        f"{counted(plan.n_trainings, 'training')} in {counted(len(plan.cohorts), 'cohort')} "
        f"for {workers}\n{later}"
        f"estimated work: {duration(cost)} of one {processor}, "
        f"{duration(cost / staff.workers)} with {counted(staff.workers, 'worker')}"
    )
    for note, count in plan.notes.items():
        printer.say(f"{counted(count, 'trial')} {note}")
    if not plan.cohorts:
        return
    longest = plan.cohorts[:10]
    columns = [
        PrintedColumn("cohort", range(1, len(longest) + 1)),
        PrintedColumn("trainings", [len(cohort.lines) for cohort in longest]),
        PrintedColumn("trials", [cohort.n_trials for cohort in longest]),
        PrintedColumn("seconds", [cohort.cost for cohort in longest], "{:.1f}".format),
    ]
    printer.tables(PrintedTable(columns, "longest cohorts"))


def print_sweep(folder: SweepFolder, printer: Printer = FOR_TERMINAL) -> None:
    """Print the best settings, how trials ended, and last the folder."""
    best, nested = folder.best(), folder.nested
    if best:
        tasks = {setting.get("adapted_to") for setting in folder.summary["best"]}
        tables = [_best_settings(folder, best, printer, tasks)]
        if nested is not None:
            settings = _setting_columns(folder, [fold.setting or {} for fold in nested[0]])
            tables.append(outer_table(*nested, settings))
        printer.tables(*tables)
        if len(tasks) > 1:
            printer.say(
                "Two tasks are ranked together here: settings with dataset.standardize.by know "
                "which rows are of one group, the others do not."
            )
        if folder.metric.startswith("test_"):
            printer.say(
                "This ranking saw the test set: with dataset.validation or cross_validation, "
                "settings would be chosen without it."
            )
    elif folder.results.has_metric("train_loss"):
        printer.say(
            f"no setting is ranked, as none has {in_words(folder.metric)}: it is undefined "
            "where the split lacks a class"
        )
    if nested is not None:
        say_nested(nested[1], printer)
    summary = folder.summary
    counts = ", ".join(f"{summary[state]} {state}" for state in folder.states)
    taken = f"; {summary['reused']} of them taken over" if summary.get("reused") else ""
    printer.say(f"{counted(summary['trials'], 'trial')}: {counts}{taken}")
    for error in dict.fromkeys(folder.errors.values()):
        printer.say(f"failed: {error}")
    if folder.shard is not None:
        into = shlex.quote(str(folder.path.parent))
        done = f"once all {counted(folder.shard.name.of, 'shard')} are done"
        printer.say(f"shard {folder.shard.name}; {done}: isolet-nn sweep --merge {into}")
    for table_file in (TABLE, SETTINGS, *([OUTER_FOLDS] if folder.outer is not None else [])):
        printer.say(one_line(f"table: {folder.path / table_file}"))
    if (folder.path / PLOTS).is_dir():
        printer.say(one_line(f"plots: {folder.path / PLOTS}"))
    printer.say(one_line(folder.path))


def _best_settings(
    folder: SweepFolder, best: Sequence[SettingScore], printer: Printer, tasks: Set[str | None]
) -> PrintedTable:
    names = [*best[0].scores]
    if printer.is_for_terminal:  # which has room for what ranks; settings.csv has the others
        names = [name for name in names if measure_name(name) == measure_name(folder.metric)]
    has_folds = folder.trial_table.cross_validation is not None
    n, over = _folds(folder) if has_folds else ("seeds", "")
    columns = [
        *_setting_columns(folder, [score.setting for score in best]),
        PrintedColumn(n, [score.n for score in best]),
        *(_score_column(name, [of.scores.get(name) for of in best]) for name in names),
    ]
    title = f"best settings by {in_words(folder.metric)}{adapted_text(*tasks)}{over}"
    return PrintedTable(columns, title)


def _folds(folder: SweepFolder) -> tuple[str, str]:
    """Heading of the number of trials, and what they are, under cross-validation."""
    several = [(n, name) for name, n in folder.trial_table.shape.items() if n > 1]
    over = " x ".join(counted(n, name.replace("_", " ")) for n, name in reversed(several))
    interval = "" if folder.outer is not None else ", and its 95 % interval"
    return "trials", f", mean +- standard deviation over {over}{interval}"


def _setting_columns(folder: SweepFolder, settings: Sequence[Setting]) -> list[PrintedColumn]:
    keys = folder.trial_table.keys
    columns = [setting_column(key, settings) for key in keys]
    if folder.sweep.list is None:
        return columns
    # Entries of a list set different keys: a column for each would be mostly empty.
    texts = [
        "\n".join(f"{key}={setting_text(value)}" for key, value in setting.items())
        for setting in settings
    ]
    exact = {column.name: column.exact[column.name] for column in columns}
    return [PrintedColumn("setting", texts, str, exact)]


def _score_column(name: str, scores: Sequence[MeanScore | None]) -> PrintedColumn:
    exact = {
        f"{name}_mean": [score and score.mean for score in scores],
        f"{name}_sd": [score and score.deviation for score in scores],
        f"{name}_low": [score and score.low for score in scores],
        f"{name}_high": [score and score.high for score in scores],
    }
    exact = {part: of for part, of in exact.items() if any(value is not None for value in of)}
    return PrintedColumn(name, scores, functools.partial(_score_text, name), exact, numbers=True)


def _score_text(metric: str, score: MeanScore | None) -> str:
    return "" if score is None else score.text(metric, "+-")
