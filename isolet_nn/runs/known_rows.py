"""How good an adapted model is by how many rows of each group it knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from isolet_nn.data import load_raw
from isolet_nn.data.dataset import split_by_known_rows
from isolet_nn.data.splits import rows_of_splits
from isolet_nn.errors import ConfigError
from isolet_nn.runs.execution import model_with_data, of_split, read_to_evaluate
from isolet_nn.runs.folder import Run
from isolet_nn.scores.evaluation import loss_and_accuracy
from isolet_nn.seeding import Stream, generator
from isolet_nn.system.csv_tables import csv_text
from isolet_nn.system.files import write_text

REPEATS = 5
"""How often the known rows of each group are drawn."""
KNOWN_ROWS = "known_rows"
"""Of the table and the picture."""


@dataclass(frozen=True)
class KnownRows:
    """Accuracy where so many rows of each group are known, over repeated draws.

    Attributes
    ----------
    known
        Rows of its group, itself among them, that a row is standardised by; None: all there are.
    mean, low, high
        Of the accuracies of the draws.
    """

    known: int | None
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class KnownRowsCurve:
    """Accuracy by known rows, the fewest first, all last.

    Attributes
    ----------
    split, n
        What it was measured on, and its rows.
    adapted_to
        What a group is, such as a speaker.
    largest
        Rows of the largest group.
    points
        One for each number of rows.
    """

    split: str
    n: int
    adapted_to: str
    largest: int
    points: list[KnownRows]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def accuracy_by_known_rows(
    run: Run,
    known: Sequence[int],
    *,
    split: str = "test",
    backend: str | None = None,
    data_dir: str | None = None,
) -> KnownRowsCurve:
    """Evaluate an adapted model as if only so many rows of each group were there at a time.

    Each row is classified once a draw, standardised by itself and other rows of its group that are
    drawn at random; by all where there are no more. Classes play no part in it.

    Parameters
    ----------
    known
        Numbers of rows, 1 or more; all rows come last in any case.

    Raises
    ------
    ConfigError
        If the model does not adapt to groups, or the data has no such split; otherwise as
        `isolet_nn.runs.execution.evaluate`.
    """
    with read_to_evaluate(run, split, backend, data_dir) as experiment:
        config = experiment.dataset
        if config.by_group is None:
            raise ConfigError(
                f"--known: {run.path} standardises all rows alike, whoever they are of; a model "
                "that adapts is trained with dataset.standardize: {by: speaker}"
            )
        model, dataset = model_with_data(run, experiment)
        part = of_split(run, dataset, split)
        assert part.groups is not None, "what adapts to groups has some"
        raw, seed = load_raw(config), experiment.seed
        rows = dict(
            zip(("train", "validation", "test"), rows_of_splits(raw, config, seed), strict=True)
        )[split]
        assert rows is not None, "the split is there"
        largest = int(np.unique(part.groups, return_counts=True)[1].max())
        points = []
        for count in sorted({*known}):
            if count >= largest:
                continue
            accuracies = []
            for repeat in range(REPEATS):
                rng = generator(seed, Stream.KNOWN_ROWS, repeat)
                drawn = split_by_known_rows(
                    raw, rows, config, dataset.preprocessing, part.x.dtype, count, rng
                )
                accuracies.append(float(loss_and_accuracy(model(drawn.x), drawn.y)[1]))
            mean = float(np.mean(accuracies))
            points.append(KnownRows(count, mean, min(accuracies), max(accuracies)))
        whole = float(loss_and_accuracy(model(part.x), part.y)[1])
    points.append(KnownRows(None, whole, whole, whole))
    return KnownRowsCurve(split, len(part), config.adapted_to or "group", largest, points)


def write_known_rows(run: Run, curve: KnownRowsCurve) -> list[Path]:
    """Write the curve into the run folder, as a table and as a picture; return the files."""
    from isolet_nn.plots.curves import Band, plot_lines

    table = run.table_path(KNOWN_ROWS, curve.split)
    run.path.mkdir(parents=True, exist_ok=True)  # of a trial there is none before
    places = [curve.largest if point.known is None else point.known for point in curve.points]
    rows = [
        [place, point.mean, point.low, point.high]
        for place, point in zip(places, curve.points, strict=True)
    ]
    write_text(table, csv_text(["known", "mean", "low", "high"], rows))
    picture = run.plot_path(table.stem)
    line = Band(
        places,
        [point.mean for point in curve.points],
        [point.low for point in curve.points],
        [point.high for point in curve.points],
    )
    plot_lines(
        {f"adapted to the {curve.adapted_to}": line},
        picture,
        x_name=f"rows_of_a_{curve.adapted_to}_known",
        value_name=f"{curve.split}_accuracy",
        log_x=True,
        title=f"{run.experiment.name}: by rows known",
        note=f"mean, lowest and highest of {REPEATS} draws",
    )
    return [table, picture]
