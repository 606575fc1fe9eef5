"""A run or a sweep at a glance: what a notebook shows of it, as HTML that needs nothing else.

Colours are those of the page around it, so that it can be read in the light and in the dark.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isolet_nn.errors import printable, rounded
from isolet_nn.notebook.html import data_uri, template_environment

_TEMPLATE = "card.html.jinja"


@dataclass(frozen=True)
class Card:
    """What a card shows, from the top to the bottom.

    Attributes
    ----------
    title
        Name and status.
    facts
        A few words each.
    headings, rows
        A table of scores; the first column is of names, the others are of numbers.
    problem
        What went wrong, if anything did.
    pictures
        PNG files' bytes by what they show.
    settings
        By key path; to be unfolded.
    """

    title: str
    facts: Sequence[str]
    headings: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    problem: str = ""
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)

    def to_html(self) -> str:
        """The card as HTML, in which all text is escaped."""
        environment = template_environment(Path(__file__).parent)
        environment.finalize = _printable
        environment.filters["data_uri"] = data_uri
        return environment.get_template(_TEMPLATE).render(card=self)


def value_text(value: Any) -> str:
    """A setting's value as a card says it."""
    return value if isinstance(value, str) else json.dumps(rounded(value))


def _printable(value: Any) -> Any:
    return printable(value) if isinstance(value, str) else value
