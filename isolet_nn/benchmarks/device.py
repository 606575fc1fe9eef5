"""Stacks on one device, a GPU above all, against a plain PyTorch loop there, and JAX if installed.

Data are loaded before the clock starts; training, and evaluation after the last epoch, count. What
is made once, such as a device's context and compiled code, is told apart as the first time. Graphs
are captured each time anew.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from isolet_nn.benchmarks.loop import train_one_after_another
from isolet_nn.benchmarks.worker import in_own_process
from isolet_nn.config.shipped import shipped_config
from isolet_nn.config.yaml_files import read_mapping
from isolet_nn.data import load_dataset
from isolet_nn.errors import ConfigError, IsoletNNError, suggestion
from isolet_nn.sweeps.cohort import CohortTask, LineTask, run_cohort
from isolet_nn.sweeps.datasets import DataSource, data_key
from isolet_nn.sweeps.grid import Trials, make_trials
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.plan import Cohort
from isolet_nn.sweeps.staff import Staff, plan_for
from isolet_nn.system.files import write_json
from isolet_nn.system.folders import ENVIRONMENT, new_folder
from isolet_nn.system.machine import describe_process, has_jax
from isolet_nn.training.backends import require_backend
from isolet_nn.training.capacity import gpu_of

LOOP_TRAININGS = 10
"""So many of a row's trainings does the loop do: the others take as long, and nobody waits."""


def _networks(hidden: int, count: int, batch_size: int = 128) -> dict[str, Any]:
    model = {"hidden_layers": [hidden]}
    training = {"epochs": 10, "batch_size": batch_size}
    experiment = {"dataset": {"name": "isolet"}, "model": model, "training": training}
    return {"experiment": experiment, "seeds": count}


_FIGURE_5 = "report/figure5_learning_rate_by_hidden"
ROWS: dict[str, Callable[[], dict[str, Any]]] = {
    "figure5": lambda: dict(read_mapping(shipped_config(_FIGURE_5))),
    "thousand": lambda: _networks(64, 1000),
    "ten-thousand": lambda: _networks(64, 10_000),
    "one-wide": lambda: _networks(1024, 1, 64),
}
"""Sweeps that are timed: figure 5 of the report; networks 617-64-26 with seeds of their own, in
batches of 128; one 617-1024-26, in batches of 64. All but the figure's have 10 epochs."""


@dataclass(frozen=True)
class Work:
    """What one contestant is asked for.

    Attributes
    ----------
    content
        The sweep, as in a file.
    device
        ``cuda`` or ``cpu``.
    rounds
        How often it is timed after the first time.
    most
        Trainings that are done at the most; None: all.
    """

    content: Mapping[str, Any]
    device: str
    rounds: int
    most: int | None = None


@dataclass(frozen=True)
class Timed:
    """What a contestant took.

    Attributes
    ----------
    first, seconds
        The first time, and the median of those after it.
    done, trainings
        How many trainings these were, and how many the row has.
    accuracy
        Mean test accuracy of those that were done.
    """

    first: float
    seconds: float
    done: int
    trainings: int
    accuracy: float

    @property
    def for_all(self) -> float:
        """Seconds of all trainings, each as long as those that were done."""
        return self.seconds * self.trainings / self.done


@dataclass(frozen=True)
class DeviceTimes:
    """Times by row and contestant (``stacks``, ``loop``, ``jax``), and the folder they are in."""

    path: Path
    device: str
    environment: dict[str, Any]
    rows: dict[str, dict[str, Timed]]


def time_device(
    device: str,
    rows: Sequence[str] = (),
    *,
    small: bool = False,
    rounds: int = 3,
    data_dir: str | None = None,
    runs_dir: str | Path = "runs",
    say: Callable[[str], None] = lambda _: None,
) -> DeviceTimes:
    """Time rows by every contestant on a device; leave results in a new folder.

    Parameters
    ----------
    device
        ``cuda`` or ``cpu``.
    rows
        Some of `ROWS`; none stands for all.
    small
        Whether a few trainings of one epoch stand for each row.
    rounds
        How often each is timed after the first time.
    say
        Hears what was measured.

    Raises
    ------
    ConfigError
        If there is no such row.
    BackendUnavailableError
        If PyTorch, or the device, is not there.
    """
    for name in rows:
        if name not in ROWS:
            hint = suggestion(name, ROWS)
            raise ConfigError(f"--row: found {name!r}; allowed: {', '.join(ROWS)}{hint}")
    contents = {name: _content(name, device, small, data_dir) for name in rows or ROWS}
    trials = [make_trials(load_sweep(content)) for content in contents.values()]
    first = trials[0].make_experiment(0)
    require_backend(first)
    path = new_folder(Path(runs_dir), "bench-device")
    contestants = {"stacks": time_stacks, "loop": time_loop}
    if has_jax():
        contestants["jax"] = time_jax
    else:
        say("jax is left out: it is not installed")
    environment = describe_process("torch", "jax") | {"device": _card(first) or device}
    write_json(path / ENVIRONMENT, environment)
    times = DeviceTimes(path, device, environment, {})
    for name, content in contents.items():
        times.rows[name] = {}
        for contestant, measure in contestants.items():
            most = None if contestant == "stacks" else LOOP_TRAININGS
            most = None if contestant == "jax" else most
            work = Work(content, device, rounds, most)
            try:
                timed = in_own_process(f"{name}, {contestant}", measure, work)
            except IsoletNNError as error:
                if contestant != "jax":
                    raise
                say(f"jax is left out: {error}")
                continue
            times.rows[name][contestant] = timed
            say(f"{name}: {contestant} {timed.for_all:.3f} s")
        measured = {
            row: {one: asdict(timed) | {"for_all": timed.for_all} for one, timed in of_row.items()}
            for row, of_row in times.rows.items()
        }
        write_json(path / "results.json", {"device": environment["device"], "rows": measured})
    return times


def _content(name: str, device: str, small: bool, data_dir: str | None) -> dict[str, Any]:
    """A row's sweep on a device."""
    content = {**ROWS[name](), "save_models": "none", "save_curves": "none"}
    given: dict[str, Any] = {"backend": "torch", "device": device, "dataset.dir": data_dir}
    if small:
        given["training.epochs"] = 1
        if "grid" in content:
            content["grid"] = {key: values[:2] for key, values in content["grid"].items()}
        elif content["seeds"] > 1:
            content["seeds"] = content["seeds"] // 250
    content["set"] = {**content.get("set", {}), **given}
    return content


def _card(experiment: Any) -> str | None:
    found = gpu_of(experiment)
    return None if found is None else found[1]


def _timed(work: Work, trainings: int, do: Callable[[], Sequence[float]]) -> Timed:
    """Times of something that gives the accuracies of the trainings it did."""
    seconds = []
    for _ in range(1 + work.rounds):
        started = time.perf_counter()
        accuracies = do()
        seconds.append(time.perf_counter() - started)
    first, *others = seconds
    median = statistics.median(others or seconds)
    return Timed(first, median, len(accuracies), trainings, float(np.mean(accuracies)))


def time_stacks(work: Work) -> Timed:
    """Time the sweep's cohorts as a worker trains them."""
    trials, source = make_trials(load_sweep(work.content)), DataSource()
    experiment = trials.make_experiment(0)
    gpu = gpu_of(experiment)
    staff = Staff(1, gpu_memory=None if gpu is None else gpu[2])
    plan = plan_for(staff, trials, np.arange(len(trials)), source)
    tasks = [_task(trials, cohort) for cohort in plan.cohorts]
    dataset = source.dataset(experiment)

    def do() -> list[float]:
        results = [result for task in tasks for result in run_cohort(task, dataset)]
        return [result.metrics.get("test_accuracy", 0.0) for result in results]

    return _timed(work, len(trials), do)


def _task(trials: Trials, cohort: Cohort) -> CohortTask:
    lines = []
    for line in cohort.lines:
        experiment = trials.make_experiment(line[-1])
        epochs = tuple(trials.epochs(trial, experiment) for trial in line)
        lines.append(LineTask(trials.content(line[-1]), line, epochs))
    return CohortTask(tuple(lines), data_key(experiment), stacks=cohort.stacks)


def time_loop(work: Work) -> Timed:
    """Time a plain PyTorch loop; a part of many trainings stands for all."""
    trials = make_trials(load_sweep(work.content))
    some = np.linspace(0, len(trials) - 1, min(len(trials), work.most or len(trials)))
    contents = [trials.content(int(trial)) for trial in some.round()]
    results = [train_one_after_another(contents, 1) for _ in range(1 + work.rounds)]
    first, *others = [result.seconds for result in results]
    accuracy = float(np.mean(results[-1].test_accuracies))
    median = statistics.median(others or [first])
    return Timed(first, median, len(contents), len(trials), accuracy)


def time_jax(work: Work) -> Timed:
    """Time stacks in JAX."""
    from isolet_nn.benchmarks.jax_stacks import train_stacks

    trials = make_trials(load_sweep(work.content))
    experiments = [trials.make_experiment(trial) for trial in range(len(trials))]
    first = experiments[0]
    dataset = load_dataset(first.dataset, first.seed, first.training.dtype)
    train = train_stacks(experiments, dataset)
    return _timed(work, len(trials), train)
