"""What a notebook shows of runs and sweeps: cards, pictures and data frames."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from builders import make_experiment
from hypothesis import given, settings
from hypothesis import strategies as st

import isolet_nn
from isolet_nn.errors import ConfigError
from isolet_nn.notebook.cards import Card
from isolet_nn.results.shown import Run, SweepFolder

LARGEST = 200_000
"""Characters of a card: a notebook may show many."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return isolet_nn.train(
        make_experiment(training__epochs=3), runs_dir=tmp_path_factory.mktemp("runs")
    )


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> SweepFolder:
    config = {
        "name": "rates",
        "experiment": make_experiment(training__epochs=2).model_dump(mode="json", exclude={"seed"}),
        "grid": {"optimizer.learning_rate": [0.1, 0.01], "model.hidden_layers": [[4], [4, 4]]},
        "seeds": [5, 7],
        "workers": 1,
    }
    return isolet_nn.sweep(isolet_nn.load_sweep(config), runs_dir=tmp_path_factory.mktemp("runs"))


class Shown(HTMLParser):
    """The text that a page shows, by tag, and the pictures in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.pictures: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "img":
            self.pictures.append(dict(attrs)["src"] or "")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_run_shows_settings_scores_and_curves(run: Run) -> None:
    html = run._repr_html_()
    shown = Shown(html)
    assert len(html) < LARGEST
    assert f"{run.experiment.name}: completed" in shown.texts
    assert f"{100 * run.summary['metrics']['test_accuracy']:.2f} %" in shown.texts
    assert "optimizer.learning_rate" in shown.texts
    assert [p[:22] for p in shown.pictures] == ["data:image/png;base64,"] * 2
    assert str(run.path) in repr(run)


def test_a_run_that_has_not_done_an_epoch_shows_that(tmp_path: Path) -> None:
    stopped = isolet_nn.train(make_experiment(), runs_dir=tmp_path, should_stop=lambda: True)
    shown = Shown(stopped._repr_html_())
    assert f"{stopped.experiment.name}: interrupted" in shown.texts
    assert shown.pictures == []
    assert stopped.metrics.empty


def test_a_sweep_shows_its_best_settings_and_a_picture(swept: SweepFolder) -> None:
    html = swept._repr_html_()
    shown = Shown(html)
    assert len(html) < LARGEST
    assert "rates: completed" in shown.texts
    assert any("8 trials: 8 completed" in text for text in shown.texts)
    best = swept.best()[0]
    assert any(
        f"optimizer.learning_rate={best.setting['optimizer.learning_rate']}" in t
        for t in shown.texts
    )
    assert len(shown.pictures) == 1


@given(st.text(), st.text("<>&'\"/ab\x1b{}%"))
@settings(max_examples=25, deadline=None)
def test_what_a_card_shows_is_text_and_never_markup(one: str, other: str) -> None:
    plain = Shown(Card("a", ["b"], ["c"], [["d"]], "e", {}, {"f": "g"}).to_html())
    card = Card(one, [other], [one], [[other]], other or "e", {}, {one: other})
    html = card.to_html()
    assert Shown(html).tags == plain.tags
    assert not re.search(r"[\x00-\x08\x0e-\x1f\x7f]", html)


def test_metrics_are_a_data_frame_by_epoch(run: Run) -> None:
    frame = run.metrics
    assert frame.index.name == "epoch"
    assert [*frame.index] == [1, 2, 3]
    read = pd.read_csv(run.path / "metrics.csv", index_col="epoch")
    pd.testing.assert_frame_equal(frame, read)


def test_metrics_are_numbers_even_where_no_epoch_was_evaluated(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {"epoch": 1, "train_loss": 0.5, "validation_loss": None}
    monkeypatch.setattr(Run, "history", lambda _: [row])
    assert run.metrics["validation_loss"].isna().all()
    assert [str(dtype) for dtype in run.metrics.dtypes] == ["float64"] * 2


def test_trials_are_a_data_frame_that_can_be_grouped_by_settings(swept: SweepFolder) -> None:
    frame = swept.trials
    read = pd.read_csv(swept.path / "trials.csv", index_col="trial")
    columns = [name for name in read if name != "error"]
    pd.testing.assert_frame_equal(
        frame[columns], read[columns], check_dtype=False, check_categorical=False
    )
    assert [*frame["model.hidden_layers"].cat.categories] == ["[4]", "[4, 4]"]
    assert frame["optimizer.learning_rate"].dtype == float
    means = frame.groupby(["model.hidden_layers", "optimizer.learning_rate"])[
        "test_accuracy"
    ].mean()
    best = swept.best()[0]
    assert means.max() == pytest.approx(best.scores["test_accuracy"].mean)


def test_trials_that_have_not_ended_have_no_results(swept: SweepFolder) -> None:
    config = isolet_nn.load_sweep(swept.path / "sweep.yaml")
    pending = isolet_nn.sweep(config, runs_dir=swept.path.parent, should_stop=lambda: True)
    frame = pending.trials
    assert set(frame["status"]) == {"pending"}
    assert frame["epochs"].isna().all()
    assert "rates: interrupted" in Shown(pending._repr_html_()).texts


def test_frames_say_what_is_missing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install 'isolet-nn\[notebook\]'"):
        _ = run.metrics


def test_pictures_are_drawn_and_shown(run: Run, swept: SweepFolder) -> None:
    confusion = run.plot("confusion")
    assert [path.name for path in confusion] == ["confusion_matrix.png"]
    assert len(Shown(confusion._repr_html_()).pictures) == 1
    assert len(run.plot()) > 1
    (box,) = swept.plot("boxplot", x="optimizer.learning_rate")
    assert box.is_file()
    with pytest.raises(ConfigError, match=r"kind: found 'confusio'.*did you mean confusion"):
        run.plot("confusio")
