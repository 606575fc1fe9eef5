"""What the fresh runs in a folder gave, as numbers: accuracies in percent, losses in nats.

What was not run, or not to its end, is left out, and rules say what that means.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.key_paths import canonical
from isolet_nn.reproduction.carried_over import CELLS, read_cells
from isolet_nn.reproduction.folder import folder_of
from isolet_nn.reproduction.parts import CARRIED_OVER, FEW_NEURONS, XOR, Choice
from isolet_nn.reproduction.records import XorFacts
from isolet_nn.reproduction.report import Grid
from isolet_nn.runs.records import Record, read_record
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.journal import COMPLETED_CODE
from isolet_nn.system.folders import JOURNAL

R = TypeVar("R", bound=Record)

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
    test_accuracy, validation_accuracy, balanced_accuracy
        In percent; NaN where it was not measured. The last is of the test part.
    epoch_seconds
        Seconds of an epoch, evaluations included.
    """

    settings: dict[str, Any]
    seed: int
    test_accuracy: float
    train_loss: float
    epoch_seconds: float
    validation_accuracy: float = math.nan
    balanced_accuracy: float = math.nan


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
        return folder_of(self.folder, part_name)

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

    def by_seed(
        self,
        part_name: str,
        where: Mapping[str, Any],
        value: Literal["test_accuracy", "balanced_accuracy"] = "test_accuracy",
    ) -> dict[int, float]:
        """A value of the trials that have some settings, by seed.

        Raises
        ------
        ValueError
            If the settings are those of several trials of a seed.
        """
        found: dict[int, float] = {}
        for trial in self.trials(part_name):
            if all(trial.settings.get(key) == wanted for key, wanted in where.items()):
                if trial.seed in found:
                    raise ValueError(f"{part_name}: {where} has several trials of a seed")
                found[trial.seed] = getattr(trial, value)
        return found

    def chosen(self, choice: Choice) -> list[dict[str, Any]]:
        """The best settings by mean validation accuracy over seeds, one for each value of a key.

        Settings of which a seed has failed are not chosen; of equals the first is.
        """
        by_setting: dict[str, tuple[dict[str, Any], list[float]]] = {}
        for trial in self.trials(choice.part):
            key = canonical(trial.settings)
            by_setting.setdefault(key, (trial.settings, []))[1].append(trial.validation_accuracy)
        n_seeds = max((len(values) for _, values in by_setting.values()), default=0)
        best: dict[str, tuple[float, dict[str, Any]]] = {}
        for settings, values in by_setting.values():
            mean = float(np.mean(values))
            group = canonical(settings[choice.by])
            if len(values) == n_seeds and mean > best.get(group, (-math.inf, settings))[0]:
                best[group] = mean, settings
        return [settings for _, settings in best.values()]

    def measured(self, part_name: str, model: type[R]) -> R | None:
        """What was measured for a part; None where it was not."""
        path = self.folder / f"{part_name}.json"
        return read_record(path, model) if path.exists() else None

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
        facts = self.measured(XOR, XorFacts)
        return None if facts is None else Xor(**facts.model_dump(exclude={"format"}))


_Place = Callable[[dict[str, Any]], float]
_BY_WIDTH_AND_RATE = (lambda s: float(s[LAYERS][0]), lambda s: float(s[RATE]))
PLACES: dict[str, tuple[_Place, _Place]] = {
    "figure5": _BY_WIDTH_AND_RATE,
    FEW_NEURONS: _BY_WIDTH_AND_RATE,
    "figure6": (lambda s: float(s[BATCH]), lambda s: float(s[EPOCHS])),
    "figure7": (lambda s: float(s[BETA1]), lambda s: float(len(s[LAYERS]))),
}
"""Where in the report's grid a trial belongs, by its settings."""


def differences(some: Mapping[int, float], others: Mapping[int, float]) -> list[float]:
    """One set of values less another, for each seed that both have."""
    pairs = [(some[seed], others[seed]) for seed in sorted(some.keys() & others.keys())]
    return [one - other for one, other in pairs if math.isfinite(one) and math.isfinite(other)]


def _read_trials(folder: SweepFolder) -> list[CompletedTrial]:
    trials, results = folder.trial_table, folder.results
    accuracy, loss = results.metric("test_accuracy"), results.metric("train_loss")
    validation = results.metric("validation_accuracy")
    balanced = results.metric("test_balanced_accuracy")
    return [
        CompletedTrial(
            trials.setting(number // len(trials.seeds)),
            trials.seed(number),
            100.0 * float(accuracy[number]),
            float(loss[number]),
            float(results.seconds[number]) / max(1, int(results.epochs[number])),
            100.0 * float(validation[number]),
            100.0 * float(balanced[number]),
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
