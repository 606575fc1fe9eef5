"""The command ``isolet-nn``: parse, call the API, print.

Commands import what they need when they run, so that ``--help`` is quick.
"""

from __future__ import annotations

import errno
import io
import logging
import os
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer
import typer.core

from isolet_nn.cli.completion import (
    complete_config,
    complete_dataset,
    complete_experiment,
    complete_run,
    complete_setting,
    complete_sweep,
    complete_sweep_folder,
)
from isolet_nn.config.bounds import MOST, MOST_THREADS, MOST_TRIALS, MOST_WORKERS
from isolet_nn.errors import ConfigError, IsoletNNError, Problem, Problems, short_repr, suggestion
from isolet_nn.system import interrupts
from isolet_nn.system.start import INTERRUPTED

if TYPE_CHECKING:
    from isolet_nn.config.datasets import DatasetConfig
    from isolet_nn.config.experiment import Experiment
    from isolet_nn.data.kind import DatasetInfo
    from isolet_nn.runs.folder import Run
    from isolet_nn.sweeps.config import Sweep
    from isolet_nn.sweeps.folder import SweepFolder
    from isolet_nn.terminal.console import StopSignal


_Function = TypeVar("_Function", bound=Callable[..., Any])


def _no_type(ctx: Any) -> None:  # typer calls it with this name
    """What stands in the column for the type of an argument."""


class _PlainHelp:
    """A command whose help says what to write, not of which type of Python it becomes."""

    def get_params(self, ctx: Any) -> list[Any]:
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if getattr(param, "is_flag", False):
                param.metavar = ""  # a flag takes no value
            elif param.param_type_name == "argument":
                param.display_type_rich = _no_type
        return params


class _Command(_PlainHelp, typer.core.TyperCommand):
    """A command that takes each of its options once, unless it is one to repeat."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        _, _, given = self.make_parser(ctx).parse_args(args=list(args))
        for param in dict.fromkeys(given):
            is_repeated = param.param_type_name == "option" and given.count(param) > 1
            if is_repeated and not param.multiple and not getattr(param, "is_flag", False):
                raise ConfigError(
                    f"{param.opts[0]}: given {given.count(param)} times: give it once"
                )
        return super().parse_args(ctx, args)


class _Group(_PlainHelp, typer.core.TyperGroup):
    """A group of commands."""


class _App(typer.Typer):
    """An application whose commands are such."""

    def command(self, name: str | None = None, **options: Any) -> Callable[[_Function], _Function]:
        return super().command(name, cls=_Command, **options)


class _Interruptible(_Group):
    """A group of which every command says when Ctrl-C ended it."""

    def invoke(self, ctx: Any) -> Any:
        interrupts.interrupts_raise()
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # of which typer would say nothing
            _exit_interrupted("interrupted")


app = _App(
    cls=_Interruptible,
    name="isolet-nn",
    help="Neural-network experiments from YAML files: metrics, plots and weights in a run folder.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data_app = _App(
    cls=_Group, no_args_is_help=True, help="Data sets: what there is, and where it lies."
)
configs_app = _App(
    cls=_Group,
    invoke_without_command=True,
    help="The configs that come with isolet-nn: list, or copy one.",
)


class _TrainByDefault(_Group):
    """A group whose command may be left out: then it is ``train``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["train", *args]
        return super().parse_args(ctx, args)


bench_app = _App(
    cls=_TrainByDefault, help="Timing comparisons on this machine; `train` unless one is named."
)
reproduce_app = _App(
    cls=_Group, no_args_is_help=True, help="Published results, run again and judged."
)
app.add_typer(data_app, name="data")
app.add_typer(configs_app, name="configs")
app.add_typer(bench_app, name="bench")
app.add_typer(reproduce_app, name="reproduce")

_debug = False


def _set_debug(value: bool) -> None:
    global _debug
    _debug = _debug or value


def _print_version(value: bool) -> None:
    if value:
        from isolet_nn.version import __version__

        typer.echo(f"isolet-nn {__version__}")
        raise typer.Exit


def _one_of(option: str, *allowed: str) -> Any:
    """An option that takes one of a few names, which completion offers."""

    def check(context: typer.Context, value: str | None) -> str | None:
        if value is None or value in allowed or context.resilient_parsing:
            return value
        hint = suggestion(value, allowed)
        raise ConfigError(f"{option}: found {value!r}; allowed: {', '.join(allowed)}{hint}")

    def complete(incomplete: str) -> list[str]:
        return [name for name in allowed if name.startswith(incomplete)]

    return {"callback": check, "autocompletion": complete, "metavar": "|".join(allowed)}


def _setting(option: str) -> Any:
    """An option for a setting: read as ``--set`` reads it, and left to the config to check."""

    def read(text: str) -> Any:
        from isolet_nn.config.loading import parse_value

        value = parse_value(text, option)
        return text if value is None else value  # an option that is left out is None

    return {"parser": read, "metavar": "N"}


def _whole(option: str, low: int, high: int = MOST) -> Any:
    """An option that takes a whole number within bounds, refused in the words of a config."""

    def read(text: str | int) -> int:
        from isolet_nn.config.loading import parse_value

        number = parse_value(text, option) if isinstance(text, str) else text
        expected = None
        if not isinstance(number, int) or isinstance(number, bool):
            expected = "be a valid integer, which is written in decimal digits"
        elif number < low:
            expected = f"be greater than or equal to {low}"
        elif number > high:
            expected = f"be less than or equal to {high}"
        if expected is not None:
            raise ConfigError(f"{option}: found {short_repr(number)}; it should {expected}")
        return int(number)

    return {"parser": read, "metavar": "N"}


Debug = Annotated[
    bool, typer.Option("--debug", callback=_set_debug, help="Show the traceback of an error.")
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY.PATH=VALUE",
        help="Change a setting; repeatable.",
        autocompletion=complete_setting,
    ),
]
Seed = Annotated[
    int | None, typer.Option("--seed", help="Seed of everything random.", **_setting("--seed"))
]
Backend = Annotated[
    str | None,
    typer.Option(
        "--backend", help="What does the arithmetic.", **_one_of("--backend", "numpy", "torch")
    ),
]
Epochs = Annotated[
    int | None,
    typer.Option("--epochs", help="Passes over the training part.", **_setting("--epochs")),
]
DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", metavar="FOLDER", help="Folder of the ISOLET files (dataset.dir)."),
]
RunsDir = Annotated[
    Path, typer.Option("--runs-dir", metavar="FOLDER", help="Where the run folder is made.")
]
Force = Annotated[
    bool, typer.Option("--force", help="With --resume: go on although something changed.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def _root(
    debug: Debug = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


@app.command()
def train(
    config: Annotated[
        str | None,
        typer.Argument(
            help="A YAML file, or the name of a shipped config.", autocompletion=complete_experiment
        ),
    ] = None,
    settings: Set = None,
    seed: Seed = None,
    backend: Backend = None,
    epochs: Epochs = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name of the experiment.")
    ] = None,
    data_dir: DataDir = None,
    runs_dir: RunsDir = Path("runs"),
    resume: Annotated[
        Path | None,
        typer.Option(
            "--resume",
            metavar="RUN",
            help="Go on with an interrupted run instead.",
            autocompletion=complete_run,
        ),
    ] = None,
    force: Force = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the folder only.")] = False,
    debug: Debug = False,
) -> None:
    """Train one network; the run folder is the last line printed."""
    from isolet_nn.runs import execution
    from isolet_nn.terminal.console import print_path, print_run, progress_observer

    options = {"seed": seed, "backend": backend, "training.epochs": epochs, "name": name}
    observer = progress_observer(quiet)
    with _stopping("train", lambda: observer.path) as stop:
        if resume is None:
            if force:
                raise ConfigError("--force goes with --resume")
            experiment = _load(config, settings, options, data_dir)
            run = execution.train(
                experiment, runs_dir=runs_dir, observer=observer, should_stop=stop
            )
        else:
            if config or settings or any(value is not None for value in options.values()):
                raise ConfigError(
                    "--resume goes on with the run's own config: give no other config or setting"
                )
            run = execution.resume(
                resume,
                data_dir=_text(data_dir),
                force=force,
                observer=observer,
                should_stop=stop,
            )
    (print_path if quiet else print_run)(run)
    _exit_as(run)


@app.command("eval")
def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder.", autocompletion=complete_run)],
    split: Annotated[
        str,
        typer.Option(
            "--split",
            help="What is evaluated.",
            **_one_of("--split", "test", "validation", "train"),
        ),
    ] = "test",
    as_json: AsJson = False,
    backend: Backend = None,
    data_dir: DataDir = None,
    debug: Debug = False,
) -> None:
    """Evaluate a run's model: accuracy with its interval, calibration, classes and speakers."""
    from isolet_nn.runs import execution
    from isolet_nn.runs.drawing import write_evaluation
    from isolet_nn.runs.folder import Run
    from isolet_nn.terminal.console import print_evaluation
    from isolet_nn.terminal.streams import print_json, print_message

    opened = Run.open(run)
    evaluation = execution.evaluate(opened, split=split, backend=backend, data_dir=_text(data_dir))
    try:
        if as_json:
            print_json(evaluation.to_json())
        else:
            print_evaluation(opened, evaluation)
    finally:  # also where nobody reads the output to its end
        try:
            for path in write_evaluation(opened, evaluation):
                print_message(f"written: {path}")
        except OSError as error:
            print_message(f"not written: {_say_os_error(error)}")


@app.command()
def xor(
    recipe: Annotated[
        str,
        typer.Option(
            "--recipe",
            help="A robust one, or the report's own.",
            **_one_of("--recipe", "robust", "report"),
        ),
    ] = "robust",
    hidden: Annotated[
        int | None,
        typer.Option(
            "--hidden", help="Hidden neurons; 0: no hidden layer.", **_whole("--hidden", 0)
        ),
    ] = None,
    trials: Annotated[
        int,
        typer.Option(
            "--trials",
            help="Seeds to train; above 1 only counts them.",
            **_whole("--trials", 1, 1_000_000),
        ),
    ] = 1,
    settings: Set = None,
    seed: Seed = None,
    backend: Backend = None,
    epochs: Epochs = None,
    runs_dir: RunsDir = Path("runs"),
    debug: Debug = False,
) -> None:
    """Learn exclusive or, as a sanity check; exits 0 only if the network solves it."""
    from isolet_nn.runs import execution
    from isolet_nn.runs import xor as xor_module
    from isolet_nn.terminal.console import SilentProgress, print_xor, print_xor_count

    options: dict[str, Any] = {"seed": seed, "backend": backend, "training.epochs": epochs}
    if hidden is not None:
        options["model.hidden_layers"] = [hidden] if hidden else []
    experiment = _load(xor_module.RECIPES[recipe], settings, options, None)
    xor_module.require_xor(experiment)
    if trials > 1:
        solved = xor_module.count_solved(experiment, trials)
        print_xor_count(experiment, recipe, solved, trials)
        return
    observer = SilentProgress()
    with _stopping("train", lambda: observer.path) as stop:
        run = execution.train(experiment, runs_dir=runs_dir, observer=observer, should_stop=stop)
    _exit_as(run)
    result = xor_module.result_of(run)
    print_xor(run, result, recipe)
    if not result.solved:
        raise typer.Exit(1)


@app.command()
def sweep(
    config: Annotated[
        str | None,
        typer.Argument(
            help="A sweep's YAML file, or the name of a shipped one.", autocompletion=complete_sweep
        ),
    ] = None,
    settings: Set = None,
    data_dir: DataDir = None,
    runs_dir: RunsDir = Path("runs"),
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name of the sweep.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", help="Processes on this machine.", **_whole("--workers", 1, MOST_WORKERS)
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", metavar="ADDRESS", help="A Dask scheduler, or local:N."),
    ] = None,
    save_models: Annotated[
        str | None,
        typer.Option(
            "--save-models", metavar="best|all|none", help="Weights to keep: best, all or none."
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            "--resume",
            metavar="FOLDER",
            help="Go on with an interrupted sweep instead.",
            autocompletion=complete_sweep_folder,
        ),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="With --resume: try failed trials again.")
    ] = False,
    force: Force = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan: trials, cohorts, what is shared.")
    ] = False,
    print_trial: Annotated[
        int | None,
        typer.Option("--print-trial", metavar="N", help="Print trial N as a config for train."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the folder only.")] = False,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", help="Name each cohort, and each trial with its score."),
    ] = False,
    debug: Debug = False,
) -> None:
    """Run a grid of trials, or go on with one; its folder is the last line printed."""
    from isolet_nn.sweeps import sweep as sweeps
    from isolet_nn.sweeps.folder import SweepFolder
    from isolet_nn.terminal.streams import print_line
    from isolet_nn.terminal.sweeps import print_sweep, sweep_observer

    changes = {"name": name, "save_models": save_models}
    preview = dry_run or print_trial is not None
    if preview and cluster is not None:
        raise ConfigError("--dry-run asks no cluster: give --workers instead of --cluster")
    if resume is None:
        if retry_failed or force:
            raise ConfigError("--retry-failed and --force go with --resume")
        loaded = _load_sweep(config, settings, {**changes, "workers": workers}, data_dir)
        if preview:
            _preview_sweep(loaded, print_trial, workers, retry_failed)
            return
        carry_out = partial(sweeps.sweep, loaded, runs_dir=runs_dir)
    else:
        if config or settings or any(changes.values()):
            raise ConfigError(
                "--resume goes on with the sweep's own config: give no other config or setting"
            )
        if preview:
            folder = SweepFolder.open(resume, _text(data_dir))
            _preview_sweep(folder, print_trial, workers, retry_failed)
            return
        carry_out = partial(
            sweeps.resume_sweep,
            resume,
            retry_failed=retry_failed,
            force=force,
            data_dir=_text(data_dir),
        )
    observer = sweep_observer(quiet, verbose)
    options: dict[str, Any] = {"workers": workers, "observer": observer}
    if cluster is not None:
        from isolet_nn.sweeps.cluster import cluster_workers
        from isolet_nn.terminal.streams import print_message

        found = cluster_workers(cluster, print_message)
        options |= {"make_workers": found, "workers": workers or found.n_workers}
    with _stopping("sweep", lambda: resume or observer.path) as stop:
        done = carry_out(should_stop=stop, **options)
    if quiet:
        print_line(done.path)
    else:
        print_sweep(done)
    _exit_as_sweep(done)


@app.command()
def plot(
    folder: Annotated[
        Path, typer.Argument(help="A run's or a sweep's folder.", autocompletion=complete_run)
    ],
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind",
            help="What to draw: the first five of a run, the others of a sweep.",
            **_one_of(
                "--kind",
                *("curves", "confusion", "reliability", "speakers", "weights"),
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
    debug: Debug = False,
) -> None:
    """Draw a run's or a sweep's pictures once more; prints the files written.

    Options draw one kind of a run's pictures, or another one of a sweep from the same results.
    """
    from isolet_nn.results.redraw import PlotChoice, redraw
    from isolet_nn.terminal.streams import print_line

    choice = PlotChoice(kind, x, y, panels, value)
    for path in redraw(folder, None if choice == PlotChoice() else choice):
        print_line(path)


@app.command()
def runs(
    runs_dir: Annotated[Path, typer.Argument(help="Where runs and sweeps lie.")] = Path("runs"),
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort",
            metavar="COLUMN",
            help="Highest first, texts from A to Z: test_accuracy, test_loss and their like, "
            "epochs, trials, completed, failed, seconds, age, started, folder, name, kind, "
            "status, problem, or a setting, such as optimizer.learning_rate.",
        ),
    ] = None,
    filters: Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            metavar="EXPR",
            help="A column or setting, = != < <= > >= or ~ (contains), and a value: "
            "status=completed, name~isolet, test_accuracy>95%, age<2h, optimizer.name=adam; "
            "repeatable, all must fit.",
        ),
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """List runs and sweeps, newest first; a sweep's accuracies are those of its best setting."""
    from isolet_nn.results.filters import filter_entries, parse_filter, sort_entries
    from isolet_nn.results.listing import list_runs
    from isolet_nn.terminal.overview import print_entries
    from isolet_nn.terminal.streams import print_json, print_message

    asked = [parse_filter(expression) for expression in filters or []]
    entries = filter_entries(list_runs(runs_dir), filters or [])
    for reading in filter(None, (one.reading for one in asked)):
        print_message(reading)
    if sort is not None:
        entries = sort_entries(entries, sort)
    if as_json:
        objects = [asdict(entry) for entry in entries]
        print_json([{k: v for k, v in o.items() if (k, v) != ("settings", None)} for o in objects])
    elif entries:
        columns = [*(one.column for one in asked), *([sort] if sort else [])]
        print_entries(entries, list(dict.fromkeys(columns)))
    else:
        print_message(f"{runs_dir}: no runs" + (" that fit" if filters else ""))


@app.command()
def compare(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN RUN...", help="Two or more run folders.", autocompletion=complete_run
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
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show how runs differ in config and results, and overlay their curves; prints the picture.

    Runs that differ in nothing but seed and name are one curve, with a band over the seeds.
    """
    from isolet_nn.results.comparison import compare, draw_comparison, require_picture_path
    from isolet_nn.terminal.overview import print_comparison, print_duels
    from isolet_nn.terminal.streams import print_json, print_line, print_message

    if data_dir is not None and not test:
        raise ConfigError("--data-dir goes with --test, which evaluates the models")
    if output is not None:
        require_picture_path(output)
    comparison = compare(folders)
    for reason in comparison.left_out.values():
        print_message(f"left out: {reason}")
    duels = None
    if test:
        from isolet_nn.results.duels import compare_answers

        duels = compare_answers(comparison.runs, data_dir=_text(data_dir))
    if not as_json:
        print_comparison(comparison)
        print_duels(duels or [])
    picture = draw_comparison(comparison, output)
    if as_json:
        tests = {} if duels is None else {"tests": [duel.to_json() for duel in duels]}
        print_json({**comparison.to_json(), **tests, "picture": _text(picture)})
    elif picture is not None:
        print_line(picture)


@bench_app.command("train")
def bench_train(
    hidden: Annotated[
        list[int],
        typer.Option("--hidden", help="Hidden neurons; repeatable.", **_whole("--hidden", 1)),
    ] = [128, 16],  # noqa: B006 - typer reads it, nobody changes it
    batch_size: Annotated[
        list[int],
        typer.Option(
            "--batch-size", help="Rows of a batch; repeatable.", **_whole("--batch-size", 1)
        ),
    ] = [128, 16],  # noqa: B006
    epochs: Annotated[
        int, typer.Option("--epochs", help="Epochs of a training.", **_whole("--epochs", 1))
    ] = 10,
    rounds: Annotated[
        int,
        typer.Option(
            "--rounds", help="Trainings of each kind.", **_whole("--rounds", 1, 1_000_000)
        ),
    ] = 5,
    engine: Annotated[
        list[str] | None,
        typer.Option(
            "--engine",
            metavar="NAME",
            help="numpy, torch or scikit-learn; repeatable. All of them.",
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads",
            help="Threads for PyTorch and scikit-learn besides one. All cores.",
            **_whole("--threads", 1, MOST_THREADS),
        ),
    ] = None,
    dataset: Annotated[
        str,
        typer.Option("--dataset", metavar="NAME", help="isolet, or random numbers of its size."),
    ] = "isolet",
    data_dir: DataDir = None,
    runs_dir: RunsDir = Path("runs"),
    debug: Debug = False,
) -> None:
    """Train the same network with NumPy, PyTorch and scikit-learn in turn, and compare times."""
    from isolet_nn.benchmarks import training
    from isolet_nn.benchmarks.console import (
        print_benchmark,
        print_measurement,
        print_training_times,
    )
    from isolet_nn.benchmarks.engines import ENGINES

    benchmark = training.make_benchmark(
        hidden=hidden,
        batch_sizes=batch_size,
        epochs=epochs,
        rounds=rounds,
        data=dataset,
        data_dir=_text(data_dir),
        engines=engine or ENGINES,
        threads=threads,
    )
    print_benchmark(benchmark)
    print_training_times(training.time_training(benchmark, runs_dir, print_measurement))


@bench_app.command("sweep")
def bench_sweep(
    config: Annotated[
        str | None,
        typer.Argument(
            help="A sweep; without one 200 trials of 617-16-26, 10 epochs each.",
            autocompletion=complete_sweep,
        ),
    ] = None,
    rounds: Annotated[
        int,
        typer.Option(
            "--rounds", help="How often each is timed.", **_whole("--rounds", 1, 1_000_000)
        ),
    ] = 1,
    loop: Annotated[
        bool, typer.Option("--loop/--no-loop", help="Time the plain PyTorch loop too.")
    ] = True,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads",
            help="Threads of the loop. All cores.",
            **_whole("--threads", 1, MOST_THREADS),
        ),
    ] = None,
    data_dir: DataDir = None,
    runs_dir: RunsDir = Path("runs"),
    debug: Debug = False,
) -> None:
    """Time a sweep against the same trials, one after another, in a plain PyTorch loop."""
    from isolet_nn.benchmarks.console import print_sweep_times
    from isolet_nn.benchmarks.sweep import time_sweep
    from isolet_nn.config.shipped import resolve
    from isolet_nn.terminal.streams import print_message

    times = time_sweep(
        None if config is None else resolve(config),
        rounds=rounds,
        with_loop=loop,
        loop_threads=threads,
        data_dir=_text(data_dir),
        runs_dir=runs_dir,
        say=print_message,
    )
    print_sweep_times(times)


@bench_app.command("overhead")
def bench_overhead(
    trials: Annotated[
        int,
        typer.Option("--trials", help="About how many.", **_whole("--trials", 100, MOST_TRIALS)),
    ] = 1_000_000,
    runs_dir: RunsDir = Path("runs"),
    debug: Debug = False,
) -> None:
    """Time planning, journalling and resuming very many trials that are not trained."""
    from isolet_nn.benchmarks.console import print_overhead
    from isolet_nn.benchmarks.overhead import measure_overhead

    print_overhead(measure_overhead(trials, runs_dir))


@reproduce_app.command("report")
def reproduce_report(
    figure: Annotated[
        list[str] | None,
        typer.Option(
            "--figure", metavar="N", help="1 to 8, xor, parity or data; repeatable. All of them."
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer cells and seeds.")] = False,
    data_dir: DataDir = None,
    runs_dir: RunsDir = Path("runs"),
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", help="Processes on this machine.", **_whole("--workers", 1, MOST_WORKERS)
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option("--resume", metavar="FOLDER", help="Go on with an interrupted one instead."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the folder only.")] = False,
    debug: Debug = False,
) -> None:
    """Run the report's figures again and judge its conclusions, on a page; prints the folder."""
    from isolet_nn.reproduction import run as reproduction
    from isolet_nn.reproduction.console import PrintedProgress, print_verdicts
    from isolet_nn.reproduction.folder import status_of
    from isolet_nn.reproduction.page import concluded
    from isolet_nn.terminal.streams import print_line

    if resume is not None and (figure or quick):
        raise ConfigError(
            "--resume goes on with the figures it began with: give no --figure and no --quick"
        )
    progress = PrintedProgress(quiet)
    options: dict[str, Any] = {
        "data_dir": _text(data_dir),
        "workers": workers,
        "observer": progress,
    }
    with _stopping("reproduce report", lambda: resume or progress.path) as stop:
        if resume is None:
            folder = reproduction.reproduce(
                figure or [], quick=quick, runs_dir=runs_dir, should_stop=stop, **options
            )
        else:
            folder = reproduction.resume(resume, should_stop=stop, **options)
    if status_of(folder) == "interrupted":
        _exit_to_resume("reproduce report", folder)
    if quiet:
        print_line(folder)
    else:
        print_verdicts(folder, concluded(folder))


@data_app.command("list")
def data_list(as_json: AsJson = False, debug: Debug = False) -> None:
    """List the data sets there are, and where they lie."""
    from isolet_nn.data import catalog
    from isolet_nn.terminal.console import print_datasets
    from isolet_nn.terminal.streams import print_json

    infos = catalog.describe_all()
    if as_json:
        print_json([asdict(info) for info in infos])
    else:
        print_datasets(infos)


@data_app.command("show")
def data_show(
    name: Annotated[
        str,
        typer.Argument(help="isolet, digits, ..., csv or openml.", autocompletion=complete_dataset),
    ],
    settings: Set = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show one data set: rows, features, classes, speakers, checksum and its verdict."""
    from isolet_nn.data import catalog

    _show_dataset(catalog.describe(_dataset_config(name, settings, data_dir)), as_json)


@data_app.command("fetch")
def data_fetch(
    name: Annotated[str, typer.Argument(help="openml; all others are there already.")],
    settings: Set = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Download a data set unless it is there, check it, and show it."""
    from isolet_nn.data import catalog

    _show_dataset(catalog.fetch(_dataset_config(name, settings, data_dir)), as_json)


@configs_app.callback()
def configs(context: typer.Context) -> None:
    """List the configs that come with isolet-nn."""
    if context.invoked_subcommand is None:
        configs_list()


@configs_app.command("list")
def configs_list() -> None:
    """List the configs that come with isolet-nn, as `configs` alone does."""
    from isolet_nn.config.shipped import list_configs
    from isolet_nn.terminal.console import print_configs

    print_configs(list_configs())


@configs_app.command("copy")
def configs_copy(
    name: Annotated[
        str, typer.Argument(help="Name of a shipped config.", autocompletion=complete_config)
    ],
    to: Annotated[Path | None, typer.Argument(help="File or folder; the current one.")] = None,
    debug: Debug = False,
) -> None:
    """Copy a shipped config for editing; prints where it lies."""
    from isolet_nn.config.shipped import copy_config
    from isolet_nn.terminal.streams import print_line

    print_line(copy_config(name, to))


@app.command()
def schema() -> None:
    """Print the JSON Schema of an experiment file, for completion in an editor."""
    from isolet_nn.config.experiment import json_schema
    from isolet_nn.terminal.streams import print_json

    print_json(json_schema())


def _dataset_config(name: str, settings: list[str] | None, data_dir: Path | None) -> DatasetConfig:
    """The dataset section that `data show NAME --set path=...` means."""
    from isolet_nn.config.loading import load_experiment

    below = [f"dataset.{text.strip().removeprefix('dataset.')}" for text in settings or []]
    with _given(below, {}, data_dir) as (overrides, origins):
        return load_experiment({"dataset": {"name": name}}, overrides, origins).dataset


def _show_dataset(info: DatasetInfo, as_json: bool) -> None:
    from isolet_nn.terminal.console import print_dataset
    from isolet_nn.terminal.streams import print_json

    if as_json:
        print_json(asdict(info))
    else:
        print_dataset(info)


def _load(
    config: str | None,
    settings: list[str] | None,
    options: dict[str, Any],
    data_dir: Path | None,
) -> Experiment:
    """Read a config, with the settings and options of the command line."""
    from isolet_nn.config.loading import load_experiment

    if config is None:
        raise ConfigError(
            "which config? Give a YAML file, or a name that `isolet-nn configs` lists"
        )
    with _given(settings, options, data_dir) as (overrides, origins):
        return load_experiment(config, overrides, origins)


@contextmanager
def _given(
    settings: list[str] | None, options: dict[str, Any], data_dir: Path | None
) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """What ``--set`` and other options change, and what messages about each begin with.

    What is wrong with them is told together with what is wrong with the config.
    """
    from isolet_nn.config.loading import read_assignments, same_value

    problems = Problems()
    overrides, found = read_assignments(settings or [])
    problems.add(found)
    origins = dict.fromkeys(overrides, "--set ")
    given = {key: value for key, value in options.items() if value is not None}
    if data_dir is not None:
        given["dataset.dir"] = str(data_dir)
    for key, value in given.items():
        if not same_value(overrides.setdefault(key, value), value):
            both = f"{short_repr(value)}, but --set {key}={short_repr(overrides[key])}"
            problems.add([Problem(f"found {both}: give one of them", origin=_OPTION_OF[key])])
        origins[key] = _OPTION_OF[key]
    with problems.collected():
        yield overrides, origins
    problems.refuse()


_OPTION_OF = {
    "name": "--name: ",
    "seed": "--seed: ",
    "backend": "--backend: ",
    "training.epochs": "--epochs: ",
    "model.hidden_layers": "--hidden: ",
    "dataset.dir": "--data-dir: ",
    "save_models": "--save-models: ",
    "workers": "--workers: ",
}
"""Options that are settings, as messages about their values begin."""


def _preview_sweep(
    what: Sweep | SweepFolder, trial: int | None, workers: int | None, retry_failed: bool
) -> None:
    """Print a trial's config, or the plan."""
    from isolet_nn.sweeps.folder import trial_config
    from isolet_nn.sweeps.sweep import plan_of
    from isolet_nn.terminal.streams import print_text
    from isolet_nn.terminal.sweeps import print_plan

    if trial is not None:
        print_text(trial_config(what, trial))
    else:
        print_plan(*plan_of(what, workers, retry_failed=retry_failed))


def _load_sweep(
    config: str | None,
    settings: list[str] | None,
    options: dict[str, Any],
    data_dir: Path | None,
) -> Sweep:
    """Read a sweep file, with the settings of the command line."""
    from isolet_nn.sweeps.loading import load_sweep

    if config is None:
        raise ConfigError("which sweep? Give a YAML file, or a name that `isolet-nn configs` lists")
    with _given(settings, options, data_dir) as (overrides, origins):
        if options["workers"] is not None:  # which is for this time, and stays out of the file
            del overrides["workers"]
        return load_sweep(config, overrides, origins)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _exit_as(run: Run) -> None:
    """Exit as the run ended, saying why and what to do."""
    from isolet_nn.terminal.streams import print_error

    summary = run.summary
    if summary["status"] == "interrupted":
        _exit_to_resume("train", run.path)
    if summary["status"] == "failed":
        print_error(summary["error"])
        raise typer.Exit(1)


def _exit_as_sweep(folder: SweepFolder) -> None:
    """Exit as the sweep ended; it failed only if no trial was completed."""
    from isolet_nn.terminal.streams import print_error

    summary = folder.summary
    if summary["status"] == "interrupted":
        _exit_to_resume("sweep", folder.path)
    if summary["completed"] == 0:
        print_error("no trial was completed")
        raise typer.Exit(1)


@contextmanager
def _stopping(command: str, folder: Callable[[], Path | None]) -> Iterator[StopSignal]:
    """Let a signal end the work in the block in an orderly way, a second one at once."""
    from isolet_nn.terminal.console import stop_signal

    try:
        with stop_signal() as stop:
            yield stop
    except KeyboardInterrupt:
        _exit_to_resume(command, folder())
    except Exception:
        if not interrupts.was_raised():
            raise
        _exit_to_resume(command, folder())


def _exit_to_resume(command: str, folder: Path | None) -> NoReturn:
    """Exit as interrupted, saying how to go on in the folder if there is one already."""
    go_on = " before a folder was made"
    if folder is not None:
        go_on = f"; go on with: isolet-nn {command} --resume {shlex.quote(str(folder))}"
    _exit_interrupted(f"interrupted{go_on}")


def _exit_interrupted(message: str) -> NoReturn:
    """Say that the program was interrupted, and exit; one more Ctrl-C must not disturb that."""
    interrupts.ignore_interrupts()
    from isolet_nn.terminal.streams import print_message

    print_message(message)
    sys.exit(INTERRUPTED)


def _say_warning(message: Warning | str, *_where: Any, **_more: Any) -> None:
    """Print a library's warning as a line of its own, without the place in its code."""
    from isolet_nn.terminal.streams import print_message

    print_message(f"warning: {message}")


def _say_os_error(error: OSError) -> str:
    what = error.strerror or str(error)
    return what if error.filename is None else f"{error.filename}: {what}"


def _is_refusal(error: Exception) -> bool:
    """Whether the user gave a place that this process may not write to, or cannot read from."""
    from isolet_nn.system.files import UnreadableFileError

    refusals = (
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ELOOP,
        errno.EISDIR,
        errno.ENAMETOOLONG,
    )
    return isinstance(error, UnreadableFileError) or (
        isinstance(error, OSError) and error.errno in refusals
    )


def _say_unexpected(error: Exception) -> str:
    match error:
        case OSError() if _is_refusal(error):
            return _say_os_error(error)
        case OSError():
            return f"{_say_os_error(error)} (--debug shows where)"
        case MemoryError():
            return f"out of memory: {error}; a smaller network or training.batch_size needs less"
        case _:
            return f"{type(error).__name__}: {error} (--debug shows where)"


def _open_closed_streams() -> None:
    """Let output go nowhere where the caller closed the stream (``>&-``).

    Its number is taken too, for worker processes as well, lest another file gets it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            os.set_inheritable(number, True)
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def _escape_what_cannot_be_encoded() -> None:
    """Let a character that a standard stream's encoding lacks be escaped instead of fatal."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def main() -> None:
    """Run the command line; errors a user can cause end without a traceback."""
    _open_closed_streams()
    _escape_what_cannot_be_encoded()
    warnings.showwarning = _say_warning
    # Looking through all installed packages for plug-ins, of which none is used, takes time.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # Matplotlib warns of a home folder without room for its fonts, which concerns nobody here.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        try:
            app()
        finally:
            _write_out_results()
    except KeyboardInterrupt:
        _exit_interrupted("interrupted")
    except Exception as error:
        if interrupts.was_raised():
            _exit_interrupted("interrupted")
        if _debug:
            raise
        _exit_with(error)


def _write_out_results() -> None:
    """Write what standard output still holds, so that a failure to is an error like any other."""
    try:
        sys.stdout.flush()
    except OSError as error:
        # What is held goes nowhere, or Python would try again when it ends, and say so.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise


def _exit_with(error: Exception) -> NoReturn:
    """Say what went wrong, and exit accordingly."""
    interrupts.ignore_interrupts()
    from isolet_nn.terminal.streams import print_error

    if isinstance(error, IsoletNNError):
        print_error(str(error))
        sys.exit(error.exit_code)
    print_error(_say_unexpected(error))
    sys.exit(2 if _is_refusal(error) else 1)
