"""What a sweep's results depend on: the first line of its journal."""

from __future__ import annotations

from typing import Any

from isolet_nn.config.loading import without_paths
from isolet_nn.runs.environment import processor
from isolet_nn.sweeps import journal
from isolet_nn.sweeps.config import Sweep
from isolet_nn.sweeps.datasets import DataSource
from isolet_nn.sweeps.grid import Trials
from isolet_nn.sweeps.records import JournalHeader
from isolet_nn.sweeps.requirements import folds_named_as_in
from isolet_nn.sweeps.workers import LocalWorkers, WorkersFactory
from isolet_nn.version import __version__

_NO_IDENTITY = {
    "name",
    "workers",
    "devices",
    "plot",
    "save_models",
    "save_curves",
    "tracking",
}
"""Keys of a sweep file that no trial's result depends on."""


def make_header(
    config: Sweep,
    trials: Trials,
    source: DataSource,
    make_workers: WorkersFactory = LocalWorkers,
) -> JournalHeader:
    """What a sweep's results depend on: complete config, data, package version and processor.

    Where the data lies is no part of it.
    """
    checksums = []
    for trained in trials.one_experiment_each("dataset"):
        with folds_named_as_in(config):
            checksums.append(source.dataset(trained).checksum)
        source.size(trained)  # another seed's split may fail, which is for its trials to say
    processors = processors_of(trials) if make_workers is LocalWorkers else None
    return journal.make_header(content_of(config), checksums, __version__, processors)


def content_of(config: Sweep) -> dict[str, Any]:
    """A sweep as in a file, complete, without what no result depends on."""
    content = config.model_dump(mode="json", exclude=_NO_IDENTITY)
    experiment = content["experiment"]
    experiment["dataset"] = without_paths(experiment["dataset"])
    experiment.pop("tracking", None)
    return content


def processors_of(trials: Trials) -> str:
    """What computes trials here, in words: all kinds that their backends and devices take."""
    kinds = trials.one_experiment_each("backend", "device")
    return ", ".join(sorted({*map(processor, kinds)}))
