"""What a sweep file may say, and what its paths and its ``set`` mean."""

from __future__ import annotations

import datetime
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from isolet_nn.config.yaml_files import dump_yaml
from isolet_nn.errors import ConfigError
from isolet_nn.sweeps.folder import SweepFolder, sweep_config
from isolet_nn.sweeps.grid import make_trials
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.sweep import plan_of, sweep
from sweeps.helpers import (
    EPOCHS,
    HIDDEN,
    IRIS,
    LEARNING_RATE,
    SPACE,
    problem_of,
    trials_of,
    written,
)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"grid": {}}, "grid: found {}"),
        ({"grid": {EPOCHS: []}}, "at least 1 item"),
        ({"grid": {EPOCHS: 3}}, f"grid.{EPOCHS}: found 3"),
        ({"grid": {1: [2]}}, "grid.1: found 1"),
        ({"grid": {LEARNING_RATE: [math.nan]}}, "found nan, which no setting can be"),
        ({"grid": {LEARNING_RATE: [-math.inf]}}, "found -inf, which no setting can be"),
        ({"grid": {"name": [datetime.date(2020, 1, 1)]}}, "which no setting can be"),
        ({"grid": {"optimizer": [{1: 2, "a": 3}]}}, "keys should be text"),
        ({"list": []}, "at least 1 item"),
        ({"list": [{EPOCHS: 3}, 5]}, "list.1: found 5; expected keys and values below it"),
        (
            {"list": [{EPOCHS: 3}], "grid": {EPOCHS: [3]}},
            "only one of grid, list, random and search",
        ),
        ({"grdi": {EPOCHS: [3]}}, "grdi: unknown key; did you mean grid?"),
        ({"set": [1]}, "set: found [1]; expected key paths and values"),
        ({"workers": 0}, "workers"),
        ({"save_models": "bset"}, "did you mean best?"),
        ({"name": "a/b"}, "name: found 'a/b'"),
    ],
)
def test_what_no_sweep_can_be_is_refused_with_where_it_stands(
    keys: dict[str, Any], message: str
) -> None:
    assert message in problem_of(**keys)


def test_a_table_can_be_what_is_varied(tmp_path: Path) -> None:
    (tmp_path / "visits.csv").write_text("x,y\n1,a\n2,b\n", encoding="utf-8")
    path = tmp_path / "depths.yaml"
    path.write_text("experiment: visits.csv\ngrid: {model.hidden_layers: [[], [8]]}\n")
    experiment = load_sweep(path).experiment
    assert experiment["name"] == "visits"
    assert experiment["dataset"]["path"] == str(tmp_path / "visits.csv")
    with pytest.raises(
        ConfigError, match=r"visits.csv: describes one experiment; `isolet-nn train"
    ):
        load_sweep(tmp_path / "visits.csv")


@pytest.mark.parametrize(
    "keys",
    [
        {"grid": {"seed": [1, 2]}},
        {"list": [{"seed": 1}]},
        {"random": {"trials": 1, "space": {"seed": {"choice": [1]}}}},
        {"set": {"seed": 3}},
    ],
)
def test_seeds_are_given_by_the_key_seeds_only(keys: dict[str, Any]) -> None:
    assert "seeds are given by the key `seeds`" in problem_of(**keys)


@pytest.mark.parametrize(
    ("varied", "fixed"),
    [(EPOCHS, EPOCHS), ("training", EPOCHS), ("optimizer.name", "optimizer.name")],
)
def test_what_is_varied_cannot_be_fixed(varied: str, fixed: str) -> None:
    value = {"epochs": 3} if varied == "training" else "sgd" if "name" in varied else 3
    keys = {"experiment": IRIS, "grid": {varied: [value]}}
    with pytest.raises(ConfigError, match=f"override {fixed}: the sweep varies {varied}"):
        load_sweep(keys, {fixed: value})
    with pytest.raises(ConfigError, match=f"set: {fixed}: the sweep varies {varied}"):
        load_sweep({**keys, "set": {fixed: value}})


@pytest.mark.parametrize(
    ("section", "path", "varied", "values"),
    [
        ({"name": "sgd", "learning_rate": 0.1}, "optimizer.learning_rate", LEARNING_RATE, [0.2]),
        ({"name": "sgd"}, "optimizer.name", "optimizer.name", ["adam"]),
        ("sgd", "optimizer", "optimizer.name", ["adam"]),
        ({"schedule": {"name": "step", "gamma": 0.5}}, "optimizer.schedule.gamma",
         "optimizer.schedule", ["cosine"]),
    ],
)  # fmt: skip
def test_what_is_varied_cannot_be_fixed_within_a_section(
    section: Any, path: str, varied: str, values: list[Any]
) -> None:
    keys = {"experiment": IRIS, "grid": {varied: values}}
    with pytest.raises(ConfigError, match=f"override {path}: the sweep varies {varied}"):
        load_sweep(keys, {"optimizer": section})
    with pytest.raises(ConfigError, match=f"set: {path}: the sweep varies {varied}"):
        load_sweep({**keys, "set": {"optimizer": section}})


@pytest.mark.parametrize(
    ("seeds", "in_file"),
    [(1_000_000, 1_000_000), ([0, 1, 2], 3), ([1, 2], [1, 2]), ([1, 0], [1, 0])],
)
def test_seeds_stand_in_the_complete_file_as_short_as_they_can_be_given(
    seeds: Any, in_file: Any
) -> None:
    sweep = load_sweep({"experiment": IRIS, "seeds": seeds})
    content = yaml.safe_load(sweep_config(sweep))
    assert content["seeds"] == in_file
    assert load_sweep(content) == sweep
    assert sweep.model_dump(mode="json")["seeds"] == sweep.seeds


def test_a_sweep_that_could_not_be_read_back_makes_no_folder(tmp_path: Path) -> None:
    config = load_sweep({"experiment": IRIS, "seeds": [*range(1, 200_000)]})
    with pytest.raises(ConfigError, match="sweep: more than 100000 keys and values"):
        SweepFolder.create(tmp_path, config, make_trials(config))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"grid.bogus": [0.1]}, "override grid.bogus: unknown key"),
        ({"grid": {"bogus": [0.1]}}, "override grid.bogus: unknown key"),
        ({"grid.ensemble": [0]}, "override grid.ensemble: found 0"),
        ({"grid.model.hidden_layers": [[0]]}, "override grid.model.hidden_layers.0: found 0"),
        ({"list": [{"ensemble": 0}]}, "override list: ensemble: found 0"),
        ({"list": [{EPOCHS: 3}, {EPOCHS: 3.0}]}, "override list.1: "),
        ({"random": {"trials": 2, "space": {EPOCHS: {"choice": [0, -1]}}}},
         "override random.space.training.epochs: found "),
        ({"random": {"trials": 2, "space": {EPOCHS: {"choice": [1]}}}},
         "override random.trials: found 2"),
        ({"cross_validation": {"folds": 10**9}}, "override cross_validation.folds: 1 setting"),
        ({"cross_validation.folds": 1}, "override cross_validation.folds: found 1"),
        ({"ensemble": 0}, "override ensemble: found 0"),
        ({"grid.seed": [2]}, "override grid.seed: seeds are given"),
        ({"list": [{"seed": 2}]}, "override list: seeds are given"),
        ({"cross_validation.folds": 2, "grid.training.evaluate_test": [True]},
         "override grid.training.evaluate_test: cross_validation decides"),
        ({"cross_validation.folds": 2, "dataset.validation": {"fraction": 0.2}},
         "override experiment.dataset.validation: found {'fraction': 0.2}"),
    ],
)  # fmt: skip
def test_what_is_set_from_outside_is_blamed_and_not_the_file(
    overrides: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        make_trials(load_sweep({"experiment": IRIS}, overrides))
    for line in str(caught.value).splitlines():
        assert line.startswith(message)


def test_a_second_source_of_settings_set_from_outside_is_blamed() -> None:
    with pytest.raises(ConfigError) as caught:
        load_sweep({"experiment": IRIS, "grid": {EPOCHS: [1]}}, {"list": [{EPOCHS: 2}]})
    assert str(caught.value) == "override list: give only one of grid, list, random and search"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"plot.y": "bogus"}, "override plot.y: found bogus"),
        ({"plot.y": None}, "override plot: kind: heatmap needs y"),
        ({"plot.kind": "boxplot"}, "override plot: kind: boxplot has no y"),
        ({"plot.x": EPOCHS, "plot.kind": "line", "plot.panels": EPOCHS}, "override plot: panels"),
        ({"plot.value": "train_loss", "plot.y": None}, "override plot: kind: heatmap needs y"),
        ({"optimizer.name": "sgd", "optimizer.nesterov": True}, "override optimizer: nesterov"),
    ],
)
def test_so_is_a_rule_that_is_broken_within_a_section(
    overrides: dict[str, Any], message: str
) -> None:
    plot = {"kind": "heatmap", "x": EPOCHS, "y": "seed"}
    with pytest.raises(ConfigError, match=f"^{message}"):
        load_sweep({"experiment": IRIS, "grid": {EPOCHS: [1, 2]}, "plot": plot}, overrides)


def test_a_rule_broken_in_one_of_several_plots_names_that_one() -> None:
    plots = [{"kind": "line", "x": EPOCHS}, {"kind": "heatmap", "x": EPOCHS}]
    content = {"experiment": IRIS, "grid": {EPOCHS: [1, 2]}, "plot": plots}
    with pytest.raises(ConfigError, match=r"^sweep: plot\.1: kind: heatmap needs y$"):
        load_sweep(content)
    with pytest.raises(ConfigError, match=r"^override plot\.0: kind: heatmap needs y"):
        load_sweep(content, {"plot.0.kind": "heatmap", "plot.1.y": "seed"})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model.hidden_layers", [10**6, 10**6]),
        ("ensemble", 10**9),
        ("training.batch_size", 10**9),
    ],
)
def test_so_is_what_no_memory_holds(tmp_path: Path, key: str, value: object) -> None:
    content = {"experiment": {**IRIS, "ensemble": 10**7}}
    large = load_sweep(content, {key: value})
    with pytest.raises(ConfigError, match=rf"^override {key}: hidden layers \["):
        sweep(large, runs_dir=tmp_path)


@pytest.mark.parametrize("key", ["training.batch_size", "grid.training.batch_size"])
def test_a_size_of_batches_set_from_outside_is_blamed_where_the_data_tells(key: str) -> None:
    size = [1] if "grid" in key else 1
    config = load_sweep(
        {"experiment": {**IRIS, "model": {"batch_normalization": True}}}, {key: size}
    )
    with pytest.raises(ConfigError, match=f"^override {key}: found 1, which leaves a batch of one"):
        plan_of(config)


def test_under_folds_a_section_cannot_have_the_test_split_evaluated() -> None:
    keys = {"experiment": IRIS, "cross_validation": {"folds": 2}}
    with pytest.raises(ConfigError, match=r"set: training\.evaluate_test: found true; cross"):
        load_sweep({**keys, "set": {"training": {"evaluate_test": True}}})


def test_what_some_settings_of_a_list_leave_open_can_be_fixed_for_these() -> None:
    trials = make_trials(
        load_sweep(
            {
                "experiment": {"dataset": {"name": "iris"}},
                "set": {"training.epochs": 7, "training.batch_size": 16},
                "list": [{"training.epochs": 3}, {"model.dropout": 0.2}],
            },
            {"model.dropout": 0.1},
        )
    )
    first, second = trials.make_experiment(0), trials.make_experiment(1)
    assert (first.training.epochs, second.training.epochs) == (3, 7)
    assert (first.model.dropout, second.model.dropout) == (0.1, 0.2)
    assert first.training.batch_size == second.training.batch_size == 16


def test_a_section_can_be_fixed_while_one_of_its_keys_is_varied() -> None:
    trials = trials_of(
        set={"optimizer": {"name": "sgd", "momentum": 0.5}}, grid={LEARNING_RATE: [0.1, 0.2]}
    )
    optimizers = [trials.make_experiment(number).optimizer for number in range(2)]
    assert [o.model_dump()["momentum"] for o in optimizers] == [0.5, 0.5]


def test_set_on_the_command_line_wins_over_the_files_own_set() -> None:
    sweep = load_sweep({"experiment": IRIS, "set": {EPOCHS: 3, "backend": "torch"}}, {EPOCHS: 9})
    experiment = make_trials(sweep).make_experiment(0)
    assert (experiment.training.epochs, experiment.backend) == (9, "torch")


def test_experiments_are_found_beside_the_sweep_inside_it_or_by_their_shipped_name(
    tmp_path: Path,
) -> None:
    written(tmp_path, "base/iris.yaml", "dataset: {name: iris}\nmodel: {hidden_layers: [9]}\n")
    beside = written(
        tmp_path,
        "sweeps/a.yaml",
        "experiment: ../base/iris.yaml\ngrid: {training.epochs: [1, 2]}\n",
    )
    shipped = written(tmp_path, "sweeps/b.yaml", "experiment: quickstart\nseeds: 2\n")
    inline = written(
        tmp_path,
        "sweeps/c.yaml",
        "experiment: {dataset: {name: wine}}\nset: {training.epochs: 3}\n",
    )
    assert make_trials(load_sweep(beside)).make_experiment(1).model.hidden_layers == [9]
    assert len(make_trials(load_sweep(shipped))) == 2
    experiment = make_trials(load_sweep(inline)).make_experiment(0)
    assert (experiment.dataset.name, experiment.training.epochs) == ("wine", 3)


def test_an_experiment_that_is_nowhere_is_named_with_the_nearest(tmp_path: Path) -> None:
    path = written(tmp_path, "a.yaml", "experiment: quickstrat\n")
    with pytest.raises(ConfigError, match="did you mean quickstart"):
        load_sweep(path)
    with pytest.raises(ConfigError, match="experiment: found nothing; expected a file"):
        load_sweep(written(tmp_path, "b.yaml", "seeds: 3\n"))


def test_paths_of_data_are_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    table = "a,b,c\n1,2,x\n2,1,y\n1,3,x\n3,1,y\n"
    for name in ("base/a.csv", "sweeps/b.csv", "sweeps/c.csv"):
        written(tmp_path, name, table)
    written(tmp_path, "base/csv.yaml", "dataset: {name: csv, path: a.csv}\n")
    plain = written(tmp_path, "sweeps/1.yaml", "experiment: ../base/csv.yaml\n")
    fixed = written(
        tmp_path, "sweeps/2.yaml", "experiment: ../base/csv.yaml\nset: {dataset.path: b.csv}\n"
    )
    varied = [
        "grid: {dataset.path: [b.csv, c.csv]}",
        "grid: {dataset: [{name: csv, path: b.csv}, {name: csv, path: c.csv}]}",
        "list: [{dataset.path: b.csv}, {dataset.path: c.csv}]",
        "random: {trials: 2, space: {dataset.path: {choice: [b.csv, c.csv]}}}",
    ]

    def paths(file: Path) -> set[str]:
        trials = make_trials(load_sweep(file))
        contents = [trials.make_experiment(number).dataset for number in range(len(trials))]
        return {dataset.model_dump()["path"] for dataset in contents}

    assert paths(plain) == {str(tmp_path / "base/a.csv")}
    assert paths(fixed) == {str(tmp_path / "sweeps/b.csv")}
    for number, keys in enumerate(varied):
        file = written(
            tmp_path, f"sweeps/v{number}.yaml", f"experiment: ../base/csv.yaml\n{keys}\n"
        )
        assert paths(file) == {str(tmp_path / "sweeps/b.csv"), str(tmp_path / "sweeps/c.csv")}


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"seeds": [4, 1]},
        {"grid": {"optimizer.name": ["sgd", "adagrad", "rmsprop", "adam"]}},
        {"grid": {"training.schedule.name": ["constant", "cosine", "one_cycle", "step"]}},
        {"grid": {"model.initializer.name": ["he", "normal"]}},
        {"grid": {"dataset.name": ["iris", "wine"]}},
        {"grid": {"name": ["a", "b"], "backend": ["numpy", "torch"]}},
        {"grid": {"optimizer": ["sgd", {"name": "adam"}], LEARNING_RATE: [1e-5, 1, 0.1 + 0.2]}},
        {"list": [{HIDDEN: []}, {HIDDEN: [3, 4], EPOCHS: 2}, {"training": {"epochs": 2}}]},
        {"random": {"trials": 9, "seed": 3, "space": SPACE}, "seeds": 2},
        {"set": {"optimizer": "sgd"}, "plot": {"kind": "boxplot", "x": "seed"}},
    ],
)
def test_the_complete_sweep_file_read_back_has_the_same_trials(
    tmp_path: Path, keys: dict[str, Any]
) -> None:
    sweep = load_sweep({"experiment": IRIS, **keys})
    first = written(tmp_path, "1.yaml", dump_yaml(sweep))
    again = load_sweep(first)
    assert dump_yaml(again) == first.read_text(encoding="utf-8")
    trials, trials_again = make_trials(sweep), make_trials(again)
    assert len(trials) == len(trials_again)
    for number in range(len(trials)):
        assert trials.make_experiment(number) == trials_again.make_experiment(number)
        assert trials.setting(number // len(trials.seeds)) == trials_again.setting(
            number // len(trials.seeds)
        )


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        (
            {"experiment": "quickstrat", "cross_validation": {"folds": 3}},
            [
                "sweep: experiment: quickstrat: no such file, and no shipped config; did you mean "
                "quickstart? `isolet-nn configs` lists the shipped ones"
            ],
        ),
        (
            {"experiment": {**IRIS, "training": 5}, "cross_validation": {"folds": 3}},
            [
                "sweep: experiment: training.evaluate_test: training is 5, which can only be set "
                "as a whole",
                "sweep: experiment: training: found 5; expected keys and values below it",
            ],
        ),
        (
            {"experiment": IRIS, "grid": {EPOCHS: [math.nan, math.nan]}},
            [f"sweep: grid.{EPOCHS}: found nan, which no setting can be"],
        ),
        (
            {"experiment": IRIS, "seeds": [1, 1], "grid": {"dataset.path": ["a\0"]}},
            ["sweep: seeds: a seed is given twice"],
        ),
    ],
)
def test_each_problem_of_a_sweep_is_told_once_and_none_that_there_is_not(
    content: dict[str, Any], problems: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_sweep(content)
    assert [str(problem) for problem in caught.value.problems][: len(problems)] == problems
    assert str(caught.value).splitlines() == [str(problem) for problem in caught.value.problems]


def test_a_varied_path_that_can_be_none_is_refused_with_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, "a.yaml", 'experiment: quickstart\ngrid: {dataset.dir: ["a\\0"]}\n')
    with pytest.raises(ConfigError, match=r"a\.yaml: dataset\.dir: found .*; it should be a path"):
        load_sweep(file)
