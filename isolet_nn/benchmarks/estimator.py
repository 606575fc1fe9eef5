"""The estimator beside scikit-learn's own network: accuracy, time and memory of the same work.

Both train one hidden layer of ReLU from Glorot's uniform weights with Adam, as many epochs of
shuffled mini-batches, in float32 on one thread, without an L2 penalty and without stopping early.
Each training has a process of its own, as the memory that one took would count for the next.
"""

from __future__ import annotations

import itertools
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from isolet_nn.benchmarks.worker import in_own_process
from isolet_nn.config.datasets import BundledDataset, IsoletDataset
from isolet_nn.data import load_dataset
from isolet_nn.data.dataset import Split
from isolet_nn.errors import ConfigError, suggestion
from isolet_nn.system.csv_tables import csv_line
from isolet_nn.system.files import write_json
from isolet_nn.system.folders import ENVIRONMENT, new_folder
from isolet_nn.system.machine import available_cores, describe_process, has_torch, peak_memory_bytes

TableName = Literal["digits", "isolet", "made"]
EPOCHS: dict[TableName, int] = {"digits": 50, "isolet": 20, "made": 10}
"""The tables, and how many epochs each is trained."""
HIDDEN, BATCH_SIZE, LEARNING_RATE = 64, 128, 0.001
_FEW = 512
"""Rows of a training before the clock runs, in which libraries load the rest of themselves."""
MADE = {"rows": 100_000, "features": 50, "classes": 10}
"""Size of the table that is made up, a fifth of which tests."""

Name = Literal["MLPClassifier", "numpy", "torch"]
NAMES: tuple[Name, ...] = get_args(Name)
"""scikit-learn's, which ratios refer to, and ours by backend."""


@dataclass(frozen=True)
class Task:
    """One training: who, on what, how long."""

    name: Name
    table: TableName
    epochs: int


@dataclass(frozen=True)
class Fit:
    """What one training came to.

    Attributes
    ----------
    seconds, predict_seconds
        Of `fit`, and of `predict` for all rows.
    accuracy
        On the test part.
    peak_megabytes, own_megabytes
        Largest memory of the process, and how much of it came after data and libraries were loaded.
    """

    seconds: float
    predict_seconds: float
    accuracy: float
    peak_megabytes: float
    own_megabytes: float


@dataclass(frozen=True)
class Comparison:
    """Medians over the rounds of one contestant on one table; ratios are to `MLPClassifier`'s.

    Ratios of times are medians of the ratios within a round.
    """

    task: Task
    median: Fit
    time_ratio: float
    memory_ratio: float


@dataclass(frozen=True)
class EstimatorTimes:
    """What was measured, and its folder."""

    path: Path
    environment: dict[str, Any]
    rounds: int
    results: list[Comparison]


def compare_estimators(
    tables: Sequence[str] = (),
    *,
    rounds: int = 3,
    epochs: int | None = None,
    data_dir: str | None = None,
    runs_dir: str | Path = "runs",
    on_fit: Callable[[Task, Fit], None] | None = None,
) -> EstimatorTimes:
    """Train the same network by each contestant in turn; leave all measurements in a new folder.

    Parameters
    ----------
    tables
        Of ``digits``, ``isolet`` and ``made``; all of them if none is named.
    rounds
        Trainings of each by each.
    epochs
        Of every training; None takes `EPOCHS`.
    on_fit
        Hears of every training.

    Raises
    ------
    ConfigError
        If a name is unknown.
    IsoletNNError
        If the data is not there, or a process fails.
    """
    for name in tables:
        if name not in EPOCHS:
            allowed = f"allowed: {', '.join(EPOCHS)}{suggestion(name, EPOCHS)}"
            raise ConfigError(f"--dataset: found {name!r}; {allowed}")
    names = [name for name in NAMES if name != "torch" or has_torch()]
    environment = describe_process(*(["torch"] if "torch" in names else []))
    environment |= {"cores": available_cores()}
    path = new_folder(Path(runs_dir), "bench-estimator")
    write_json(path / ENVIRONMENT, environment)
    results: list[Comparison] = []
    for table in (name for name in EPOCHS if not tables or name in tables):
        tasks = [Task(name, table, epochs or EPOCHS[table]) for name in names]
        fits: dict[Task, list[Fit]] = {task: [] for task in tasks}
        with tempfile.TemporaryDirectory() as folder:
            # What making a table takes is no part of any process that is measured.
            _save(*load_table(table, data_dir), Path(folder))
            for _, task in itertools.product(range(rounds), tasks):
                name = f"{task.name} on {task.table}"
                fit = in_own_process(name, carry_out, (task, Path(folder)))
                fits[task].append(fit)
                _append(path / "results.csv", task, fit)
                if on_fit is not None:
                    on_fit(task, fit)
        results += summarize(fits)
    write_json(path / "results.json", {"results": [asdict(result) for result in results]})
    return EstimatorTimes(path, environment, rounds, results)


def summarize(fits: dict[Task, list[Fit]]) -> list[Comparison]:
    """Medians and ratios of the contestants on one table; ratios refer to the one that is first."""
    first = next(iter(fits.values()))
    return [
        Comparison(
            task,
            Fit(*(statistics.median(values) for values in zip(*map(_numbers, mine), strict=True))),
            statistics.median(a.seconds / b.seconds for a, b in zip(mine, first, strict=True)),
            statistics.median(
                a.peak_megabytes / b.peak_megabytes for a, b in zip(mine, first, strict=True)
            ),
        )
        for task, mine in fits.items()
    ]


def carry_out(what: tuple[Task, Path]) -> Fit:
    """Train and predict in this process, with the table in a folder."""
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    task, folder = what
    train, test = (
        Split(np.load(folder / f"{part}.x.npy"), np.load(folder / f"{part}.y.npy"), None)
        for part in ("train", "test")
    )
    with threadpool_limits(1), warnings.catch_warnings():
        # scikit-learn warns because it is asked for a number of epochs and not for convergence.
        warnings.simplefilter("ignore", ConvergenceWarning)
        make_classifier(replace(task, epochs=1)).fit(train.x[:_FEW], train.y[:_FEW])
        classifier = make_classifier(task)
        before = peak_memory_bytes()
        started = time.perf_counter()
        classifier.fit(train.x, train.y)
        fitted = time.perf_counter()
        classifier.predict(train.x)
        predicted = time.perf_counter()
        peak = peak_memory_bytes()
        accuracy = classifier.score(test.x, test.y)
    megabyte = 1024.0**2
    own = (peak - before) / megabyte
    return Fit(fitted - started, predicted - fitted, accuracy, peak / megabyte, own)


def make_classifier(task: Task) -> Any:
    """The contestant, not yet fitted."""
    if task.name == "MLPClassifier":
        from sklearn.neural_network import MLPClassifier

        return MLPClassifier(
            (HIDDEN,),
            alpha=0.0,
            learning_rate_init=LEARNING_RATE,
            batch_size=BATCH_SIZE,
            max_iter=task.epochs,
            n_iter_no_change=task.epochs,
            random_state=0,
        )
    import isolet_nn

    return isolet_nn.NeuralNetworkClassifier(
        (HIDDEN,),
        initializer="glorot",
        learning_rate=LEARNING_RATE,
        batch_size=BATCH_SIZE,
        epochs=task.epochs,
        backend=task.name,
        device="cpu",
        random_state=0,
    )


def load_table(name: TableName, data_dir: str | None) -> tuple[Split, Split]:
    """Training and test part of a table, standardised, in float32."""
    if name == "made":
        return _made_table()
    if name == "isolet":
        dataset = load_dataset(IsoletDataset(name="isolet", dir=data_dir), seed=0)
    else:
        dataset = load_dataset(BundledDataset(name="digits"), seed=0)
    return dataset.train, dataset.test


def _save(train: Split, test: Split, folder: Path) -> None:
    for part, split in (("train", train), ("test", test)):
        np.save(folder / f"{part}.x.npy", split.x)
        np.save(folder / f"{part}.y.npy", split.y)


def _made_table() -> tuple[Split, Split]:
    """Clouds of normal numbers, several a class, that no line divides; always the same."""
    from sklearn.datasets import make_classification
    from sklearn.preprocessing import StandardScaler

    rows, features, classes = MADE.values()
    x, y = make_classification(
        rows, features, n_informative=20, n_classes=classes, n_clusters_per_class=3, random_state=0
    )
    test = rows // 5
    x = StandardScaler(copy=False).fit_transform(x).astype(np.float32)
    return Split(x[test:], y[test:], None), Split(x[:test], y[:test], None)


def _numbers(fit: Fit) -> tuple[float, ...]:
    return tuple(asdict(fit).values())


def _append(path: Path, task: Task, fit: Fit) -> None:
    row = asdict(task) | asdict(fit)
    with path.open("a", encoding="utf-8", newline="") as file:
        if file.tell() == 0:
            file.write(csv_line(row))
        file.write(csv_line(row.values()))
