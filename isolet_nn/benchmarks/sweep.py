"""A whole sweep on the clock, against the same trials in a plain PyTorch loop or a GridSearchCV.

The sweep counts from reading its plan to its last plot, worker processes included. The arithmetic
it did a second is also compared with what the same number of processes reach that do nothing but
multiply matrices.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from isolet_nn.benchmarks.grid_search import SearchResult, search_grid, why_not_searched
from isolet_nn.benchmarks.loop import LoopResult, train_one_after_another
from isolet_nn.config.experiment import Experiment
from isolet_nn.errors import BackendUnavailableError, ConfigError
from isolet_nn.sweeps.config import Sweep
from isolet_nn.sweeps.datasets import DataSize, DataSource
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.grid import Trials, make_trials
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.plan import Plan
from isolet_nn.sweeps.requirements import require_backends
from isolet_nn.sweeps.staff import FROM_FILE, plan_for, staff_of
from isolet_nn.sweeps.sweep import sweep
from isolet_nn.system.files import write_json
from isolet_nn.system.folders import ENVIRONMENT, new_folder
from isolet_nn.system.machine import available_cores, describe_process, has_torch
from isolet_nn.system.processes import new_executor, starting

P = ParamSpec("P")
ResultT = TypeVar("ResultT")

_SIZE = 1024
_SGEMM_SECONDS = 2.0

SMALL_NETWORKS: dict[str, Any] = {
    "name": "small-networks",
    "experiment": {
        "dataset": {"name": "isolet"},
        "model": {"hidden_layers": [16], "initializer": "uniform_fan_in"},
        "training": {"epochs": 10, "batch_size": 128},
    },
    "grid": {"optimizer.learning_rate": np.geomspace(1e-4, 1e-1, 20).tolist()},
    "seeds": 10,
    "save_models": "none",
}
"""200 trials of 617-16-26: 20 learning rates by 10 seeds."""


@dataclass(frozen=True)
class SweepTimes:
    """What was measured.

    Attributes
    ----------
    sweep_seconds, loop_seconds, search_seconds
        One time a round each; those of the loop, and of GridSearchCV, are empty where it was left
        out.
    speedup, speedup_of_search
        Median of the loop's time, or GridSearchCV's, divided by the sweep's in the same round.
    gflops, sgemm_gflops
        Arithmetic a second of the sweep's trainings, and of as many processes that multiply
        single-precision matrices of 1024 x 1024; sums over the processes, medians over rounds.
    largest_difference
        Largest difference of the mean test accuracy over all trials, sweep against the others.
    """

    path: Path
    trials: int
    trainings: int
    workers: int
    loop_threads: int
    sweep_seconds: list[float]
    loop_seconds: list[float]
    search_seconds: list[float]
    speedup: float | None
    speedup_of_search: float | None
    gflops: float
    sgemm_gflops: float
    largest_difference: float | None


def time_sweep(
    config: str | Path | None,
    *,
    rounds: int = 1,
    with_loop: bool = True,
    with_search: bool = False,
    loop_threads: int | None = None,
    device: str | None = None,
    data_dir: str | None = None,
    runs_dir: str | Path = "runs",
    say: Callable[[str], None] = lambda _: None,
) -> SweepTimes:
    """Time a sweep and the loop in turn; leave results in a new folder.

    Parameters
    ----------
    config
        The sweep's file; None takes `SMALL_NETWORKS`.
    rounds
        How often each is timed.
    with_loop
        Whether the loop is timed at all.
    with_search
        Whether scikit-learn's GridSearchCV is, with as many jobs as the sweep has workers.
    loop_threads
        Threads of the loop; None gives it all cores.
    device
        Where both compute by PyTorch; None leaves it to the sweep.
    say
        Hears what was measured.

    Raises
    ------
    ConfigError
        If the sweep is wrong, or what is to be timed beside it does not do what the sweep asks
        for: other data sets, folds, or anything beyond plain networks.
    BackendUnavailableError
        If the loop is to be timed, and PyTorch is not installed.
    """
    overrides = {} if data_dir is None else {"dataset.dir": data_dir}
    if device is not None:
        overrides |= {"backend": "torch", "device": device}
    swept = load_sweep(SMALL_NETWORKS if config is None else config, overrides)
    trials = make_trials(swept)
    # What is missing or wrong should be known before there is a folder.
    if with_loop:
        _require_loop(swept, trials)
    if with_search:
        _require_search(swept, trials)
    require_backends(trials)
    staff = staff_of(swept, trials, FROM_FILE)
    source = DataSource()
    plan = plan_for(staff, trials, np.arange(len(trials)), source)
    path = new_folder(Path(runs_dir), "bench-sweep")
    environment = describe_process("torch") | {"cores": available_cores()}
    write_json(path / ENVIRONMENT, environment)
    loop_threads = loop_threads or available_cores()
    times: list[float] = []
    loops: list[LoopResult] = []
    searches: list[SearchResult] = []
    sgemm: list[float] = []
    for number in range(1, rounds + 1):
        # In turn, so that whatever else the machine does falls on all of them.
        sgemm.append(sgemm_gflops(staff.workers))
        seconds, done = _run_sweep(swept, path)
        times.append(seconds)
        say(f"round {number}: sweep {seconds:.1f} s")
        if with_loop:
            loops.append(_run_loop(trials, loop_threads))
            say(f"round {number}: loop {loops[-1].seconds:.1f} s")
        if with_search:
            searches.append(_run_search(trials, staff.workers))
            say(f"round {number}: GridSearchCV {searches[-1].seconds:.1f} s")
    flops = floating_point_operations(trials, plan, source.size, done.results.epochs)
    measured = SweepTimes(
        path=path,
        trials=len(trials),
        trainings=plan.n_trainings,
        workers=staff.workers,
        loop_threads=loop_threads,
        sweep_seconds=times,
        loop_seconds=[loop.seconds for loop in loops],
        search_seconds=[search.seconds for search in searches],
        speedup=_median_ratio([loop.seconds for loop in loops], times),
        speedup_of_search=_median_ratio([search.seconds for search in searches], times),
        gflops=flops / float(np.median(times)) / 1e9,
        sgemm_gflops=float(np.median(sgemm)),
        largest_difference=_largest_difference([*loops, *searches], done),
    )
    write_json(path / "results.json", asdict(measured) | {"path": str(path)})
    return measured


_LOOP_KNOWS = {
    "model": {"hidden_layers", "initializer"},
    "training": {"epochs", "batch_size", "threads", "evaluate_every", "checkpoint_seconds"},
}
"""Keys of a section that the loop obeys, or that cost it nothing."""


def _require_loop(swept: Sweep, trials: Trials) -> None:
    """Refuse the loop where PyTorch is missing, or the sweep asks for what the loop does not do."""
    if not has_torch():  # not imported here, where it would take part in the sweep
        raise BackendUnavailableError(
            "bench sweep: the loop needs PyTorch, which is not installed; install it with "
            "`pip install 'isolet-nn[torch]'`, or leave the loop out with --no-loop"
        )
    problem = _beyond_loop(swept, trials)
    if problem is not None:
        raise ConfigError(
            f"{swept.source}: {problem}, which the loop does not do; --no-loop times the sweep "
            "all the same"
        )


def _require_search(swept: Sweep, trials: Trials) -> None:
    """Refuse GridSearchCV where the sweep asks for what it does not do."""
    problems = [
        _beyond_loop(swept, trials),
        *(why_not_searched(e) for e in trials.one_experiment_each("optimizer")),
    ]
    for problem in filter(None, problems):
        raise ConfigError(
            f"{swept.source}: {problem}, which GridSearchCV over MLPClassifier does not do; "
            "--no-grid-search times the sweep all the same"
        )


def _beyond_loop(swept: Sweep, trials: Trials) -> str | None:
    """What a sweep has that the loop has not: other data sets, folds, more than plain networks."""
    for key in trials.keys:
        if key.split(".")[0] not in ("model", "optimizer", "training"):
            return f"varies {key}"
    if swept.cross_validation is not None:
        return f"cross_validation: found {swept.cross_validation.folds} folds"
    for experiment in trials.one_experiment_each("model", "training"):
        if experiment.ensemble > 1:
            return f"ensemble: found {experiment.ensemble}"
        for section, known in _LOOP_KNOWS.items():
            own = getattr(experiment, section)
            plain = type(own)()
            for key in type(own).model_fields:
                found, default = getattr(own, key), getattr(plain, key)
                if key not in known and found != default:
                    return f"{section}.{key}: found {found!r} in place of {default!r}"
    return None


def floating_point_operations(
    trials: Trials,
    plan: Plan,
    data_size: Callable[[Experiment], DataSize],
    epochs: NDArray[np.int32],
) -> float:
    """Operations of the matrix products of all trainings of a plan.

    A product of (m, k) and (k, n) takes 2 m k n; a layer has one forwards and two backwards, the
    first layer one backwards only.

    Parameters
    ----------
    data_size
        Gives the size of an experiment's data.
    epochs
        Epochs that each trial was trained for (n_trials,); may be fewer than asked for.
    """
    total = 0.0
    for line in itertools.chain.from_iterable(cohort.lines for cohort in plan.cohorts):
        experiment = trials.make_experiment(line[-1])
        size = data_size(experiment)
        layers = [size.n_features, *experiment.model.hidden_layers, size.n_classes]
        products = [i * o for i, o in itertools.pairwise(layers)]
        row = 6.0 * sum(products) - 2.0 * products[0]
        total += row * size.n_rows * int(epochs[list(line)].max()) * experiment.ensemble
    return total


def _run_sweep(swept: Sweep, folder: Path) -> tuple[float, SweepFolder]:
    """Seconds of the sweep, and its own folder."""
    started = time.perf_counter()
    done = sweep(swept, runs_dir=folder)
    return time.perf_counter() - started, done


def _run_loop(trials: Trials, threads: int) -> LoopResult:
    """Run the loop in a process of its own, which has its own libraries and threads."""
    contents = [trials.content(trial) for trial in range(len(trials))]
    (result,) = _in_new_processes(1, train_one_after_another, contents, threads)
    return result


def _run_search(trials: Trials, jobs: int) -> SearchResult:
    """Run GridSearchCV from a process of its own, whose workers have one thread each."""
    contents = [trials.content(trial) for trial in range(len(trials))]
    (result,) = _in_new_processes(1, search_grid, contents, jobs)
    return result


def sgemm_gflops(processes: int) -> float:
    """Sum over processes of what each reaches multiplying matrices with one thread."""
    return sum(_in_new_processes(processes, _multiply, _SGEMM_SECONDS))


def _in_new_processes(
    processes: int, function: Callable[P, ResultT], *args: P.args, **kwargs: P.kwargs
) -> list[ResultT]:
    """Call a function as often as there are processes; an interruption ends them at work."""
    pool = new_executor(processes)
    try:
        with starting():
            calls = [pool.submit(function, *args, **kwargs) for _ in range(processes)]
        return [call.result() for call in calls]
    finally:
        pool.shutdown(kill_workers=True)


def _multiply(seconds: float) -> float:
    from threadpoolctl import threadpool_limits

    a = np.random.default_rng(0).standard_normal((_SIZE, _SIZE), np.float32)
    product = np.empty_like(a)
    with threadpool_limits(1):
        np.matmul(a, a, out=product)
        started, done = time.perf_counter(), 0
        while (elapsed := time.perf_counter() - started) < seconds:
            np.matmul(a, a, out=product)
            done += 1
    return 2.0 * _SIZE**3 * done / elapsed / 1e9


def _median_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float | None:
    if not numerators:
        return None
    return float(np.median(np.divide(numerators, denominators)))


def _largest_difference(
    others: Sequence[LoopResult | SearchResult], done: SweepFolder
) -> float | None:
    if not others:
        return None
    accuracy = float(np.nanmean(done.results.metric("test_accuracy")))
    return max(abs(float(np.mean(other.test_accuracies)) - accuracy) for other in others)
