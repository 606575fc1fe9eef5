"""The lesson of many inputs in headless Chromium: its numbers, its controls, what it may not do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from browsers import OVERFLOW, chromium
from needs import needs_chromium
from playwright.sync_api import Page

from isolet_nn.config.loading import load_experiment
from isolet_nn.data import load_dataset
from isolet_nn.lesson import writing
from isolet_nn.lesson.study import study_record

pytestmark = needs_chromium

HOSTILE = '</script><img src=x onerror="window.hacked=1">'


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    experiment = load_experiment("quickstart", {"training.epochs": 2, "name": "study"})
    data = load_dataset(experiment.dataset, experiment.seed, experiment.training.dtype)
    record = study_record(experiment, data)
    record["classes"][3] = HOSTILE
    record["data"] = f"digits {HOSTILE}"
    return record


@pytest.fixture(scope="module")
def page(
    record: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Page, list[str]]]:
    path = tmp_path_factory.mktemp("study") / "study.html"
    path.write_text(writing.study_page(record), encoding="utf-8")
    assert path.stat().st_size < 1_500_000
    problems: list[str] = []
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 800}, reduced_motion="reduce")
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: problems.extend([request.url] * ("http" in request.url)))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-drawn]")
        yield page, problems


def _cells(page: Page, selector: str) -> list[list[str]]:
    rows = page.locator(f"{selector} tbody tr").all()
    return [row.locator("th, td").all_text_contents() for row in rows]


def _close(shown: str, value: float | None) -> bool:
    if value is None:
        return shown == "\N{EN DASH}"
    return bool(np.isclose(float(shown), value, rtol=6e-3))


Opened = tuple[Page, list[str]]


def test_the_panels_have_the_recorded_numbers_of_what_was_chosen(
    page: Opened, record: dict[str, Any]
) -> None:
    opened, problems = page
    opened.focus("#depth")
    opened.keyboard.press("Home")
    opened.keyboard.press("ArrowRight")
    opened.check("input[name=start][value=scaled]")
    shown = [
        t
        for t in record["depths"]["trainings"]
        if (t["start"], t["hidden_layers"]) == ("scaled", 2)
    ]
    for measure in ("gradients", "saturated", "dead"):
        opened.check(f"input[name=measure][value={measure}]")
        for number, training in enumerate(shown, 1):
            table = _cells(opened, f"#layers .panel:nth-child({number})")
            for row, epoch in zip(table, training[measure], strict=True):
                values = [None if v != v else v for v in epoch]
                assert all(map(_close, row[1:], values))
    assert problems == []


def test_marks_move_with_the_epoch_and_can_be_stressed_by_keyboard(
    page: Opened, record: dict[str, Any]
) -> None:
    opened, problems = page
    marks = opened.locator("#cloud text")
    assert marks.count() == len(record["letters"]["labels"])
    last = marks.first.get_attribute("style")
    opened.focus("#epoch")
    opened.keyboard.press("Home")
    assert marks.first.get_attribute("style") != last
    assert opened.text_content("#epoch-said", timeout=1000) is not None
    assert opened.evaluate("document.getElementById('epoch-said').value").startswith("0 (")
    assert not opened.is_visible("#play"), "motion is reduced"
    opened.focus("#classes button")
    opened.keyboard.press("Enter")
    others = sum(label != 0 for label in record["letters"]["labels"])
    assert opened.locator("#cloud .aside").count() == others
    opened.keyboard.press("Enter")
    assert opened.locator("#cloud .aside").count() == 0
    assert problems == []


def test_the_features_a_class_leans_on_are_those_recorded(
    page: Opened, record: dict[str, Any]
) -> None:
    opened, problems = page
    opened.select_option("#class", "4")
    leaning = np.array(record["letters"]["leaning"][4])
    order = np.argsort(-np.abs(leaning), kind="stable")[:10]
    table = _cells(opened, "#most")
    assert [row[0] for row in table] == [record["letters"]["features"][i] for i in order]
    assert all(_close(row[1], leaning[i]) for row, i in zip(table, order, strict=True))
    assert problems == []


def test_names_are_text_and_nothing_is_wider_than_a_phone(page: Opened) -> None:
    opened, problems = page
    assert opened.evaluate("window.hacked") is None
    assert opened.locator("main img").count() == 0
    assert opened.evaluate(OVERFLOW) == 0
    assert problems == []
