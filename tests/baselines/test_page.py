"""The page: well formed, complete in itself, and read in headless Chromium."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsers import OVERFLOW, chromium
from needs import needs_chromium
from playwright.sync_api import Browser
from reproduction.test_page import outline

from isolet_nn.baselines.run import results_of


def test_the_page_is_well_formed_and_needs_nothing_from_elsewhere(whole: Path) -> None:
    text = (whole / "index.html").read_text(encoding="utf-8")
    parsed = outline(text)
    assert (parsed.open, parsed.badly_nested) == ([], [])
    assert len(text) < 2_000_000
    ids = {f"#{attributes['id']}" for _, attributes in parsed.elements if "id" in attributes}
    for tag, attributes in parsed.elements:
        assert tag != "script"
        assert (attributes.get("src") or "data:").startswith("data:")
        if tag == "a":
            assert attributes["href"] in ids | {"https://doi.org/10.24432/C51G69"}
    assert not re.search(r"@import|url\(", text)
    assert "not to be cited" in text, "a quick run says so"


def test_the_table_has_all_digits_and_every_wrong_row_is_kept(whole: Path) -> None:
    lines = results_of(whole)
    with (whole / "baselines.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["test"]) for row in rows] == [line.test.estimate for line in lines]
    with (whole / "errors.csv").open(encoding="utf-8") as file:
        wrong = list(csv.DictReader(file))
    for line in lines:
        own = [row for row in wrong if row[line.contestant.name] != row["spoken"]]
        assert len(own) == line.fits[0].n - line.fits[0].correct


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_window_and_nothing_is_complained_of(
    scheme: str, browser: Browser, whole: Path
) -> None:
    problems: list[str] = []
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("requestfailed", lambda failed: problems.append(failed.url))
    page.goto((whole / "index.html").as_uri())
    assert page.evaluate(OVERFLOW) == 0
    page.set_viewport_size({"width": 1280, "height": 844})
    assert page.evaluate(OVERFLOW) == 0
    widths = page.eval_on_selector_all("img", "images => images.map(i => i.naturalWidth)")
    assert len(widths) == 2
    assert min(widths) > 0
    assert page.locator("#table tbody tr").count() == 2
    page.locator("summary").click()
    assert page.locator("details table").is_visible()
    assert problems == []
    context.close()
