"""Commands that train and evaluate: train, eval, xor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isolet_nn.cli.choice import Best, TrialNumber, choose
from isolet_nn.cli.settings import read_experiment, require_own_config
from isolet_nn.errors import ConfigError, DataError
from isolet_nn.terminal.completion import complete_experiment, complete_run
from isolet_nn.terminal.endings import exit_as_run, exit_interrupted, say_os_error, stopping
from isolet_nn.terminal.options import (
    AsJson,
    Backend,
    DataDir,
    Epochs,
    Force,
    Label,
    Quiet,
    RunsDir,
    Seed,
    Set,
    TableFormat,
    Track,
    one_of,
    text_of,
    whole,
)

if TYPE_CHECKING:
    from isolet_nn.config.experiment import Experiment
    from isolet_nn.runs.folder import Run
    from isolet_nn.terminal.printer import Printer

_OF_EXTENSIONS = ("name", "training.epochs")
"""Options that are settings, and change nothing of the epochs that there are."""


def train(
    config: Annotated[
        str | None,
        typer.Argument(
            help="A YAML file, the name of a shipped config, or a table (.csv, .tsv, .parquet).",
            autocompletion=complete_experiment,
        ),
    ] = None,
    label: Label = None,
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
    extended: Annotated[
        Path | None,
        typer.Option(
            "--extend",
            metavar="RUN",
            help="Continue a completed run in a new one, of --epochs in all.",
            autocompletion=complete_run,
        ),
    ] = None,
    force: Force = False,
    inspect: Annotated[
        bool,
        typer.Option(
            "--inspect",
            help="Measure gradients, updates, activations and dead units, layer by layer.",
        ),
    ] = False,
    track: Track = None,
    find_rate: Annotated[
        bool,
        typer.Option(
            "--find-learning-rate",
            help="Instead, raise the learning rate step by step, and suggest one.",
        ),
    ] = False,
    quiet: Quiet = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --find-learning-rate: print JSON.")
    ] = False,
    table_format: TableFormat = None,
) -> None:
    """Train one network; the run folder is the last line printed."""
    from isolet_nn.runs import execution
    from isolet_nn.runs.observers import Observers
    from isolet_nn.terminal.printer import Printer
    from isolet_nn.terminal.progress import progress_observer
    from isolet_nn.terminal.runs import print_run
    from isolet_nn.terminal.streams import print_line, print_warning
    from isolet_nn.tracking.observers import TrainingTracker

    printer = Printer.asked_for(table_format, quiet=quiet)
    options = {
        "seed": seed,
        "backend": backend,
        "training.epochs": epochs,
        "name": name,
        "dataset.label": label,
        "training.inspect": inspect or None,
    }
    for option, folder in {"--resume": resume, "--extend": extended}.items():
        if folder is not None and str(folder).startswith("-") and not folder.exists():
            raise ConfigError(f"{option}: found {folder}, expected the folder of a run")
    if find_rate:
        beside = {
            "--resume": resume,
            "--extend": extended,
            "--force": force,
            "--inspect": inspect,
            "--track": track,
            "--format": table_format,
        }
        if surplus := [option for option, value in beside.items() if value]:
            raise ConfigError(f"--find-learning-rate is for a config: drop {', '.join(surplus)}")
        _find_learning_rate(
            read_experiment(config, settings, options, data_dir), runs_dir, quiet, as_json
        )
        return
    if as_json:
        raise ConfigError("--json goes with --find-learning-rate; of a run, summary.json is JSON")
    observer = progress_observer(quiet)
    observers = Observers([TrainingTracker(track, print_warning), observer])
    with stopping("train", lambda: observer.path) as stop:
        if extended is not None:
            if resume is not None:
                raise ConfigError("--resume and --extend go on with one run each: give one of them")
            others = [value for key, value in options.items() if key not in _OF_EXTENSIONS]
            given = [config or None, settings or None, *others]
            require_own_config("run", any(value is not None for value in given), "--extend")
            begin = partial(
                _extend,
                extended,
                epochs,
                name=name,
                runs_dir=runs_dir,
                data_dir=text_of(data_dir),
                force=force,
            )
        elif resume is None:
            if force:
                raise ConfigError("--force goes with --resume or --extend")
            experiment = read_experiment(config, settings, options, data_dir)
            begin = partial(execution.train, experiment, runs_dir=runs_dir)
        else:
            given = [config or None, settings or None, *options.values()]
            require_own_config("run", any(value is not None for value in given))
            begin = partial(execution.resume, resume, data_dir=text_of(data_dir), force=force)
        with _pointing_to_the_table(config):
            run = begin(observer=observers, should_stop=stop)
    if quiet:
        print_line(run.path)
    else:
        print_run(run, printer)
    exit_as_run(run)


def _extend(run: Path, epochs: int | None, **more: Any) -> Run:
    from isolet_nn.runs.extension import extend

    if epochs is None:
        raise ConfigError("--extend goes with --epochs: how many there are to be in all")
    return extend(run, epochs=epochs, **more)


def _find_learning_rate(experiment: Experiment, runs_dir: Path, quiet: bool, as_json: bool) -> None:
    from isolet_nn.runs.learning_rates import find_learning_rate
    from isolet_nn.terminal.printer import FOR_TERMINAL
    from isolet_nn.terminal.rates import print_found_rate
    from isolet_nn.terminal.streams import print_json, print_line

    with stopping("train", lambda: None) as stop:
        found = find_learning_rate(experiment, runs_dir=runs_dir, should_stop=stop)
    if found is None:
        exit_interrupted("interrupted before a folder was made")
    if as_json:
        print_json(found.to_json())
    elif quiet:
        print_line(found.path)
    else:
        print_found_rate(found, FOR_TERMINAL)
    if found.learning_rate is None:
        raise typer.Exit(1)


@contextmanager
def _pointing_to_the_table(config: str | None) -> Iterator[None]:
    """Say with what is wrong in a table how to see all of it at once."""
    from isolet_nn.config.tables import is_table

    try:
        yield
    except DataError as error:
        if config is None or not is_table(config) or not Path(config).is_file():
            raise
        raise DataError(
            f"{error}\n`isolet-nn data show {config}` shows all columns, and a config that settles "
            "what can be settled"
        ) from error


def evaluate(
    run: Annotated[
        Path, typer.Argument(help="A run's or a sweep's folder.", autocompletion=complete_run)
    ],
    split: Annotated[
        str,
        typer.Option(
            "--split",
            help="What is evaluated.",
            **one_of("--split", "test", "validation", "train"),
        ),
    ] = "test",
    as_json: AsJson = False,
    table_format: TableFormat = None,
    backend: Backend = None,
    data_dir: DataDir = None,
    known: Annotated[
        str | None,
        typer.Option(
            "--known",
            metavar="N,...",
            help="Of a model that adapts to speakers or groups: the accuracy where only so many "
            "rows of each are known, such as 1,5,10,26, as a table and a picture.",
        ),
    ] = None,
    trial: TrialNumber = None,
    best: Best = False,
) -> None:
    """Evaluate a run's model: accuracy with its interval, calibration, classes and speakers."""
    from isolet_nn.results.selection import load_run
    from isolet_nn.runs import execution
    from isolet_nn.runs.drawing import group_word, write_evaluation
    from isolet_nn.terminal.printer import Printer
    from isolet_nn.terminal.runs import print_evaluation
    from isolet_nn.terminal.streams import print_json, print_message, print_warning

    printer = Printer.asked_for(table_format, as_json=as_json)
    counts = None if known is None else _counts(known)
    opened = load_run(choose(run, trial, best))
    if counts is not None:
        _evaluate_known(opened, counts, split, backend, text_of(data_dir), printer, as_json)
        return
    evaluation = execution.evaluate(
        opened, split=split, backend=backend, data_dir=text_of(data_dir)
    )
    try:
        if as_json:
            print_json(evaluation.to_json())
        else:
            print_evaluation(evaluation, group_word(opened), printer)
            if evaluation.warning is not None:
                print_warning(evaluation.warning)
    finally:  # also where nobody reads the output to its end
        try:
            for path in write_evaluation(opened, evaluation):
                print_message(f"written: {path}")
        except OSError as error:
            print_message(f"not written: {say_os_error(error)}")


def _counts(text: str) -> list[int]:
    """The numbers of rows that ``--known`` names."""
    words = [word.strip() for word in text.split(",")]
    wrong = [word for word in words if not (word.isascii() and word.isdigit() and int(word) > 0)]
    if wrong:
        raise ConfigError(
            f"--known: found {wrong[0]!r}; allowed: numbers of rows from 1, such as 1,5,10,26"
        )
    return [int(word) for word in words]


def _evaluate_known(
    run: Run,
    known: Sequence[int],
    split: str,
    backend: str | None,
    data_dir: str | None,
    printer: Printer,
    as_json: bool,
) -> None:
    from isolet_nn.runs.known_rows import accuracy_by_known_rows, write_known_rows
    from isolet_nn.terminal.runs import print_known_rows
    from isolet_nn.terminal.streams import print_json, print_message

    curve = accuracy_by_known_rows(run, known, split=split, backend=backend, data_dir=data_dir)
    if as_json:
        print_json(curve.to_json())
    else:
        print_known_rows(curve, printer)
    for path in write_known_rows(run, curve):
        print_message(f"written: {path}")


def xor(
    recipe: Annotated[
        str,
        typer.Option(
            "--recipe",
            help="A robust one, or the report's own.",
            **one_of("--recipe", "robust", "report"),
        ),
    ] = "robust",
    hidden: Annotated[
        int | None,
        typer.Option(
            "--hidden", help="Hidden neurons; 0: no hidden layer.", **whole("--hidden", 0)
        ),
    ] = None,
    trials: Annotated[
        int,
        typer.Option(
            "--trials",
            help="Seeds to train; above 1 only counts them.",
            **whole("--trials", 1, 1_000_000),
        ),
    ] = 1,
    settings: Set = None,
    seed: Seed = None,
    backend: Backend = None,
    epochs: Epochs = None,
    runs_dir: RunsDir = Path("runs"),
) -> None:
    """Learn exclusive or, as a sanity check; exits 0 only if the network solves it."""
    from isolet_nn.runs import execution
    from isolet_nn.runs import xor as xor_module
    from isolet_nn.terminal.progress import SilentProgress
    from isolet_nn.terminal.runs import print_xor, print_xor_count

    options: dict[str, Any] = {"seed": seed, "backend": backend, "training.epochs": epochs}
    if hidden is not None:
        options["model.hidden_layers"] = [hidden] if hidden else []
    experiment = read_experiment(xor_module.RECIPES[recipe], settings, options, None)
    xor_module.require_xor(experiment)
    if trials > 1:
        solved = xor_module.count_solved(experiment, trials)
        print_xor_count(experiment, recipe, solved, trials)
        return
    observer = SilentProgress()
    with stopping("train", lambda: observer.path) as stop:
        run = execution.train(experiment, runs_dir=runs_dir, observer=observer, should_stop=stop)
    exit_as_run(run)
    result = xor_module.result_of(run)
    print_xor(run, result, recipe)
    if not result.solved:
        raise typer.Exit(1)
