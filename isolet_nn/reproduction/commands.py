"""The commands of `isolet-nn reproduce`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from isolet_nn.errors import ConfigError
from isolet_nn.system.statuses import INTERRUPTED
from isolet_nn.terminal.commands import App
from isolet_nn.terminal.endings import exit_to_resume, stopping
from isolet_nn.terminal.options import (
    AsJson,
    Backend,
    DataDir,
    Quiet,
    RunsDir,
    TableFormat,
    Workers,
    one_of,
    text_of,
)

app = App(no_args_is_help=True, help="Published results, run again and judged.")

_Resume = Annotated[
    Path | None,
    typer.Option("--resume", metavar="FOLDER", help="Go on with an interrupted one instead."),
]


@app.command("report")
def reproduce_report(
    figure: Annotated[
        list[str] | None,
        typer.Option(
            "--figure",
            metavar="N",
            help="1 to 8, xor, parity, data, or claim1 to claim12; repeatable. All of them.",
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer cells and seeds; no claim that takes long.")
    ] = False,
    backend: Backend = None,
    device: Annotated[
        str | None,
        typer.Option(
            "--device",
            help="Where PyTorch computes, with --backend torch.",
            **one_of("--device", "auto", "cpu", "cuda", "mps"),
        ),
    ] = None,
    data_dir: DataDir = None,
    runs_dir: RunsDir = Path("runs"),
    workers: Workers = None,
    resume: _Resume = None,
    quiet: Quiet = False,
    table_format: TableFormat = None,
) -> None:
    """Run the report's figures again and judge what it says, on a page; prints the folder."""
    from isolet_nn.reproduction import run as reproduction
    from isolet_nn.reproduction.console import PrintedProgress, print_verdicts
    from isolet_nn.reproduction.page import concluded
    from isolet_nn.runs.status_file import read_status
    from isolet_nn.terminal.printer import Printer
    from isolet_nn.terminal.streams import print_line, print_message

    printer = Printer.asked_for(table_format, quiet=quiet)
    if device is not None and backend != "torch":
        raise ConfigError("--device goes with --backend torch")
    if resume is not None and backend is not None:
        raise ConfigError("--resume goes on with the backend it began with: give no --backend")
    if backend is not None:
        print_message("what compares the backends is left aside: one computes all")
    if resume is not None and (figure or quick):
        raise ConfigError(
            "--resume goes on with the figures it began with: give no --figure and no --quick"
        )
    progress = PrintedProgress(quiet)
    data = text_of(data_dir)
    with stopping("reproduce report", lambda: resume or progress.path) as stop:
        folder = resume or reproduction.begin(
            figure or [],
            quick=quick,
            backend=cast("Any", backend),
            device=cast("Any", device or "auto"),
            runs_dir=runs_dir,
            data_dir=data,
        )
        reproduction.go_on(
            folder, data_dir=data, workers=workers, observer=progress, should_stop=stop
        )
    if read_status(folder).status == INTERRUPTED:
        exit_to_resume("reproduce report", folder)
    if quiet:
        print_line(folder)
    else:
        print_verdicts(folder, *concluded(folder), printer)


@app.command("baselines")
def reproduce_baselines(
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            metavar="NAME",
            help="One of the models, such as svm; repeatable. All of them.",
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Few speakers and settings, small models.")
    ] = False,
    data_dir: DataDir = None,
    runs_dir: RunsDir = Path("runs"),
    workers: Workers = None,
    resume: _Resume = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
    table_format: TableFormat = None,
) -> None:
    """Compare other models with the network, one protocol for all; prints the table and folder."""
    from isolet_nn.baselines import run as baselines
    from isolet_nn.reproduction.console import PrintedFits, print_baselines
    from isolet_nn.runs.status_file import read_status
    from isolet_nn.terminal.printer import Printer
    from isolet_nn.terminal.streams import print_line

    printer = Printer.asked_for(table_format, as_json=as_json, quiet=quiet)
    if resume is not None and (model or quick):
        raise ConfigError(
            "--resume goes on with the models it began with: give no --model and no --quick"
        )
    progress = PrintedFits(quiet)
    data = text_of(data_dir)
    with stopping("reproduce baselines", lambda: resume or progress.path) as stop:
        folder = resume or baselines.begin(
            model or [], quick=quick, runs_dir=runs_dir, data_dir=data
        )
        baselines.go_on(folder, data_dir=data, workers=workers, observer=progress, should_stop=stop)
    if read_status(folder).status == INTERRUPTED:
        exit_to_resume("reproduce baselines", folder)
    if quiet:
        print_line(folder)
    else:
        print_baselines(folder, data, printer, as_json=as_json)
