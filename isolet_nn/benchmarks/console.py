"""What a person sees of a benchmark: how far it is, and a table of times and ratios.

The table goes to standard output, all else to standard error.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from isolet_nn.benchmarks.asking import Asking, LoopTimes
from isolet_nn.benchmarks.device import DeviceTimes
from isolet_nn.benchmarks.estimator import BATCH_SIZE, HIDDEN, EstimatorTimes, Fit, Task
from isolet_nn.benchmarks.overhead import Overhead
from isolet_nn.benchmarks.search import Repetition
from isolet_nn.benchmarks.sweep import SweepTimes
from isolet_nn.benchmarks.training import Measurement, TrainingBenchmark, TrainingTimes
from isolet_nn.errors import counted, one_line
from isolet_nn.terminal.printer import FOR_TERMINAL, Printer
from isolet_nn.terminal.streams import RESULTS, print_line, print_message
from isolet_nn.terminal.tables import PrintedColumn, PrintedTable
from isolet_nn.terminal.words import percent


def print_benchmark(benchmark: TrainingBenchmark) -> None:
    """Say what is about to be measured, and what is left out."""
    for engine in benchmark.left_out:
        print_message(
            f"{engine} is left out: it is not installed (pip install 'isolet-nn[{engine}]')"
        )
    print_message(
        f"{counted(len(benchmark.settings), 'network')}, "
        f"{counted(len(benchmark.contestants), 'contestant')}, "
        f"{counted(benchmark.rounds, 'round')} of {counted(benchmark.epochs, 'epoch')} on "
        f"{benchmark.data} data"
    )


def print_measurement(measurement: Measurement) -> None:
    """Print one training's time."""
    setting = measurement.setting
    print_message(
        f"{setting.hidden} hidden, batch {setting.batch_size}, round {measurement.round}: "
        f"{measurement.contestant.name} {measurement.seconds:.3f} s"
    )


def print_training_times(times: TrainingTimes, printer: Printer = FOR_TERMINAL) -> None:
    """Print machine, versions, the table, and last the folder."""
    benchmark, environment = times.benchmark, times.environment
    engines = {contestant.engine for contestant in benchmark.contestants}
    versions = [f"{name} {environment['packages'][name]}" for name in sorted(engines)]
    printer.say(
        f"{environment['cpu']}, {counted(environment['cores'], 'core')}, "
        f"{environment['platform']}\n"
        f"Python {environment['python']}, {', '.join(versions)}\n"
        f"data: {environment['dataset']['name']}; {counted(benchmark.epochs, 'epoch')} of Adam, "
        f"float32, no evaluation; medians of {counted(benchmark.rounds, 'interleaved round')}"
    )
    results, reference = times.results, benchmark.contestants[0].name
    engine = benchmark.contestants[0].engine
    columns = [
        PrintedColumn("network", [times.name_of(result.setting) for result in results]),
        PrintedColumn("engine", [result.contestant.name for result in results]),
        PrintedColumn("seconds", [result.median for result in results], "{:.3f}".format),
        PrintedColumn("fastest", [result.fastest for result in results], "{:.3f}".format),
        PrintedColumn("slowest", [result.slowest for result in results], "{:.3f}".format),
        PrintedColumn(f"time / {reference}", [result.ratio for result in results], "{:.2f}".format),
        PrintedColumn(
            f"time / {engine}, equal threads",
            [result.equal_threads_ratio for result in results],
            "{:.2f}".format,
        ),
        PrintedColumn("training accuracy", [result.accuracy for result in results], percent),
    ]
    printer.tables(PrintedTable(columns))
    printer.say(one_line(times.path))


def print_device_times(times: DeviceTimes, printer: Printer = FOR_TERMINAL) -> None:
    """Print card, versions, the table, and last the folder."""
    environment = times.environment
    packages = {n: v for n, v in environment["packages"].items() if n in ("torch", "jax") and v}
    versions = [f"{name} {version}" for name, version in packages.items()]
    printer.say(
        f"{environment['device']}, {environment['cpu']}, {environment['platform']}\n"
        f"Python {environment['python']}, {', '.join(versions)}\n"
        "data loaded; training, and evaluation after the last epoch; where a part was trained, "
        "its time stands for all"
    )
    timed = [(row, one, of_one) for row, of in times.rows.items() for one, of_one in of.items()]
    loops = [times.rows[row]["loop"].for_all / of_one.for_all for row, _, of_one in timed]
    seconds = "{:.3f}".format
    columns = [
        PrintedColumn("row", [row for row, _, _ in timed]),
        PrintedColumn("trainings", [of_one.trainings for _, _, of_one in timed]),
        PrintedColumn("by", [one for _, one, _ in timed]),
        PrintedColumn("trained", [of_one.done for _, _, of_one in timed]),
        PrintedColumn("seconds", [of_one.for_all for _, _, of_one in timed], seconds),
        PrintedColumn("first time", [of_one.first for _, _, of_one in timed], seconds),
        PrintedColumn("times as fast as the loop", loops, "{:.1f}".format),
        PrintedColumn("test accuracy", [of_one.accuracy for _, _, of_one in timed], percent),
    ]
    printer.tables(PrintedTable(columns))
    printer.say(one_line(times.path))


def print_fit(task: Task, fit: Fit) -> None:
    """Print one training's time by one of the estimators."""
    print_message(f"{task.table}: {task.name} {fit.seconds:.2f} s")


def print_estimator_times(times: EstimatorTimes, printer: Printer = FOR_TERMINAL) -> None:
    """Print machine, versions, the table, and last the folder."""
    environment, results = times.environment, times.results
    packages = environment["packages"]
    versions = [f"{n} {packages[n]}" for n in ("numpy", "scikit-learn", "torch") if n in packages]
    printer.say(
        f"{environment['cpu']}, {counted(environment['cores'], 'core')}, "
        f"{environment['platform']}\n"
        f"Python {environment['python']}, {', '.join(versions)}\n"
        f"{HIDDEN} hidden neurons, Adam, batches of {BATCH_SIZE}, float32, one thread; medians of "
        f"{counted(times.rounds, 'interleaved round')}"
    )
    fits = [result.median for result in results]
    seconds, memory = "{:.2f}".format, "{:.0f}".format
    columns = [
        PrintedColumn("table", [result.task.table for result in results]),
        PrintedColumn("epochs", [result.task.epochs for result in results]),
        PrintedColumn("network", [result.task.name for result in results]),
        PrintedColumn("test accuracy", [fit.accuracy for fit in fits], percent),
        PrintedColumn("fit (s)", [fit.seconds for fit in fits], seconds),
        PrintedColumn("time / scikit-learn", [result.time_ratio for result in results], seconds),
        PrintedColumn("predict (s)", [fit.predict_seconds for fit in fits], "{:.3f}".format),
        PrintedColumn("peak (MB)", [fit.peak_megabytes for fit in fits], memory),
        PrintedColumn("of it own (MB)", [fit.own_megabytes for fit in fits], memory),
        PrintedColumn("peak / scikit-learn", [result.memory_ratio for result in results], seconds),
    ]
    printer.tables(PrintedTable(columns))
    printer.say(one_line(times.path))


def print_sweep_times(times: SweepTimes) -> None:
    """Print times, the ratio and the arithmetic a second, and last the folder."""
    share = times.gflops / times.sgemm_gflops
    lines = [
        f"{counted(times.trials, 'trial')} in {counted(times.trainings, 'training')}, "
        f"{counted(times.workers, 'worker')}",
        f"sweep: {_seconds(times.sweep_seconds)}",
        f"arithmetic: {times.gflops:.1f} GFLOP/s, {percent(share)} of what as many "
        f"processes reach that only multiply matrices ({times.sgemm_gflops:.1f} GFLOP/s)",
    ]
    if times.speedup is not None:
        lines.append(
            f"PyTorch loop, {counted(times.loop_threads or 1, 'thread')}: "
            f"{_seconds(times.loop_seconds)}; the sweep is {times.speedup:.2f} times "
            "as fast"
        )
    if times.speedup_of_search is not None:
        lines.append(
            f"GridSearchCV, {counted(times.workers, 'job')}: {_seconds(times.search_seconds)}; "
            f"the sweep is {times.speedup_of_search:.2f} times as fast"
        )
    for line in lines:
        RESULTS.print(line, soft_wrap=True)
    print_line(times.path)


def _seconds(rounds: list[float]) -> str:
    return ", ".join(f"{seconds:.1f} s" for seconds in rounds)


def print_overhead(overhead: Overhead) -> None:
    """Print what so many trials cost besides training, and last the folder."""
    RESULTS.print(
        f"{counted(overhead.trials, 'trial')}: planned, journalled and tabulated in "
        f"{overhead.seconds:.1f} s, read for a resume in {overhead.resume_seconds:.1f} s, "
        f"{overhead.peak_megabytes:.0f} MB of memory at most",
        soft_wrap=True,
    )
    print_line(overhead.path)


def print_asking(asking: Asking) -> None:
    """Print what a search cost whose trials were not trained."""
    RESULTS.print(
        f"{counted(asking.trials, 'setting')} of {asking.sampler}: asked for and told in "
        f"{asking.seconds:.1f} s, a search of them without training in "
        f"{asking.whole_seconds:.1f} s, {asking.peak_megabytes:.0f} MB of memory at most",
        soft_wrap=True,
    )


def print_beside_loop(times: LoopTimes) -> None:
    """Print the times of a search, and of Optuna with a plain loop."""
    RESULTS.print(
        f"{counted(times.trials, 'setting')}: {times.search_seconds:.1f} s, Optuna with a PyTorch "
        f"loop {times.loop_seconds:.1f} s; the search is {times.speedup:.2f} times as fast",
        soft_wrap=True,
    )


def print_repetition(found: Repetition) -> None:
    """Print how one repetition of the race went."""
    epochs = "never" if found.search_epochs is None else f"after {found.search_epochs} epochs"
    RESULTS.print(
        f"seed {found.seed}: the best of the random settings has {percent(found.target)}, found "
        f"after {found.until_best} of {found.random_epochs} epochs; the search was as good "
        f"{epochs}, in {counted(found.settings, 'setting')}",
        soft_wrap=True,
    )


def print_race(done: Sequence[Repetition]) -> None:
    """Print the median of all repetitions."""
    share = statistics.median(found.share for found in done)
    RESULTS.print(
        f"median of {counted(len(done), 'repetition')}: {percent(share)} of the epochs of all "
        "random settings",
        soft_wrap=True,
    )
