"""The command compare: runs side by side, and groups of them or a sweep's settings tested."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isolet_nn.cli.choice import Best, TrialNumbers, choose_all
from isolet_nn.errors import ConfigError, one_line
from isolet_nn.terminal.completion import complete_run
from isolet_nn.terminal.options import AsJson, DataDir, TableFormat, text_of

if TYPE_CHECKING:
    from isolet_nn.results.contests import Contest
    from isolet_nn.terminal.printer import Printer


def compare(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN RUN...",
            help="Two or more run folders; sweeps, with --trial or --best; or one sweep alone, "
            "of which the settings are compared.",
            autocompletion=complete_run,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The picture; comparison.png in the folder the runs lie in. That of ranks, where "
            "there are three groups or more, gets -ranks to its name.",
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric",
            metavar="METRIC",
            help="What groups of runs, or settings, are tested by; the accuracy on the test or "
            "validation split, or what the sweep ranks by.",
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline",
            metavar="RUN|TRIAL",
            help="Test each against this one alone: a run of a group, or a trial of a setting.",
        ),
    ] = None,
    test: Annotated[
        bool,
        typer.Option("--test", help="McNemar's test of each two models, on their test split."),
    ] = False,
    data_dir: DataDir = None,
    trials: TrialNumbers = None,
    best: Best = False,
    as_json: AsJson = False,
    table_format: TableFormat = None,
) -> None:
    """Show how runs differ in config and results, and overlay their curves; prints the picture.

    Runs that differ in nothing but seed and name are a group: one curve, with a band over the
    seeds. Several groups, or the settings of one sweep, are tested over the seeds, folds or data
    sets that they have in common, each two as pairs, corrected for their number.
    """
    from isolet_nn.results.comparison import require_picture_path
    from isolet_nn.results.selection import is_sweep
    from isolet_nn.terminal.printer import Printer

    printer = Printer.asked_for(table_format, as_json=as_json)
    if data_dir is not None and not test:
        raise ConfigError("--data-dir goes with --test, which evaluates the models")
    if output is not None:
        require_picture_path(output)
    of_settings = len(folders) == 1 and is_sweep(folders[0]) and not (trials or best)
    if not of_settings:
        chosen = choose_all(folders, trials or [], best)
        _compare_runs(chosen, output, metric, baseline, (test, data_dir), printer, as_json)
    elif test:
        raise ConfigError(f"{folders[0]}: --test is of two models: choose them by --trial")
    else:
        _compare_settings(folders[0], output, metric, baseline, printer, as_json)


def _compare_settings(
    folder: Path,
    output: Path | None,
    metric: str | None,
    baseline: str | None,
    printer: Printer,
    as_json: bool,
) -> None:
    from isolet_nn.results.conclusions import conclusions
    from isolet_nn.results.settings_contest import contest_of_settings
    from isolet_nn.results.shown_contests import contest_json, draw_ranks
    from isolet_nn.sweeps.folder import SweepFolder
    from isolet_nn.system.folders import PLOTS
    from isolet_nn.terminal.contests import print_contest
    from isolet_nn.terminal.streams import print_json

    trial = None
    if baseline is not None:
        if not (baseline.isascii() and baseline.isdecimal() and len(baseline) < 10):
            raise ConfigError(f"--baseline: found {baseline!r}; expected the number of a trial")
        trial = int(baseline)
    contest = contest_of_settings(SweepFolder.open(folder), metric, trial)
    picture = draw_ranks(contest, output or folder / PLOTS / "ranks.png")
    if as_json:
        print_json({**contest_json(contest), "picture": text_of(picture)})
        return
    print_contest(contest, conclusions(contest), printer)
    if picture is not None:
        printer.say(one_line(picture))


def _compare_runs(
    folders: list[Path],
    output: Path | None,
    metric: str | None,
    baseline: str | None,
    test: tuple[bool, Path | None],
    printer: Printer,
    as_json: bool,
) -> None:
    from isolet_nn.results.comparison import compare, draw_comparison
    from isolet_nn.results.runs_contest import contest_of_runs
    from isolet_nn.results.shown_contests import contest_json, draw_ranks
    from isolet_nn.terminal.comparisons import print_comparison, print_duels
    from isolet_nn.terminal.streams import print_json, print_message

    comparison = compare(folders)
    for reason in comparison.left_out.values():
        print_message(f"left out: {reason}")
    contest = contest_of_runs(comparison, metric, baseline)
    if contest is None and (metric, baseline) != (None, None):
        option = "--metric" if metric else "--baseline"
        raise ConfigError(
            f"{option} is for groups of runs that differ in their seeds, and here is nothing "
            "repeated: train each with several seeds"
        )
    duels = None
    if test[0]:
        from isolet_nn.results.duels import compare_answers

        duels = compare_answers(comparison.runs, data_dir=text_of(test[1]))
    over_data = contest is not None and contest.design.blocks == "data sets"
    if not as_json:
        print_comparison(comparison, printer, over_data=over_data)
        _print_contest(contest, printer)
        print_duels(duels or [], printer)
    picture = draw_comparison(comparison, output)
    ranks = None
    if contest is not None:
        beside = output or comparison.folder / "comparison.png"
        ranks = draw_ranks(contest, beside.with_stem(f"{beside.stem}-ranks"))
    if as_json:
        content: dict[str, Any] = comparison.to_json()
        if contest is not None:
            content |= {"contest": contest_json(contest), "ranks": text_of(ranks)}
        tests = {} if duels is None else {"tests": [duel.to_json() for duel in duels]}
        print_json({**content, **tests, "picture": text_of(picture)})
        return
    for path in (picture, ranks):
        if path is not None:
            printer.say(one_line(path))


def _print_contest(contest: Contest | None, printer: Printer) -> None:
    if contest is None:
        return
    from isolet_nn.results.conclusions import conclusions
    from isolet_nn.terminal.contests import print_contest

    print_contest(contest, conclusions(contest), printer)
