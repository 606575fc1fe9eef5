"""Contests that show themselves: as a card, a picture of ranks, data frames, and JSON."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isolet_nn.config.metrics import measure_of
from isolet_nn.errors import counted
from isolet_nn.notebook.cards import Card
from isolet_nn.notebook.frames import data_frame, import_pandas
from isolet_nn.results.conclusions import conclusions, short_names
from isolet_nn.results.contests import Contest, Match, Standing

if TYPE_CHECKING:
    import pandas


class ShownContest(Contest):
    """Contenders compared by pairs, which a notebook shows."""

    @property
    def conclusions(self) -> list[str]:
        """What can be concluded and what cannot, in sentences."""
        return conclusions(self)

    @property
    def pairs(self) -> pandas.DataFrame:
        """The pairs as a data frame; raises ImportError where there is no pandas."""
        frame: pandas.DataFrame = import_pandas().DataFrame(
            [_match_json(self, match) for match in self.matches]
        )
        return frame

    @property
    def ranking(self) -> pandas.DataFrame:
        """The contenders as a data frame, the best first; raises ImportError without pandas."""
        columns = ("name", "mean", "deviation", "rank")
        rows = {name: [getattr(s, name) for s in self.standings] for name in columns}
        return data_frame(rows, "name")

    def _repr_html_(self) -> str:
        return card_of_contest(self).to_html()


def shown_contest(contest: Contest) -> ShownContest:
    """A contest that shows itself."""
    return ShownContest(**vars(contest))


def contest_json(contest: Contest) -> dict[str, Any]:
    """All of a contest as one object for JSON."""
    return {
        "metric": contest.metric,
        "test": contest.design.test,
        "blocks": {"kind": contest.design.blocks, "names": [*contest.blocks]},
        "overlap": contest.design.overlap,
        "corrected_for": contest.n_tests,
        "contenders": [_standing_json(standing) for standing in contest.standings],
        "baseline": None if contest.baseline is None else contest.standings[contest.baseline].name,
        "pairs": [_match_json(contest, match) for match in contest.matches],
        "friedman": None if contest.friedman is None else asdict(contest.friedman),
        "left_out": {**contest.left_out},
        "poorer": contest.n_poorer,
        "unused": {block: [*names] for block, names in contest.unused.items()},
        "conclusions": conclusions(contest),
    }


def _match_json(contest: Contest, match: Match) -> dict[str, Any]:
    names = {key: contest.standings[getattr(match, key)].name for key in ("first", "second")}
    return {**asdict(match), **names, "differs": match.differs}


def _standing_json(standing: Standing) -> dict[str, Any]:
    of_runs = {} if standing.trial is not None else {"runs": [*standing.runs]}
    of_setting = {} if standing.trial is None else {"trial": standing.trial}
    return {
        "name": standing.name,
        "setting": {**standing.setting},
        **({} if standing.adapted_to is None else {"adapted_to": standing.adapted_to}),
        **of_runs,
        **of_setting,
        "scores": standing.scores.tolist(),
        "mean": standing.mean,
        "deviation": standing.deviation,
        "rank": standing.rank,
    }


def draw_ranks(contest: Contest, path: Path) -> Path | None:
    """Draw mean ranks and who cannot be told apart; None if there are not three with tests."""
    from isolet_nn.plots import in_words, plot_ranks

    if not has_ranks(contest):
        return None
    ranks, ties = ranks_and_ties(contest)
    title = in_words(contest.measured)
    plot_ranks(ranks, path, ties=ties, title=title, note=_note_of_ranks(contest))
    return path


def _note_of_ranks(contest: Contest) -> str:
    n, blocks = len(contest.blocks), contest.design.blocks
    over = f"{n} {'seeds' if blocks == 'splits' else blocks}"
    return f"mean ranks over {over}, 1 is the best; a bar joins those that cannot be told apart"


def card_of_contest(contest: Contest) -> Card:
    """What a notebook shows of a contest."""
    from isolet_nn.plots import figure_ranks, rendered

    metric = contest.metric
    rows = [
        [s.name, _value(metric, s.mean), _value(metric, s.deviation), f"{s.rank:.2f}"]
        for s in contest.standings
    ]
    pictures = {}
    if has_ranks(contest):
        ranks, ties = ranks_and_ties(contest)
        figure = figure_ranks(ranks, ties=ties, note=_note_of_ranks(contest))
        pictures["ranks"] = rendered(figure, ".png")
    return Card(
        title=f"{counted(len(contest.standings), 'contender')} by {contest.measured}",
        facts=conclusions(contest),
        headings=["", "mean", "deviation", "mean rank"],
        rows=rows,
        pictures=pictures,
    )


def has_ranks(contest: Contest) -> bool:
    """Whether each two of three at least were tested, so that a picture of ranks says something."""
    return len(contest.standings) > 2 and bool(contest.matches) and contest.baseline is None


def ranks_and_ties(contest: Contest) -> tuple[dict[str, float], list[tuple[str, str]]]:
    """What a picture of ranks needs: mean ranks by name, and who cannot be told apart."""
    names = short_names(contest)
    ranks = {n: standing.rank for n, standing in zip(names, contest.standings, strict=True)}
    ties = [(names[m.first], names[m.second]) for m in contest.matches if not m.differs]
    return ranks, ties


def _value(metric: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{100 * value:.2f} %" if measure_of(metric).in_percent else f"{value:.4f}"
