"""What a contest says in plain words: what can be concluded, and what cannot."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from isolet_nn.config.metrics import measure_of
from isolet_nn.errors import counted
from isolet_nn.results.contests import Contest
from isolet_nn.scores.paired import LEVEL, smallest_signed_rank_p

_MOST_NAMES = 3
_FEW = 4
"""Pairs of scores up to which a t-test is little more than its assumption."""


def conclusions(contest: Contest) -> list[str]:
    """Sentences, each for itself: what was tested, what differs, what is left open and why."""
    return [*_what_was_tested(contest), *_what_differs(contest), *_what_is_open(contest)]


def short_names(contest: Contest) -> list[str]:
    """Names with room in a picture: settings without their sections, those of all left out."""
    from isolet_nn.plots import short_text

    standings = contest.standings
    texts = [{k: short_text(v) for k, v in standing.setting.items()} for standing in standings]
    keys = list(dict.fromkeys(key for of_one in texts for key in of_one))
    varied = [key for key in keys if len({of_one.get(key) for of_one in texts}) > 1]
    ends = [key.rpartition(".")[2] for key in varied]
    called = {k: end if ends.count(end) == 1 else k for k, end in zip(varied, ends, strict=True)}
    names = [
        ", ".join(
            f"{called[k]} {text}".replace("_", " ") for k, text in of_one.items() if k in called
        )
        for of_one in texts
    ]
    is_of_runs = standings[0].trial is None
    if is_of_runs or not all(names) or len(set(names)) < len(names):
        return [standing.name for standing in standings]
    return names


def _size(metric: str, value: float) -> str:
    """How large a difference is, in words."""
    return f"{100 * value:.2f} points" if measure_of(metric).in_percent else f"{value:.4f}"


def _what_was_tested(contest: Contest) -> Iterator[str]:
    design, n = contest.design, len(contest.blocks)
    metric = contest.measured
    over = f"{n} data sets" if design.blocks == "data sets" else design.words
    over = over or counted(n, "fold" if design.blocks == "folds" else "seed")
    if contest.matches:
        by_holm = f", corrected for {contest.n_tests} by Holm" if contest.n_tests > 1 else ""
        pairs = counted(len(contest.matches), "pair")
        yield f"{metric}, {pairs} over {over}: {design.test}{by_holm}"
    elif n == 1:
        yield (
            f"{metric}: {contest.blocks[0]} is all that they have in common, and one pair of "
            f"scores does not say what is chance: {_more_of(contest)}"
        )
    elif n:
        yield f"{metric}: nothing was tested, as the baseline has too few scores"
    else:
        yield (
            f"{metric}: nothing can be tested, as no two have {_one_of(contest)} in common: "
            f"{_more_of(contest)}"
        )


def _one_of(contest: Contest) -> str:
    blocks = contest.design.blocks
    return "a seed" if blocks in ("seeds", "splits") else f"a {blocks[:-1]}"


def _more_of(contest: Contest) -> str:
    match contest.design.blocks:
        case "data sets":
            return "train each of them on the same six data sets or more"
        case "folds":
            return "train each of them on the same folds"
        case _:
            return "train each of them with the same seeds, five or more"


def _what_differs(contest: Contest) -> Iterator[str]:
    if not contest.matches:
        return
    if contest.baseline is not None:
        yield from _beside_baseline(contest)
        return
    names = short_names(contest)
    of_best = [match for match in contest.matches if match.first == 0]
    best, tied = names[0], [names[match.second] for match in of_best if not match.differs]
    n_apart = sum(match.differs for match in contest.matches)
    if not n_apart:
        those = f"{best} and {names[1]}" if len(names) == 2 else "no two of them"
        verb = "cannot" if len(names) == 2 else "can"
        yield f"{those} {verb} be told apart: the differences may well be chance"
    elif not tied:
        others = names[1] if len(names) == 2 else "every other"
        together = " for all together" if contest.n_tests > 1 else ""
        yield f"{best} is better than {others}, at the level of {100 * LEVEL:.0f} %{together}"
    else:
        yield (
            f"{best} has the best score, but cannot be told from {_named(tied)}: "
            "the difference may well be chance"
        )
    if 0 < n_apart < len(contest.matches):
        yield f"{n_apart} of {len(contest.matches)} pairs can be told apart"


def _beside_baseline(contest: Contest) -> Iterator[str]:
    assert contest.baseline is not None
    names = short_names(contest)
    base = names[contest.baseline]
    sign = 1.0 if measure_of(contest.metric).greater_is_better else -1.0
    found: dict[str, list[str]] = {"better than": [], "worse than": [], "cannot be told from": []}
    for match in contest.matches:
        what = "better than" if sign * match.difference > 0 else "worse than"
        found[what if match.differs else "cannot be told from"].append(names[match.first])
    for what, those in found.items():
        if those:
            yield f"{what} {base}: {_named(those)}"


def _named(names: list[str]) -> str:
    rest = len(names) - _MOST_NAMES
    shown = "; ".join(names[:_MOST_NAMES])
    return shown if rest <= 0 else f"{shown} and {rest} more"


def _what_is_open(contest: Contest) -> Iterator[str]:
    if not contest.same_task:
        yield "not the same task: some adapt to whose rows they are, which alone makes a difference"
    yield from _how_little_can_be_seen(contest)
    if contest.matches and len(contest.blocks) <= _FEW and contest.design.blocks != "data sets":
        yield (
            f"{len(contest.blocks)} pairs of scores are too few to show whether differences are "
            "normally distributed, which the test takes for granted"
        )
    same = [m for m in contest.matches if m.p_value is None]
    if same:
        yield (
            f"{counted(len(same), 'pair')} cannot be tested, as the difference is the same in each "
            f"of only {len(contest.blocks)}, so that nothing says how much it varies"
        )
    if contest.matches:
        yield _scope(contest)
    if contest.standings and contest.standings[0].trial is not None:
        yield from _what_was_chosen(contest)
    if contest.n_poorer:
        yield (
            f"{contest.n_poorer} more with poorer scores are not shown; the correction counts them"
        )
    if contest.unused:
        lacking = [f"{block} ({_named(list(who))})" for block, who in contest.unused.items()]
        yield f"not used, since one lacks it: {_named(lacking)}"
    if len(contest.left_out) > _MOST_NAMES:
        yield (
            f"{len(contest.left_out)} more are not compared, as they lack some of these pairs: "
            "failed, pruned, or still to be done"
        )
    elif contest.left_out:
        yield (
            "not compared, for want of pairs: "
            + _named([f"{name} {why}" for name, why in contest.left_out.items()])
        )


def _how_little_can_be_seen(contest: Contest) -> Iterator[str]:
    """What differences, or numbers of pairs, the tests could not have told from chance."""
    n = len(contest.blocks)
    if contest.design.blocks == "data sets" and contest.matches:
        smallest = min(1.0, contest.n_tests * smallest_signed_rank_p(n))
        if smallest >= LEVEL:
            enough = n
            while contest.n_tests * smallest_signed_rank_p(enough) >= LEVEL:
                enough += 1
            yield (
                f"with {n} data sets the smallest p that can be reached is {smallest:.2g}, so that "
                f"nothing could be concluded; that takes {enough} at least"
            )
    needed = [m.detectable for m in contest.matches if m.detectable is not None]
    if needed and not all(match.differs for match in contest.matches):
        typical = float(np.median(needed))
        more = "repeats" if contest.design.blocks == "folds" else "seeds"
        if measure_of(contest.metric).in_percent and typical > 1.0:
            yield (
                "as much as the scores vary, hardly any difference there can be would have been "
                f"told from chance; that takes more {more}"
            )
        else:
            yield (
                f"as much as the scores vary, two had to differ by about "
                f"{_size(contest.metric, typical)} to be told apart; to see less takes more {more}"
            )


def _what_was_chosen(contest: Contest) -> Iterator[str]:
    """What a person must know who takes the best setting."""
    if contest.metric.startswith("test_"):
        yield "whoever chooses a setting by this has used the test set for it"
    elif len(contest.standings) > 2:
        yield "the best of several was chosen by these scores, so its own is somewhat too good"


def _scope(contest: Contest) -> str:
    """What the tests speak of."""
    match contest.design.blocks:
        case "seeds":
            return "this speaks of other seeds, on these same rows; not of other rows"
        case "splits":
            return (
                "each seed divides the rows anew; the test allows for the rows that trainings have "
                "in common, and is approximate"
            )
        case "folds":
            return (
                "the test allows for the rows that the folds' trainings have in common, and is "
                "approximate"
            )
        case _:
            return "this speaks of other data sets of this kind"
