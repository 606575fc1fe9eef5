"""Models against each other on one test set: the counts, the words, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from isolet_nn import Run, evaluate, train
from isolet_nn.cli.app import app
from isolet_nn.config.loading import load_experiment
from isolet_nn.errors import RunError
from isolet_nn.results.duels import Duel, compare_answers
from isolet_nn.scores.statistics import McNemar
from isolet_nn.terminal.comparisons import print_duels

EXPERIMENT = {
    "dataset": {"name": "digits", "split_seed": 0},
    "model": {"hidden_layers": [16]},
    "optimizer": {"name": "adam", "learning_rate": 0.01},
    "training": {"epochs": 3, "batch_size": 64},
}


def make_run(folder: Path, **changes: Any) -> Run:
    overrides = {key.replace("__", "."): value for key, value in changes.items()}
    return train(load_experiment(EXPERIMENT, overrides), runs_dir=folder)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("duels")
    return {
        "usual": make_run(folder),
        "other": make_run(folder, seed=1),
        "poor": make_run(folder, training__epochs=1, model__hidden_layers=[2]),
        "split anew": make_run(folder, seed=1, dataset__split_seed=None, training__epochs=1),
        "wine": make_run(folder, dataset={"name": "wine"}, training__epochs=1),
    }


def chosen(runs: dict[str, Run], *names: str) -> dict[str, Run]:
    return {name: runs[name] for name in names}


def test_each_two_models_are_counted_row_by_row(runs: dict[str, Run]) -> None:
    three = chosen(runs, "usual", "other", "poor")
    right = {name: evaluate(run).right for name, run in three.items()}
    duels = compare_answers(three)
    assert [(duel.first, duel.second) for duel in duels] == [
        ("usual", "other"),
        ("usual", "poor"),
        ("other", "poor"),
    ]
    for duel in duels:
        first, second = right[duel.first], right[duel.second]
        assert duel.n == len(first)
        assert duel.result.only_first == np.count_nonzero(first > second)
        assert duel.result.only_second == np.count_nonzero(first < second)
        gap = evaluate(runs[duel.first]).accuracy - evaluate(runs[duel.second]).accuracy
        difference = (duel.result.only_first - duel.result.only_second) / duel.n
        assert difference == pytest.approx(gap)
    assert duels[1].result.p_value < 1e-6


def test_a_model_and_its_copy_do_not_differ(runs: dict[str, Run], tmp_path: Path) -> None:
    copy = Run.open(shutil.copytree(runs["usual"].path, tmp_path / "copy"))
    (duel,) = compare_answers({"a": runs["usual"], "b": copy})
    assert duel.result == McNemar(0, 0, 1.0)


def test_other_data_is_refused(runs: dict[str, Run]) -> None:
    with pytest.raises(RunError, match=r"usual and wine: cannot be tested .* the data differs"):
        compare_answers(chosen(runs, "usual", "wine"))


def test_other_test_rows_of_the_same_data_are_refused(runs: dict[str, Run]) -> None:
    assert runs["usual"].data_checksum == runs["split anew"].data_checksum
    with pytest.raises(RunError, match=r"not the same rows; train both .*split_seed"):
        compare_answers(chosen(runs, "usual", "split anew"))


def test_a_run_without_a_model_is_refused(runs: dict[str, Run], tmp_path: Path) -> None:
    copy = Run.open(shutil.copytree(runs["usual"].path, tmp_path / "copy"))
    (copy.path / "model.safetensors").unlink()
    with pytest.raises(RunError, match=r"model\.safetensors: no such file"):
        compare_answers({"a": runs["usual"], "b": copy})


@pytest.mark.parametrize(
    ("result", "verdict"),
    [
        (McNemar(9, 51, 3.1e-8), "p = 3.1e-08: b is better, at the level of 5 %"),
        (McNemar(30, 9, 0.001), "p = 0.001: a is better, at the level of 5 %"),
        (McNemar(27, 42, 0.0911), "p = 0.091: the difference may well be chance"),
    ],
)
def test_the_result_is_said_in_words(
    result: McNemar, verdict: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_duels([Duel("a", "b", 1559, result, result.p_value)])
    assert capsys.readouterr().out == (
        f"McNemar's test on 1559 test rows: only a is right in {result.only_first}, "
        f"only b in {result.only_second}; {verdict}\n"
    )


def test_several_tests_are_corrected_for_their_number(
    runs: dict[str, Run], capsys: pytest.CaptureFixture[str]
) -> None:
    duels = compare_answers(chosen(runs, "usual", "other", "poor"))
    p_values = sorted(duel.result.p_value for duel in duels)
    assert min(duel.p_holm for duel in duels) == pytest.approx(3 * p_values[0])
    assert max(duel.p_holm for duel in duels) >= p_values[-1]
    print_duels([Duel("a", "b", 9, McNemar(0, 6, 0.03), 0.09)] * 3)
    said = capsys.readouterr().out
    assert "p = 0.03, corrected for 3 tests by Holm 0.09: the difference may well be chance" in said
    print_duels([])
    assert capsys.readouterr().out == ""


def run_command(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["compare", *map(str, arguments)])


def test_the_command_tests_only_when_asked(runs: dict[str, Run], tmp_path: Path) -> None:
    folders = runs["usual"].path, runs["poor"].path, "-o", tmp_path / "picture.png"
    assert "McNemar" not in run_command(*folders).stdout
    assert "tests" not in json.loads(run_command(*folders, "--json").stdout)
    printed = run_command(*folders, "--test").stdout
    assert f"{runs['usual'].path.name} is better, at the level of 5 %" in printed
    (duel,) = compare_answers({run.path.name: run for run in (runs["usual"], runs["poor"])})
    content = json.loads(run_command(*folders, "--test", "--json").stdout)
    assert content["tests"] == [duel.to_json()]
    assert set(duel.to_json()) == {
        "first",
        "second",
        "n",
        "only_first",
        "only_second",
        "p_value",
        "p_holm",
    }


def test_the_folder_of_the_data_is_for_the_test_alone(runs: dict[str, Run], tmp_path: Path) -> None:
    result = run_command(runs["usual"].path, runs["poor"].path, "--data-dir", tmp_path)
    assert "--data-dir goes with --test" in str(result.exception)
