"""The page in headless Chromium, at the widths of a phone and of a desk, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsers import OVERFLOW, chromium
from needs import needs_chromium
from playwright.sync_api import Browser, Page

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def problems() -> list[str]:
    return []


@pytest.fixture(params=["light", "dark"])
def page(
    request: pytest.FixtureRequest, browser: Browser, made_up: Path, problems: list[str]
) -> Iterator[Page]:
    """The page at the width of a phone; what goes wrong ends up in `problems`."""
    viewport = {"width": 390, "height": 844}
    context = browser.new_context(viewport=viewport, color_scheme=request.param)  # type: ignore[arg-type]
    page = context.new_page()
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("requestfailed", lambda failed: problems.append(failed.url))
    page.goto((made_up / "index.html").as_uri())
    yield page
    context.close()


def test_all_images_load_and_nothing_is_complained_of(page: Page, problems: list[str]) -> None:
    widths = page.eval_on_selector_all("img", "images => images.map(i => i.naturalWidth)")
    assert len(widths) == 13
    assert min(widths) > 0
    assert problems == []


def test_the_verdict_table_has_a_row_for_each_conclusion(page: Page) -> None:
    rows = page.locator("#verdicts tbody tr")
    assert rows.count() == 6
    for number in range(6):
        row = rows.nth(number)
        assert row.inner_text().startswith(f"{number + 1}. ")
        assert row.locator(".badge").is_visible()


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_nothing_is_wider_than_the_window(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    assert page.evaluate(OVERFLOW) == 0


def test_text_stands_out_from_the_paper(page: Page) -> None:
    style = "getComputedStyle(document.body)"
    ink, paper = (
        sum(map(int, page.evaluate(f"{style}.{name}.match(/\\d+/g).slice(0, 3)")))
        for name in ("color", "backgroundColor")
    )
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert (ink > paper) == is_dark
    assert abs(ink - paper) > 450
