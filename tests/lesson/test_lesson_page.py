"""The network lesson in headless Chromium: its numbers, its controls, and what it may not do."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from browsers import OVERFLOW, chromium
from needs import in_full, needs_chromium
from playwright.sync_api import Browser, Page

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import load_experiment
from isolet_nn.data import load_dataset
from isolet_nn.lesson.chapters import OPTIMIZERS, chapters_of
from isolet_nn.lesson.writing import write_lesson
from isolet_nn.nn.losses import softmax
from isolet_nn.nn.network import Network
from isolet_nn.training.backend import network_shape
from isolet_nn.training.components import make_activation
from isolet_nn.training.loop import Training

pytestmark = needs_chromium

EPOCHS = 6
HOSTILE = '</script><img src=x onerror="window.hacked=1">'


class Step(NamedTuple):
    """A step as the page shows it."""

    results: list[float]
    table: list[list[str]]

    def column(self, number: int) -> dict[str, float]:
        """A column of the table, by the weights in the first."""
        return {row[0]: number_of(row[number]) for row in self.table}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lessons on exclusive or, and on a table with names that are markup."""
    folder = tmp_path_factory.mktemp("lessons")
    write_lesson(load_experiment("xor", {"training.epochs": EPOCHS}), folder / "xor.html")
    generator = np.random.default_rng(0)
    with (folder / "hostile.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow([HOSTILE, "<b>up</b>", "answer"])
        for number in range(60):
            x, y = generator.normal(size=2).round(3).tolist()
            table.writerow([x, 12345.6 + 1e4 * y, HOSTILE if number % 2 else "<i>no</i>"])
    hostile = load_experiment(
        str(folder / "hostile.csv"), {"model.hidden_layers": [3, 2], "training.epochs": 3}
    )
    write_lesson(hostile, folder / "hostile.html")
    return folder


@pytest.fixture
def problems() -> list[str]:
    return []


@pytest.fixture
def page(browser: Browser, problems: list[str]) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, reduced_motion="reduce", offline=True
    )
    page = context.new_page()
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "request", lambda asked: problems.append(asked.url) if "file:" not in asked.url else None
    )
    yield page
    context.close()
    assert problems == []


def opened(page: Page, path: Path) -> Page:
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready=yes]")
    return page


def number_of(text: str) -> float:
    """A number as the page writes it."""
    digits = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻−", "0123456789--")  # noqa: RUF001
    plain = text.strip(" ()").translate(digits)
    return float(re.sub(r" × 10", "e", plain))  # noqa: RUF001


def steps_of(page: Page) -> dict[str, Step]:
    """All steps of the walk, by their titles, as a reader who presses the button sees them."""
    found = page.evaluate(
        """() => {
          const texts = (root, what) =>
            [...root.querySelectorAll(what)].map((one) => one.innerText);
          const [step, on] = ["step", "on"].map((id) => document.getElementById(id));
          document.querySelector("#phases button").click();
          const seen = [];
          for (;;) {
            const rows = [...step.querySelectorAll("tbody tr")].map((row) => texts(row, "th, td"));
            seen.push([step.querySelector("h3").innerText, texts(step, ".result"), rows]);
            if (on.disabled) return seen;
            on.click();
          }
        }"""
    )
    return {title: Step([*map(number_of, results)], rows) for title, results, rows in found}


def close_to(numbers: Any) -> Any:
    """Equal but for the digits that the page leaves out."""
    return pytest.approx(np.asarray(numbers), rel=6e-4, abs=1e-12)


def network_of(experiment: Experiment, training: Training) -> Network:
    """A network of `nn` with the weights that a training has now."""
    network = Network(
        network_shape(experiment, 2, 2),
        activation=make_activation(experiment.model.activation),
        batch_size=1,
        dtype=experiment.training.dtype,
    )
    network.variables[...] = training.backend.state()["variables"]
    return network


def go_to(page: Page, epoch: int) -> None:
    page.locator("#moment").evaluate(
        "(slider, epoch) => { slider.value = epoch; slider.dispatchEvent(new Event('input')); }",
        epoch,
    )
    assert page.locator("#moment-text").inner_text().startswith(f"Epoch {epoch} of")


CASES = [(0, label) for label in OPTIMIZERS] + [(1, "Momentum"), (2, "Seed 3")]
"""Chapters of the lesson on exclusive or, and trainings in them."""


@pytest.mark.parametrize(("chapter", "label"), CASES)
def test_what_the_page_shows_is_what_the_network_computes(
    page: Page, folder: Path, chapter: int, label: str
) -> None:
    epoch, row = 3, 1
    opened(page, folder / "xor.html")
    page.locator("#chapters button").nth(chapter).click()
    if page.locator("#training").is_enabled():
        page.select_option("#training", label=label)
    go_to(page, epoch)
    page.locator("#rows button").nth(row).click()

    chapters = chapters_of(load_experiment("xor", {"training.epochs": EPOCHS}), 2)
    experiment = chapters[chapter].trainings[label]
    dataset = load_dataset(experiment.dataset, experiment.seed, experiment.training.dtype)
    training = Training([experiment], [dataset])
    for _ in range(epoch):
        training.run_epoch()
    network, x, y = network_of(experiment, training), dataset.train.x, dataset.train.y
    logits = network.logits(x[[row]])[0, 0]
    network.compute_gradients(x[np.newaxis, [row]], y[np.newaxis, [row]])

    steps = steps_of(page)
    softmax_step, loss_step = (
        next(step for title, step in steps.items() if title.startswith(start))
        for start in ("Softmax", "The loss")
    )
    assert steps["Output for class 1: o₂"].results == close_to([logits[1]])
    assert softmax_step.results == close_to(softmax(logits))
    assert loss_step.results == close_to(network.loss.loss_sums)

    gradients: dict[str, float] = {}
    differences: dict[str, float] = {}
    for title, step in steps.items():
        if title.startswith("Gradients"):
            gradients |= step.column(2)
            differences |= step.column(3)
    last = steps["Every weight has moved"]
    names = list(last.column(1))
    in_order = [gradients[name] for name in names]
    assert in_order == close_to(network.gradients[0])
    assert [differences[name] for name in names] == pytest.approx(in_order, rel=2e-3, abs=1e-6)
    assert [*last.column(1).values()] == close_to(network.parameters[0])
    training.run_epoch()
    after = training.backend.state()["variables"][0]
    assert [*last.column(3).values()] == close_to(after)

    page.locator("#back").click()
    page.select_option("#weight", label=names[-1])
    shown = page.locator("#step .result").all_inner_texts()
    assert [number_of(shown[-1])] == close_to(after[-1:])


def test_markup_in_names_is_text(page: Page, folder: Path) -> None:
    opened(page, folder / "hostile.html")
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    assert HOSTILE in page.locator("#legend").inner_text()
    assert "e+" not in page.locator("#watch").inner_text()
    assert page.locator("#x-name").inner_text() == HOSTILE
    assert page.evaluate("window.hacked") is None
    assert page.locator("img").count() == 0


def test_arrow_keys_walk_and_space_plays(page: Page, folder: Path) -> None:
    opened(page, folder / "xor.html")
    titles = []
    for _ in range(3):
        titles.append(page.locator("#step h3").inner_text())
        page.keyboard.press("ArrowRight")
    assert titles == ["A row goes in", "Hidden neuron 1: h₁", "Hidden neuron 2: h₂"]
    assert page.locator("#said").inner_text().startswith("Hidden neuron 3: h₃. ")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#step h3").inner_text() == titles[-1]
    page.keyboard.press("Space")
    assert page.locator("#play").inner_text() == "Pause"
    page.keyboard.press("Space")
    assert page.locator("#play").inner_text() == "Play"


def test_a_guess_comes_before_the_number(page: Page, folder: Path) -> None:
    opened(page, folder / "xor.html")
    page.locator("#guess").check()
    page.keyboard.press("ArrowRight")
    assert page.locator("#step.hidden-results .result[aria-hidden=true]").count() == 2
    assert page.locator("#said").inner_text().endswith("What will it be?")
    page.keyboard.press("ArrowRight")
    assert page.locator("#step.hidden-results").count() == 0
    assert page.locator("#step h3").inner_text() == "Hidden neuron 1: h₁"


def test_a_question_leads_to_the_step_that_answers_it(page: Page, folder: Path) -> None:
    opened(page, folder / "xor.html")
    page.locator("#questions-list summary", has_text="does Adam move").click()
    page.locator("#questions-list details[open] button").click()
    assert page.locator("#step h3").inner_text() == "Adam: step 1 for w(x₁→h₁)"
    assert page.locator("#step").is_visible()


def test_after_the_last_epoch_no_step_follows(page: Page, folder: Path) -> None:
    opened(page, folder / "xor.html")
    go_to(page, EPOCHS)
    page.locator("#phases button", has_text="Update").click()
    assert page.locator("#step h3").inner_text() == "The training ends here"


def test_dead_neurons_are_named_with_their_sums(page: Page, folder: Path) -> None:
    opened(page, folder / "xor.html")
    page.locator("#chapters button").nth(2).click()
    page.select_option("#training", label="Seed 2")
    rows = page.locator("#findings-text tbody tr").all_inner_texts()
    assert [row.split("\t")[0] for row in rows] == ["h₁", "h₂", "h₃"]
    assert [row.split("\t")[1] for row in rows] == [
        "before the first step",
        "in epoch 5",
        "before the first step",
    ]
    for row in rows:
        assert max(number_of(cell) for cell in row.split("\t")[2:]) <= 0


@pytest.mark.parametrize("name", ["xor", "hostile"])
@pytest.mark.parametrize("width", [390, 768, 1280])
def test_nothing_is_wider_than_the_window(page: Page, folder: Path, name: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    opened(page, folder / f"{name}.html")
    assert page.evaluate(OVERFLOW) == 0
    for phase in ("Loss", "Backward", "Update"):
        page.locator("#phases button", has_text=phase).click()
        page.keyboard.press("ArrowRight")
        assert page.evaluate(OVERFLOW) == 0


def test_every_control_has_a_name(page: Page, folder: Path) -> None:
    opened(page, folder / "xor.html")
    page.locator("#phases button", has_text="Update").click()
    nameless = page.evaluate(
        """[...document.querySelectorAll('button, select, input, [role=img], [role=group]')].filter(
            (one) => !one.textContent.trim() && !one.labels?.length && !one.ariaLabel).length"""
    )
    assert nameless == 0


def test_the_policy_lets_nothing_but_the_page_itself_run(folder: Path) -> None:
    text = (folder / "xor.html").read_text("utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    assert "default-src 'none'" in policy[1].replace("&#39;", "'")
    assert "unsafe" not in policy[1]
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)


@pytest.mark.parametrize("name", in_full(["spirals"], ["moons", "spirals", "xor"]))
def test_a_lesson_of_a_shipped_config_is_under_a_megabyte_and_a_half(
    tmp_path: Path, name: str
) -> None:
    write_lesson(load_experiment(name, {"training.epochs": 61}), tmp_path / "page.html")
    assert (tmp_path / "page.html").stat().st_size < 1_500_000
