"""Carrying out and resuming: nothing is trained twice, and an interruption changes no answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from needs import in_full
from sweeps.helpers import stop_after

from baselines.helpers import FITS, begin_small, go_on_with, known_of
from isolet_nn.baselines import run
from isolet_nn.baselines.learners import experiment_of
from isolet_nn.errors import ConfigError, RunError
from isolet_nn.runs.status_file import read_status


def test_a_comparison_leaves_its_tables_and_its_page_in_one_folder(whole: Path) -> None:
    assert read_status(whole).status == "completed"
    left = {path.name for path in whole.iterdir()}
    assert {"baselines.csv", "baselines.md", "baselines.tex", "candidates.csv"} < left
    assert {"errors.csv", "index.html", "environment.json", "baselines.yaml", "fits"} < left


def test_what_is_finished_is_not_trained_again(whole: Path) -> None:
    before = known_of(whole)
    assert go_on_with(whole) == []
    assert known_of(whole) == before


@pytest.mark.parametrize("fits", in_full(few=(6,), many=range(FITS)))
def test_an_interrupted_comparison_ends_as_if_nothing_had_happened(
    fits: int, whole: Path, tmp_path: Path
) -> None:
    folder = begin_small(tmp_path)
    first = go_on_with(folder, stop_after(fits))
    assert read_status(folder).status == "interrupted"
    second = go_on_with(folder)
    assert read_status(folder).status == "completed"
    assert not set(first) & set(second)
    assert known_of(folder) == known_of(whole)


def test_the_setting_that_is_best_on_the_folds_answers_the_test_set(whole: Path) -> None:
    for line in run.results_of(whole):
        assert line.tried[line.setting] == max(line.tried)
        names = {path.name for path in (whole / "fits" / line.contestant.name).glob("*-test-*")}
        seeds = range(line.contestant.seeds)
        assert names == {f"setting-{line.setting}-test-seed-{seed}.json" for seed in seeds}


def test_other_versions_processors_or_data_are_not_mixed_into_a_folder(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isolet_nn.baselines.run.__version__", "99.0")
    with pytest.raises(RunError, match=r'no longer what .* begun with.*\nversion: .* is "99\.0"'):
        run.go_on(whole)


def test_a_config_that_says_something_else_by_now_is_not_mixed_into_a_folder(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = experiment_of({"config": "isolet-best", "training.epochs": 7})
    monkeypatch.setattr(run, "experiment_of", lambda settings: changed)
    with pytest.raises(RunError, match=r"\nconfigs\.isolet-best\.training\.epochs: was 160, is 7$"):
        run.go_on(whole)


def test_a_users_file_of_the_same_name_is_not_taken_for_a_shipped_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "isolet").write_text("no config", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert experiment_of({"config": "isolet"}).model.hidden_layers == [256]


def test_a_damaged_fit_is_named(tmp_path: Path) -> None:
    folder = begin_small(tmp_path)
    (name,) = go_on_with(folder, stop_after(1))
    path = folder / "fits" / f"{name}.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | {"correct": content["n"] + 1}), encoding="utf-8")
    with pytest.raises(RunError, match=rf"{name}\.json: damaged: .*correct: found"):
        go_on_with(folder)


def test_a_folder_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no baselines\.yaml in it, so no baselines"):
        run.go_on(tmp_path)
    with pytest.raises(RunError, match="no such folder"):
        run.go_on(tmp_path / "nowhere")


def test_what_is_wrong_is_said_before_there_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--model: found 'svn'; .*; did you mean svm\?"):
        run.begin(["svn"], runs_dir=tmp_path / "runs")
    with pytest.raises(Exception, match="nowhere: no such folder"):
        run.begin(["svm"], runs_dir=tmp_path / "runs", data_dir=str(tmp_path / "nowhere"))
    assert not (tmp_path / "runs").exists()


def test_without_pytorch_all_others_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    from isolet_nn.baselines.contestants import CONTESTANTS, choose

    monkeypatch.setattr("isolet_nn.baselines.contestants.has_torch", lambda: False)
    assert len(choose()) == len(CONTESTANTS) - 2
    for name in ("pytorch", "pytorch-small"):
        with pytest.raises(ConfigError, match=rf"--model {name}: .* install isolet-nn\[torch\]"):
            choose([name])
