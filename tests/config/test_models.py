"""Experiment files: what is accepted, what is refused, and in which words."""

from __future__ import annotations

import itertools
import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from isolet_nn.config.experiment import Experiment, json_schema
from isolet_nn.config.loading import load_experiment, parse_overrides
from isolet_nn.config.yaml_files import dump_yaml, parse_yaml
from isolet_nn.errors import ConfigError

IRIS: dict[str, Any] = {"dataset": {"name": "iris"}}


def problems(config: Any, overrides: dict[str, Any] | None = None) -> list[str]:
    """The problems found in a config, a line each, without the source before them."""
    with pytest.raises(ConfigError) as caught:
        load_experiment(config, overrides)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(("experiment: ", "override ")) for line in lines)
    return [line.removeprefix("experiment: ").removeprefix("override ") for line in lines]


def with_iris(**sections: Any) -> dict[str, Any]:
    return {**IRIS, **sections}


def test_a_data_set_is_all_that_an_experiment_needs() -> None:
    experiment = load_experiment(IRIS)
    assert experiment.optimizer.name == "adam"
    assert experiment.training.epochs == 20
    assert experiment.model.hidden_layers == [64]
    assert (experiment.seed, experiment.backend, experiment.training.threads) == (0, "numpy", 1)


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({}, "dataset: missing, and there is no default"),
        (with_iris(optimizer={"nmae": "sgd"}), "optimizer.nmae: unknown key; did you mean name?"),
        (with_iris(trainig={}), "trainig: unknown key; did you mean training?"),
        (
            with_iris(training={"epoch": 3}),
            "training.epoch: unknown key; did you mean epochs?",
        ),
        (
            with_iris(optimizer={"name": "sgd", "beta1": 0.9}),
            "optimizer.beta1: unknown key; allowed: "
            "weight_decay, name, learning_rate, momentum, nesterov",
        ),
        (
            with_iris(optimizer={"name": "adam", "learning_rat": 0.9}),
            "optimizer.learning_rat: unknown key; did you mean learning_rate?",
        ),
        (
            with_iris(optimizer={"name": "adm"}),
            "optimizer.name: found 'adm'; allowed: sgd, adagrad, rmsprop, adam, adamw; "
            "did you mean adam?",
        ),
        (
            with_iris(optimizer="adm"),
            "optimizer.name: found 'adm'; allowed: sgd, adagrad, rmsprop, adam, adamw; "
            "did you mean adam?",
        ),
        (
            with_iris(backend="pytorch"),
            "backend: found 'pytorch'; allowed: numpy, torch; did you mean torch?",
        ),
        (with_iris(backend=3), "backend: found 3; allowed: numpy, torch"),
        (
            with_iris(model={"activation": "sigmod"}),
            "model.activation: found 'sigmod'; allowed: relu, sigmoid, tanh; did you mean sigmoid?",
        ),
        (
            with_iris(model={"initializer": {"name": "he", "scale": 1.0}}),
            "model.initializer.scale: unknown key; allowed: name",
        ),
        (
            with_iris(training={"epochs": 0}),
            "training.epochs: found 0; it should be greater than or equal to 1",
        ),
        (
            with_iris(training={"epochs": 2.5}),
            "training.epochs: found 2.5; it should be a valid integer",
        ),
        (
            with_iris(training={"epochs": "3"}),
            "training.epochs: found '3'; it should be a valid integer, which is written in decimal "
            "digits, without quotes",
        ),
        (
            with_iris(training={"epochs": True}),
            "training.epochs: found true; it should be a valid integer",
        ),
        (
            with_iris(training={"shuffle": "yes"}),
            "training.shuffle: found 'yes'; it should be a valid boolean",
        ),
        (
            with_iris(optimizer={"name": "sgd", "learning_rate": "fast"}),
            "optimizer.learning_rate: found 'fast'; it should be a valid number",
        ),
        (
            with_iris(optimizer={"name": "sgd", "learning_rate": 0}),
            "optimizer.learning_rate: found 0; it should be greater than 0",
        ),
        (
            with_iris(optimizer={"name": "sgd", "learning_rate": math.inf}),
            "optimizer.learning_rate: found inf; it should be a finite number",
        ),
        (
            with_iris(optimizer={"name": "sgd", "momentum": 1.0}),
            "optimizer.momentum: found 1.0; it should be less than 1",
        ),
        (
            with_iris(optimizer={"name": "sgd", "nesterov": True}),
            "optimizer: nesterov: true needs a momentum above 0",
        ),
        (
            with_iris(model={"hidden_layers": 44}),
            "model.hidden_layers: found 44; it should be a valid list",
        ),
        (
            with_iris(model={"hidden_layers": [44, 0]}),
            "model.hidden_layers.1: found 0; it should be greater than or equal to 1",
        ),
        (with_iris(model=None), "model: found null; expected keys and values below it"),
        (with_iris(training=[1]), "training: found [1]; expected keys and values below it"),
        (with_iris(seed=-1), "seed: found -1; it should be greater than or equal to 0"),
        (
            with_iris(training={"early_stopping": {}}),
            "training.early_stopping needs a validation split: set dataset.validation, "
            "for instance {fraction: 0.1}",
        ),
        (
            with_iris(device="cuda"),
            "device: cuda needs backend: torch (backend numpy computes on the cpu)",
        ),
        (
            {"dataset": {"name": "openml"}},
            "dataset: give exactly one of data_id and data_name",
        ),
        (
            {"dataset": {"name": "csv"}},
            "dataset.path: missing, and there is no default",
        ),
        (
            {"dataset": {"name": "isolet", "validation": {"fraction": 0.2, "by": "spekr"}}},
            "dataset.validation.by: found 'spekr'; allowed: rows, speaker; did you mean speaker?",
        ),
        (
            {"dataset": {"name": "isolet", "validation": {"fraction": 1.5}}},
            "dataset.validation.fraction: found 1.5; it should be less than 1",
        ),
        (
            {"dataset": {"name": "isolet", "validation": "some"}},
            "dataset.validation: found 'some'; allowed: none; did you mean none?",
        ),
        (
            {"dataset": {"name": "isolet", "validation": {"folds": 5, "fold": 5}}},
            "dataset.validation.fold: found 5; with folds: 5 there are 0 to 4",
        ),
        (
            {"dataset": {"name": "isolet", "validation": {"folds": 1, "fold": 0}}},
            "dataset.validation.folds: found 1; it should be greater than or equal to 2",
        ),
        (
            {"dataset": {"name": "digits", "validation": {"folds": 5}}},
            "dataset.validation.fold: missing, and there is no default",
        ),
        (
            {"dataset": {"name": "digits", "validation": {"folds": 5, "fold": -1}}},
            "dataset.validation.fold: found -1; it should be greater than or equal to 0",
        ),
        (
            {"dataset": {"name": "iris", "validation": {"folds": 5, "fold": 0, "by": "speaker"}}},
            "dataset.validation.by: found 'speaker'; allowed: rows",
        ),
        (
            {"dataset": {"name": "iris", "validation": {"folds": 5, "fold": 0, "seed": 0}}},
            "dataset.validation.seed: unknown key; allowed: folds, fold, by",
        ),
        (
            {"dataset": {"name": "iris", "validation": {"folds": 5, "fold": 0, "fraction": 0.1}}},
            "dataset.validation.fraction: unknown key; allowed: folds, fold, by",
        ),
        (
            {"dataset": {"name": "iris", "validation": {"fraction": 0.1, "seed": 0}}},
            "dataset.validation.seed: unknown key; allowed: fraction, by",
        ),
        (
            {"dataset": {"name": "iris", "test": {"folds": 5, "fraction": 0.1}}},
            "dataset.test.folds: unknown key; allowed: fraction, by",
        ),
        (
            {
                "dataset": {
                    "name": "csv",
                    "path": "a.csv",
                    "validation": {"folds": 2, "fold": 0, "by": "group"},
                }
            },
            "dataset: validation.by: group needs to know the column: set group",
        ),
    ],
)
def test_a_problem_is_told_in_one_line_with_key_path_found_and_allowed(
    config: dict[str, Any], problem: str
) -> None:
    assert problems(config) == [problem]


@pytest.mark.parametrize("key", ["optimizer", "dataset"])
def test_a_section_without_its_name_says_which_names_there_are(key: str) -> None:
    (problem,) = problems({**IRIS, key: {}})
    assert problem.startswith(f"{key}: the key `name` is missing; allowed: ")
    assert "," in problem


def test_a_name_that_no_folder_could_have_is_refused() -> None:
    for name in ("", "a/b", "../up", "-x", ".hidden", "a b", "x" * 81, "a\n"):
        (problem,) = problems(with_iris(name=name))
        assert problem.startswith("name: found ")
    assert load_experiment(with_iris(name="a.B-c_9")).name == "a.B-c_9"


def test_all_problems_are_reported_at_once() -> None:
    config = {
        "sead": 1,
        "dataset": {"name": "iris", "standardise": True},
        "optimizer": {"name": "sgd", "learning_rate": -1, "momentum": 2},
        "training": {"epochs": 0, "batch_size": "many", "schedule": "linear"},
    }
    found = problems(config)
    assert {line.partition(":")[0] for line in found} == {
        "sead",
        "dataset.standardise",
        "optimizer.learning_rate",
        "optimizer.momentum",
        "training.epochs",
        "training.batch_size",
        "training.schedule.name",
    }
    assert len(found) == 7


def test_a_long_value_is_shortened() -> None:
    (problem,) = problems(with_iris(training={"epochs": "x" * 1000}))
    assert len(problem) < 150
    assert "..." in problem


# Files.


def file_problem(tmp_path: Path, content: bytes) -> str:
    path = tmp_path / "experiment.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_experiment(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    return message.removeprefix(str(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r": found an empty file, expected keys"),
        (b"# only a comment\n", r": found an empty file, expected keys"),
        (b"- dataset\n", r": found a list, expected keys"),
        (b"dataset", r": found a str, expected keys"),
        (b"dataset: [1, 2", r":1:\d+: not valid YAML: "),
        (b"dataset:\n\tname: iris\n", r":2:1: not valid YAML: found character '\\t'"),
        (b"a: b: c", r":1:5: not valid YAML: mapping values are not allowed here"),
        (
            b"dataset: {name: iris}\nseed: 1\nseed: 2\n",
            r":3:1: not valid YAML: key 'seed' is given twice",
        ),
        (
            b"dataset: {name: iris, name: wine}\n",
            r":1:23: not valid YAML: key 'name' is given twice",
        ),
        (b"? [a]\n: 1\n", r":1:\d+: not valid YAML: found unhashable key"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\xff", r": not a YAML file: found byte 0x89 at position 0"),
        (b"dataset: \x00", r": not valid YAML: "),
        (b"dataset: !!python/object:os.system x\n", r":1:\d+: not valid YAML: could not determine"),
        (b"dataset: !!python/name:os.system\n", r":1:\d+: not valid YAML: could not determine"),
        (b"seed: *anchor\n", r":1:\d+: not valid YAML: found undefined alias"),
        (
            b"dataset: {name: iris}\n---\nseed: 1\n",
            r":2:1: not valid YAML: but found another document",
        ),
        (b"seed: 2026-13-45\n", r": seed: found '2026-13-45'; it should be a valid integer, "),
        (b"[" * 1000, r":1:\d+: not valid YAML: more than 50 sections or lists inside each other"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_place(
    content: bytes, message: str, tmp_path: Path
) -> None:
    found = file_problem(tmp_path, content)
    assert re.match(message, found), found


def test_a_file_that_is_not_there_or_is_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_experiment(tmp_path / "nothing.yaml")
    with pytest.raises(ConfigError, match="cannot be read: it is a folder"):
        load_experiment(tmp_path)


def test_a_problem_in_a_file_is_told_with_the_file(tmp_path: Path) -> None:
    found = file_problem(tmp_path, b"dataset: {name: iris}\noptimizer: {nmae: sgd}\n")
    assert found == ": optimizer.nmae: unknown key; did you mean name?"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001), ("1E-3", 0.001), ("1.e-3", 0.001), ("5e3", 5000.0), ("1e+3", 1000.0),
        ("+1e3", 1000.0), ("-2.5e-4", -0.00025), (".5e1", 5.0), ("0.001", 0.001), ("1", 1),
        ("-7", -7), (".inf", math.inf), ("e3", "e3"), ("1e", "1e"), ("1e3x", "1e3x"),
        ("'1e-3'", "1e-3"), ("true", True), ("null", None), ("[1e-3, 2]", [0.001, 2]),
    ],
)  # fmt: skip
def test_numbers_are_read_as_people_write_them(text: str, value: object) -> None:
    found = parse_yaml(text, "test")
    assert found == value
    assert type(found) is type(value)


@given(number=st.floats(allow_nan=False, allow_infinity=False))
def test_every_way_python_writes_a_number_is_read_as_that_number(number: float) -> None:
    for text in (repr(number), f"{number:e}", f"{number:.17g}", f"{number:E}"):
        assert parse_yaml(text, "test") == float(text)


def test_comments_and_anchors_are_yaml_as_usual(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("dataset: &data {name: iris}  # flowers\nmodel: {hidden_layers: [&n 5, *n]}\n")
    assert load_experiment(path).model.hidden_layers == [5, 5]


# Overrides.


def test_overrides_are_typed_as_in_a_file() -> None:
    assignments = [
        "training.epochs=5", "optimizer.learning_rate=1e-3", "training.shuffle=false",
        "model.hidden_layers=[20, 10]", "training.early_stopping=null", "name=a=b",
        "optimizer={name: sgd}", " seed = 3 ", "device=",
    ]  # fmt: skip
    assert parse_overrides(assignments) == {
        "training.epochs": 5,
        "optimizer.learning_rate": 0.001,
        "training.shuffle": False,
        "model.hidden_layers": [20, 10],
        "training.early_stopping": None,
        "name": "a=b",
        "optimizer": {"name": "sgd"},
        "seed": 3,
        "device": None,
    }


@pytest.mark.parametrize("assignment", ["seed", "=3", "a..b=3", ".a=3", "a.=3", ""])
def test_an_override_that_is_no_assignment_is_refused(assignment: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"--set {assignment}: expected key.path=")):
        parse_overrides([assignment])


def test_an_override_that_is_not_yaml_is_refused_with_its_key() -> None:
    with pytest.raises(ConfigError, match=r"--set model\.hidden_layers:1:\d+: not valid YAML"):
        parse_overrides(["model.hidden_layers=[1, 2"])


def test_overrides_change_what_they_name_and_leave_the_rest() -> None:
    config = with_iris(optimizer={"name": "sgd", "momentum": 0.9}, seed=4)
    experiment = load_experiment(config, {"optimizer.learning_rate": 0.5, "training.epochs": 3})
    assert experiment.optimizer.model_dump() == {
        "name": "sgd", "learning_rate": 0.5, "momentum": 0.9, "nesterov": False,
        "weight_decay": 0.0,
    }  # fmt: skip
    assert (experiment.seed, experiment.training.epochs) == (4, 3)
    assert config == with_iris(optimizer={"name": "sgd", "momentum": 0.9}, seed=4)


def test_sections_in_short_are_written_out_when_one_of_their_keys_is_set() -> None:
    config = with_iris(
        optimizer="adam", training={"schedule": "step"}, model={"initializer": "normal"}
    )
    experiment = load_experiment(
        config,
        {
            "optimizer.beta1": 0.5,
            "training.schedule.gamma": 0.3,
            "model.initializer.scale": 0.2,
            "dataset.validation.fraction": 0.25,
        },
    )
    assert experiment.optimizer.model_dump()["beta1"] == 0.5
    assert experiment.training.schedule.model_dump() == {"name": "step", "epochs": 10, "gamma": 0.3}
    assert experiment.model.initializer.model_dump() == {"name": "normal", "scale": 0.2}
    assert experiment.dataset.model_dump()["validation"] == {"fraction": 0.25, "by": "rows"}


def test_a_key_that_is_set_twice_has_one_value() -> None:
    assert parse_overrides(["seed=1", "training.mixup=1", "seed=01", "training.mixup=1.0"]) == {
        "seed": 1,
        "training.mixup": 1,
    }
    with pytest.raises(ConfigError) as caught:
        parse_overrides(["seed=1", "nonsense", "seed=2", "name=[a", "seed=3"])
    first, second, third = str(caught.value).splitlines()
    assert first.startswith("--set nonsense: expected key.path=value")
    assert second.startswith("--set name:1:3: not valid YAML")
    assert third == "--set seed: found 1 and 2 and 3: give one of them"


def outcome(overrides: dict[str, Any]) -> str:
    """The complete experiment that overrides make, or what is wrong with them."""
    try:
        return dump_yaml(load_experiment(with_iris(optimizer={"name": "sgd"}), overrides))
    except ConfigError as error:
        return "\n".join(sorted(str(error).splitlines()))


OVERRIDES = [
    {"optimizer.learning_rate": 0.5, "optimizer": "sgd"},
    {"optimizer.learning_rate": 0.5, "optimizer": {"name": "adam", "beta1": 0.5}, "seed": 3},
    {"optimizer.name": "adam", "optimizer": {"learning_rate": 0.5}, "optimizer.beta2": 0.9},
    {"optimizer.learning_rate": 0.5, "optimizer": {"name": "adam", "learning_rate": 0.1}},
    {"optimizer.name": "adam", "optimizer": "sgd", "training.epochs": 0},
    {"training.early_stopping": None, "training.early_stopping.patience": 3, "training": {}},
    {"dataset.validation": "none", "dataset.validation.fraction": 0.1},
    {"training.schedule": "step", "training": {"schedule": "cosine"}},
    {"training.schedule.name": 1, "training.schedule": "sgd", "training": {"schedule": "step"}},
    {"training.schedule.gamma": 0.5, "training.schedule": "step", "training": {"epochs": 3}},
    {"model": 5, "model.dropout": 0.1, "model.dropout.x": 3},
    {"seed.x": 1, "seed": 2, "sead": 3},
]


@pytest.mark.parametrize("overrides", OVERRIDES, ids=lambda overrides: ",".join(overrides))
def test_the_order_of_overrides_does_not_matter(overrides: dict[str, Any]) -> None:
    outcomes = {outcome(dict(order)) for order in itertools.permutations(overrides.items())}
    assert len(outcomes) == 1


some_overrides = st.dictionaries(
    st.sampled_from(
        ["optimizer", "optimizer.name", "optimizer.learning_rate", "training", "training.schedule",
         "training.schedule.name", "training.schedule.epochs", "training.epochs", "seed"]
    ),
    st.sampled_from(
        [1, 2, 0.5, "sgd", "adam", "step", "cosine", "none", None, {"name": "adam"},
         {"learning_rate": 0.5}, {"epochs": 2}, {"schedule": "step"}, {"schedule": {"epochs": 1}}]
    ),
    max_size=5,
)  # fmt: skip


@settings(max_examples=200)
@given(overrides=some_overrides, data=st.data())
def test_any_overrides_give_the_same_in_any_order(
    overrides: dict[str, Any], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(list(overrides.items())))
    assert outcome(dict(order)) == outcome(overrides)


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        (OVERRIDES[3], "optimizer.learning_rate: found 0.5, but 0.1 in optimizer: give one of "),
        (OVERRIDES[4], "optimizer.name: found 'adam', but 'sgd' in optimizer: give one of them"),
        (
            OVERRIDES[5],
            "training.early_stopping.patience: found 3, but training.early_stopping is null: give",
        ),
        (OVERRIDES[6], "dataset.validation.fraction: found 0.1, but dataset.validation is 'none'"),
        (OVERRIDES[7], "training.schedule: found 'step', but 'cosine' in training: give one of "),
    ],
)
def test_overrides_that_contradict_each_other_are_named(
    overrides: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_experiment(IRIS, overrides)
    assert f"override {problem}" in str(caught.value)


def test_a_section_that_says_the_same_contradicts_nothing() -> None:
    overrides = {"optimizer": {"name": "sgd", "momentum": 0}, "optimizer.momentum": 0.0}
    assert load_experiment(IRIS, overrides).optimizer.name == "sgd"


def test_problems_of_overrides_and_of_the_config_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        load_experiment(
            with_iris(sead=1, dataset={"name": "isolet", "dir": "a\0"}),
            {"optimizer": "sgd", "optimizer.name": "adam", "training.epochs": 0},
            {"training.epochs": "--epochs: "},
        )
    lines = str(caught.value).splitlines()
    assert [line.partition(": found")[0] for line in lines] == [
        "experiment: dataset.dir",
        "override optimizer.name",
        "--epochs: training.epochs",
        "experiment: sead: unknown key; did you mean seed?",
    ]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("training.threads", 10**9),
        ("training.epochs", 10**30),
        ("training.batch_size", 10**10),
        ("training.evaluate_every", 10**30),
        ("training.schedule", {"name": "step", "epochs": 10**30}),
        ("training.schedule", {"name": "cosine", "warmup_epochs": 10**30}),
        ("training.early_stopping", {"patience": 10**30}),
        ("model.hidden_layers", [1] * 1001),
        ("dataset.validation", {"folds": 10**30, "fold": 0}),
    ],
)
@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_a_count_that_no_machine_can_serve_is_refused(key: str, value: Any, backend: str) -> None:
    (problem,) = [
        line
        for line in problems(with_iris(backend=backend), {key: value, "dataset.name": "iris"})
        if "early_stopping needs" not in line
    ]
    assert re.search(r"it should (be less than or equal to|have at most) \d+", problem)


def test_a_wrong_override_is_told_like_a_wrong_key() -> None:
    for overrides, problem in (
        ({"optimizer.nmae": "sgd"}, "optimizer.nmae: unknown key; did you mean name?"),
        (
            {"training.epochs.x": 1},
            "training.epochs: found {'x': 1}; it should be a valid integer",
        ),
    ):
        with pytest.raises(ConfigError) as caught:
            load_experiment(IRIS, overrides)
        assert str(caught.value).endswith(problem)
        assert len(str(caught.value).splitlines()) == 1


def test_paths_are_relative_to_the_file_and_in_overrides_to_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, here = tmp_path / "configs", tmp_path / "here"
    folder.mkdir()
    here.mkdir()
    monkeypatch.chdir(here)
    path = folder / "a.yaml"
    path.write_text("dataset: {name: csv, path: data/a.csv, test_path: ../b.csv}\n")
    dataset = load_experiment(path).dataset.model_dump()
    assert dataset["path"] == str(folder / "data" / "a.csv")
    assert dataset["test_path"] == str(tmp_path / "b.csv")
    dataset = load_experiment("../configs/a.yaml", {"dataset.path": "c.csv"}).dataset.model_dump()
    assert dataset["path"] == str(here / "c.csv")
    assert dataset["test_path"] == str(tmp_path / "b.csv")
    dataset = load_experiment({"dataset": {"name": "isolet", "dir": "x"}}).dataset.model_dump()
    assert dataset["dir"] == str(here / "x")
    monkeypatch.setenv("HOME", str(tmp_path))
    dataset = load_experiment({"dataset": {"name": "isolet", "dir": "~/x"}}).dataset.model_dump()
    assert dataset["dir"] == str(tmp_path / "x")


@pytest.mark.parametrize("path", ["a\0b", "~nobody-of-that-name/x", "x\ud800"])
def test_a_path_that_can_be_none_is_refused(path: str) -> None:
    with pytest.raises(ConfigError, match=r"dataset\.dir: found .*; it should be a path"):
        load_experiment({"dataset": {"name": "isolet", "dir": path}})


# Round trips.

rates = st.floats(0.0, 0.99)
positive = st.floats(1e-12, 1e6, exclude_min=True)
counts = st.integers(1, 10**9)
letters = st.characters(codec="utf-8", exclude_characters="\0/~")
text = st.text(letters, min_size=1, max_size=10)
file_names = st.text(letters, min_size=1, max_size=10)


def section(name: str, **optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"name": st.just(name)}, optional=optional)


holdout = st.fixed_dictionaries({"fraction": st.floats(0.01, 0.99)})
fold = st.fixed_dictionaries({"folds": st.integers(5, 9), "fold": st.integers(0, 4)})
adam = {"learning_rate": positive, "beta1": rates, "beta2": rates, "epsilon": positive}
configs = st.fixed_dictionaries(
    {
        "dataset": st.one_of(
            section(
                "isolet",
                validation=st.just("none") | holdout | fold,
                dir=file_names,
                verify=st.booleans(),
            ),
            section(
                "digits",
                test=holdout,
                validation=holdout | fold,
                standardize=st.sampled_from([True, False, "global"]),
            ),
            section("xor", standardize=st.booleans()),
            st.fixed_dictionaries(
                {"name": st.just("csv"), "path": file_names},
                optional={
                    "label": text | st.integers(),
                    "delimiter": st.sampled_from(",;\t |:"),
                    "group": st.none() | text | st.integers(0, 9),
                    "test_path": file_names,
                },
            ),
            st.fixed_dictionaries({"name": st.just("openml"), "data_name": text}),
        )
    },
    optional={
        "name": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", fullmatch=True),
        "seed": st.integers(0, 2**200),
        "backend": st.sampled_from(["numpy", "torch"]),
        "device": st.sampled_from(["auto", "cpu"]),
        "model": st.fixed_dictionaries(
            {},
            optional={
                "hidden_layers": st.lists(counts),
                "activation": st.sampled_from(["relu", "sigmoid", "tanh"]),
                "initializer": st.sampled_from(["he", "glorot", "normal"])
                | section("normal", scale=positive),
                "dropout": rates,
                "input_dropout": rates,
            },
        ),
        "optimizer": st.one_of(
            st.sampled_from(["sgd", "adagrad", "rmsprop", "adam", "adamw"]),
            section("sgd", learning_rate=positive, momentum=rates, weight_decay=positive),
            section("adagrad", learning_rate_decay=positive, initial_accumulator=positive),
            section("rmsprop", alpha=rates, momentum=rates, epsilon=positive),
            section("adam", **adam),
            section("adamw", weight_decay=positive, **adam),
        ),
        "training": st.fixed_dictionaries(
            {},
            optional={
                "epochs": counts,
                "batch_size": counts,
                "label_smoothing": rates,
                "dtype": st.sampled_from(["float32", "float64"]),
                "schedule": st.sampled_from(["constant", "step", "cosine", "one_cycle"])
                | section("one_cycle", rise=st.floats(0.01, 0.99)),
                "checkpoint_seconds": positive,
            },
        ),
    },
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(config=configs)
def test_a_complete_config_read_back_is_the_same_experiment(config: dict[str, Any]) -> None:
    experiment = load_experiment(config)
    dumped = dump_yaml(experiment)
    again = load_experiment(parse_yaml(dumped, "dump"))
    assert again == experiment
    assert dump_yaml(again) == dumped
    assert load_experiment(json.loads(experiment.model_dump_json())) == experiment


def test_a_dump_is_complete_and_names_come_first() -> None:
    content = yaml.safe_load(dump_yaml(load_experiment(IRIS)))
    assert list(content) == list(Experiment.model_fields)
    assert list(content["training"]) == list(
        Experiment.model_fields["training"].default.model_dump()
    )
    for part in ("dataset", "optimizer"):
        assert next(iter(content[part])) == "name"
    assert content["training"]["schedule"] == {"name": "constant"}


def test_the_json_schema_describes_the_experiment() -> None:
    schema = json_schema()
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert set(schema["properties"]) == set(Experiment.model_fields)
    assert schema["required"] == ["dataset"]
    assert schema["additionalProperties"] is False
    assert "Seed of everything random" in schema["properties"]["seed"]["description"]


# Garbage never gives anything but a ConfigError.

KEYS = sorted(
    {"name", "scale", "momentum", "fraction", "by", "path", "dir", "label", "group", "schedule",
     "epochs", "early_stopping", "metric", "hidden_layers", "learning_rate", "test", "data_id",
     *Experiment.model_fields}
)  # fmt: skip
WORDS = ["iris", "isolet", "csv", "openml", "xor", "sgd", "adam", "none", "he", "step", "speaker"]
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([*WORDS, *KEYS])
    | st.text(st.characters(exclude_characters="\0~"), max_size=5)
    | st.dates()
    | st.binary(max_size=3)
)
garbage = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS) | st.text(max_size=3) | st.integers() | st.none(),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
garbage_configs = st.dictionaries(
    st.sampled_from(sorted(Experiment.model_fields)) | st.text(max_size=3), garbage, max_size=5
)


def load_or_refuse(config: Any, overrides: dict[str, Any] | None = None) -> None:
    """Load a config that may be right or wrong; only ConfigError may be raised."""
    try:
        experiment = load_experiment(config, overrides)
    except ConfigError as error:
        message = str(error)
    else:
        message = dump_yaml(experiment)
    assert message


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(config=garbage_configs)
@example(config={"dataset": {1: 2}})
@example(config={"dataset": {"name": []}})
@example(config={"dataset": {"name": {"name": "iris"}}})
@example(config={"optimizer": {"name": None, None: "name"}})
@example(config={"dataset": {"name": "isolet", "validation": {"fraction": "x", "y": 1}}})
@example(config={"dataset": {"name": "isolet", "validation": {"fold": "x", 1: 1}}})
def test_any_content_is_an_experiment_or_a_config_error(config: dict[str, Any]) -> None:
    load_or_refuse(config)


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    content=st.binary(max_size=60)
    | st.text(max_size=60).map(str.encode)
    | st.text(st.sampled_from("ab:-[]{}#&*!|>'\"%@`,? \n\t01e.~<="), max_size=60).map(str.encode)
    | garbage_configs.map(lambda value: yaml.dump(value, allow_unicode=True).encode())
)
@example(content=b"a: &a [*a]")
@example(content=b"dataset: &a {name: *a}")
@example(content=b"dataset: {name: iris}\nextra: &a {b: *a}")
@example(content=b"= : 1")
@example(content=b"a: !!binary x")
@example(content=b"a: 1:30\nb: 0x\nc: 0b2\nd: 1__0\ne: 0o8\nf: ._")
def test_any_bytes_are_an_experiment_or_a_config_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    load_or_refuse(path)


@settings(max_examples=100)
@given(path=st.lists(st.sampled_from([*KEYS, "x", "0"]), min_size=1, max_size=4), value=garbage)
def test_any_override_is_accepted_or_a_config_error(path: list[str], value: Any) -> None:
    load_or_refuse(IRIS, {".".join(path): value})


def test_the_schema_offers_the_variants_of_a_section_and_their_names() -> None:
    schema = json_schema()
    optimizer = schema["properties"]["optimizer"]["anyOf"]
    assert {"enum": ["sgd", "adagrad", "rmsprop", "adam", "adamw"], "type": "string"} in optimizer
    assert {"$ref": "#/$defs/AdamW"} in optimizer[0]["oneOf"]


def test_a_value_that_fits_none_of_several_types_is_one_problem() -> None:
    with pytest.raises(ConfigError) as caught:
        load_experiment({"dataset": {"name": "csv", "path": "a.csv", "label": [1]}, "foo": 1})
    first, second = str(caught.value).splitlines()
    assert first == (
        "experiment: dataset.label: found [1]; it should be a valid string, or it should be a "
        "valid integer"
    )
    assert second.startswith("experiment: foo: unknown key; allowed: ")
