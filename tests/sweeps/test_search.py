"""A search asks, trains and tells; stopped at any moment, it goes on as if it had not been."""

from __future__ import annotations

import functools
import json
import random
import sys
from pathlib import Path
from typing import Any

import pytest
from builders import trained
from needs import in_full, needs_torch

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.problems import validate
from isolet_nn.errors import BackendUnavailableError, ConfigError, RunError
from isolet_nn.sweeps import grid
from isolet_nn.sweeps.config import Plot, Sweep
from isolet_nn.sweeps.datasets import DataSource
from isolet_nn.sweeps.drawing import draw_plot
from isolet_nn.sweeps.folder import SweepFolder, trial_config
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.shard import ShardName
from isolet_nn.sweeps.sharding import run_shard
from isolet_nn.sweeps.sweep import plan_of, resume_sweep, sweep
from isolet_nn.sweeps.workers import Outcome
from sweeps.helpers import (
    IRIS,
    InlineWorkers,
    model_bytes,
    result_table,
    start,
    stop_after,
    wait_until,
)

pytestmark = pytest.mark.usefixtures("without_pictures")

SPACE: dict[str, Any] = {
    "optimizer.name": {"choice": ["sgd", "adam"]},
    "optimizer.learning_rate": {"log_uniform": [1e-3, 1.0]},
    "optimizer.momentum": {"uniform": [0.0, 0.95], "when": {"optimizer.name": "sgd"}},
    "model.hidden_layers": {"list_of": {"choice": [3, 5]}, "length": [1, 2]},
}
HELD_OUT = {**IRIS, "dataset": {"name": "iris", "validation": {"fraction": 0.3}}}
FOLDS = {"folds": 3, "by": "rows"}


def search_of(*, folds: bool = False, keys: dict[str, Any] | None = None, **search: Any) -> Sweep:
    """A small search of iris, on a part that is held out or on folds."""
    experiment = IRIS if folds else HELD_OUT
    content: dict[str, Any] = {
        "experiment": {**experiment, "training": {"batch_size": 32, "epochs": 4}},
        "search": {"trials": 14, "batch": 4, "space": SPACE, **search},
    }
    if folds:
        content["cross_validation"] = FOLDS
    return load_sweep(content | (keys or {}))


def run(config: Sweep, runs_dir: Path, **options: Any) -> SweepFolder:
    return sweep(config, runs_dir=runs_dir, make_workers=InlineWorkers, **{"workers": 1, **options})


def resumed(path: Path, **options: Any) -> SweepFolder:
    return resume_sweep(path, make_workers=InlineWorkers, **{"workers": 1, **options})


def asked_of(folder: SweepFolder) -> list[dict[str, Any]]:
    lines = (folder.path / "asked.jsonl").read_text(encoding="utf-8").splitlines()
    return [candidate for line in lines for candidate in json.loads(line)["asked"]]


def same_search(one: SweepFolder, other: SweepFolder) -> bool:
    """Whether two searches asked for the same and had the same of it, to the bit."""
    return (
        asked_of(one) == asked_of(other)
        and result_table(one) == result_table(other)
        and model_bytes(one) == model_bytes(other)
    )


SAMPLERS = ["tpe", "cmaes", "qmc", "random", pytest.param("gp", marks=needs_torch)]
PRUNERS: list[Any] = [
    "none",
    {"name": "successive_halving", "reduction_factor": 2},
    {"name": "hyperband", "reduction_factor": 2},
    {"name": "median", "n_startup_trials": 2},
]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_search_that_was_stopped_again_and_again_ends_as_one_that_was_not(
    sampler: str, tmp_path: Path
) -> None:
    n = 8 if sampler == "gp" else 14
    pruner = {"name": "successive_halving", "reduction_factor": 2}
    config = search_of(sampler=sampler, trials=n, pruner=pruner)
    whole = run(config, tmp_path / "whole")
    folder = run(config, tmp_path / "parts", should_stop=stop_after(1))
    for questions in range(2, 40):
        if folder.summary["status"] == "completed":
            break
        folder = resumed(folder.path, should_stop=stop_after(questions))
    assert questions > 2
    assert folder.summary["status"] == "completed"
    assert len(asked_of(whole)) == n
    assert same_search(folder, whole)
    assert (folder.path / "settings.csv").read_bytes() == (whole.path / "settings.csv").read_bytes()


@pytest.mark.parametrize("pruner", PRUNERS)
@pytest.mark.parametrize("folds", [False, True])
def test_neither_workers_nor_the_order_in_which_they_end_decide_on_a_search(
    folds: bool, pruner: Any, tmp_path: Path
) -> None:
    config = search_of(folds=folds, pruner=pruner, trials=10)
    one = run(config, tmp_path)
    several = run(config, tmp_path, workers=3)  # the newest task of each comes back first
    assert same_search(one, several)
    statuses = {row["status"] for row in result_table(one)}
    assert statuses == ({"completed"} if pruner == "none" else {"completed", "pruned"})


@pytest.mark.parametrize("sampler", ["tpe", "cmaes", "qmc", "random"])
def test_a_search_that_is_extended_ends_as_one_that_was_to_go_so_far(
    sampler: str, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"sampler": sampler, "pruner": PRUNERS[1]}
    whole = run(search_of(**settings), tmp_path / "whole")
    folder = run(search_of(trials=8, **settings), tmp_path / "parts")  # whole batches
    assert folder.summary["status"] == "completed"
    folder = resumed(folder.path, trials=14, should_stop=stop_after(1))
    assert folder.summary["status"] == "interrupted"
    folder = resumed(folder.path)
    assert folder.summary["status"] == "completed"
    assert same_search(folder, whole)


def test_what_was_done_stays_as_it_was_where_a_search_is_extended(tmp_path: Path) -> None:
    folder = run(search_of(trials=5), tmp_path)
    before, asked = result_table(folder), asked_of(folder)
    journal = (folder.path / "trials.jsonl").read_bytes()
    for trials in (5, 9):
        folder = resumed(folder.path, trials=trials)
        assert result_table(folder)[: len(before)] == before
        assert asked_of(folder)[:5] == asked
        assert len(asked_of(folder)) == trials
        assert (folder.path / "trials.jsonl").read_bytes().startswith(journal)
    assert SweepFolder.open(folder.path).sweep.search == folder.sweep.search


def test_what_cannot_be_extended_is_refused_and_left_alone(tmp_path: Path) -> None:
    folder = run(search_of(trials=4), tmp_path)
    text = (folder.path / "sweep.yaml").read_text()
    for trials, why in ((3, "4 settings were asked for already"), (2_000_000, "search.trials")):
        with pytest.raises(ConfigError, match=why):
            resumed(folder.path, trials=trials)
    assert (folder.path / "sweep.yaml").read_text() == text
    timed = run(search_of(timeout=1e-9), tmp_path)
    with pytest.raises(ConfigError, match=r"search\.timeout"):
        resumed(timed.path, trials=20)
    more = (timed.path / "sweep.yaml").read_text().replace("timeout: 1.0e-09", "timeout: null")
    (timed.path / "sweep.yaml").write_text(more)
    assert len(asked_of(resumed(timed.path, trials=3))) == 3
    grid = run(load_sweep({"experiment": IRIS, "grid": {"training.epochs": [1]}}), tmp_path)
    with pytest.raises(ConfigError, match="is no search"):
        resumed(grid.path, trials=3)


def test_a_search_that_is_killed_in_the_middle_goes_on_as_if_it_had_not_been(
    tmp_path: Path,
) -> None:
    path = tmp_path / "search.json"
    config = search_of(folds=True, pruner=PRUNERS[1])
    path.write_text(json.dumps(config.model_dump(mode="json")), encoding="utf-8")
    config_file = path.rename(path.with_suffix(".yaml"))
    whole = run(load_sweep(config_file), tmp_path / "whole")
    source = random.Random(0)
    arguments: list[str | Path] = [config_file, "--runs-dir", tmp_path / "killed", "--workers", "1"]
    folder = None
    for _ in range(in_full(1, 6)):
        process = start("sweep", *arguments)
        wait_until(functools.partial(_has_lines, tmp_path / "killed", source.randrange(2, 12)))
        process.kill()
        process.communicate()
        (folder,) = (tmp_path / "killed").iterdir()
        arguments = ["--resume", folder, "--workers", "1"]
    assert folder is not None
    assert same_search(resumed(folder), whole)


def _has_lines(runs_dir: Path, n: int) -> bool:
    """Whether the one journal in a folder has more lines than that."""
    journals = runs_dir.glob("*/trials.jsonl")
    return any(len(journal.read_bytes().splitlines()) > n for journal in journals)


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_batch_of_which_the_line_was_torn_is_asked_for_again_and_comes_out_the_same(
    kept: int, tmp_path: Path
) -> None:
    folder = run(search_of(trials=9, keys={"save_curves": "none"}), tmp_path)
    table, path = result_table(folder), folder.path / "asked.jsonl"
    asked = path.read_bytes()
    lines = asked.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:kept]) + lines[kept][:50])
    journal = folder.path / "trials.jsonl"
    results = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(results[: 1 + 4 * kept]))
    again = resumed(folder.path)
    assert path.read_bytes() == asked
    assert result_table(again) == table


def test_every_trial_is_an_ordinary_experiment_that_alone_has_the_same_bits(
    tmp_path: Path,
) -> None:
    folder = run(search_of(folds=True, pruner=PRUNERS[1], trials=8, seed=3), tmp_path)
    statuses = folder.statuses(range(folder.n_trials))
    assert {"completed", "pruned"} <= {*statuses}
    source = DataSource()
    for trial, status in enumerate(statuses):
        experiment = folder.make_experiment(trial)
        assert f"seed: {experiment.seed}" in trial_config(folder, trial)
        if status != "completed":
            continue
        member = trained([experiment], [source.dataset(experiment)]).members[0]
        assert member.final_row is not None
        for name in ("train_loss", "validation_loss", "validation_accuracy"):
            assert folder.results.metric(name)[trial] == member.final_row[name]


def test_who_is_pruned_after_a_fold_trains_no_other_and_within_one_no_more_epochs(
    tmp_path: Path,
) -> None:
    folder = run(search_of(folds=True, pruner=PRUNERS[1], trials=12), tmp_path)
    rows = result_table(folder)
    pruned = {row["trial"] for row in rows if row["status"] == "pruned"}
    assert any(row["epochs"] not in ("0", "4") for row in rows if row["trial"] in pruned)
    assert any(
        row["status"] == "completed" and rows[n + 1]["status"] == "pruned"
        for n, row in enumerate(rows[:-1])
        if row["fold"] != "2"
    )
    for row in rows:
        after = [r for r in rows if r["trial"] > row["trial"] and _setting(r) == _setting(row)]
        if row["status"] == "pruned":
            assert row["validation_accuracy"] == row["error"] == ""
            assert all(
                (r["status"], r["epochs"]) == ("pruned", "0") for r in after if _later(r, row)
            )
    assert folder.summary["pruned"] == len(pruned)
    assert all(score.n in (1, 2, 3) for score in folder.best())


def _setting(row: dict[str, str]) -> int:
    return int(row["trial"]) // 3


def _later(row: dict[str, str], other: dict[str, str]) -> bool:
    return int(row["trial"]) > int(other["trial"])


def test_settings_that_make_the_same_experiment_are_trained_once(tmp_path: Path) -> None:
    space = {
        "model.hidden_layers": {"choice": [[3], [5]]},
        "optimizer": {"choice": ["sgd", "adam"]},
    }
    folder = run(search_of(space=space, trials=12, pruner="none"), tmp_path)
    asked = asked_of(folder)
    assert len(asked) == 12
    assert folder.n_trials == sum("setting" in candidate for candidate in asked) <= 4
    assert sum("same_as" in candidate for candidate in asked) == 12 - folder.n_trials
    assert folder.summary["status"] == "completed"


def test_a_setting_that_makes_no_experiment_and_one_that_diverges_end_no_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grid, "samples_of", lambda _: [{}])
    space = {
        "training.batch_size": {"choice": [16, -1]},
        "optimizer.learning_rate": {"choice": [0.01, 1e30]},
        "optimizer.name": {"choice": ["sgd"]},
    }
    folder = run(search_of(space=space, trials=9, sampler="random"), tmp_path)
    errors = [candidate["error"] for candidate in asked_of(folder) if "error" in candidate]
    assert errors
    assert "training.batch_size: found -1" in errors[0]
    assert {row["status"] for row in result_table(folder)} == {"completed", "failed"}
    assert folder.summary["failed"] == 1


@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_a_training_that_failed_is_tried_again_and_its_setting_goes_on(
    sampler: str, tmp_path: Path
) -> None:
    config = search_of(folds=True, pruner=PRUNERS[1], sampler=sampler)
    whole, done = run(config, tmp_path), ["completed"] * 3
    first = next(n for n in range(0, 12, 3) if whole.statuses(range(n, n + 3)) == done)

    class Failing(InlineWorkers):
        def wait(self, seconds: float) -> list[Outcome]:
            ticket, task = self.tasks[-1]
            if all(line.trials != (first,) for line in task.lines):
                return super().wait(seconds)
            self.tasks.pop()
            return [Outcome(ticket, None, "killed")]

    stop = stop_after(18)
    folder = sweep(config, runs_dir=tmp_path, workers=1, make_workers=Failing, should_stop=stop)
    assert folder.statuses(range(first, first + 3)) == ["failed", "pruned", "pruned"]
    asked = asked_of(folder)
    assert 8 <= len(asked) < 14
    for questions in (4, 1000):
        again = resumed(folder.path, retry_failed=True, should_stop=stop_after(questions))
    assert again.statuses(range(first, first + 3)) == done
    assert SweepFolder.open(folder.path).statuses(range(first, first + 3)) == done
    assert asked_of(again)[: len(asked)] == asked
    assert len(asked_of(again)) == 14


def test_the_test_set_is_not_read(tmp_path: Path) -> None:
    class Watching(InlineWorkers):
        def wait(self, seconds: float) -> list[Outcome]:
            for packed in self.packed.values():
                assert len(packed.unpack().test.y) == 0
            return super().wait(seconds)

    folder = sweep(search_of(trials=4), runs_dir=tmp_path, workers=1, make_workers=Watching)
    assert not folder.results.has_metric("test_accuracy")
    assert folder.metric == "validation_accuracy"
    assert not validate(Experiment, folder.trial_table.content(0), "").training.evaluate_test


def test_a_search_ends_with_the_batch_in_which_its_time_is_up(tmp_path: Path) -> None:
    folder = run(search_of(timeout=1e-9), tmp_path)
    assert (folder.n_trials, folder.summary["status"]) == (0, "completed")
    assert folder.best() == []
    assert SweepFolder.open(folder.path).n_trials == 0


def test_optuna_opens_the_study_beside_the_journal(tmp_path: Path) -> None:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    folder = run(search_of(pruner=PRUNERS[1], keys={"name": "mine"}), tmp_path)
    path = str(folder.path / "optuna.log")
    study = optuna.load_study(study_name="mine", storage=JournalStorage(JournalFileBackend(path)))
    states = [trial.state.name for trial in study.trials]
    assert len(states) == 14
    assert {*states} == {"COMPLETE", "PRUNED"}
    assert study.best_value == folder.best()[0].scores["validation_accuracy"].mean
    assert (
        study.best_params["optimizer.learning_rate"]
        == (folder.best()[0].setting["optimizer.learning_rate"])
    )
    before = (folder.path / "optuna.log").read_text(encoding="utf-8")
    (folder.path / "optuna.log").unlink()
    resumed(folder.path)
    again = (folder.path / "optuna.log").read_text(encoding="utf-8")
    assert len(again.splitlines()) == len(before.splitlines())


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b'{"batch": 0}\n', "asked: missing"),
        (b"[]\n", "asked.jsonl:1: damaged"),
        (b'{"batch": 0, "asked": [{"parameters": {"x": 1}, "setting": 0}]}\n', "not a setting"),
        (b'{"batch": 1, "asked": [{"parameters": {}, "setting": 0}]}\n', "not a setting"),
    ],
)
def test_a_damaged_list_of_what_was_asked_is_refused(
    line: bytes, what: str, tmp_path: Path
) -> None:
    folder = run(search_of(trials=4), tmp_path)
    (folder.path / "asked.jsonl").write_bytes(line)
    with pytest.raises(RunError, match=what):
        SweepFolder.open(folder.path)


def test_results_of_settings_that_nothing_asked_for_are_refused(tmp_path: Path) -> None:
    folder = run(search_of(trials=4), tmp_path)
    (folder.path / "asked.jsonl").unlink()
    with pytest.raises(RunError, match=r"trial \d+; asked.jsonl, which says .* is missing"):
        SweepFolder.open(folder.path)


def test_a_batch_that_was_edited_is_refused(tmp_path: Path) -> None:
    folder = run(search_of(trials=4), tmp_path)
    path = folder.path / "asked.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace('"setting": 3', '"same_as": 1'))
    with pytest.raises(RunError, match="not what batch 0 can be"):
        resumed(folder.path)


def test_without_optuna_a_search_is_refused_before_there_is_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(BackendUnavailableError, match=r"pip install 'isolet-nn\[search\]'"):
        run(search_of(), tmp_path)
    assert not [*tmp_path.iterdir()]


def test_a_plan_says_what_may_follow_and_no_trial_is_known_before_it_is_asked_for() -> None:
    config = search_of(folds=True)
    plan, trials, staff = plan_of(config, 1)
    assert (plan.n_trials, plan.n_later, trials, staff.workers) == (12, 30, 42, 1)
    assert plan.later == "up to 30 trials, asked for in batches of 4 settings"
    assert plan_of(search_of(trials=3, batch=8), 1)[0].n_trials == 3
    with pytest.raises(ConfigError, match="settings are known once they were asked for"):
        trial_config(config, 0)


def test_pictures_show_of_each_key_the_settings_that_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = run(search_of(trials=6, sampler="random"), tmp_path)
    drawn: list[tuple[str, int]] = []

    def note(means: list[float], path: Path, *, x: Any, **_: Any) -> None:
        drawn.append((x.name, len(means)))
        assert len(x.places) == len(means)

    monkeypatch.setattr("isolet_nn.plots.plot_scatter", note)
    draw_plot(
        folder, Plot(kind="scatter", x="optimizer.momentum", value="validation_accuracy"), "one"
    )
    settings = [folder.trial_table.setting(n) for n in range(6)]
    n_set = sum("optimizer.momentum" in setting for setting in settings)
    assert 0 < n_set < 6
    assert {*drawn} == {("optimizer.momentum", n_set)}


def test_a_search_is_not_divided_and_takes_nothing_over(tmp_path: Path) -> None:
    config = search_of()
    with pytest.raises(ConfigError, match="--shard: a search cannot be divided"):
        run_shard(config, ShardName(1, 2), tmp_path / "shards")
    with pytest.raises(ConfigError, match="--reuse does not go with a search"):
        sweep(config, runs_dir=tmp_path / "runs", reuse=[tmp_path])
    assert not [*tmp_path.iterdir()]
