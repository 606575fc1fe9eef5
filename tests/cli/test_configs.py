"""`isolet-nn configs` and `isolet-nn schema` as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.helpers import Command, Result
from isolet_nn.config.loading import load_experiment
from isolet_nn.config.shipped import list_configs


@pytest.mark.parametrize("command", [("configs",), ("configs", "list")], ids=" ".join)
def test_configs_are_listed_with_one_line_each(nn: Command, command: tuple[str, ...]) -> None:
    result = nn(*command)
    assert (result.code, result.err) == (0, "")
    lines = [line.split(None, 1) for line in result.out.splitlines()]
    for config in list_configs():
        assert [config.name, config.description] in lines


def test_a_config_is_copied_edited_and_run(nn: Command, tmp_path: Path) -> None:
    assert nn("configs", "copy", "quickstart", "mine.yaml") == Result(0, "mine.yaml\n", "")
    text = (tmp_path / "mine.yaml").read_text(encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(text.replace("epochs: 20", "epochs: 1"), encoding="utf-8")
    assert nn("train", "mine.yaml", "-q").run.experiment.training.epochs == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("isolet", "there.yaml"), "there.yaml: exists already; remove it or give another name"),
        (("isolet", "no/where.yaml"), "no/where.yaml: cannot be written: No such file or dir"),
        (("isolt",), "isolt: no shipped config of that name; did you mean isolet? `isolet-nn con"),
    ],
)
def test_a_config_that_cannot_be_copied_is_refused(
    nn: Command, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    (tmp_path / "there.yaml").write_text("mine", encoding="utf-8")
    assert nn("configs", "copy", *arguments).refusal().startswith(message)
    assert [path.name for path in tmp_path.iterdir()] == ["there.yaml"]
    assert (tmp_path / "there.yaml").read_text(encoding="utf-8") == "mine"


def test_the_schema_knows_every_section_of_an_experiment(nn: Command) -> None:
    schema = json.loads(nn("schema").out)
    assert schema["$schema"].startswith("https://json-schema.org/")
    complete = load_experiment({"dataset": {"name": "iris"}}).model_dump(mode="json")
    assert schema["properties"].keys() == complete.keys()
