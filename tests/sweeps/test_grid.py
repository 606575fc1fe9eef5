"""From a sweep to the table of its trials."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isolet_nn.config.yaml_files import dump_yaml
from isolet_nn.errors import ConfigError
from isolet_nn.sweeps.grid import make_trials
from isolet_nn.sweeps.loading import load_sweep
from sweeps.helpers import (
    EPOCHS,
    HIDDEN,
    IRIS,
    LEARNING_RATE,
    permuted,
    problem_of,
    settings_of,
    trials_of,
    written,
)


def test_a_grid_has_all_combinations_the_last_key_varying_fastest() -> None:
    trials = trials_of(grid={HIDDEN: [[3], []], LEARNING_RATE: [0.1, 0.01, 1]})
    pairs = [(setting[HIDDEN], setting[LEARNING_RATE]) for setting in settings_of(trials)]
    assert pairs == [([3], 0.1), ([3], 0.01), ([3], 1), ([], 0.1), ([], 0.01), ([], 1)]


def test_every_setting_has_all_seeds_before_the_next_setting() -> None:
    trials = trials_of(grid={LEARNING_RATE: [0.1, 0.2]}, seeds=[5, 3])
    found = [(e.optimizer.learning_rate, e.seed) for e in map(trials.make_experiment, range(4))]
    assert found == [(0.1, 5), (0.1, 3), (0.2, 5), (0.2, 3)]
    assert len(trials) == 4


def test_seeds_may_be_a_number() -> None:
    assert trials_of(seeds=3).seeds == (0, 1, 2)
    assert trials_of().seeds == (0,)


@pytest.mark.parametrize("seeds", [0, -1, True, [], [-1], [1.5], "two", [1, 2, 1]])
def test_seeds_that_are_none_are_refused(seeds: Any) -> None:
    assert "seeds" in problem_of(seeds=seeds)


def test_a_list_changes_settings_together_and_leaves_others_as_they_are() -> None:
    trials = trials_of(
        list=[
            {HIDDEN: [3], EPOCHS: 4},
            {EPOCHS: 6},
            {"optimizer": {"name": "sgd", "momentum": 0.5}},
        ]
    )
    experiments = [trials.make_experiment(number) for number in range(3)]
    assert [e.model.hidden_layers for e in experiments] == [[3], [5], [5]]
    assert [e.training.epochs for e in experiments] == [4, 6, 20]
    assert [e.optimizer.name for e in experiments] == ["adam", "adam", "sgd"]
    assert trials.value(1, HIDDEN) == [5]
    assert [trials.epochs(number, e) for number, e in enumerate(experiments)] == [4, 6, 20]


def test_epochs_are_those_of_a_whole_section_too() -> None:
    settings = [
        {"training": {"epochs": 3}},
        {EPOCHS: 5},
        {"training": {"batch_size": 3}, EPOCHS: 7},
        {"training": {"batch_size": 9}},
    ]
    trials = trials_of(list=settings)
    experiments = [trials.make_experiment(number) for number in range(4)]
    assert [e.training.epochs for e in experiments] == [3, 5, 7, 20]
    assert [trials.epochs(number, e) for number, e in enumerate(experiments)] == [3, 5, 7, 20]


def test_a_grid_over_optimizer_names_gives_each_its_own_defaults() -> None:
    names = ["sgd", "adagrad", "rmsprop", "adam"]
    trials = trials_of(grid={"optimizer.name": names})
    optimizers = [trials.make_experiment(number).optimizer for number in range(4)]
    assert [optimizer.name for optimizer in optimizers] == names
    assert [optimizer.learning_rate for optimizer in optimizers] == [0.01, 0.01, 0.01, 0.001]


def test_a_name_keeps_what_the_experiment_says_of_its_section() -> None:
    experiment = {**IRIS, "optimizer": {"name": "sgd", "learning_rate": 0.25}}
    trials = trials_of(experiment, grid={"optimizer.name": ["adam", "sgd"]})
    assert [trials.make_experiment(n).optimizer.learning_rate for n in range(2)] == [0.25, 0.25]


def test_a_name_that_does_not_go_with_the_section_is_refused() -> None:
    experiment = {**IRIS, "optimizer": {"name": "sgd", "momentum": 0.5}}
    problem = problem_of(experiment, grid={"optimizer.name": ["sgd", "adam"]})
    assert "optimizer.momentum: unknown key" in problem
    assert 'optimizer.name="adam"' in problem


def test_whole_sections_and_short_forms_can_be_varied_and_refined() -> None:
    trials = trials_of(
        grid={"optimizer": ["sgd", {"name": "adam", "beta1": 0.5}], LEARNING_RATE: [0.1, 0.2]}
    )
    optimizers = [trials.make_experiment(number).optimizer for number in range(4)]
    assert [(o.name, o.learning_rate) for o in optimizers] == [
        ("sgd", 0.1),
        ("sgd", 0.2),
        ("adam", 0.1),
        ("adam", 0.2),
    ]


def test_a_section_does_not_undo_its_keys_whichever_stands_first() -> None:
    trials = trials_of(grid={LEARNING_RATE: [0.1, 0.2], "optimizer": ["sgd", "adam"]})
    optimizers = [trials.make_experiment(number).optimizer for number in range(4)]
    assert [(o.name, o.learning_rate) for o in optimizers] == [
        ("sgd", 0.1),
        ("adam", 0.1),
        ("sgd", 0.2),
        ("adam", 0.2),
    ]


def test_all_problems_are_listed_each_with_a_setting_that_has_it() -> None:
    problem = problem_of(
        grid={
            EPOCHS: [0, 5],
            "model.dropout": [0.5, 2.0],
            "model.activaton": ["relu"],
            "optimizer.nmae": ["sgd"],
        }
    )
    assert "model.activaton: unknown key; did you mean activation?" in problem
    assert "optimizer.nmae" in problem
    assert "did you mean name?" in problem
    assert "training.epochs: found 0; it should be greater than or equal to 1" in problem
    assert "model.dropout: found 2.0; it should be less than 1" in problem
    assert f"with {EPOCHS}=5, model.dropout=2.0" not in problem
    assert len(problem.splitlines()) == 4


@pytest.mark.parametrize("more", [{}, {"cross_validation": {"folds": 3}}])
def test_trials_are_not_inspected(more: dict[str, Any]) -> None:
    inspected = {**IRIS, "training": {"inspect": True}}
    problem = problem_of(inspected, grid={EPOCHS: [1, 2]}, **more)
    assert "training.inspect: trials of a sweep have no inspection.csv" in problem
    assert "isolet-nn train --inspect" in problem
    assert len(problem.splitlines()) == 1


def test_a_combination_that_makes_no_experiment_is_refused_with_its_setting() -> None:
    problem = problem_of(
        grid={
            "training.early_stopping": [None, {"patience": 2}],
            "dataset.validation": ["none", {"fraction": 0.2}],
        }
    )
    (line,) = problem.splitlines()
    assert "training.early_stopping needs a validation split" in line
    assert 'training.early_stopping={"patience": 2}, dataset.validation="none"' in line


SETTINGS: list[dict[str, list[Any]]] = [
    {"optimizer": ["sgd", {"name": "adam", "beta1": 0.5}], LEARNING_RATE: [0.1, 0.2], EPOCHS: [3]},
    {"optimizer.name": ["adam"], "optimizer": [{"learning_rate": 0.5}], "optimizer.beta2": [0.9]},
    {"optimizer": ["sgd", {"name": "sgd", "learning_rate": 0.5}], LEARNING_RATE: [0.1]},
    {"training.early_stopping": [None], "training.early_stopping.patience": [3]},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_order_of_keys_decides_about_no_setting(settings: dict[str, list[Any]]) -> None:
    def outcome(**keys: Any) -> Any:
        try:
            trials = trials_of(**keys)
        except ConfigError as error:
            return sorted(re.sub(r" \(with .*", "", line) for line in str(error).splitlines())
        return sorted(dump_yaml(trials.make_experiment(trial)) for trial in range(len(trials)))

    first = {key: values[-1] for key, values in settings.items()}
    space = {key: {"choice": values} for key, values in settings.items()}
    for vary in (
        lambda: ({"grid": grid} for grid in permuted(settings)),
        lambda: ({"list": [setting]} for setting in permuted(first)),
        lambda: ({"set": fixed} for fixed in permuted(first)),
        lambda: ({"random": {"trials": 1, "space": keys}} for keys in permuted(space)),
    ):
        outcomes = [outcome(**keys) for keys in vary()]
        assert all(other == outcomes[0] for other in outcomes)


def test_a_setting_that_contradicts_itself_is_refused_with_both() -> None:
    problem = problem_of(grid=SETTINGS[2])
    assert problem == (
        "sweep: optimizer.learning_rate: found 0.1, but 0.5 in optimizer: give one of them "
        '(with optimizer={"learning_rate": 0.5, "name": "sgd"}, optimizer.learning_rate=0.1)'
    )


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"grid": {f"optimizer.x{n}": [*range(1000)] for n in range(30)}},
            "grid: its combinations are 1000000000000000000000000000000",
        ),
        ({"seeds": [*range(1001)], "grid": {EPOCHS: [*range(10_000)]}}, "10010000 trials; at most"),
        ({"cross_validation": {"folds": 10**8}}, "make 100000000 trials; at most 10000000 are"),
        (
            {"random": {"trials": 10**12, "space": {EPOCHS: {"integers": [1, 9]}}}},
            "random.trials: found 1000000000000; it should be less than or equal to 1000000",
        ),
        (
            {"workers": 10**9},
            "workers: found 1000000000; allowed: auto, or it should be less than or equal to 1024",
        ),
    ],
)
def test_a_sweep_that_could_never_end_is_refused_before_it_is_made(
    keys: dict[str, Any], message: str
) -> None:
    assert message in problem_of(**keys)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"grid": {LEARNING_RATE: [0.1, 0.2, 0.1]}}, f"grid.{LEARNING_RATE}: 0.1 is given twice"),
        ({"grid": {HIDDEN: [[3], [3]]}}, f"grid.{HIDDEN}: [3] is given twice"),
        ({"grid": {LEARNING_RATE: [1, 1.0]}}, f"grid.{LEARNING_RATE}: 1.0 is given twice"),
        (
            {"list": [{LEARNING_RATE: 1.0}, {LEARNING_RATE: 1}]},
            f'list.1: {{"{LEARNING_RATE}": 1}} is given twice',
        ),
        ({"list": [{EPOCHS: 3}, {}, {EPOCHS: 3}]}, 'list.2: {"training.epochs": 3} is given twice'),
        ({"list": [{}, {}]}, "list.1: {} is given twice"),
        (
            {"grid": {"optimizer": ["adam", {"name": "adam"}], HIDDEN: [[3], [4]]}},
            'grid.optimizer: {"name": "adam"} makes the same experiment as "adam"; leave one of '
            "them out",
        ),
        (
            {"grid": {"optimizer": ["adam", {"name": "adam", "epsilon": 1e-8}]}},
            'grid.optimizer: {"epsilon": 1e-08, "name": "adam"} makes the same experiment as '
            '"adam"; leave one of them out',
        ),
        (
            {"grid": {"training.schedule": [{"name": "step", "gamma": 0.1}, "step"]}},
            'grid.training.schedule: "step" makes the same experiment as {"gamma": 0.1, "name": '
            '"step"}; leave one of them out',
        ),
        (
            {"grid": {"optimizer.weight_decay": [0, -0.0]}},
            "grid.optimizer.weight_decay: -0.0 is given twice",
        ),
        (
            {"grid": {"dataset.validation": [{"fraction": 0.1}, {"fraction": 0.1, "by": "rows"}]}},
            'grid.dataset.validation: {"by": "rows", "fraction": 0.1} makes the same experiment '
            'as {"fraction": 0.1}; leave one of them out',
        ),
        (
            {"list": [{}, {LEARNING_RATE: 0.001}]},
            'list.1: {"optimizer.learning_rate": 0.001} makes the same experiment as list.0: {}; '
            "leave one of them out",
        ),
        (
            {"list": [{"optimizer": "sgd"}, {"optimizer.name": "sgd"}]},
            'list.1: {"optimizer.name": "sgd"} makes the same experiment as list.0: '
            '{"optimizer": "sgd"}; leave one of them out',
        ),
        (
            {
                "list": [
                    {"optimizer": {"name": "sgd", "momentum": 0.5}},
                    {"optimizer": "sgd", "optimizer.momentum": 0.5},
                ]
            },
            'list.1: {"optimizer": "sgd", "optimizer.momentum": 0.5} makes the same experiment as '
            'list.0: {"optimizer": {"momentum": 0.5, "name": "sgd"}}; leave one of them out',
        ),
    ],
)
def test_duplicates_are_refused(keys: dict[str, Any], message: str) -> None:
    assert problem_of(**keys) == f"sweep: {message}"


def test_axes_of_plots_are_varied_keys() -> None:
    plot = {"kind": "heatmap", "x": "training.epoch", "y": "seed"}
    assert "did you mean training.epochs?" in problem_of(grid={EPOCHS: [1, 2]}, plot=plot)


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({"grid": {HIDDEN: [[3], [4]]}}, "[3]"),
        ({"grid": {HIDDEN: ["none"]}, "list": None}, '"none"'),
    ],
)
def test_a_line_needs_numbers_on_its_axis(keys: dict[str, Any], found: str) -> None:
    plot = {"kind": "line", "x": HIDDEN}
    if found == "[3]":
        assert f"a line needs numbers, and {HIDDEN} is [3]" in problem_of(**keys, plot=plot)
    else:
        assert f"{HIDDEN}: found 'none'" in problem_of(**keys, plot=plot)


def test_a_line_needs_numbers_in_settings_that_do_not_set_its_axis_too() -> None:
    experiment = {"dataset": {"name": "iris", "split_seed": None}}
    settings = [{"dataset.split_seed": 3}, {"dataset.standardize": False}]
    plot = {"kind": "line", "x": "dataset.split_seed"}
    assert "is null" in problem_of(experiment, list=settings, plot=plot)
    assert len(trials_of(experiment, list=settings[:1], plot=plot)) == 1


def test_one_file_named_by_two_paths_is_one_setting(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,class\n1,a\n2,b\n", encoding="utf-8")
    (tmp_path / "b.csv").symlink_to("a.csv")
    dataset = {"name": "csv", "path": "a.csv"}
    for other in ("./a.csv", "../" + tmp_path.name + "/a.csv", str(tmp_path / "a.csv"), "b.csv"):
        sweep = {"experiment": {"dataset": dataset}, "grid": {"dataset.path": ["a.csv", other]}}
        path = written(tmp_path, "sweep.yaml", json.dumps(sweep))
        with pytest.raises(ConfigError, match=r"grid\.dataset\.path: .* is given twice"):
            make_trials(load_sweep(path))


def test_one_value_in_two_spellings_stands_at_one_place_of_an_axis() -> None:
    settings = [
        {"optimizer": "sgd", EPOCHS: 1},
        {"optimizer": {"name": "sgd", "momentum": 0.0}, EPOCHS: 2},
        {EPOCHS: 3},
        {"optimizer": {"name": "adam", "beta1": 0.9}, EPOCHS: 4},
    ]
    values, places = trials_of(list=settings).different_values("optimizer")
    assert values == ["sgd", {"name": "adam", "beta1": 0.9}]
    assert places.tolist() == [0, 0, 1, 1]


@given(st.data())
def test_numbers_mean_the_same_trials_whatever_else_a_sweep_says(data: st.DataObject) -> None:
    rates = data.draw(st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=4, unique=True))
    epochs = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True))
    seeds = data.draw(st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True))
    trials = trials_of(grid={LEARNING_RATE: rates, EPOCHS: epochs}, seeds=seeds, workers=7)
    expected = [(rate, n, seed) for rate in rates for n in epochs for seed in seeds]
    found = [
        (trials.value(t, LEARNING_RATE), trials.value(t, EPOCHS), trials.value(t, "seed"))
        for t in range(len(trials))
    ]
    assert found == expected
    content = trials.content(len(trials) - 1)
    assert json.loads(json.dumps(content))["seed"] == seeds[-1]
