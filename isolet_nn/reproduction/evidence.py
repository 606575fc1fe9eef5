"""What the fresh runs in a folder gave, as numbers: accuracies in percent, losses in nats.

What was not run, or not to its end, is left out, and rules say what that means.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.reproduction.carried_over import CELLS, read_cells
from isolet_nn.reproduction.folder import XOR_FILE, folder_of
from isolet_nn.reproduction.parts import CARRIED_OVER, FEW_NEURONS, PARTS
from isolet_nn.reproduction.records import XorFacts
from isolet_nn.reproduction.report import Grid
from isolet_nn.runs.records import read_record
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.journal import COMPLETED_CODE
from isolet_nn.system.folders import JOURNAL

EPOCHS, BATCH = "training.epochs", "training.batch_size"
LAYERS, RATE, BETA1 = "model.hidden_layers", "optimizer.learning_rate", "optimizer.beta1"
OPTIMIZERS = {"sgd": "SGD", "adagrad": "Adagrad", "rmsprop": "RMSprop", "adam": "Adam"}
"""What the optimizers of figure 8 are called in text."""


@dataclass(frozen=True)
class CompletedTrial:
    """One completed trial.

    Attributes
    ----------
    settings
        Varied settings by key path.
    test_accuracy
        In percent.
    epoch_seconds
        Seconds of an epoch, evaluations included.
    """

    settings: dict[str, Any]
    seed: int
    test_accuracy: float
    train_loss: float
    epoch_seconds: float


@dataclass(frozen=True, eq=False)
class Cells:
    """A grid of the report beside the fresh one.

    Attributes
    ----------
    reported, fresh : (rows, columns)
        Percent; a fresh cell is the mean over seeds, NaN where it was not run.
    by_seed : (rows, columns, seeds)
        The fresh cells of each seed.
    """

    rows: list[float]
    columns: list[float]
    reported: NDArray[np.float64]
    fresh: NDArray[np.float64]
    by_seed: NDArray[np.float64]

    def paired(self, some: int, others: int, *, axis: int) -> list[float]:
        """Differences between two rows (axis 0) or columns (axis 1), a number a cell and seed."""
        difference = np.take(self.by_seed, some, axis) - np.take(self.by_seed, others, axis)
        return [float(value) for value in difference.ravel() if np.isfinite(value)]


@dataclass(frozen=True)
class Xor:
    """How many seeds solve exclusive or, and what one that does says of the four points."""

    seeds: int
    solved: int
    solved_without_hidden_layer: int
    run: str
    seed: int
    probabilities: list[list[float]]


class Evidence:
    """All that a reproduction's folder holds, read when it is asked for.

    Parameters
    ----------
    folder
        The reproduction's.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._trials: dict[str, list[CompletedTrial]] = {}

    def path(self, part_name: str) -> Path | None:
        """The folder of a part, None where it was not begun."""
        part = next(part for part in PARTS if part.name == part_name)
        return folder_of(self.folder, part)

    def trials(self, part_name: str) -> list[CompletedTrial]:
        """The completed trials of a part that is a sweep."""
        if part_name not in self._trials:
            path = self.path(part_name)
            begun = path is not None and (path / JOURNAL).exists()
            self._trials[part_name] = _read_trials(SweepFolder.open(path)) if begun and path else []
        return self._trials[part_name]

    def of_setting(self, part_name: str, key: str, value: object) -> list[CompletedTrial]:
        """The trials of one setting, by seed."""
        return [t for t in self.trials(part_name) if t.settings[key] == value]

    def accuracies(self, part_name: str, key: str, value: object) -> list[float]:
        """Test accuracies of one setting, by seed."""
        return [trial.test_accuracy for trial in self.of_setting(part_name, key, value)]

    def cells(self, part_name: str, grid: Grid) -> Cells:
        """A sweep's trials in the places that the report's grid has for them."""
        row_of, column_of = PLACES[part_name]
        return _arrange(
            grid,
            [
                (row_of(trial.settings), column_of(trial.settings), trial.seed, trial.test_accuracy)
                for trial in self.trials(part_name)
            ],
        )

    def carried_over(self, grid: Grid) -> Cells:
        """The cells of the network that was kept across them, in the places of figure 6."""
        path = self.path(CARRIED_OVER)
        if path is None or not (path / CELLS).exists():
            return _arrange(grid, [])
        return _arrange(
            grid,
            [
                (float(batch), float(epochs), 0, 100 * accuracy)
                for epochs, batch, accuracy in read_cells(path)
            ],
        )

    def xor(self) -> Xor | None:
        """What became of exclusive or; None where it was not run."""
        if not (self.folder / XOR_FILE).exists():
            return None
        facts = read_record(self.folder / XOR_FILE, XorFacts)
        return Xor(**facts.model_dump(exclude={"format"}))


_Place = Callable[[dict[str, Any]], float]
_BY_WIDTH_AND_RATE = (lambda s: float(s[LAYERS][0]), lambda s: float(s[RATE]))
PLACES: dict[str, tuple[_Place, _Place]] = {
    "figure5": _BY_WIDTH_AND_RATE,
    FEW_NEURONS: _BY_WIDTH_AND_RATE,
    "figure6": (lambda s: float(s[BATCH]), lambda s: float(s[EPOCHS])),
    "figure7": (lambda s: float(s[BETA1]), lambda s: float(len(s[LAYERS]))),
}
"""Where in the report's grid a trial belongs, by its settings."""


def _read_trials(folder: SweepFolder) -> list[CompletedTrial]:
    trials, results = folder.trial_table, folder.results
    accuracy, loss = results.metric("test_accuracy"), results.metric("train_loss")
    return [
        CompletedTrial(
            trials.setting(number // len(trials.seeds)),
            trials.seed(number),
            100.0 * float(accuracy[number]),
            float(loss[number]),
            float(results.seconds[number]) / max(1, int(results.epochs[number])),
        )
        for number in np.flatnonzero(results.status == COMPLETED_CODE).tolist()
    ]


def _arrange(grid: Grid, places: Sequence[tuple[float, float, int, float]]) -> Cells:
    """Put accuracies into the report's grid, by row, column and seed."""
    seeds = sorted({seed for _, _, seed, _ in places})
    by_seed = np.full((len(grid.rows), len(grid.columns), max(1, len(seeds))), np.nan)
    for row, column, seed, accuracy in places:
        place = grid.rows.index(row), grid.columns.index(column), seeds.index(seed)
        by_seed[place] = accuracy
    known = np.isfinite(by_seed)
    counts = known.sum(axis=2)
    fresh = np.full(counts.shape, np.nan)
    np.divide(np.where(known, by_seed, 0.0).sum(axis=2), counts, out=fresh, where=counts > 0)
    return Cells(grid.rows, grid.columns, np.array(grid.cells), fresh, by_seed)
