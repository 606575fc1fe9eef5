"""`isolet-nn lesson` as a user meets it: what it writes, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.helpers import Command

SMALL = ("lesson", "moons", "--set", "model.hidden_layers=[2]", "--epochs", "1")


def test_a_lesson_is_one_page_whose_name_is_printed(nn: Command) -> None:
    result = nn(*SMALL, "-o", "moons.html")
    assert (result.code, result.out) == (0, "moons.html\n")
    page = Path("moons.html").read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "How a network learns: moons" in page
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("backend=torch", "backend: found torch; expected numpy"),
        ("ensemble=2", "ensemble: found 2; expected 1"),
        ("model.batch_normalization=true", "model.batch_normalization: found true; expected false"),
        ("model.dropout=0.2", "model.dropout: found 0.2; expected 0.0"),
        ("training.clip_norm=1", "training.clip_norm: found 1.0; expected null"),
        ("training.weight_averaging=ema", "training.weight_averaging: found ema; expected none"),
        ("model.hidden_layers=[30]", "up to 16 neurons can be drawn"),
        ("model.hidden_layers=[16,16,16]", "so 626 weights and biases; up to 400 can be drawn"),
        ("model.hidden_layers=[64]", "--set model.hidden_layers=[8] is plenty"),
        ("training.epochs=30000", "training.epochs: found 30000; up to 20,000 in a lesson"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_words(nn: Command, setting: str, message: str) -> None:
    result = nn("lesson", "moons", "--set", setting)
    assert result.code == 2
    assert message in result.err
    assert not Path("lesson.html").exists()


def test_a_table_whose_groups_have_scales_of_their_own_is_refused(nn: Command) -> None:
    rows = [f"{person},{n},{n * n},{'ab'[n % 2]}" for person in "pqr" for n in range(8)]
    Path("t.csv").write_text("\n".join(["person,x,y,class", *rows]) + "\n", "utf-8")
    settings = ("dataset.group=person", "dataset.standardize.by=group")
    given = [part for setting in settings for part in ("--set", setting)]
    result = nn("lesson", "t.csv", *given, "--set", "model.hidden_layers=[3]")
    assert result.code == 2
    assert "dataset.standardize: found by group; expected true or false in a lesson" in result.err


def test_a_page_is_not_written_into_a_folder_that_is_not_there(nn: Command) -> None:
    result = nn(*SMALL, "-o", "nowhere/page.html")
    assert result.code == 2
    assert "--output nowhere/page.html: there is no folder nowhere" in result.err


def test_a_table_of_many_features_gets_the_study_and_says_what_it_trains(nn: Command) -> None:
    result = nn("lesson", "quickstart", "--epochs", "1", "-o", "digits.html")
    assert (result.code, result.out) == (0, "digits.html\n")
    assert result.err.splitlines()[:2] == [
        "training quickstart",
        "training sigmoid, 1 to 7 layers, small weights",
    ]
    page = Path("digits.html").read_text("utf-8")
    assert "Do gradients vanish?" in page
    assert len(page) < 1_500_000
