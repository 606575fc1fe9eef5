"""Which lesson a data set gets, and its page written.

A data set of two features gets the lesson of a network, number by number; any other the study of
what reaches the layers, and of what the network makes of its rows.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from isolet_nn.config.experiment import Experiment
from isolet_nn.data import load_dataset
from isolet_nn.data.dataset import Dataset
from isolet_nn.lesson.network import network_record
from isolet_nn.lesson.page import render
from isolet_nn.lesson.study import study_record
from isolet_nn.system.files import write_text


def write_lesson(
    experiment: Experiment, path: Path, progress: Callable[[str], None] = lambda _: None
) -> None:
    """Train what a lesson on this experiment shows, and write its page.

    Of a lesson that takes more than moments, `progress` hears what is trained next.

    Raises
    ------
    ConfigError
        If there is no lesson on such an experiment.
    DataError
        If the data is missing or wrong.
    DivergedError
        If the training of the experiment fails.
    """
    dataset = load_dataset(experiment.dataset, experiment.seed, experiment.training.dtype)
    write_text(path, lesson_page(experiment, dataset, progress))


def lesson_page(
    experiment: Experiment, dataset: Dataset, progress: Callable[[str], None] = lambda _: None
) -> str:
    """The page of the lesson that a data set gets."""
    if dataset.n_features == 2:
        return _network_page(experiment, dataset)
    return study_page(study_record(experiment, dataset, progress))


def _network_page(experiment: Experiment, dataset: Dataset) -> str:
    record = network_record(experiment, dataset)
    return render(
        "network.html.jinja",
        record,
        styles=("base.css", "network.css"),
        scripts=(
            "record.js",
            "dom.js",
            "svg.js",
            "numbers.js",
            "steps.js",
            "updating.js",
            "drawing.js",
            "plane.js",
            "findings.js",
            "network.js",
        ),
        lesson=record,
    )


def study_page(record: dict[str, Any]) -> str:
    """The page that shows what `study_record` has recorded."""
    return render(
        "study.html.jinja",
        record,
        styles=("base.css", "study.css"),
        scripts=(
            "record.js",
            "dom.js",
            "svg.js",
            "panels.js",
            "depths.js",
            "letters.js",
            "study.js",
        ),
        study=record,
    )
