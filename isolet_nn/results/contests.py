"""Who is better, over the same seeds, folds or data sets, and can that be chance.

Contenders are groups of runs that differ in nothing but the seed, or the settings of a sweep
(`runs_contest` and `settings_contest` find them). They are compared by pairs of scores, each pair
on one *block*: a seed, a fold, or a data set.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.metrics import adapted_text, in_words, measure_of
from isolet_nn.results.designs import Design
from isolet_nn.scores.paired import (
    LEVEL,
    Friedman,
    detectable,
    friedman,
    holm,
    paired_t_tests,
    ranks_of,
    signed_rank_tests,
)
from isolet_nn.system.csv_tables import unless_nan

MOST_CONTENDERS = 50
"""Of more the best are compared, corrected for the pairs of all."""


class Contender(NamedTuple):
    """A group of runs, or a setting, and what it scored.

    Attributes
    ----------
    name
        What a person calls it.
    setting
        What it changes, by key path; of runs what is not the same in all.
    trial
        Of a sweep's setting: the number of its first trial.
    runs
        Of a group: labels of its runs.
    scores
        By block; a block without a score is not there.
    adapted_to
        Whose own rows standardise them, which is another task than without.
    """

    name: str
    setting: Mapping[str, Any]
    trial: int | None
    runs: Sequence[str]
    scores: Mapping[str, float]
    adapted_to: str | None = None


@dataclass(frozen=True, eq=False)
class Standing:
    """A contender among the others.

    Attributes
    ----------
    scores : (n_blocks,)
    mean, deviation
        Over the blocks; the deviation has n - 1 in its denominator, and is None of a single one.
    rank
        The mean over the blocks of its rank, 1 being the best.
    """

    name: str
    setting: Mapping[str, Any]
    trial: int | None
    runs: Sequence[str]
    scores: NDArray[np.float64]
    mean: float
    deviation: float | None
    rank: float
    adapted_to: str | None


@dataclass(frozen=True)
class Match:
    """Two contenders compared; None is what cannot be said.

    Attributes
    ----------
    first, second
        Their places among the standings.
    difference, low, high
        First less second, with the 95 % interval of this pair alone. Over data sets the typical
        difference, over all else the mean.
    effect, effect_low, effect_high
        Cohen's d_z; over data sets the rank-biserial correlation, which has no interval.
    p_value
        Of this pair alone.
    p_holm
        Corrected for all pairs.
    better, equal, worse
        Blocks on which the first is so.
    detectable
        How large the difference had to be, given its spread, to be told from chance.
    """

    first: int
    second: int
    difference: float
    low: float | None
    high: float | None
    effect: float | None
    effect_low: float | None
    effect_high: float | None
    p_value: float | None
    p_holm: float | None
    better: int
    equal: int
    worse: int
    detectable: float | None

    @property
    def differs(self) -> bool:
        """Whether the two are told apart, at the level of 5 % for all pairs together."""
        return self.p_holm is not None and self.p_holm < LEVEL


@dataclass(frozen=True, eq=False)
class Contest:
    """Contenders compared by pairs.

    Attributes
    ----------
    metric
        What they are scored by.
    blocks
        What all of them were scored on.
    standings
        The best first: by their means, over data sets by their mean ranks.
    matches
        Of each two, or of each with the baseline; none where there are not two blocks.
    n_tests
        Pairs that p-values are corrected for.
    baseline
        Place of the one that the others are compared with; None where each two are compared.
    friedman
        Over data sets, of three or more: whether any differ.
    left_out
        By name: why a contender is not compared.
    n_poorer
        Contenders that were left out as their means are not among the best.
    unused
        By block that some of those compared have: who lacks it.
    """

    metric: str
    design: Design
    blocks: Sequence[str]
    standings: Sequence[Standing]
    matches: Sequence[Match]
    n_tests: int
    baseline: int | None
    friedman: Friedman | None
    left_out: Mapping[str, str]
    n_poorer: int = 0
    unused: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def measured(self) -> str:
        """What they are scored by, in words, and in which task."""
        return in_words(self.metric) + adapted_text(*(s.adapted_to for s in self.standings))

    @property
    def same_task(self) -> bool:
        """Whether all adapt to a group, or none does; if not, they cannot be compared."""
        return len({standing.adapted_to for standing in self.standings}) < 2

    @property
    def told_apart(self) -> NDArray[np.bool_]:
        """Which two differ, (k, k), symmetric."""
        apart = np.zeros((len(self.standings),) * 2, np.bool_)
        for match in self.matches:
            apart[match.first, match.second] = apart[match.second, match.first] = match.differs
        return apart


def hold(
    contenders: Sequence[Contender],
    metric: str,
    design: Design,
    baseline: int | None = None,
) -> Contest:
    """Compare contenders on the blocks that the most complete ones have in common.

    Parameters
    ----------
    contenders
        Two at least.
    metric
        What they were scored by.
    design
        What the blocks are.
    baseline
        The contender that the others are compared with; None compares each two.
    """
    blocks, chosen = _common_blocks(contenders)
    left_out = {
        contender.name: _what_is_missing(contender, blocks, contenders)
        for number, contender in enumerate(contenders)
        if number not in chosen
    }
    scores = np.array([[contenders[c].scores[block] for block in blocks] for c in chosen])
    order, ranks = _best_first(scores, metric, design)
    kept = order[:MOST_CONTENDERS]
    if baseline in chosen and (place := chosen.index(baseline)) not in kept:
        kept = [*kept, place]
    standings = [_standing(contenders[chosen[c]], scores[c], float(ranks[c])) for c in kept]
    base = None
    if baseline is not None:
        base = [chosen[c] for c in kept].index(baseline) if baseline in chosen else None
    n_tests = len(chosen) - 1 if base is not None else math.comb(len(chosen), 2)
    is_tested = len(blocks) > 1 and (baseline is None or base is not None)
    of_tests = _matches(standings, metric, design, base, n_tests) if is_tested else []
    is_friedmans = design.blocks == "data sets" and len(chosen) > 2 and is_tested
    better = scores if measure_of(metric).greater_is_better else -scores
    return Contest(
        metric,
        design,
        blocks,
        standings,
        of_tests,
        n_tests,
        base,
        friedman(better) if is_friedmans else None,
        left_out,
        len(chosen) - len(kept),
        _unused([contenders[c] for c in chosen], blocks),
    )


def _common_blocks(contenders: Sequence[Contender]) -> tuple[list[str], list[int]]:
    """Blocks that two contenders at least have, as many as can be, and who has all of them."""
    names = list(dict.fromkeys(block for contender in contenders for block in contender.scores))
    has = np.array([[name in contender.scores for name in names] for contender in contenders])
    best: tuple[int, int] = (0, 0)
    common = np.zeros(len(names), np.bool_)
    for candidate in _candidates(has):
        count = int((has | ~candidate).all(axis=1).sum())
        size = int(candidate.sum())
        if count > 1 and (size, count) > best:
            best, common = (size, count), candidate
    blocks = [name for name, is_common in zip(names, common.tolist(), strict=True) if is_common]
    chosen = np.flatnonzero((has | ~common).all(axis=1)) if blocks else np.zeros(0, np.int64)
    return blocks, chosen.tolist()


def _candidates(has: NDArray[np.bool_]) -> Iterator[NDArray[np.bool_]]:
    """What contenders have, and what each two of different ones have in common."""
    different = np.unique(has, axis=0)
    yield from different
    if len(different) <= MOST_CONTENDERS:
        for one, other in itertools.combinations(different, 2):
            yield one & other


def _what_is_missing(
    contender: Contender, blocks: Sequence[str], contenders: Sequence[Contender]
) -> str:
    """Why a contender is not compared: which blocks it lacks."""
    wanted = blocks or list(dict.fromkeys(b for other in contenders for b in other.scores))
    missing = [block for block in wanted if block not in contender.scores]
    return f"lacks {_listed(missing)}" if missing else "has no pair"


def _unused(chosen: Sequence[Contender], blocks: Sequence[str]) -> dict[str, list[str]]:
    """Blocks that some of those compared have, and who lacks them."""
    rest = dict.fromkeys(b for contender in chosen for b in contender.scores if b not in blocks)
    return {b: [of.name for of in chosen if b not in of.scores] for b in rest}


def _listed(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _best_first(
    scores: NDArray[np.float64], metric: str, design: Design
) -> tuple[list[int], NDArray[np.float64]]:
    """The order of the contenders, and their mean ranks."""
    if not scores.size:
        return [], np.zeros(0)
    better = scores if measure_of(metric).greater_is_better else -scores
    ranks = ranks_of(better).mean(axis=1)
    by = ranks if design.blocks == "data sets" else -better.mean(axis=1)
    return np.argsort(by, kind="stable").tolist(), ranks


def _standing(contender: Contender, scores: NDArray[np.float64], rank: float) -> Standing:
    deviation = float(scores.std(ddof=1)) if len(scores) > 1 else None
    return Standing(
        *contender[:4],
        scores=scores,
        mean=float(scores.mean()),
        deviation=deviation,
        rank=rank,
        adapted_to=contender.adapted_to,
    )


def _matches(
    standings: Sequence[Standing],
    metric: str,
    design: Design,
    baseline: int | None,
    n_tests: int,
) -> list[Match]:
    """Each pair, the better one first; or each with the baseline, which comes second."""
    if baseline is None:
        pairs = list(itertools.combinations(range(len(standings)), 2))
    else:
        pairs = [(place, baseline) for place in range(len(standings)) if place != baseline]
    scores = np.array([standing.scores for standing in standings])
    first, second = np.array(pairs).T
    differences = scores[first] - scores[second]
    over_data_sets = design.blocks == "data sets"
    tests = (
        signed_rank_tests(differences)
        if over_data_sets
        else paired_t_tests(differences, design.overlap)
    )
    needed = (
        np.full(len(pairs), np.nan)
        if over_data_sets
        else detectable(tests, differences.shape[1], n_tests, LEVEL)
    )
    sign = 1.0 if measure_of(metric).greater_is_better else -1.0
    better = (sign * differences > 0.0).sum(axis=1).tolist()
    worse = (sign * differences < 0.0).sum(axis=1).tolist()
    corrected = holm(tests.p_value, n_tests)

    def known(name: str, number: int) -> float | None:
        return unless_nan(float(getattr(tests, name)[number]))

    return [
        Match(
            *pair,
            difference=float(tests.difference[number]),
            low=known("low", number),
            high=known("high", number),
            effect=known("effect", number),
            effect_low=known("effect_low", number),
            effect_high=known("effect_high", number),
            p_value=known("p_value", number),
            p_holm=unless_nan(float(corrected[number])),
            better=better[number],
            equal=differences.shape[1] - better[number] - worse[number],
            worse=worse[number],
            detectable=unless_nan(float(needed[number])),
        )
        for number, pair in enumerate(pairs)
    ]
