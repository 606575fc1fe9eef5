"""The board in headless Chromium, used as a person would use it."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsers import OVERFLOW, chromium
from needs import needs_chromium
from playwright.sync_api import Browser, Dialog, Page, Response, expect
from processes import Process

from board.boards import Served, serving
from board.large_folders import made_up_results, make_sweep
from isolet_nn.results.labels import note
from isolet_nn.sweeps.journal import Journal, read_journal
from isolet_nn.system.folders import JOURNAL

pytestmark = needs_chromium

LONG = 60_000
expect.set_options(timeout=LONG)  # a shared machine may take long
HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def problems() -> list[str]:
    return []


@pytest.fixture
def page(browser: Browser, problems: list[str]) -> Iterator[Page]:
    yield from _pages(browser, problems, viewport={"width": 1280, "height": 900})


def _pages(browser: Browser, problems: list[str], **options: Any) -> Iterator[Page]:
    context = browser.new_context(**options)
    context.set_default_timeout(LONG)
    page = context.new_page()
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))

    def dismiss(dialog: Dialog) -> None:
        problems.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    yield page
    context.close()
    # A page may ask once more after its board has ended.
    assert [text for text in problems if "ERR_CONNECTION_REFUSED" not in text] == []


def rows(page: Page) -> list[str]:
    page.locator(".runs tbody tr").first.wait_for()
    return page.locator(".runs tbody th a").all_inner_texts()


def test_runs_are_sorted_filtered_selected_and_compared_and_the_back_button_goes_back(
    page: Page, served: Served, trained: Path
) -> None:
    newest_first = [run.name for run in sorted(trained.iterdir(), reverse=True)]
    page.goto(served.link)
    assert rows(page) == newest_first
    page.get_by_role("button", name="seed").click()
    expect(page.locator(".runs tbody th a").first).to_have_text(newest_first[1])
    assert "sort=seed" in page.url
    page.get_by_label("Filter", exact=True).fill("optimizer.learning_rate<0.005")
    page.get_by_role("button", name="Add").click()
    expect(page.locator(".runs tbody tr")).to_have_count(1)
    page.go_back()
    expect(page.locator(".runs tbody tr")).to_have_count(3)
    page.get_by_role("searchbox").fill("nothing like this")
    expect(page.get_by_text("No run fits.")).to_be_visible()
    page.get_by_role("searchbox").fill("")
    expect(page.locator(".runs tbody tr")).to_have_count(3)
    for name in newest_first[:2]:
        page.get_by_label(f"Select {name}", exact=True).check()
    shared = page.url
    page.get_by_role("link", name="Compare").click()
    expect(page.locator("main")).to_contain_text("2 runs")
    assert page.url.endswith(f"/comparison?of={newest_first[0]}&of={newest_first[1]}")
    box = page.locator("section.curves").get_by_label("logarithmic").bounding_box()
    assert box is not None
    assert box["width"] < 40  # boxes of the table are wider
    page.go_back()
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.goto(shared)  # a link shows the same
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.get_by_role("link", name="Group over seeds").click()
    expect(page.locator(".runs tbody tr")).to_have_count(2)
    expect(page.locator(".runs")).to_contain_text("±")


def test_a_mistake_in_a_filter_is_told_and_can_be_taken_back(
    page: Page, served: Served, problems: list[str]
) -> None:
    page.goto(served.link + "/?filter=statsu%3Drunning")
    expect(page.get_by_role("alert")).to_contain_text("no column 'statsu'")
    page.get_by_label("Remove the filter statsu=running").click()
    expect(page.locator(".runs tbody tr")).to_have_count(3)
    expect(page.get_by_role("alert")).to_be_hidden()
    problems[:] = [text for text in problems if "400 (Bad Request)" not in text]


def test_all_is_reached_by_keyboard(page: Page, served: Served) -> None:
    page.goto(served.link)
    rows(page)

    def press_until(selector: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("s => document.activeElement.matches(s)", selector):
                return
        raise AssertionError(f"{selector} is not reached")

    press_until("#filter")
    page.keyboard.type("seed=0")
    page.keyboard.press("Enter")
    expect(page.locator(".runs tbody tr")).to_have_count(2)
    press_until("thead th button")
    page.keyboard.press("Enter")
    expect(page.locator("thead th[aria-sort]")).to_have_count(1)
    press_until("tbody input")
    page.keyboard.press("Space")
    expect(page.get_by_text("1 selected")).to_be_visible()
    press_until("tbody a")
    page.keyboard.press("Enter")
    expect(page.locator("main h1")).to_contain_text("many")


def test_a_run_that_is_trained_is_live(
    page: Page, trained: Path, tmp_path: Path, is_asked_often: None
) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    command = [sys.executable, "-m", "isolet_nn", "train", "quickstart", "--epochs", "100000"]
    with serving(runs) as served:
        page.goto(served.link)
        expect(page.get_by_text("No runs yet")).to_be_visible()
        with Process(
            [*command, "--runs-dir", str(runs), "-q"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as training:
            row = page.locator(".runs tbody tr")
            expect(row).to_contain_text("running")
            page.get_by_role("button", name="1 running").click()
            columns = page.locator(".runs thead th, .runs thead td").all_inner_texts()
            place = [text.strip() for text in columns].index("epochs")
            cell = row.locator("th, td").nth(place)
            expect(cell).not_to_have_text("")
            before = cell.inner_text()
            expect(cell).not_to_have_text(before)
            page.get_by_label("Remove the filter status=running").click()
            training.send_signal(signal.SIGINT)
            expect(row).to_contain_text("interrupted")


def test_the_trials_of_a_sweep_come_in_as_they_end(
    page: Page, tmp_path: Path, is_asked_often: None
) -> None:
    sweep = make_sweep(tmp_path, (3, 4), 2, ended=3)
    header, _ = read_journal(sweep.path / JOURNAL)
    assert header is not None
    with serving(tmp_path) as served:
        page.goto(served.link)
        page.get_by_role("link", name=sweep.path.name).click()
        expect(page.locator("main h1")).to_be_visible()
        journal = Journal(sweep.path / JOURNAL, header)
        with page.expect_response(_is_whole):
            journal.append(made_up_results(range(3, 24)))
            journal.close()


def _is_whole(response: Response) -> bool:
    return "/documents/sweep" in response.url and response.json()["counts"]["completed"] == 24


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_names_are_text_on_a_phone_too(
    browser: Browser, problems: list[str], trained: Path, tmp_path: Path, scheme: str
) -> None:
    run = next(trained.iterdir())
    named = shutil.copytree(run, tmp_path / HOSTILE.replace("/", "-"))
    note(named, HOSTILE)
    config = (named / "config.yaml").read_text().splitlines(keepends=True)
    (named / "config.yaml").write_text("".join([f"name: '{HOSTILE}'\n", *config[1:]]))
    (tmp_path / "20260102-000000-damaged").mkdir()
    with serving(tmp_path) as served:
        viewport = {"width": 390, "height": 844}
        for page in _pages(browser, problems, viewport=viewport, color_scheme=scheme):
            page.goto(served.link)
            assert HOSTILE.replace("/", "-") in rows(page)
            expect(page.locator(".runs")).to_contain_text(HOSTILE)
            expect(page.locator(".runs")).to_contain_text("config.yaml: no such file")
            assert page.evaluate(OVERFLOW) == 0
            assert page.locator("main img, main script").count() == 0
            page.get_by_role("link", name="onerror").click()
            expect(page.locator("main h1")).to_be_visible()
            assert page.locator("main img, main script").count() == 0


def test_a_board_that_ended_is_told_of_and_what_was_shown_stays(
    page: Page, trained: Path, is_asked_often: None
) -> None:
    with serving(trained) as served:
        page.goto(served.link)
        assert len(rows(page)) == 3
    expect(page.get_by_role("alert")).to_contain_text("The board does not answer")
    assert len(rows(page)) == 3
