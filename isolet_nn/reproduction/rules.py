"""Rules by which a claim is confirmed, refuted, or not decidable.

Each takes numbers and gives a verdict with its rule in words and the evidence it was given. Points
are percentage points of accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from isolet_nn.scores.evaluation import wilson_interval
from isolet_nn.scores.paired import paired_t_tests, signed_rank_tests
from isolet_nn.scores.statistics import Interval, difference_of_means, mean_interval

Outcome = Literal["confirmed", "refuted", "not decidable"]
CONFIRMED: Outcome = "confirmed"
REFUTED: Outcome = "refuted"
NOT_DECIDABLE: Outcome = "not decidable"

FEWEST = 3
"""Values that an interval needs at least; of two, bootstrapping gives but three different means."""
MANY = 100
"""Trials after which what never happened is said not to happen."""
DASH = "\N{EN DASH}"
CLOSE, FAR = 3.0, 10.0
"""Points between two cells that agree at most, and between two that certainly do not.

Measured on figure 7: two fresh grids that differ by the seed alone agree within 3 points in 88 to
94 % of their cells, and differ by more than 10 in at most 2 %.
"""


@dataclass(frozen=True)
class Effect:
    """How large something is, with its 95 % interval."""

    estimate: float
    low: float
    high: float
    unit: str


@dataclass(frozen=True)
class Verdict:
    """What became of a claim, by which rule, and on what evidence."""

    outcome: Outcome
    rule: str
    evidence: str
    effect: Effect | None = None
    """What was estimated, where the rule asks for an interval."""


def all_of(verdicts: Iterable[Verdict]) -> Outcome:
    """Outcome of a claim with several parts: each must hold, and one that does not refutes it."""
    outcomes = {verdict.outcome for verdict in verdicts}
    if REFUTED in outcomes:
        return REFUTED
    return CONFIRMED if outcomes == {CONFIRMED} else NOT_DECIDABLE


def one_more_run(
    reported: tuple[float, float], values: Sequence[float], *, reading: float, unit: str = "%"
) -> Verdict:
    """Whether the report's single run could be one more of the fresh runs.

    By the prediction interval for one more value of a normal distribution: mean ± t s sqrt(1 + 1/n)
    (G. J. Hahn and W. Q. Meeker, "Statistical Intervals", 1991, section 4.7).

    Parameters
    ----------
    reported
        Lowest and highest value that the report gives.
    values
        One of each fresh seed.
    reading
        How far the reported values may be off.
    unit
        What the numbers are: ``%`` or ``nats``.
    """
    rule = (
        "Fresh seeds predict where one more run falls (Student's t). Confirmed if the report's "
        "value, give or take one unit of its last digit for reading it off a figure, is within the "
        "95 % prediction interval; refuted if it is outside the 99 % one; otherwise not decidable."
    )
    if len(values) < FEWEST:
        return Verdict(NOT_DECIDABLE, rule, _too_few(len(values), "seeds"))
    usual, widest = (_prediction(values, confidence) for confidence in (0.95, 0.99))
    low, high = reported[0] - reading, reported[1] + reading
    if _overlap((low, high), usual):
        outcome = CONFIRMED
    else:
        outcome = NOT_DECIDABLE if _overlap((low, high), widest) else REFUTED
    digits = 1 if unit == "%" else 3
    mean, least, most = (
        with_minus(f"{value:.{digits}f}") for value in (float(np.mean(values)), *usual)
    )
    evidence = (
        f"{mean} {unit} on average of {len(values)} seeds, so one more run is expected between "
        f"{least} and {most}; the report's {DASH.join(dict.fromkeys(f'{r:g}' for r in reported))}, "
        f"±{reading:g} for the reading"
    )
    return Verdict(outcome, rule, evidence)


def grids_agree(reported: NDArray[np.float64], fresh: NDArray[np.float64]) -> Verdict:
    """Whether two grids (rows, columns) of accuracies in percent are the same picture.

    NaN in `fresh` is a cell that was not run, and is left out.
    """
    rule = (
        "Cell by cell; one training can be a point or two off another, and more where little is "
        f"learnt. Confirmed if 90 % of the cells agree within {CLOSE:g} points; refuted if 10 % of "
        f"them differ by more than {FAR:g}; otherwise not decidable."
    )
    gaps = np.abs(fresh - reported)
    gaps = gaps[np.isfinite(gaps)]
    if not len(gaps):
        return Verdict(NOT_DECIDABLE, rule, "no cell was run")
    close, far = int((gaps <= CLOSE).sum()), int((gaps > FAR).sum())
    if close >= 0.9 * len(gaps):
        outcome = CONFIRMED
    else:
        outcome = REFUTED if far >= 0.1 * len(gaps) else NOT_DECIDABLE
    evidence = (
        f"{close} of {len(gaps)} cells agree within {CLOSE:g} points, {far} differ by more than "
        f"{FAR:g}; the largest difference is {gaps.max():.1f}"
    )
    return Verdict(outcome, rule, evidence)


def box_holds_mean(box: tuple[float, float], values: Sequence[float], *, reading: float) -> Verdict:
    """Whether the mean of fresh seeds lies where the report's box plot does, in percent.

    `reading` is how far either end of the box may be off.
    """
    rule = (
        "Confirmed if the 95 % bootstrap interval of the mean over seeds lies within the range of "
        "the report's box plot, give or take one unit of its last digit for reading it off a "
        "figure; refuted if it lies wholly outside; otherwise not decidable."
    )
    if len(values) < FEWEST:
        return Verdict(NOT_DECIDABLE, rule, _too_few(len(values), "seeds"))
    interval, low, high = mean_interval(values), box[0] - reading, box[1] + reading
    reported = f"the report's {box[0]:g}{DASH}{box[1]:g}, ±{reading:g} for the reading"
    evidence = f"{interval_text(interval, '%')}, {len(values)} seeds; {reported}"
    return Verdict(_inside(interval, low, high), rule, evidence, _effect(interval, "%"))


def above(values: Sequence[float], bound: float, what: str, unit: str = "points") -> Verdict:
    """Whether a mean is above a bound, judged by its interval."""
    rule = (
        f"Confirmed if the 95 % bootstrap interval of {what} lies above {_bound(bound)} {unit}; "
        "refuted if it lies below; otherwise not decidable."
    )
    return _against_bound(values, bound, rule, unit, is_above=True)


def below(values: Sequence[float], bound: float, what: str, unit: str = "points") -> Verdict:
    """Whether a mean is below a bound, judged by its interval."""
    rule = (
        f"Confirmed if the 95 % bootstrap interval of {what} lies below {_bound(bound)} {unit}; "
        "refuted if it lies above; otherwise not decidable."
    )
    return _against_bound(values, bound, rule, unit, is_above=False)


def is_better(some: Sequence[float], others: Sequence[float], what: str) -> Verdict:
    """Whether the mean of `some` seeds is above that of `others`, in points."""
    rule = (
        f"Confirmed if the 95 % bootstrap interval of {what} lies above 0; refuted if it lies "
        "below; otherwise not decidable."
    )
    if min(len(some), len(others)) < FEWEST:
        return Verdict(NOT_DECIDABLE, rule, _too_few(min(len(some), len(others)), "seeds"))
    return _judge_side(difference_of_means(some, others), 0.0, rule, "points", is_above=True)


def on_a_par(some: Sequence[float], others: Sequence[float], margin: float) -> Verdict:
    """Whether two means differ by less than a margin, in points (a test of equivalence)."""
    rule = (
        "Confirmed if the 95 % bootstrap interval of the difference of the means lies within "
        f"±{margin:g} points; refuted if it lies wholly outside; otherwise not decidable."
    )
    if min(len(some), len(others)) < FEWEST:
        return Verdict(NOT_DECIDABLE, rule, _too_few(min(len(some), len(others)), "seeds"))
    interval = difference_of_means(some, others)
    evidence = f"difference {interval_text(interval, 'points', signed=True)}"
    return Verdict(_inside(interval, -margin, margin), rule, evidence, _effect(interval, "points"))


def paired_above(differences: Sequence[float], bound: float, what: str) -> Verdict:
    """Whether a mean difference of pairs is above a bound, in points.

    Parameters
    ----------
    differences
        One of each pair, for instance of two settings with the same seed.
    what
        The difference in words.
    """
    return _of_pairs(differences, bound, what, is_above=True)


def paired_below(differences: Sequence[float], bound: float, what: str) -> Verdict:
    """Whether a mean difference of pairs is below a bound; as `paired_above`."""
    return _of_pairs(differences, bound, what, is_above=False)


def _of_pairs(differences: Sequence[float], bound: float, what: str, *, is_above: bool) -> Verdict:
    sides = ("above", "below") if is_above else ("below", "above")
    rule = (
        f"Confirmed if the 95 % interval of {what} (Student's paired t-test) lies {sides[0]} "
        f"{_bound(bound)} points; refuted if it lies {sides[1]}; otherwise not decidable."
    )
    if len(differences) < FEWEST:
        return Verdict(NOT_DECIDABLE, rule, _too_few(len(differences), "pairs"))
    tests = paired_t_tests(np.array([differences], np.float64))
    mean = float(tests.difference[0])
    is_constant = not math.isfinite(float(tests.low[0]))
    interval = (
        Interval(mean, mean, mean)
        if is_constant
        else Interval(mean, float(tests.low[0]), float(tests.high[0]))
    )
    verdict = _judge_side(interval, bound, rule, "points", is_above=is_above)
    counted = f"{verdict.evidence}, {len(differences)} pairs"
    if is_constant:
        return replace(verdict, evidence=counted)
    size = (float(tests.effect[0]), float(tests.effect_low[0]), float(tests.effect_high[0]))
    cohen = "Cohen's d {} ({} to {})".format(*(with_minus(f"{value:.1f}") for value in size))
    return replace(verdict, evidence=f"{counted}; {cohen}")


def ranked_above(differences: Sequence[float], what: str, of: str) -> Verdict:
    """Whether something is above 0 over several things whose points are not comparable.

    By Wilcoxon's signed-rank test.

    Parameters
    ----------
    differences
        One of each.
    what
        The difference in words.
    of
        What there is one of each, such as ``data sets``.
    """
    rule = (
        f"A point on one is not a point on another, so {of} are ranked. Confirmed if the 95 % "
        f"interval of the typical value of {what} (Hodges and Lehmann's, of Wilcoxon's signed-rank "
        "test) lies above 0; refuted if it lies below; otherwise not decidable."
    )
    tests = signed_rank_tests(np.array([differences])) if len(differences) > 1 else None
    if tests is None or not math.isfinite(float(tests.low[0])):
        return Verdict(NOT_DECIDABLE, rule, f"{len(differences)} {of}; six are needed at least")
    interval = Interval(*(float(of_one[0]) for of_one in tests[:3]))
    verdict = _judge_side(interval, 0.0, rule, "points", is_above=True)
    return replace(verdict, evidence=f"{verdict.evidence}, {len(differences)} {of}")


def mostly(successes: int, n: int, what: str) -> Verdict:
    """Whether something happens more often than not."""
    rule = (
        f"Confirmed if {what} more often than not: Wilson's 95 % interval of the share lies above "
        "50 %; refuted if it lies below; otherwise not decidable."
    )
    low, high = wilson_interval(successes, n)
    outcome = CONFIRMED if low > 0.5 else REFUTED if high < 0.5 else NOT_DECIDABLE
    share = f"{successes} of {n}: {100 * low:.0f} to {100 * high:.0f} %"
    return Verdict(outcome, rule, share)


def never(successes: int, n: int, what: str) -> Verdict:
    """Whether something never happens, as far as so many trials can tell."""
    rule = (
        f"Refuted if {what} even once; confirmed if it does not in {FEWEST} trials or more; "
        "otherwise not decidable."
    )
    outcome = REFUTED if successes else CONFIRMED if n >= FEWEST else NOT_DECIDABLE
    return Verdict(outcome, rule, f"{successes} of {n}")


def ever(successes: int, n: int, what: str) -> Verdict:
    """Whether something can happen: once is enough."""
    rule = (
        f"Confirmed if {what} even once; refuted if it does not in {MANY} trials or more; "
        "otherwise not decidable."
    )
    outcome = CONFIRMED if successes else REFUTED if n >= MANY else NOT_DECIDABLE
    return Verdict(outcome, rule, f"{successes} of {n}")


def under(reason: str, verdict: Verdict) -> Verdict:
    """The verdict, its rule led in by where its bar comes from."""
    return replace(verdict, rule=f"{reason} {verdict.rule}")


def not_run(claim: str) -> Verdict:
    """The verdict where there is no evidence at all."""
    return Verdict(
        NOT_DECIDABLE, f"Whether {claim} needs fresh runs.", f"not run; {FEWEST} are needed"
    )


def interval_text(interval: Interval, unit: str, *, signed: bool = False) -> str:
    """Write a mean with its interval: ``95.70 % (95.61 to 95.79)``."""
    estimate, low, high = (
        _two_digits(value, signed=signed)
        for value in (interval.estimate, interval.low, interval.high)
    )
    return f"{estimate} {unit} (95 % interval {low} to {high})"


def _against_bound(
    values: Sequence[float], bound: float, rule: str, unit: str, *, is_above: bool
) -> Verdict:
    if len(values) < FEWEST:
        return Verdict(NOT_DECIDABLE, rule, _too_few(len(values), "values"))
    return _judge_side(mean_interval(values), bound, rule, unit, is_above=is_above)


def _judge_side(
    interval: Interval, bound: float, rule: str, unit: str, *, is_above: bool
) -> Verdict:
    is_higher, is_lower = interval.low > bound, interval.high < bound
    holds, fails = (is_higher, is_lower) if is_above else (is_lower, is_higher)
    outcome = CONFIRMED if holds else REFUTED if fails else NOT_DECIDABLE
    text = interval_text(interval, unit, signed=unit == "points")
    return Verdict(outcome, rule, text, _effect(interval, unit))


def effect_text(effect: Effect) -> str:
    """Write an effect: ``+0.42 points (+0.28 to +0.56)``."""
    estimate, low, high = (
        _two_digits(value, signed=effect.unit == "points")
        for value in (effect.estimate, effect.low, effect.high)
    )
    return f"{estimate} {effect.unit} ({low} to {high})"


def _two_digits(value: float, *, signed: bool) -> str:
    """Such as ``+0.42``; what rounds to zero has no sign."""
    text = format(value, "+.2f" if signed else ".2f")
    return with_minus(text) if float(text) else "0.00"


def _effect(interval: Interval, unit: str) -> Effect:
    return Effect(interval.estimate, interval.low, interval.high, unit)


def _inside(interval: Interval, low: float, high: float) -> Outcome:
    """Whether an interval lies within bounds, wholly outside, or across one of them."""
    if low <= interval.low and interval.high <= high:
        return CONFIRMED
    return NOT_DECIDABLE if _overlap((low, high), (interval.low, interval.high)) else REFUTED


def _prediction(values: Sequence[float], confidence: float) -> tuple[float, float]:
    from scipy.stats import t

    n, mean, deviation = len(values), float(np.mean(values)), float(np.std(values, ddof=1))
    reach = float(t.ppf(0.5 + confidence / 2, n - 1)) * deviation * math.sqrt(1 + 1 / n)
    return mean - reach, mean + reach


def _overlap(some: tuple[float, float], others: tuple[float, float]) -> bool:
    return some[0] <= others[1] and others[0] <= some[1]


def _too_few(n: int, what: str) -> str:
    return f"{n} {what}; {FEWEST} are needed at least"


def _bound(value: float) -> str:
    return with_minus(f"{value:g}")


def with_minus(number: str) -> str:
    """Write a formatted number with a minus sign instead of a hyphen."""
    return number.replace("-", "\N{MINUS SIGN}")
