"""The reference of the config keys: complete, and current in the README.

It is made from the models, so that what it says of a key is what the program checks.
"""

from __future__ import annotations

import re

import pytest
from tools.config_reference import config_reference
from tools.generated import END, START, between_markers

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import load_experiment
from isolet_nn.config.section import Section, sections_of


def _within(model: type[Section]) -> set[type[Section]]:
    inner = [s for field in model.model_fields.values() for s in sections_of(field.annotation)]
    return {model}.union(*(_within(section) for section in inner))


SECTIONS = sorted(_within(Experiment), key=lambda section: section.__name__)


def _table(heading: str) -> dict[str, list[str]]:
    """The cells of the table under `heading`, by key."""
    section = config_reference().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return {row[0].strip("`"): row[1:] for row in rows[2:]}


def test_every_section_has_a_table_with_every_key() -> None:
    reference = config_reference()
    tables = [
        set(re.findall(r"^\| `(\w+)` \|", part, re.M)) for part in f"\n{reference}".split("\n## ")
    ]
    assert sorted(map(sorted, tables[1:])) == sorted(sorted(s.model_fields) for s in SECTIONS)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_key_is_described(section: type[Section]) -> None:
    assert section.__doc__
    for key, field in section.model_fields.items():
        assert field.description, f"{section.__name__}.{key} has no docstring"
        assert field.description.endswith(".")


def test_bounds_defaults_and_choices_are_told_in_words() -> None:
    training = _table("`training`")
    assert training["epochs"][:2] == ["whole number at least 1", "`20`"]
    assert training["schedule"][:2] == ["keys below, chosen by `name`", "`constant`"]
    assert training["early_stopping"][:2] == ["keys below, or `null`", "`null`"]
    assert training["dtype"][:2] == ["`float32`, `float64`", "`float32`"]
    model = _table("`model`")
    assert model["dropout"][:2] == ["number at least 0 and below 1", "`0.0`"]
    assert model["hidden_layers"][0] == "list, each whole number at least 1"
    assert _table("Top level")["dataset"][1] == "required"
    assert _table("Top level")["training"][1] == "each key's own"


def test_a_section_used_twice_is_described_once() -> None:
    heading = "## `dataset.test`, `dataset.validation` of csv, openml, with `fraction`\n"
    assert config_reference().count(heading) == 1


def test_sections_may_be_given_by_name_as_the_reference_says() -> None:
    shortly = {
        "dataset": {"name": "digits"},
        "model": {"initializer": "glorot"},
        "optimizer": "sgd",
        "training": {"schedule": "cosine"},
    }
    experiment = load_experiment(shortly)
    assert experiment.model.initializer.name == "glorot"
    assert experiment.optimizer.name == "sgd"
    assert experiment.training.schedule.name == "cosine"


def test_only_the_text_between_the_markers_changes() -> None:
    text = between_markers(f"before\n{START}\nold\n{END}\nafter\n", "new", "page.md")
    assert text.startswith(f"before\n{START}\n")
    assert text.endswith(f"\nnew\n\n{END}\nafter\n")
    assert "old" not in text
    assert between_markers(text, "new", "page.md") == text


@pytest.mark.parametrize("text", ["", START, END, f"{END}{START}", f"{START}{START}{END}"])
def test_markers_that_do_not_pair_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^page\.md: expected one"):
        between_markers(text, "new", "page.md")
