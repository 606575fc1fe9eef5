"""Nested cross-validation: settings are chosen within, and each outer fold is read once."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isolet_nn.config.experiment import Experiment
from isolet_nn.data import load_raw
from isolet_nn.data.splits import rows_of_splits
from isolet_nn.errors import ConfigError, DataError, RunError
from isolet_nn.runs import execution
from isolet_nn.scores.statistics import resampled_interval
from isolet_nn.sweeps.cohort import CohortTask, TrialResult
from isolet_nn.sweeps.config import Sweep
from isolet_nn.sweeps.curves import read_curve
from isolet_nn.sweeps.folder import SweepFolder, trial_config
from isolet_nn.sweeps.grid import make_trials
from isolet_nn.sweeps.journal import read_journal
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.sweep import plan_of, resume_sweep, sweep
from isolet_nn.sweeps.workers import Outcome
from isolet_nn.system.statuses import FAILED
from sweeps.helpers import (
    EPOCHS,
    HIDDEN,
    InlineWorkers,
    iris_sweep,
    model_bytes,
    read_table,
    result_table,
    stop_after,
    trials_of,
)

RATE = "optimizer.learning_rate"
NESTED: dict[str, Any] = {
    "set": {EPOCHS: 2, "training.batch_size": 10},
    "grid": {RATE: [0.003, 0.05], HIDDEN: [[3], []]},
    "cross_validation": {"folds": 2, "outer_folds": 3},
    "save_models": "all",
}
"""4 settings, 24 inner trials, and the outer trials 24 to 26."""


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """They would take most of the time."""
    monkeypatch.setattr("isolet_nn.sweeps.outputs.draw_plots", lambda _: [])


def swept(config: Sweep, runs_dir: Path, **options: Any) -> SweepFolder:
    return sweep(config, **{"runs_dir": runs_dir, "make_workers": InlineWorkers, **options})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> SweepFolder:
    """The sweep `NESTED`, undisturbed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("isolet_nn.sweeps.outputs.draw_plots", lambda _: [])
        return swept(iris_sweep(**NESTED), tmp_path_factory.mktemp("whole"))


def rows_of(experiment: Experiment) -> list[list[int]]:
    """Rows that train, validate and test."""
    parts = rows_of_splits(load_raw(experiment.dataset), experiment.dataset, experiment.seed)
    return [[] if rows is None else rows.tolist() for rows in parts]


# How the rows are divided.


@settings(deadline=None, max_examples=10)
@given(
    folds=st.integers(2, 4),
    outer_folds=st.integers(2, 4),
    repeats=st.integers(1, 2),
    seed=st.integers(0, 99),
)
def test_every_row_is_in_one_outer_fold_and_every_other_in_one_inner_fold_of_it(
    folds: int, outer_folds: int, repeats: int, seed: int
) -> None:
    cross_validation = {"folds": folds, "outer_folds": outer_folds, "repeats": repeats}
    trials = trials_of(seeds=[seed], cross_validation=cross_validation)
    assert len(trials) == repeats * outer_folds * folds
    everything = list(range(150))
    for repeat in range(repeats):
        held = []
        for outer_fold in range(outer_folds):
            first = (repeat * outer_folds + outer_fold) * folds
            of_outer = [rows_of(trials.make_experiment(first + fold)) for fold in range(folds)]
            outer, *others = [test for _, _, test in of_outer]
            assert all(test == outer for test in others)
            held += outer
            inner = list(itertools.chain(*(validation for _, validation, _ in of_outer)))
            assert sorted(inner + outer) == everything
            for train, validation, _ in of_outer:
                assert sorted(train + validation + outer) == everything
        assert sorted(held) == everything


GROUPS = [number // 4 for number in range(72)]
LABELS = ["x" if number % 3 else "y" for number in range(72)]


def grouped_table(path: Path, labels: list[str], moved: Collection[int] = ()) -> Path:
    """A table of two numbers that go with `LABELS`, unless they are moved, a group, and labels."""
    random = np.random.default_rng(1)
    lines = ["a,b,owner,label"]
    for row, (usual, group, label) in enumerate(zip(LABELS, GROUPS, labels, strict=True)):
        a, b = random.normal(size=2) + (usual == "x") + 100 * (row in moved)
        lines.append(f"{a:.3f},{b:.3f},g{group},{label}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def sweep_of_groups(table: Path) -> Sweep:
    dataset = {"name": "csv", "path": str(table), "group": "owner"}
    return load_sweep(
        {
            "experiment": {"dataset": dataset, "training": {"epochs": 4, "batch_size": 8}},
            "grid": {RATE: [0.003, 0.03], HIDDEN: [[4], [2]]},
            "cross_validation": {"folds": 3, "outer_folds": 3, "by": "group"},
            "save_models": "all",
        }
    )


def test_no_group_is_in_two_parts_of_a_trial(tmp_path: Path) -> None:
    folder = swept(sweep_of_groups(grouped_table(tmp_path / "t.csv", LABELS)), tmp_path)
    for trial in range(folder.n_trials):
        parts = [{GROUPS[row] for row in rows} for rows in rows_of(folder.make_experiment(trial))]
        for some, others in itertools.combinations(parts, 2):
            assert not some & others


def test_rows_of_an_outer_fold_change_neither_its_setting_nor_its_model(tmp_path: Path) -> None:
    table = grouped_table(tmp_path / "t.csv", LABELS)
    before = swept(sweep_of_groups(table), tmp_path)
    assert before.outer is not None
    number = 1
    held = rows_of(before.make_experiment(before.outer.first + number))[2]
    labels = ["y" if row in held else label for row, label in enumerate(LABELS)]
    grouped_table(table, labels, moved=held)
    after = swept(sweep_of_groups(table), tmp_path)
    assert after.outer is not None
    assert after.outer.settings[number] == before.outer.settings[number]
    name = f"trial-{before.outer.first + number}.safetensors"
    assert model_bytes(after)[name] == model_bytes(before)[name]
    scores = [outer.ended.metric("test_accuracy")[number] for outer in (before.outer, after.outer)]
    assert scores[0] != scores[1], "these are the rows that are scored"


class Watching(InlineWorkers):
    """Notes of each task which outer fold it was, and how many rows to test on it was given."""

    seen: ClassVar[list[tuple[Any, int]]] = []

    def submit(self, ticket: int, task: CohortTask, experiment: Experiment) -> None:
        super().submit(ticket, task, experiment)
        n_test_rows = len(self.packed[task.data_key].unpack().test.y)
        for line in task.lines:
            dataset = line.experiment["dataset"]
            is_outer = dataset["validation"] == "none"
            Watching.seen.append((dataset["test"]["fold"] if is_outer else None, n_test_rows))


def test_only_one_training_of_each_outer_fold_is_given_its_rows_and_reads_them_once(
    tmp_path: Path,
) -> None:
    Watching.seen = []
    folder = swept(iris_sweep(**NESTED, save_curves="full"), tmp_path, make_workers=Watching)
    for trial in range(24, 27):
        losses = [row["test_loss"] for row in read_curve(folder.path / "curves.csv", trial)]
        assert [loss is None for loss in losses] == [True, False]
    inner = [rows for outer_fold, rows in Watching.seen if outer_fold is None]
    assert inner == [0] * 24
    read = [found for found in Watching.seen if found[0] is not None]
    assert sorted(read) == [(0, 50), (1, 50), (2, 50)]


# What is chosen, and what is reported.


def test_the_best_on_the_inner_folds_is_trained_on_them_all_and_scored_once(
    whole: SweepFolder, tmp_path: Path
) -> None:
    table = read_table(whole.path / "trials.csv")
    assert list(table[0])[:6] == ["trial", "status", RATE, HIDDEN, "seed", "outer_fold"]
    assert [row["fold"] for row in table[24:]] == [""] * 3
    assert all((row["test_accuracy"] == "") == (int(row["trial"]) < 24) for row in table)
    for outer in table[24:]:
        means: dict[tuple[str, str], float] = {}
        for row in table[:24]:
            if row["outer_fold"] == outer["outer_fold"]:
                key = row[RATE], row[HIDDEN]
                means[key] = means.get(key, 0.0) + float(row["validation_accuracy"]) / 2
        assert means[outer[RATE], outer[HIDDEN]] == pytest.approx(max(means.values()))
    trial = tmp_path / "trial.yaml"
    trial.write_text(trial_config(whole, 25), encoding="utf-8")
    run = execution.train(trial, runs_dir=tmp_path / "runs")
    assert run.summary["metrics"]["test_loss"] == float(table[25]["test_loss"])
    weights = (run.path / "model.safetensors").read_bytes()
    assert weights == model_bytes(whole)["trial-25.safetensors"]


def test_the_report_has_each_fold_their_mean_its_interval_and_the_choices(
    whole: SweepFolder,
) -> None:
    with (whole.path / "outer_folds.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = ["trial", "seed", "outer_fold", RATE, HIDDEN, "validation_accuracy_mean"]
    assert list(rows[0]) == [*columns, "test_accuracy"]
    scores = np.array([float(row["test_accuracy"]) for row in rows])
    found = whole.summary["nested"]
    low, high = resampled_interval(scores, folds=3)
    assert found["mean"] == pytest.approx(scores.mean())
    assert (found["low"], found["high"]) == pytest.approx((max(low, 0.0), min(high, 1.0)))
    assert sum(choice["n"] for choice in found["choices"]) == found["n"] == 3
    assert found["unread"] == []
    assert "validation_accuracy_low" not in read_table(whole.path / "settings.csv")[0]


def test_repeats_and_seeds_nest_anew_and_widen_the_report(tmp_path: Path) -> None:
    folds = {"folds": 2, "outer_folds": 2, "repeats": 2}
    config = iris_sweep(set={EPOCHS: 1}, seeds=2, cross_validation=folds, save_models="none")
    folder = swept(config, tmp_path)
    assert folder.n_trials == 2 * 2 * 2 * (2 + 1)
    table = read_table(folder.path / "trials.csv")
    assert [(row["seed"], row["repeat"], row["outer_fold"]) for row in table[16:]] == list(
        itertools.product("01", "01", "01")
    )
    assert folder.summary["nested"]["n"] == 8
    held = {tuple(rows_of(folder.make_experiment(trial))[2]) for trial in range(16, 24)}
    assert len(held) == 8


def test_a_setting_that_fails_on_one_inner_fold_is_never_chosen(tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path, config := iris_sweep(**NESTED), make_trials(config))
    assert folder.outer is not None
    for trial in range(24):
        accuracy = {0: 0.9, 1: 0.8, 2: 0.8, 3: 0.1}[trial // 6]
        result = TrialResult(trial, "completed", {"validation_accuracy": accuracy})
        folder.record(TrialResult(0, FAILED, error="it was") if trial == 0 else result)
    assert [folder.outer.choice(number) for number in range(3)] == [1, 0, 0]


def test_where_no_setting_can_be_chosen_the_outer_fold_fails_and_says_why(tmp_path: Path) -> None:
    changes = {"optimizer": {"name": "sgd"}, EPOCHS: 1}
    keys = {**NESTED, "set": changes, "grid": {RATE: [1e38]}}
    folder = swept(iris_sweep(**keys), tmp_path)
    assert folder.summary["failed"] == folder.n_trials == 9
    assert "nested" not in folder.summary
    assert "outer fold 2 of seed 0): no setting has validation_accuracy on all" in folder.errors[8]
    with pytest.raises(ConfigError, match="so there is none to train"):
        trial_config(folder, 8)


# Resuming.


@pytest.mark.parametrize("questions", [0, 7, 11])
def test_a_stopped_sweep_goes_on_to_the_same_table(
    whole: SweepFolder, tmp_path: Path, questions: int
) -> None:
    config = iris_sweep(**NESTED)
    stopped = swept(config, tmp_path, workers=1, should_stop=stop_after(questions))
    assert stopped.summary["status"] == "interrupted"
    resumed = resume_sweep(stopped.path, make_workers=InlineWorkers)
    assert_same(resumed, whole)


@settings(
    deadline=None, max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_sweep_killed_at_any_byte_of_its_journal_ends_with_the_same_table(
    whole: SweepFolder, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("killed")
    journal = (whole.path / "trials.jsonl").read_bytes()
    header = journal.index(b"\n") + 1
    end = data.draw(st.integers(header, len(journal)))
    (folder / "sweep.yaml").write_bytes((whole.path / "sweep.yaml").read_bytes())
    (folder / "trials.jsonl").write_bytes(journal[:end])
    assert_same(resume_sweep(folder, make_workers=InlineWorkers), whole, models=False)


def assert_same(folder: SweepFolder, whole: SweepFolder, *, models: bool = True) -> None:
    assert folder.summary["status"] == "completed"
    assert result_table(folder) == result_table(whole)
    for name in ("settings.csv", "outer_folds.csv"):
        assert (folder.path / name).read_bytes() == (whole.path / name).read_bytes()
    assert not models or model_bytes(folder) == model_bytes(whole)
    _, results = read_journal(folder.path / "trials.jsonl")
    ended = sorted(result.trial for result in results)
    assert ended == list(range(27)), "a finished trial was run again"


class Failing(InlineWorkers):
    """The trainings of setting 2 fail, as if their worker had died."""

    def wait(self, seconds: float) -> list[Outcome]:
        ticket, task = self.tasks[-1]
        if any(12 <= trial < 18 for line in task.lines for trial in line.trials):
            self.tasks.pop()
            return [Outcome(ticket, None, "its worker process died")]
        return super().wait(seconds)


def test_a_retry_that_changes_what_is_chosen_ends_with_the_undisturbed_table(
    tmp_path: Path,
) -> None:
    keys = {**NESTED, "grid": {RATE: [0.0001, 0.0002, 0.1]}}
    undisturbed = swept(iris_sweep(**keys), tmp_path)
    assert undisturbed.outer is not None
    assert undisturbed.outer.settings.tolist() == [2, 2, 2]
    folder = swept(iris_sweep(**keys), tmp_path, make_workers=Failing)
    assert folder.outer is not None
    assert folder.summary["failed"] == 6
    assert 2 not in folder.outer.settings
    same = resume_sweep(folder.path, make_workers=Failing, retry_failed=True)
    assert result_table(same) == result_table(folder)
    resumed = resume_sweep(folder.path, make_workers=InlineWorkers, retry_failed=True)
    assert result_table(resumed) == result_table(undisturbed)
    assert model_bytes(resumed) == model_bytes(undisturbed)
    assert resumed.summary["nested"] == undisturbed.summary["nested"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda line: {**line, "setting": 4}, "damaged: found trial 26 with the setting 4"),
        (lambda line: without(line, "setting"), "damaged: found trial 26 with the setting None"),
        (lambda line: {**line, "trial": 3}, "damaged: found trial 3 with the setting"),
        (lambda line: {**line, "trial": 27}, "there are trials 0 to 26"),
        (lambda line: {**line, "metrics": {"train_loss": 0.1}}, "26 completed without test_loss"),
    ],
)
def test_a_journal_that_cannot_be_is_refused(
    whole: SweepFolder, tmp_path: Path, change: Callable[[Any], Any], message: str
) -> None:
    (tmp_path / "sweep.yaml").write_bytes((whole.path / "sweep.yaml").read_bytes())
    *lines, _ = sorted(
        (whole.path / "trials.jsonl").read_text(encoding="utf-8").splitlines(),
        key=lambda line: json.loads(line).get("trial", -1),
    )
    last = json.loads((whole.path / "trials.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    last["trial"] = 26
    text = "\n".join([*lines, json.dumps(change(last))]) + "\n"
    (tmp_path / "trials.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(RunError) as caught:
        SweepFolder.open(tmp_path)
    assert message in str(caught.value)


def without(line: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name != key}


# Before anything runs.


def test_the_plan_counts_outer_trials_that_are_not_decided_yet() -> None:
    config = iris_sweep(**NESTED)
    plan, count, _ = plan_of(config, workers=1)
    assert (count, plan.n_trials, plan.n_later) == (27, 24, 3)
    assert plan.later_cost == pytest.approx(3 * 2 * plan.cost / plan.n_trainings)
    with pytest.raises(ConfigError, match=r"trial 25 is not decided yet: .* outer fold 1 of seed"):
        trial_config(config, 25)
    with pytest.raises(ConfigError, match="there are trials 0 to 26"):
        trial_config(config, 27)


def refusals() -> Iterator[tuple[dict[str, Any], str]]:
    outer = {"folds": 2, "outer_folds": 3}
    yield {"cross_validation": {**outer, "outer_folds": 1}}, "outer_folds: found 1; it should be"
    yield {"cross_validation": {**outer, "outer_fold": 1}}, "did you mean outer_folds?"
    yield (
        {"cross_validation": outer, "grid": {"dataset.test.fraction": [0.1, 0.2]}},
        "grid.dataset.test.fraction: cross_validation decides on it, so it cannot be varied",
    )
    yield (
        {"cross_validation": outer, "set": {"training.early_stopping": {"patience": 3}}},
        "would choose the epoch on the very fold that is scored",
    )
    yield (
        {"cross_validation": outer, "set": {"dataset": {"name": "xor"}}},
        "cross_validation: the data set has no rows that could be held out",
    )
    yield (
        {"cross_validation": {**outer, "outer_folds": 10**7}},
        "1 setting, 1 seed, 10000000 outer folds and 2 folds make 30000000 trials",
    )


@pytest.mark.parametrize(("keys", "message"), [*refusals()])
def test_what_cannot_be_nested_is_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        trials_of(**keys)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        ({"folds": 2, "outer_folds": 200}, "cross_validation.outer_folds: found 200, but .* 150"),
        ({"folds": 101, "outer_folds": 3}, "cross_validation.folds: found 101, but .* 100 rows"),
    ],
)
def test_too_few_rows_are_told_before_there_is_a_folder(
    tmp_path: Path, folds: dict[str, int], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        swept(iris_sweep(cross_validation=folds), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_the_test_part_that_isolet_has_stays_unread_and_the_report_says_so() -> None:
    cross_validation = {"folds": 3, "outer_folds": 5, "by": "speaker"}
    trials = trials_of({"dataset": {"name": "isolet"}}, cross_validation=cross_validation)
    experiment = trials.make_experiment(4)
    raw = load_raw(experiment.dataset)
    assert raw.groups is not None
    assert raw.test_rows is not None
    parts = rows_of(experiment)
    assert not set(itertools.chain(*parts)) & set(raw.test_rows.tolist())
    speakers = [set(raw.groups[rows].tolist()) for rows in parts]
    assert [len(of_part) for of_part in speakers] == [64, 32, 24]
    assert experiment.dataset.own_test == "isolet5"
    assert not experiment.dataset.has_own_test
