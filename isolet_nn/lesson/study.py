"""The lesson of many inputs: what reaches a network's layers, and what it makes of its rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from isolet_nn.config.experiment import Experiment
from isolet_nn.data.dataset import Dataset
from isolet_nn.lesson.depths import train_depths
from isolet_nn.lesson.letters import letters_document, watch
from isolet_nn.lesson.vanishing import depths_document
from isolet_nn.system.machine import available_cores
from isolet_nn.training.threads import limited_threads


def study_record(
    experiment: Experiment, dataset: Dataset, progress: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Train what the page shows, and put it together.

    Parameters
    ----------
    experiment
        Its own network is watched; its data set, seed and number of epochs (20 at most) are those
        of the networks of one to seven hidden layers.
    dataset
        The experiment's.
    progress
        Hears what is trained next.

    Raises
    ------
    DivergedError
        If the experiment's own training fails.
    """
    with limited_threads(experiment, auto=available_cores()):
        progress(f"training {experiment.name}")
        own = watch(experiment, dataset)
        depths = train_depths(experiment, dataset, progress)
    hidden = experiment.model.hidden_layers
    return {
        "name": experiment.name,
        "data": dataset.name,
        "classes": list(dataset.classes),
        "n_features": dataset.n_features,
        "n_train": len(dataset.train),
        "shape": "-".join(map(str, (dataset.n_features, *hidden, dataset.n_classes))),
        "hidden": len(hidden),
        "depths": depths_document(depths, dataset),
        "letters": letters_document(own, dataset),
    }
