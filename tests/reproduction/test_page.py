"""The page as a file: well formed, and complete in itself."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from isolet_nn.reproduction.selection import PARTS
from reproduction.made_up import make_reproduction

VOID = {"meta", "link", "img", "br", "hr"}


class Outline(HTMLParser):
    """Elements in order, and what does not nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.badly_nested: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.badly_nested.append(f"{tag} in line {self.getpos()[0]}")


def outline(text: str) -> Outline:
    parser = Outline()
    parser.feed(text)
    parser.close()
    return parser


@pytest.fixture(params=["complete", "empty"])
def page(request: pytest.FixtureRequest, made_up: Path, tmp_path: Path) -> str:
    """The page of a complete reproduction, and of one where nothing was run."""
    folder = made_up
    if request.param == "empty":
        nothing = tuple(part.name for part in PARTS)
        folder = make_reproduction(tmp_path, without=nothing, with_page=True)
    return (folder / "index.html").read_text(encoding="utf-8")


@pytest.fixture(params=[0, 2])
def whole_or_part(request: pytest.FixtureRequest, made_up: Path, tmp_path: Path) -> tuple[str, int]:
    """A page, and how many of its sections were not run."""
    folder = made_up
    if request.param:
        folder = make_reproduction(tmp_path, without=("xor", "parity"), with_page=True)
    return (folder / "index.html").read_text(encoding="utf-8"), request.param


def test_the_page_is_well_formed(page: str) -> None:
    parsed = outline(page)
    assert (parsed.open, parsed.badly_nested) == ([], [])
    ids = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [a["href"] for tag, a in parsed.elements if tag == "a"]
    assert links
    assert {f"#{name}" for name in ids} >= set(links)


def test_the_page_needs_nothing_from_elsewhere(page: str) -> None:
    for tag, attributes in outline(page).elements:
        assert tag != "script"
        for name in ("src", "srcset"):
            assert (attributes.get(name) or "data:").startswith("data:")
        if tag == "link":
            assert (attributes["href"] or "").startswith("data:")
    assert not re.search(r"https?://|@import|url\(", page)


def test_what_was_not_run_is_said_in_its_section(whole_or_part: tuple[str, int]) -> None:
    page, not_run = whole_or_part
    assert page.count("<p>Not run for this page.</p>") == not_run
    assert page.count("<h2>") == 11


def rows_of(page: str, table_id: str) -> list[str]:
    (table,) = re.findall(rf'<table id="{table_id}".*?</table>', page, re.S)
    return re.findall(r"<tr>(.*?)</tr>", table.partition("<tbody>")[2], re.S)


def test_every_claim_has_a_row_with_a_verdict_and_its_effects(page: str) -> None:
    rows = rows_of(page, "claim-verdicts")
    assert len(rows) == 12
    badge = re.compile(r'class="badge (confirmed|refuted|not-decidable)"')
    assert all(len(badge.findall(row)) == 1 and 'class="evidence"' in row for row in rows)
    assert len(re.findall(r'<article id="claim-', page)) == 12


def test_every_conclusion_has_a_row_with_a_verdict(page: str) -> None:
    rows = rows_of(page, "verdicts")
    assert len(rows) == 6
    badge = re.compile(r'class="badge (confirmed|refuted|not-decidable)"')
    assert all(len(badge.findall(row)) == 1 and 'class="rule"' in row for row in rows)


def test_pictures_and_tables_are_there_for_every_figure(made_up: Path) -> None:
    text = (made_up / "index.html").read_text(encoding="utf-8")
    images = [a for tag, a in outline(text).elements if tag == "img"]
    assert len(images) == 13
    assert all(attributes["alt"] for attributes in images)
    assert len(text) < 2_000_000
    assert sorted(path.name for path in (made_up / "tables").iterdir()) == [
        "figure5.csv",
        "figure6-carried-over.csv",
        "figure6.csv",
        "figure7.csv",
    ]
    header, *rows = (made_up / "tables" / "figure6.csv").read_text().splitlines()
    assert header == "training.batch_size,training.epochs,reported,fresh,difference,seeds"
    assert len(rows) == 144
    run = [row for row in rows if row.endswith(",1")]
    assert len(run) == 4 * 12, "a quick reproduction has four batch sizes"
