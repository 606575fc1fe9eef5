"""What every claim of the report's text has: a sentence, runs, rules, and something to show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from isolet_nn.reproduction.evidence import Evidence
from isolet_nn.reproduction.parts import Part
from isolet_nn.reproduction.rules import Verdict
from isolet_nn.reproduction.tables import TextTable

Judge = Callable[[Evidence], Mapping[str, Verdict]]
"""Gives verdicts by what each is about; the claim holds if all do."""


@dataclass(frozen=True)
class Picture:
    """A picture of a claim's runs.

    Attributes
    ----------
    caption
        What it shows.
    draw
        Draws it into a file; says whether there was anything to draw.
    """

    caption: str
    draw: Callable[[Evidence, Path], bool]


@dataclass(frozen=True)
class ReportClaim:
    """Something that the report's text says.

    Attributes
    ----------
    number
        Its place in the list of claims.
    name
        A word or two for links and files.
    text
        What is claimed.
    runs
        What is run to judge it, in a sentence or two.
    judge
        Gives its verdicts.
    parts
        What is run for it alone, in this order.
    others
        Names of parts of figures and other claims that it rests on, too.
    table
        Makes the table of what was run.
    picture
        What is drawn of it.
    """

    number: int
    name: str
    text: str
    runs: str
    judge: Judge
    parts: tuple[Part, ...] = ()
    others: tuple[str, ...] = ()
    table: Callable[[Evidence], TextTable] | None = None
    picture: Picture | None = None

    @property
    def option(self) -> str:
        """What ``--figure`` calls it."""
        return f"claim{self.number}"

    @property
    def needs(self) -> set[str]:
        """Names of the parts that it rests on."""
        return {part.name for part in self.parts} | {*self.others}
