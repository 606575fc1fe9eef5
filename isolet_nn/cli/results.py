"""Commands that read runs and sweeps alike: compare, plot."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from isolet_nn.cli.choice import Best, TrialNumber, choose, choose_all
from isolet_nn.errors import ConfigError, one_line
from isolet_nn.terminal.completion import complete_run
from isolet_nn.terminal.options import AsJson, DataDir, TableFormat, one_of, text_of, whole


def plot(
    folder: Annotated[
        Path, typer.Argument(help="A run's or a sweep's folder.", autocompletion=complete_run)
    ],
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind",
            help="What to draw: the last four of a sweep, the others of a run.",
            **one_of(
                "--kind",
                *("curves", "confusion", "confusion-normalized", "reliability"),
                *("roc", "precision-recall", "speakers", "importance", "weights"),
                *("heatmap", "boxplot", "line", "scatter"),
            ),
        ),
    ] = None,
    x: Annotated[
        str | None, typer.Option("--x", metavar="KEY", help="Varied key along the bottom.")
    ] = None,
    y: Annotated[
        str | None,
        typer.Option("--y", metavar="KEY", help="Varied key up the side, or one line each."),
    ] = None,
    panels: Annotated[
        str | None, typer.Option("--panels", metavar="KEY", help="Varied key, a heat map each.")
    ] = None,
    value: Annotated[
        str | None, typer.Option("--value", metavar="METRIC", help="What is drawn.")
    ] = None,
    trial: TrialNumber = None,
    best: Best = False,
) -> None:
    """Draw a run's or a sweep's pictures once more; prints the files written.

    Options draw one kind of a run's pictures, or another one of a sweep from the same results.
    Importance is computed first: each column is shuffled five times, and the model asked again.
    """
    from isolet_nn.results.redraw import redraw
    from isolet_nn.sweeps.redraw import PlotChoice
    from isolet_nn.terminal.streams import print_line, print_message

    choice = PlotChoice(kind, x, y, panels, value)
    chosen = choose(folder, trial, best)
    for path in redraw(chosen, None if choice == PlotChoice() else choice, print_message):
        print_line(path)


def compare(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN RUN...",
            help="Two or more run folders; or sweeps, with --trial or --best.",
            autocompletion=complete_run,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The picture; comparison.png in the folder the runs lie in.",
        ),
    ] = None,
    test: Annotated[
        bool,
        typer.Option("--test", help="McNemar's test of each two models, on their test split."),
    ] = False,
    data_dir: DataDir = None,
    trials: Annotated[
        list[int] | None,
        typer.Option(
            "--trial", help="Of each sweep: trial N of it; repeatable.", **whole("--trial", 0)
        ),
    ] = None,
    best: Best = False,
    as_json: AsJson = False,
    table_format: TableFormat = None,
) -> None:
    """Show how runs differ in config and results, and overlay their curves; prints the picture.

    Runs that differ in nothing but seed and name are one curve, with a band over the seeds.
    """
    from isolet_nn.results.comparison import compare, draw_comparison, require_picture_path
    from isolet_nn.terminal.comparisons import print_comparison, print_duels
    from isolet_nn.terminal.printer import Printer
    from isolet_nn.terminal.streams import print_json, print_message

    printer = Printer.asked_for(table_format, as_json=as_json)
    if data_dir is not None and not test:
        raise ConfigError("--data-dir goes with --test, which evaluates the models")
    if output is not None:
        require_picture_path(output)
    comparison = compare(choose_all(folders, trials or [], best))
    for reason in comparison.left_out.values():
        print_message(f"left out: {reason}")
    duels = None
    if test:
        from isolet_nn.results.duels import compare_answers

        duels = compare_answers(comparison.runs, data_dir=text_of(data_dir))
    if not as_json:
        print_comparison(comparison, printer)
        print_duels(duels or [], printer)
    picture = draw_comparison(comparison, output)
    if as_json:
        tests = {} if duels is None else {"tests": [duel.to_json() for duel in duels]}
        print_json({**comparison.to_json(), **tests, "picture": text_of(picture)})
    elif picture is not None:
        printer.say(one_line(picture))
