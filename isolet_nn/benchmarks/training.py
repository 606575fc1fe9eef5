"""The same network trained by NumPy, PyTorch and scikit-learn in turn, on the clock.

All contestants train once before any trains again, so that whatever else the machine does falls
on all of them. Times are medians over the rounds, ratios medians of the ratios within a round.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from isolet_nn.benchmarks.engines import (
    DATASETS,
    ENGINES,
    Contestant,
    DataName,
    EngineName,
    Setting,
    load_data,
)
from isolet_nn.benchmarks.worker import Worker
from isolet_nn.errors import ConfigError, suggestion
from isolet_nn.system.csv_tables import csv_line
from isolet_nn.system.files import write_json
from isolet_nn.system.folders import ENVIRONMENT, PLOTS, new_folder
from isolet_nn.system.machine import available_cores, describe_process, has_torch

RESULTS_CSV, RESULTS_JSON, BARS = "results.csv", "results.json", "bars.png"


@dataclass(frozen=True)
class TrainingBenchmark:
    """What is timed.

    Attributes
    ----------
    settings, contestants
        Every contestant trains every setting; the first contestant is what ratios refer to.
    epochs
        Epochs of a training.
    rounds
        Trainings of each setting by each contestant.
    data, data_dir
        Data set, and where ISOLET lies if it is named.
    left_out
        Engines that were asked for and are not installed.
    """

    settings: tuple[Setting, ...]
    contestants: tuple[Contestant, ...]
    epochs: int
    rounds: int
    data: DataName
    data_dir: str | None = None
    left_out: tuple[EngineName, ...] = ()


@dataclass(frozen=True)
class Measurement:
    """One training."""

    setting: Setting
    contestant: Contestant
    round: int
    seconds: float
    accuracy: float


@dataclass(frozen=True)
class Result:
    """One contestant's trainings of one setting.

    Attributes
    ----------
    median, fastest, slowest
        Seconds of a training.
    ratio
        Median over the rounds of this contestant's time divided by the reference's in the same
        round: how many times as long it takes.
    equal_threads_ratio
        The same for the time of the reference's engine with as many threads.
    accuracy
        Median accuracy on the training rows.
    """

    setting: Setting
    contestant: Contestant
    median: float
    fastest: float
    slowest: float
    ratio: float
    equal_threads_ratio: float
    accuracy: float


@dataclass(frozen=True)
class TrainingTimes:
    """What was measured, and its folder.

    Attributes
    ----------
    environment
        The content of environment.json.
    features, classes
        Of the data set.
    results
        Of the settings that were completed, in the benchmark's order.
    """

    benchmark: TrainingBenchmark
    path: Path
    environment: dict[str, Any]
    features: int
    classes: int
    results: list[Result] = field(default_factory=list)

    def name_of(self, setting: Setting) -> str:
        """Such as ``617-128-26, batch 128``."""
        sizes = f"{self.features}-{setting.hidden}-{self.classes}"
        rest = f", dropout {setting.dropout:g} ({setting.input_dropout:g} of inputs)"
        return f"{sizes}, batch {setting.batch_size}{rest if setting.has_dropout else ''}"


def make_benchmark(
    *,
    hidden: Sequence[int],
    batch_sizes: Sequence[int],
    epochs: int = 10,
    rounds: int = 5,
    data: str = "isolet",
    data_dir: str | None = None,
    engines: Sequence[str] = ENGINES,
    threads: int | None = None,
    dropout: float = 0.0,
    input_dropout: float = 0.0,
) -> TrainingBenchmark:
    """Prepare every size with every batch size, by every engine that is installed.

    Parameters
    ----------
    hidden, batch_sizes
        Hidden neurons and rows of a mini-batch.
    data
        ``isolet`` or ``random``.
    engines
        Of ``numpy``, ``torch`` and ``scikit-learn``.
    threads
        Threads that engines get besides one; None gives them all cores.
    dropout, input_dropout
        Shares of hidden neurons and inputs that rest in a step; with any scikit-learn, which knows
        no dropout, is left out.

    Raises
    ------
    ConfigError
        If a name is unknown, or none of the engines is installed or knows dropout.
    """
    for option, names, allowed in (
        ("--engine", engines, ENGINES),
        ("--dataset", [data], DATASETS),
    ):
        for name in names:
            if name not in allowed:
                hint = suggestion(name, allowed)
                raise ConfigError(f"{option}: found {name!r}; allowed: {', '.join(allowed)}{hint}")
    with_dropout = bool(dropout or input_dropout)
    if with_dropout and list(engines) == ["scikit-learn"]:
        raise ConfigError("--engine: scikit-learn's network knows no dropout")
    chosen = [
        engine
        for engine in ENGINES
        if engine in engines and not (with_dropout and engine == "scikit-learn")
    ]
    left_out = [engine for engine in chosen if engine == "torch" and not has_torch()]
    contestants = [
        Contestant(engine, number)
        for engine in chosen
        if engine not in left_out
        for number in dict.fromkeys((1, threads or available_cores()))
    ]
    if not contestants:
        raise ConfigError(
            "--engine: PyTorch is not installed; install it with `pip install 'isolet-nn[torch]'`"
        )
    return TrainingBenchmark(
        settings=tuple(
            Setting(h, b, dropout, input_dropout)
            for h in dict.fromkeys(hidden)
            for b in dict.fromkeys(batch_sizes)
        ),
        contestants=tuple(contestants),
        epochs=epochs,
        rounds=rounds,
        data="isolet" if data == "isolet" else "random",
        data_dir=data_dir,
        left_out=tuple(left_out),
    )


def time_training(
    benchmark: TrainingBenchmark,
    runs_dir: str | Path = "runs",
    on_measurement: Callable[[Measurement], None] | None = None,
) -> TrainingTimes:
    """Carry out a benchmark; leave measurements, results, environment and a plot in a new folder.

    The folder is complete up to the last setting that was completed, also after an interruption.

    Parameters
    ----------
    on_measurement
        Hears of every training.

    Raises
    ------
    IsoletNNError
        If the data is not there, or an engine fails.
    """
    dataset = load_data(benchmark.data, benchmark.data_dir)
    measured = TrainingTimes(
        benchmark,
        new_folder(Path(runs_dir), "bench-train"),
        describe_process("torch")
        | {
            "cores": available_cores(),
            "dataset": {"name": dataset.name, "checksum": dataset.checksum},
        },
        dataset.n_features,
        dataset.n_classes,
    )
    write_json(measured.path / ENVIRONMENT, measured.environment)
    try:
        with ExitStack() as stack:
            workers = [
                stack.enter_context(Worker(contestant, benchmark.data, benchmark.data_dir))
                for contestant in benchmark.contestants
            ]
            for setting in benchmark.settings:
                measurements = []
                for measurement in _measure(benchmark, setting, workers):
                    measurements.append(measurement)
                    _append(measured.path / RESULTS_CSV, measurement)
                    if on_measurement is not None:
                        on_measurement(measurement)
                measured.results.extend(summarize(measurements))
    finally:
        _write_results(measured)
    return measured


def _measure(
    benchmark: TrainingBenchmark, setting: Setting, workers: Sequence[Worker]
) -> Iterator[Measurement]:
    for worker in workers:
        worker.train(setting, epochs=1)  # libraries choose and compile their kernels here
    for number in range(1, benchmark.rounds + 1):
        for worker in workers:
            trained = worker.train(setting, benchmark.epochs)
            yield Measurement(setting, worker.contestant, number, trained.seconds, trained.accuracy)


def summarize(measurements: Sequence[Measurement]) -> list[Result]:
    """Medians and ratios of one setting's rounds; ratios refer to the contestant that came first.

    Parameters
    ----------
    measurements
        Of one setting, every contestant in every round.
    """
    by_contestant: dict[Contestant, list[Measurement]] = {}
    for measurement in measurements:
        by_contestant.setdefault(measurement.contestant, []).append(measurement)
    reference = next(iter(by_contestant), None)
    results = []
    for contestant, mine in by_contestant.items():
        assert reference is not None, "there is at least this one"
        seconds = [m.seconds for m in mine]
        equal = by_contestant[Contestant(reference.engine, contestant.threads)]
        results.append(
            Result(
                setting=mine[0].setting,
                contestant=contestant,
                median=statistics.median(seconds),
                fastest=min(seconds),
                slowest=max(seconds),
                ratio=_median_ratio(mine, by_contestant[reference]),
                equal_threads_ratio=_median_ratio(mine, equal),
                accuracy=statistics.median(m.accuracy for m in mine),
            )
        )
    return results


def _median_ratio(mine: Sequence[Measurement], theirs: Sequence[Measurement]) -> float:
    return statistics.median(m.seconds / t.seconds for m, t in zip(mine, theirs, strict=True))


def _append(path: Path, measurement: Measurement) -> None:
    row = {
        **asdict(measurement.setting),
        **asdict(measurement.contestant),
        "round": measurement.round,
        "seconds": measurement.seconds,
        "accuracy": measurement.accuracy,
    }
    with path.open("a", encoding="utf-8", newline="") as file:
        if file.tell() == 0:
            file.write(csv_line(row))
        file.write(csv_line(row.values()))


def _write_results(measured: TrainingTimes) -> None:
    """Write results.json, and the plot if there is anything to draw."""
    benchmark, results = measured.benchmark, measured.results
    content = asdict(benchmark) | {
        "reference": benchmark.contestants[0].name,
        "results": [
            {
                **asdict(result.setting),
                **asdict(result.contestant),
                "median_seconds": result.median,
                "fastest_seconds": result.fastest,
                "slowest_seconds": result.slowest,
                "ratio": result.ratio,
                "equal_threads_ratio": result.equal_threads_ratio,
                "accuracy": result.accuracy,
            }
            for result in results
        ],
    }
    write_json(measured.path / RESULTS_JSON, content)
    if not results:
        return
    from isolet_nn.plots import plot_bars

    times: dict[str, dict[str, float | None]] = {}
    ratios: dict[str, dict[str, float | None]] = {}
    for result in results:
        setting, contestant = measured.name_of(result.setting), result.contestant.name
        times.setdefault(setting, {})[contestant] = result.median
        ratios.setdefault(setting, {})[contestant] = result.ratio
    folder = measured.path / PLOTS
    folder.mkdir(exist_ok=True)
    plot_bars(
        times,
        folder / BARS,
        reference=benchmark.contestants[0].name,
        ratios=ratios,
        value_label=f"median time of {benchmark.epochs} epochs (s)",
        title="Training the same network",
    )
