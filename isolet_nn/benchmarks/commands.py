"""The commands of `isolet-nn bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from isolet_nn.config.bounds import MOST_THREADS, MOST_TRIALS
from isolet_nn.errors import ConfigError
from isolet_nn.terminal.commands import App, Group
from isolet_nn.terminal.completion import complete_sweep
from isolet_nn.terminal.options import DataDir, RunsDir, TableFormat, one_of, share, text_of, whole


class _TrainByDefault(Group):
    """A group whose command may be left out: then it is ``train``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["train", *args]
        return super().parse_args(ctx, args)


Device = Annotated[
    str | None,
    typer.Option(
        "--device",
        help="Compute by PyTorch on it, as the loop does: for GPUs.",
        **one_of("--device", "cuda", "cpu"),
    ),
]

app = App(
    cls=_TrainByDefault, help="Timing comparisons on this machine; `train` unless one is named."
)


def _bench_device(
    device: str,
    rows: list[str],
    rounds: int,
    data_dir: Path | None,
    runs_dir: Path,
    table_format: str | None,
    *,
    small: bool,
) -> None:
    """Time stacks of networks on a device against a plain PyTorch loop there."""
    from isolet_nn.benchmarks.console import print_device_times
    from isolet_nn.benchmarks.device import time_device
    from isolet_nn.terminal.printer import Printer
    from isolet_nn.terminal.streams import print_message

    printer = Printer.asked_for(table_format)
    times = time_device(
        device,
        rows,
        small=small,
        rounds=rounds,
        data_dir=text_of(data_dir),
        runs_dir=runs_dir,
        say=print_message,
    )
    print_device_times(times, printer)


@app.command("train")
def bench_train(
    hidden: Annotated[
        list[int],
        typer.Option("--hidden", help="Hidden neurons; repeatable.", **whole("--hidden", 1)),
    ] = [128, 16],  # noqa: B006 - typer reads it, nobody changes it
    batch_size: Annotated[
        list[int],
        typer.Option(
            "--batch-size", help="Rows of a batch; repeatable.", **whole("--batch-size", 1)
        ),
    ] = [128, 16],  # noqa: B006
    epochs: Annotated[
        int, typer.Option("--epochs", help="Epochs of a training.", **whole("--epochs", 1))
    ] = 10,
    rounds: Annotated[
        int,
        typer.Option("--rounds", help="Trainings of each kind.", **whole("--rounds", 1, 1_000_000)),
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
            help="Threads for each engine besides one. All cores.",
            **whole("--threads", 1, MOST_THREADS),
        ),
    ] = None,
    dropout: Annotated[
        float,
        typer.Option("--dropout", help="Share of hidden neurons that rest.", **share("--dropout")),
    ] = 0.0,
    input_dropout: Annotated[
        float,
        typer.Option(
            "--input-dropout", help="Share of inputs that rest.", **share("--input-dropout")
        ),
    ] = 0.0,
    dataset: Annotated[
        str,
        typer.Option("--dataset", metavar="NAME", help="isolet, or random numbers of its size."),
    ] = "isolet",
    device: Device = None,
    row: Annotated[
        list[str] | None,
        typer.Option(
            "--row",
            metavar="NAME",
            help="With --device: figure5, thousand, ten-thousand or one-wide; repeatable. All.",
        ),
    ] = None,
    small: Annotated[
        bool, typer.Option("--small", help="With --device: few networks, and one epoch.")
    ] = False,
    data_dir: DataDir = None,
    runs_dir: RunsDir = Path("runs"),
    table_format: TableFormat = None,
) -> None:
    """Train the same network with NumPy, PyTorch and scikit-learn in turn, and compare times."""
    if device is not None:
        _bench_device(device, row or [], rounds, data_dir, runs_dir, table_format, small=small)
        return
    if row or small:
        raise ConfigError("--row and --small go with --device")
    from isolet_nn.benchmarks import training
    from isolet_nn.benchmarks.console import (
        print_benchmark,
        print_measurement,
        print_training_times,
    )
    from isolet_nn.benchmarks.engines import ENGINES
    from isolet_nn.terminal.printer import Printer

    printer = Printer.asked_for(table_format)
    benchmark = training.make_benchmark(
        hidden=hidden,
        batch_sizes=batch_size,
        epochs=epochs,
        rounds=rounds,
        data=dataset,
        data_dir=text_of(data_dir),
        engines=engine or ENGINES,
        threads=threads,
        dropout=dropout,
        input_dropout=input_dropout,
    )
    print_benchmark(benchmark)
    times = training.time_training(benchmark, runs_dir, print_measurement)
    print_training_times(times, printer)


@app.command("sweep")
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
            "--rounds", help="How often each is timed.", **whole("--rounds", 1, 1_000_000)
        ),
    ] = 1,
    loop: Annotated[
        bool, typer.Option("--loop/--no-loop", help="Time the plain PyTorch loop too.")
    ] = True,
    grid_search: Annotated[
        bool,
        typer.Option(
            "--grid-search/--no-grid-search",
            help="Time scikit-learn's GridSearchCV too, with as many jobs as there are workers.",
        ),
    ] = False,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads",
            help="Threads of the loop. All cores.",
            **whole("--threads", 1, MOST_THREADS),
        ),
    ] = None,
    device: Device = None,
    data_dir: DataDir = None,
    runs_dir: RunsDir = Path("runs"),
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
        with_search=grid_search,
        loop_threads=threads,
        device=device,
        data_dir=text_of(data_dir),
        runs_dir=runs_dir,
        say=print_message,
    )
    print_sweep_times(times)


@app.command("estimator")
def bench_estimator(
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            "--dataset",
            metavar="NAME",
            help="digits, isolet, or made (100,000 rows of 50 numbers); repeatable. All of them.",
        ),
    ] = None,
    rounds: Annotated[
        int,
        typer.Option("--rounds", help="Trainings of each kind.", **whole("--rounds", 1, 1_000_000)),
    ] = 3,
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs", help="Epochs of a training. As many as suit.", **whole("--epochs", 1)
        ),
    ] = None,
    data_dir: DataDir = None,
    runs_dir: RunsDir = Path("runs"),
    table_format: TableFormat = None,
) -> None:
    """Train the same network with our estimator and with scikit-learn's, and compare both."""
    from isolet_nn.benchmarks.console import print_estimator_times, print_fit
    from isolet_nn.benchmarks.estimator import compare_estimators
    from isolet_nn.terminal.printer import Printer

    printer = Printer.asked_for(table_format)
    times = compare_estimators(
        dataset or (),
        rounds=rounds,
        epochs=epochs,
        data_dir=text_of(data_dir),
        runs_dir=runs_dir,
        on_fit=print_fit,
    )
    print_estimator_times(times, printer)


@app.command("overhead")
def bench_overhead(
    trials: Annotated[
        int,
        typer.Option("--trials", help="About how many.", **whole("--trials", 100, MOST_TRIALS)),
    ] = 1_000_000,
    runs_dir: RunsDir = Path("runs"),
) -> None:
    """Time planning, journalling and resuming very many trials that are not trained."""
    from isolet_nn.benchmarks.console import print_overhead
    from isolet_nn.benchmarks.overhead import measure_overhead

    print_overhead(measure_overhead(trials, runs_dir))


@app.command("search")
def bench_search(
    repetitions: Annotated[
        int,
        typer.Option(
            "--repetitions", help="Of the race with random settings.", **whole("--repetitions", 0)
        ),
    ] = 5,
    trials: Annotated[
        int,
        typer.Option("--trials", help="Random settings of each.", **whole("--trials", 2, 10_000)),
    ] = 100,
    epochs: Annotated[
        int, typer.Option("--epochs", help="Epochs of a training.", **whole("--epochs", 2))
    ] = 20,
    folds: Annotated[
        int, typer.Option("--folds", help="Folds of each setting.", **whole("--folds", 2))
    ] = 5,
    hidden: Annotated[
        int, typer.Option("--hidden", help="Hidden neurons.", **whole("--hidden", 1))
    ] = 128,
    dataset: Annotated[
        str, typer.Option("--dataset", metavar="NAME", help="What is trained on.")
    ] = "isolet",
    asking: Annotated[
        int,
        typer.Option(
            "--asking", help="Settings that are asked for without training.", **whole("--asking", 0)
        ),
    ] = 1000,
    loop: Annotated[
        int,
        typer.Option(
            "--loop",
            help="Settings that are searched beside Optuna with a PyTorch loop.",
            **whole("--loop", 0),
        ),
    ] = 200,
    into: Annotated[
        Path,
        typer.Option("--into", metavar="FOLDER", help="Where the race is, and is gone on with."),
    ] = Path("runs/bench-search"),
) -> None:
    """Count epochs until a search is as good as random settings, and time what it costs besides."""
    from isolet_nn.benchmarks.asking import measure_asking, time_beside_loop
    from isolet_nn.benchmarks.console import (
        print_asking,
        print_beside_loop,
        print_race,
        print_repetition,
    )
    from isolet_nn.benchmarks.search import Race, run_repetition
    from isolet_nn.system.interrupts import stop_signal

    if asking:
        for sampler in ("tpe", "random", "qmc"):
            print_asking(measure_asking(sampler, asking, into))
    if loop:
        print_beside_loop(time_beside_loop(loop, into))
    race, done = Race(dataset, hidden, epochs, folds, trials), []
    with stop_signal() as stop:
        for seed in range(repetitions):
            found = run_repetition(race, seed, into / str(seed), stop)
            if found is not None:
                done.append(found)
                print_repetition(found)
    if done:
        print_race(done)
