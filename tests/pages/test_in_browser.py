"""Pages in headless Chromium, opened from the disk: looked at, clicked through, and attacked."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from browsers import OVERFLOW, chromium
from needs import needs_chromium
from playwright.sync_api import Page, expect

from isolet_nn.pages.documents import document_name, make_document
from isolet_nn.pages.page import MOST_BYTES, write_page
from pages.hostile import CLASSES, COLUMNS, FOLDER, NOTE, SPEAKERS

pytestmark = needs_chromium

MADE_OF_TEXT = (
    "main img, main svg[onload], main script, main iframe, [onerror], .plot a, h1 i, dd a"
)
"""What only a name taken for markup could put into a page."""


@pytest.fixture(scope="module")
def pages(runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run's, a comparison's and a sweep's page."""
    folder = tmp_path_factory.mktemp("written")
    compared = [runs[name] for name in ("first", "second", "other")]
    of = {"run": compared[:1], "comparison": compared, "sweep": [runs["sweep"]]}
    written = {name: write_page(folders, folder / f"{name}.html") for name, folders in of.items()}
    assert all(path.stat().st_size < MOST_BYTES for path in written.values())
    return written


@dataclass
class Watched:
    """A page that is open, and what went wrong in it."""

    page: Page
    problems: list[str] = field(default_factory=list)

    def hear(self) -> None:
        """Note complaints, dialogs, and whatever is asked of a network."""
        self.page.on("console", lambda message: self.problems.append(message.text))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("dialog", lambda dialog: self.problems.append(dialog.message))
        self.page.on("request", lambda request: self._note(request.url))

    def until(self, condition: str) -> None:
        """Wait until some JavaScript is true; the page's policy lets it not wait for itself."""
        for _ in range(600):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(condition)

    def _note(self, address: str) -> None:
        if not address.startswith(("file:", "data:", "blob:")):
            self.problems.append(address)


Open = Callable[[Path], Watched]


@pytest.fixture(scope="module")
def open_page() -> Iterator[Open]:
    """Opens a page at the width of a phone."""
    with chromium() as browser:

        def opened(path: Path) -> Watched:
            page = browser.new_page(viewport={"width": 390, "height": 844})
            page.set_default_timeout(60_000)
            watched = Watched(page)
            watched.hear()
            page.goto(path.as_uri())
            page.wait_for_selector("h1")
            watched.until("!document.querySelector('[aria-busy=true]')")
            return watched

        yield opened


@pytest.fixture(scope="module")
def run_page(open_page: Open, pages: dict[str, Path]) -> Watched:
    return open_page(pages["run"])


@pytest.fixture(scope="module")
def comparison_page(open_page: Open, pages: dict[str, Path]) -> Watched:
    return open_page(pages["comparison"])


@pytest.fixture(scope="module")
def sweep_page(open_page: Open, pages: dict[str, Path]) -> Watched:
    return open_page(pages["sweep"])


@pytest.mark.parametrize(
    ("name", "charts"), [("run_page", 8), ("comparison_page", 14), ("sweep_page", 4)]
)
def test_every_chart_has_a_name_and_a_table_and_fits_the_window(
    name: str, charts: int, request: pytest.FixtureRequest
) -> None:
    watched: Watched = request.getfixturevalue(name)
    page = watched.page
    figures = page.locator("figure.chart:visible")
    assert figures.count() == charts
    told = figures.evaluate_all(
        """figures => figures.map(figure => [
          figure.getAttribute("aria-label"),
          figure.querySelector(".plot").getAttribute("aria-label"),
          figure.querySelectorAll(".plot svg.main-svg").length,
        ])"""
    )
    assert all(title and len(label) > 10 and drawings for title, label, drawings in told)
    for summary in figures.locator("summary").all():
        summary.press("Enter")
    tables = "[...document.querySelectorAll('figure.chart details[open]')]"
    watched.until(f"{tables}.filter(open => open.querySelector('tbody tr')).length === {charts}")
    for width in (1280, 768, 390):
        page.set_viewport_size({"width": width, "height": 844})
        watched.until(f"{OVERFLOW} === 0")
    assert watched.problems == []


def test_names_are_text_wherever_they_stand(run_page: Watched, comparison_page: Watched) -> None:
    page = run_page.page
    text = page.locator("main").inner_text()
    drawn = " ".join(page.locator(".plot svg").all_text_contents())
    assert NOTE in text
    for name in (*CLASSES, *COLUMNS):
        assert name in text
        assert name[:13] in drawn  # long names are cut
    assert any(name in text for name in SPEAKERS)
    page.locator(".confusion .plot .nsewdrag").hover()
    assert page.locator(MADE_OF_TEXT).count() == 0
    assert FOLDER in comparison_page.page.locator("main").inner_text()
    assert comparison_page.page.locator(MADE_OF_TEXT).count() == 0
    assert run_page.problems == comparison_page.problems == []


def test_a_page_may_run_nothing_else_and_reach_nothing(comparison_page: Watched) -> None:
    page = comparison_page.page
    refused = page.evaluate(
        """async () => {
          const script = document.createElement("script");
          script.textContent = "globalThis.ran = true";
          document.head.append(script);
          const reached = await fetch("https://example.org/").then(() => true, () => false);
          return [globalThis.ran ?? false, reached];
        }"""
    )
    assert refused == [False, False]
    assert all("Content Security Policy" in problem for problem in comparison_page.problems)
    comparison_page.problems.clear()


def test_curves_are_smoothed_taken_apart_and_logarithmic(run_page: Watched) -> None:
    page = run_page.page
    section = page.locator("section.curves")
    lines = "[...document.querySelectorAll('section.curves .plot')].map(plot => plot.data.length)"
    assert page.evaluate(lines) == [3]
    section.get_by_label("smoothing").press("ArrowRight")
    assert page.evaluate(lines) == [6]
    section.get_by_label("smoothing").press("Home")
    section.get_by_label("each split apart").check()
    assert page.evaluate(lines) == [1, 1, 1]
    section.get_by_label("measure").select_option("loss")
    section.get_by_label("logarithmic").check()
    axes = "[...document.querySelectorAll('section.curves .plot')].map(p => p.layout.yaxis.type)"
    assert page.evaluate(axes) == ["log", "log", "log"]
    expect(section.locator("h3").first).to_have_text("loss by epoch, train")


def test_a_band_over_seeds_stands_behind_their_mean(comparison_page: Watched) -> None:
    fills = comparison_page.page.evaluate(
        "document.querySelector('section.curves .plot').data.map(t => t.fill ?? 'none')"
    )
    assert fills == ["toself", "none", "none"]


def test_more_groups_than_there_are_colours_are_told_apart(
    open_page: Open, runs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_twenty(kind: str, of: list[tuple[Path, str]], open_sweep: Any) -> Any:
        document: Any = make_document(kind, of, open_sweep)
        if kind == "comparison":
            [first, *_] = document["groups"]
            names = [f"{'left ' * 9}{number}{' right' * 9}" for number in range(20)]
            document["groups"] = [first | {"name": name} for name in names]
        return document

    monkeypatch.setattr("isolet_nn.pages.page.make_document", with_twenty)
    of = [runs["first"], runs["other"]]
    watched = open_page(write_page(of, tmp_path / "page.html"))
    for section in ("curves", "groups", "reliability"):
        looks = watched.page.evaluate(
            """section => document.querySelector(`section.${section} .plot`).data
              .filter(of => of.showlegend !== false)
              .map(({ mode, line, marker }) =>
                [line?.color ?? marker.color, mode === "lines" ? "" : marker.symbol])""",
            section,
        )
        assert len(looks) == len({*map(tuple, looks)}) == 20
        legend = watched.page.locator(f"section.{section} .plot").first.locator(".legendtext")
        names = legend.all_text_contents()
        assert len(names) == len({*names}) == 20
        assert watched.page.locator(f"section.{section} .plot").first.locator(
            ".scrollbar"
        ).get_attribute("height") in (None, "0")
    assert watched.problems == []


def test_axes_and_metric_of_a_heat_map_are_chosen_and_a_cell_opens_its_best_trial(
    sweep_page: Watched,
) -> None:
    page = sweep_page.page
    section = page.locator("section.heatmap")
    shape = "document.querySelector('section.heatmap .plot').data[0].z.map(row => row.length)"
    assert page.evaluate(shape) == [3, 3]
    section.get_by_label("along the bottom").select_option("seed")
    section.get_by_label("up the side").select_option("optimizer.learning_rate")
    section.get_by_label("metric").select_option("test_loss")
    assert page.evaluate(shape) == [2, 2, 2]
    expect(section.locator("h3")).to_have_text("test loss by seed and learning rate")
    section.get_by_label("up the side").select_option("seed")
    assert page.evaluate(shape) == [3, 3]
    section.get_by_label("up the side").select_option("")
    assert page.evaluate("document.querySelector('section.heatmap .plot').data[0].x.length") == 3
    section.get_by_label("up the side").select_option("model.hidden_layers")
    section.locator(".plot .nsewdrag").scroll_into_view_if_needed()
    section.locator(".plot .nsewdrag").click()
    expect(page.locator("h1 .kind")).to_have_text("Run")
    page.get_by_role("link", name="Back to rates").click()
    link = page.locator("section.best tbody tr").first.get_by_role("link").first
    link.focus()
    link.press("Enter")
    expect(page.locator("h1 .kind")).to_have_text("Run")
    assert page.locator("section.curves figure").count() == 1
    page.get_by_role("link", name="Back to rates").click()
    expect(page.locator("h1 .kind")).to_have_text("Sweep")
    assert sweep_page.problems == []


def test_weights_of_any_two_runs_stand_side_by_side(comparison_page: Watched) -> None:
    page = comparison_page.page
    section = page.locator("section.inside")
    label = "section.inside [role=group]:nth-child(2) .plot"
    before = page.locator(label).first.get_attribute("aria-label")
    options = section.get_by_label("right").locator("option").all_inner_texts()
    assert len(options) == len(set(options)) >= 2
    section.get_by_role("combobox", name="right").select_option(index=0)
    expect(page.locator(label).first).not_to_have_attribute("aria-label", before or "")
    both = section.locator(".plot").evaluate_all(
        "plots => plots.map(plot => plot.getAttribute('aria-label'))"
    )
    assert both[: len(both) // 2] == both[len(both) // 2 :]
    assert comparison_page.problems == []


def test_charts_follow_the_colours_of_the_page(comparison_page: Watched) -> None:
    page = comparison_page.page
    color = "document.querySelector('.plot').layout.font.color"
    light = page.evaluate(color)
    page.emulate_media(color_scheme="dark")
    comparison_page.until(f"{color} !== '{light}'")


def test_a_damaged_run_is_a_page_that_says_so(
    open_page: Open, runs: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(runs["first"], folder)
    (folder / "metrics.csv").write_text("epoch,<b>loss</b>\n1,2\n")
    (folder / "summary.json").unlink()
    watched = open_page(write_page([folder], tmp_path / "page.html"))
    page = watched.page
    expect(page.locator("h1 .badge")).to_have_text("damaged")
    expect(page.locator(".problem").filter(has_text="metrics.csv")).to_contain_text("<b>loss</b>")
    assert page.locator("section.confusion").count() == 1
    assert watched.problems == []


def test_scripts_and_python_call_a_document_alike(comparison_page: Watched) -> None:
    paths = [FOLDER, "a/trials/3", "ü ~*'()!&=+#?%", "\U0001f600"]
    called = comparison_page.page.evaluate(
        "paths => paths.map(path => `run?of=${encodeURIComponent(path)}`)", paths
    )
    assert called == [document_name("run", path) for path in paths]
