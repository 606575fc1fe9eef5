"""Overrides by key path, and what paths in a config are relative to."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.helpers import IRIS, problems, with_iris
from isolet_nn.config.loading import load_experiment, parse_overrides
from isolet_nn.config.yaml_files import dump_yaml
from isolet_nn.errors import ConfigError


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


def test_a_colon_without_a_space_is_told() -> None:
    with pytest.raises(ConfigError, match=r"a space follows the colon: \{b: 3\}"):
        parse_overrides(["training.class_weight={a: 1, b:3}"])


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
