"""Which rows of the test set are wrong: by whom, whose they are, and what they are taken for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isolet_nn.baselines.contestants import NETWORK, Contestant
from isolet_nn.baselines.scores import Line, TestRows, is_right


@dataclass(frozen=True)
class Pair:
    """Two letters that are taken for each other, either way.

    Attributes
    ----------
    letters
        Both, in the order of the alphabet.
    counts
        How often each model (in the order of `Mistakes.contestants`) takes one for the other.
    """

    letters: str
    counts: list[int]


class Mistakes:
    """The answers of the first seed of each contestant, row by row.

    Attributes
    ----------
    rows
        What the rows are.
    contestants
        Those that are through.
    predicted
        (n_contestants, n) their answers.
    is_wrong
        (n_contestants, n).
    probability
        (n_contestants, n) of each answer; NaN where a model has none.
    network
        Whose errors are shown in detail: the project's network, or else the first contestant.
    """

    def __init__(self, lines: Sequence[Line], rows: TestRows) -> None:
        self.rows = rows
        self.contestants: list[Contestant] = [line.contestant for line in lines]
        fits = [line.fits[0] for line in lines]
        self.is_wrong = np.array([~is_right(fit, rows) for fit in fits])
        self.predicted = np.array([fit.predicted for fit in fits])
        unknown = [float("nan")] * len(rows.y)
        self.probability = np.array([fit.probability or unknown for fit in fits])
        names = [contestant.name for contestant in self.contestants]
        self.network = names.index(NETWORK) if NETWORK in names else 0

    @property
    def utterance(self) -> NDArray[np.int64]:
        """Which of a speaker's utterances of a letter each row (n,) is, counted from 1."""
        seen: Counter[tuple[int, int]] = Counter()
        numbers = []
        for speaker, letter in zip(self.rows.speakers.tolist(), self.rows.y.tolist(), strict=True):
            seen[speaker, letter] += 1
            numbers.append(seen[speaker, letter])
        return np.array(numbers)

    @property
    def wrong_in(self) -> NDArray[np.int64]:
        """By how many contestants each row (n,) is answered wrongly."""
        return np.asarray(self.is_wrong.sum(axis=0))

    @property
    def of_standard_task(self) -> NDArray[np.bool_]:
        """Which contestants (n_contestants,) are not adapted to the speaker."""
        return np.array([not contestant.is_adapted for contestant in self.contestants])

    @property
    def speakers(self) -> NDArray[np.int64]:
        """Those of the test set, ascending."""
        return np.unique(self.rows.speakers)

    def by_speaker(self) -> NDArray[np.int64]:
        """Errors (n_contestants, n_speakers)."""
        is_of = self.rows.speakers == self.speakers[:, None]
        return np.asarray(self.is_wrong.astype(np.int64) @ is_of.T)

    def cumulative(self) -> NDArray[np.float64]:
        """Share (n_contestants, n_speakers) of its errors by a model's 1, 2, ... worst speakers."""
        sums = np.cumsum(np.sort(self.by_speaker(), axis=1)[:, ::-1], axis=1)
        return np.asarray(sums / np.maximum(sums[:, -1:], 1))

    def pairs(self) -> list[Pair]:
        """All pairs that any model mistakes, the most frequent of the network first."""
        counts: dict[str, list[int]] = {}
        for number in range(len(self.contestants)):
            for row in np.flatnonzero(self.is_wrong[number]):
                letters = "".join(sorted(self.letters(number, row)))
                counts.setdefault(letters, [0] * len(self.contestants))[number] += 1
        found = [Pair(letters, of_models) for letters, of_models in counts.items()]
        found.sort(key=lambda pair: (-pair.counts[self.network], -sum(pair.counts), pair.letters))
        return found

    def letters(self, contestant: int, row: int | np.integer) -> tuple[str, str]:
        """The letter that was spoken, and what a contestant takes it for."""
        classes = self.rows.classes
        return classes[self.rows.y[row]], classes[self.predicted[contestant, row]]

    def of_network(self) -> NDArray[np.int64]:
        """Rows that the network has wrong, those that most others have wrong too first."""
        rows = np.flatnonzero(self.is_wrong[self.network])
        return rows[np.lexsort((rows, -self.wrong_in[rows]))]

    def any_wrong(self) -> NDArray[np.int64]:
        """Rows that any contestant has wrong, in isolet5's order."""
        return np.flatnonzero(self.wrong_in > 0)

    def confusions_of(self, speaker: int) -> list[tuple[str, int]]:
        """What the network takes a speaker's letters for, as ``M → N``, most frequent first."""
        rows = np.flatnonzero(self.is_wrong[self.network] & (self.rows.speakers == speaker))
        counts = Counter(" → ".join(self.letters(self.network, row)) for row in rows)
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))

    def confusion_matrix(self) -> NDArray[np.int64]:
        """Counts (n_classes, n_classes) of the network: rows are letters spoken."""
        n = len(self.rows.classes)
        places = self.rows.y * n + self.predicted[self.network]
        return np.bincount(places, minlength=n * n).reshape(n, n)
