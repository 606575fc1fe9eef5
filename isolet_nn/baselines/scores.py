"""How good and how fast each contestant is: the lines of the table that can be cited."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isolet_nn.baselines.contestants import NETWORK, Contestant, Settings
from isolet_nn.baselines.fits import Division, Fit, load_rows
from isolet_nn.baselines.folder import (
    Baselines,
    choose_setting,
    fold_accuracies,
    read_fit,
    tasks_of_test,
)
from isolet_nn.errors import RunError
from isolet_nn.scores.statistics import Interval, mean_interval, resampled_interval


@dataclass(frozen=True)
class TestRows:
    """What is known of the test rows, in isolet5's order.

    Attributes
    ----------
    y
        (n,) the letters, as class indices.
    speakers
        (n,) who spoke.
    classes
        Names of the letters.
    """

    __test__ = False  # pytest takes it for a test by its name

    y: NDArray[np.int64]
    speakers: NDArray[np.int64]
    classes: tuple[str, ...]

    @classmethod
    def load(cls, division: Division) -> TestRows:
        """Those of isolet5."""
        raw = load_rows(division)
        assert raw.groups is not None, "it is asked for by speaker"
        assert raw.test_rows is not None, "isolet5"
        return cls(raw.y[raw.test_rows], raw.groups[raw.test_rows], raw.classes)

    def by_speaker(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean (n_speakers,) of something (n,) over the rows of each speaker."""
        _, speaker, rows = np.unique(self.speakers, return_inverse=True, return_counts=True)
        return np.asarray(np.bincount(speaker, values) / rows)


@dataclass(frozen=True)
class Line:
    """What one contestant comes to; accuracies are shares.

    Attributes
    ----------
    contestant, setting
        Who, and the number of the setting that was chosen.
    tried
        Mean accuracy of each setting over the folds.
    validation
        Of the chosen one, with the corrected resampled t interval of a cross-validation.
    test
        Mean over the seeds, with a bootstrap interval over the test speakers.
    of_seeds
        Accuracy on the test set, seed by seed.
    difference
        Less the project's network, paired by speaker; None of itself, or where that is not known.
    fits
        The trainings on all training speakers, seed by seed.
    """

    contestant: Contestant
    setting: int
    tried: list[float]
    validation: Interval
    test: Interval
    of_seeds: list[float]
    difference: Interval | None
    fits: list[Fit]

    @property
    def settings(self) -> Settings:
        """All settings, with those chosen."""
        return self.contestant.settings(self.setting)

    @property
    def train_seconds(self) -> float:
        """Least of the seeds: other work on the machine can only add to it."""
        return min(fit.train_seconds for fit in self.fits)

    @property
    def predict_seconds(self) -> float:
        """Least of the seeds, for the whole test set."""
        return min(fit.predict_seconds for fit in self.fits)

    @property
    def errors(self) -> float:
        """Rows of the test set that are wrong, mean of the seeds."""
        return statistics.fmean(fit.n - fit.correct for fit in self.fits)


def read_lines(folder: Path, content: Baselines, rows: TestRows) -> list[Line]:
    """A line for each contestant that is through, in their order."""
    through = {}
    for contestant in content.contestants:
        accuracies = fold_accuracies(folder, content, contestant)
        if accuracies is None:
            continue
        setting = choose_setting(accuracies)
        fits = [read_fit(folder, task) for task in tasks_of_test(contestant, setting)]
        known = [fit for fit in fits if fit is not None]
        if len(known) == len(fits):
            through[contestant.name] = contestant, setting, accuracies, known
    shares = {name: _shares(fits, rows) for name, (*_, fits) in through.items()}
    return [
        _line(*of_one, rows.by_speaker(shares[name]), _of_network(name, shares, rows))
        for name, of_one in through.items()
    ]


def is_right(fit: Fit, rows: TestRows) -> NDArray[np.bool_]:
    """Whether each row (n,) of the test set is right.

    Raises
    ------
    RunError
        If the fit has no answers, or not as many as there are rows.
    """
    if fit.predicted is None or len(fit.predicted) != len(rows.y):
        raise RunError("damaged: a fit on all speakers has not the test set's answers")
    return np.asarray(np.array(fit.predicted) == rows.y)


def _shares(fits: list[Fit], rows: TestRows) -> NDArray[np.float64]:
    """Share (n,) of the seeds that have each row right."""
    return np.asarray(np.mean([is_right(fit, rows) for fit in fits], axis=0, dtype=np.float64))


def _of_network(
    name: str, shares: dict[str, NDArray[np.float64]], rows: TestRows
) -> NDArray[np.float64] | None:
    """What the project's network has by speaker, to be compared with."""
    if name == NETWORK or NETWORK not in shares:
        return None
    return rows.by_speaker(shares[NETWORK])


def _line(
    contestant: Contestant,
    setting: int,
    accuracies: list[list[float]],
    fits: list[Fit],
    by_speaker: NDArray[np.float64],
    of_network: NDArray[np.float64] | None,
) -> Line:
    folds = np.array(accuracies[setting])
    low, high = resampled_interval(folds, len(folds))
    of_seeds = [fit.accuracy for fit in fits]
    over_speakers = mean_interval(by_speaker.tolist())
    return Line(
        contestant,
        setting,
        [statistics.fmean(of_setting) for of_setting in accuracies],
        Interval(float(folds.mean()), max(float(low), 0.0), min(float(high), 1.0)),
        # All speakers have 52 rows but one, who has 51: the mean over rows is what is cited.
        Interval(statistics.fmean(of_seeds), over_speakers.low, over_speakers.high),
        of_seeds,
        None if of_network is None else mean_interval((by_speaker - of_network).tolist()),
        fits,
    )
