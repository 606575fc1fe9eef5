"""The engines of the comparison: each trains the same network in the way natural to it.

One hidden layer of ReLU, maybe with dropout, Adam, shuffled mini-batches, float32, no evaluation on
the way.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from isolet_nn.benchmarks import loop
from isolet_nn.config.datasets import IsoletDataset
from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import load_experiment
from isolet_nn.data import load_dataset
from isolet_nn.data.dataset import Dataset, Split
from isolet_nn.data.preprocessing import plain
from isolet_nn.data.table import numbered
from isolet_nn.training.loop import Training
from isolet_nn.training.threads import limited_threads

EngineName = Literal["numpy", "torch", "scikit-learn"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)
DataName = Literal["isolet", "random"]
DATASETS: tuple[DataName, ...] = get_args(DataName)

LEARNING_RATE = 0.001
_ROWS, _FEATURES, _CLASSES = 6238, 617, 26


@dataclass(frozen=True)
class Contestant:
    """An engine with a number of threads."""

    engine: EngineName
    threads: int

    @property
    def name(self) -> str:
        """Such as ``torch, 2 threads``."""
        return f"{self.engine}, {self.threads} thread{'s' * (self.threads != 1)}"


@dataclass(frozen=True)
class Setting:
    """What is varied: hidden neurons, rows of a mini-batch, and shares of units that rest."""

    hidden: int
    batch_size: int
    dropout: float = 0.0
    input_dropout: float = 0.0

    @property
    def has_dropout(self) -> bool:
        """Whether any units rest."""
        return bool(self.dropout or self.input_dropout)


@dataclass(frozen=True)
class Trained:
    """A training's time, from making the network to the last step, and what it came to.

    `accuracy` is the share of training rows that the trained network gets right; it is computed
    after the clock has stopped, and shows that the engines did the same work.
    """

    seconds: float
    accuracy: float


def load_data(name: DataName, data_dir: str | None) -> Dataset:
    """ISOLET, or random numbers of its size; the test part is a single row.

    Raises
    ------
    IsoletNNError
        As `load_dataset`.
    """
    if name == "random":
        return random_data()
    dataset = load_dataset(IsoletDataset(name="isolet", dir=data_dir), seed=0)
    return _with_one_test_row(dataset.name, dataset.train, dataset.classes, dataset.checksum)


def random_data(rows: int = _ROWS, features: int = _FEATURES, classes: int = _CLASSES) -> Dataset:
    """Normal numbers with labels that have nothing to do with them; always the same."""
    x = np.random.default_rng(0).standard_normal((rows, features), np.float32)
    split = Split(x, np.arange(rows) % classes, None)
    return _with_one_test_row("random", split, tuple(map(str, range(classes))), "random")


def _with_one_test_row(name: str, train: Split, classes: tuple[str, ...], checksum: str) -> Dataset:
    """A data set whose evaluation, which training does after its last epoch, costs nothing."""
    test = Split(train.x[:1], train.y[:1], None)
    preprocessing = plain(numbered(train.x.shape[1]), classes)
    return Dataset(name, classes, train, None, test, preprocessing, checksum, None)


def train_numpy(dataset: Dataset, setting: Setting, epochs: int, threads: int) -> Trained:
    """Train with this package's network, as `isolet-nn train` does."""
    experiment = _experiment(setting, epochs, threads)
    with limited_threads(experiment):
        started = time.perf_counter()
        training = Training([experiment], [dataset])
        while not training.finished:
            training.run_epoch()
        seconds = time.perf_counter() - started
        logits = training.backend.logits(dataset.train.x)[0]
    return Trained(seconds, _accuracy(logits.argmax(axis=1), dataset))


def _experiment(setting: Setting, epochs: int, threads: int) -> Experiment:
    return load_experiment(
        {
            "dataset": {"name": "isolet"},
            "model": {
                "hidden_layers": [setting.hidden],
                "initializer": "uniform_fan_in",
                "dropout": setting.dropout,
                "input_dropout": setting.input_dropout,
            },
            "optimizer": {"name": "adam", "learning_rate": LEARNING_RATE},
            "training": {
                "epochs": epochs,
                "batch_size": setting.batch_size,
                "evaluate_every": epochs,
                "threads": threads,
            },
        }
    )


def train_torch(dataset: Dataset, setting: Setting, epochs: int, threads: int) -> Trained:
    """Train with a plain PyTorch loop: tensors in memory, no DataLoader, fused Adam."""
    import torch

    torch.set_num_threads(threads)
    x, y = torch.from_numpy(dataset.train.x), torch.from_numpy(dataset.train.y)
    started = time.perf_counter()
    network = loop.make_network(
        dataset.n_features,
        setting.hidden,
        dataset.n_classes,
        dropout=setting.dropout,
        input_dropout=setting.input_dropout,
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, fused=True)
    loop.train(network, optimizer, x, y, epochs, setting.batch_size)
    seconds = time.perf_counter() - started
    network.eval()
    with torch.no_grad():
        predicted = network(x).argmax(dim=1).numpy()
    return Trained(seconds, _accuracy(predicted, dataset))


def train_sklearn(dataset: Dataset, setting: Setting, epochs: int, threads: int) -> Trained:
    """Train scikit-learn's MLPClassifier for exactly `epochs` epochs, without its L2 penalty."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier
    from threadpoolctl import threadpool_limits

    with threadpool_limits(threads), warnings.catch_warnings():
        # It warns because it is asked for a number of epochs and not for convergence.
        warnings.simplefilter("ignore", ConvergenceWarning)
        started = time.perf_counter()
        classifier = MLPClassifier(
            (setting.hidden,),
            solver="adam",
            alpha=0.0,
            learning_rate_init=LEARNING_RATE,
            batch_size=min(setting.batch_size, len(dataset.train.y)),
            max_iter=epochs,
            n_iter_no_change=epochs,
            early_stopping=False,
        ).fit(dataset.train.x, dataset.train.y)
        seconds = time.perf_counter() - started
        predicted = classifier.predict(dataset.train.x)
    return Trained(seconds, _accuracy(predicted, dataset))


def _accuracy(predicted: NDArray[np.int64], dataset: Dataset) -> float:
    return float(np.mean(predicted == dataset.train.y))


TRAIN: dict[EngineName, Callable[[Dataset, Setting, int, int], Trained]] = {
    "numpy": train_numpy,
    "torch": train_torch,
    "scikit-learn": train_sklearn,
}
"""``TRAIN[engine](dataset, setting, epochs, threads)``."""
