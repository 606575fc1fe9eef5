"""A sweep divided among the processes of a job array ends as that of one process would."""

from __future__ import annotations

import csv
import random
import shlex
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from needs import in_full

from isolet_nn.errors import ConfigError, RunError
from isolet_nn.sweeps import sweep as sweeps
from isolet_nn.sweeps.config import Sweep
from isolet_nn.sweeps.datasets import DataSource
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.merging import merge_shards
from isolet_nn.sweeps.plan import make_plan
from isolet_nn.sweeps.shard import ShardName
from isolet_nn.sweeps.sharding import divide, run_shard
from sweeps.helpers import (
    EPOCHS,
    HIDDEN,
    LEARNING_RATE,
    InlineWorkers,
    iris_sweep,
    kill,
    model_bytes,
    result_table,
    start,
    stop_after,
    trials_of,
    wait_until,
    written,
)

pytestmark = pytest.mark.usefixtures("without_pictures")

SEVERAL: dict[str, Any] = {
    "grid": {EPOCHS: [1, 2], HIDDEN: [[3], [4], [5]], LEARNING_RATE: [0.1, 0.01]},
    "seeds": 2,
}
FOLDS: dict[str, Any] = {
    "grid": {LEARNING_RATE: [0.1, 0.01]},
    "cross_validation": {"folds": 3},
    "save_models": "all",
    "save_curves": "full",
}


def one(config: Sweep, number: int, of: int, into: Path, **options: Any) -> SweepFolder:
    return run_shard(config, ShardName(number, of), into, make_workers=InlineWorkers, **options)


def whole(config: Sweep, runs_dir: Path) -> SweepFolder:
    return sweeps.sweep(config, runs_dir=runs_dir, make_workers=InlineWorkers)


def curves(folder: SweepFolder) -> list[dict[str, str]]:
    with (folder.path / "curves.csv").open(encoding="utf-8", newline="") as file:
        rows = [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]
    return sorted(rows, key=lambda row: (int(row["trial"]), int(row["epoch"])))


def require_equal(merged: SweepFolder, undivided: SweepFolder) -> None:
    assert result_table(merged) == result_table(undivided)
    assert curves(merged) == curves(undivided)
    assert model_bytes(merged) == model_bytes(undivided)
    tables = [(folder.path / "settings.csv").read_bytes() for folder in (merged, undivided)]
    assert tables[0] == tables[1]
    for key in ("status", "trials", "completed", "failed", "pending", "best", "ranked_by"):
        assert merged.summary[key] == undivided.summary[key]


@pytest.mark.parametrize("keys", [SEVERAL, FOLDS])
def test_merged_shards_are_the_sweep_of_one_process(tmp_path: Path, keys: dict[str, Any]) -> None:
    config = iris_sweep(**keys)
    numbers = [1, 2, 3]
    random.Random(0).shuffle(numbers)
    for number in numbers:
        done = one(config, number, 3, tmp_path / "shards")
        assert done.summary["status"] == "completed"
        assert done.summary["completed"] == len(result_table(done)) > 0
    merged = merge_shards([tmp_path / "shards"], runs_dir=tmp_path / "merged")
    require_equal(merged, whole(config, tmp_path))
    again = SweepFolder.open(merged.path)
    assert again.summary["status"] == "completed"
    resumed = sweeps.resume_sweep(merged.path, make_workers=InlineWorkers)
    assert result_table(resumed) == result_table(again)


def test_shards_of_several_folders_are_merged_like_those_of_one(tmp_path: Path) -> None:
    config = iris_sweep(**SEVERAL)
    folders = [one(config, n, 2, tmp_path / f"machine-{n}").path.parent for n in (1, 2)]
    merged = merge_shards([*folders, folders[0]], runs_dir=tmp_path / "merged")
    require_equal(merged, whole(config, tmp_path))


def test_more_shards_than_trials_leave_some_with_nothing_to_do(tmp_path: Path) -> None:
    config = iris_sweep(seeds=2)
    counts = [one(config, n, 3, tmp_path / "shards").summary["trials"] for n in (1, 2, 3)]
    assert sorted(counts) == [0, 1, 1]
    merged = merge_shards([tmp_path / "shards"], runs_dir=tmp_path / "merged")
    require_equal(merged, whole(config, tmp_path))


GRIDS = st.fixed_dictionaries(
    {
        EPOCHS: st.lists(st.integers(1, 50), min_size=1, max_size=3, unique=True),
        HIDDEN: st.lists(
            st.integers(1, 600).map(lambda width: [width]), min_size=1, max_size=3, unique_by=str
        ),
    }
)


@settings(max_examples=in_full(15, 200), deadline=None)
@given(grid=GRIDS, n_seeds=st.integers(1, 4), n_shards=st.integers(1, 9))
def test_every_trial_is_in_one_shard_and_shards_cost_about_the_same(
    grid: dict[str, Any], n_seeds: int, n_shards: int
) -> None:
    trials, size = trials_of(grid=grid, seeds=n_seeds), DataSource().size
    shares = divide(trials, n_shards, size)
    assert len(shares) == n_shards
    together = np.concatenate(shares)
    assert sorted(together.tolist()) == [*range(len(trials))]
    again = divide(trials, n_shards, DataSource().size)
    assert [share.tolist() for share in again] == [share.tolist() for share in shares]
    plan = make_plan(trials, np.arange(len(trials)), n_shards, size)
    owner = {trial: n for n, share in enumerate(shares) for trial in share.tolist()}
    loads = [0.0] * n_shards
    for cohort in plan.cohorts:
        (shard,) = {owner[trial] for line in cohort.lines for trial in line}
        loads[shard] += cohort.cost
    assert max(loads) - min(loads) <= plan.cohorts[0].cost * (1 + 1e-9)


@pytest.mark.parametrize("by", ["the same command", "resume"])
def test_a_stopped_shard_goes_on_alone(tmp_path: Path, by: str) -> None:
    config, into = iris_sweep(**SEVERAL), tmp_path / "shards"
    stopped = one(config, 1, 2, into, workers=1, should_stop=stop_after(2))
    assert stopped.summary["status"] == "interrupted"
    before = (stopped.path / "trials.jsonl").read_bytes()
    with pytest.raises(RunError) as caught:
        merge_shards([into], runs_dir=tmp_path)
    told = str(caught.value).splitlines()[1:]
    assert told[0].startswith("1/2 is not done (")
    assert told[0].endswith(f"left): isolet-nn sweep --resume {stopped.path}")
    assert told[1].startswith("2/2 is missing: ")
    one(config, 2, 2, into)
    if by == "resume":
        done = sweeps.resume_sweep(stopped.path, make_workers=InlineWorkers)
    else:
        done = one(config, 1, 2, into)
    assert done.summary["status"] == "completed"
    assert (done.path / "trials.jsonl").read_bytes().startswith(before)
    merged = merge_shards([into], runs_dir=tmp_path / "merged")
    require_equal(merged, whole(config, tmp_path))


def test_a_missing_shard_is_named_with_the_command_that_runs_it(tmp_path: Path) -> None:
    config, into = iris_sweep(**SEVERAL), tmp_path / "all of them"
    one(config, 2, 2, into)
    with pytest.raises(RunError) as caught:
        merge_shards([into], runs_dir=tmp_path)
    what, _, command = str(caught.value).splitlines()[1].partition(": ")
    assert what == "1/2 is missing"
    program, name, file, *rest = shlex.split(command)
    assert (program, name, rest) == ("isolet-nn", "sweep", ["--shard", "1/2", "--into", str(into)])
    run_shard(file, ShardName(1, 2), into, make_workers=InlineWorkers)
    merged = merge_shards([into], runs_dir=tmp_path / "merged")
    require_equal(merged, whole(config, tmp_path))


def test_forced_merging_joins_what_there_is_and_a_resume_does_the_rest(tmp_path: Path) -> None:
    config = iris_sweep(**SEVERAL)
    one(config, 2, 3, tmp_path / "shards")
    merged = merge_shards([tmp_path / "shards"], runs_dir=tmp_path / "merged", force=True)
    assert merged.summary["status"] == "interrupted"
    assert merged.summary["pending"] > 0
    done = sweeps.resume_sweep(merged.path, make_workers=InlineWorkers)
    require_equal(done, whole(config, tmp_path))


def test_shards_that_begin_at_the_same_moment_make_one_folder_each(tmp_path: Path) -> None:
    config, into, n = iris_sweep(grid={LEARNING_RATE: [0.1, 0.01]}, seeds=3), tmp_path / "a/b", 4
    barrier, errors = threading.Barrier(n), list[BaseException]()

    def begin(number: int) -> None:
        barrier.wait()
        try:
            one(config, number, n, into)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(1, n + 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    names = sorted(path.name for path in into.iterdir())
    assert names == [f"shard-{number}-of-{n}" for number in range(1, n + 1)]
    merged = merge_shards([into], runs_dir=tmp_path / "merged")
    require_equal(merged, whole(config, tmp_path))


def test_a_folder_takes_shards_of_one_sweep_and_one_number_alone(tmp_path: Path) -> None:
    config, into = iris_sweep(**SEVERAL), tmp_path / "shards"
    one(config, 1, 2, into)
    with pytest.raises(RunError, match=r"has a shard 1/2, and 2/3 would not be of the same number"):
        one(config, 2, 3, into)
    other = iris_sweep(**{**SEVERAL, "seeds": 3})
    with pytest.raises(RunError, match="has shard 1/2 of another sweep") as caught:
        one(other, 2, 2, into, force=True)
    assert str(caught.value).splitlines()[1:] == [
        "sweep.seeds: was [0, 1], is [0, 1, 2]",
    ]
    assert [path.name for path in into.iterdir()] == ["shard-1-of-2"]
    one(other, 2, 2, tmp_path / "others")
    with pytest.raises(RunError, match="is of another sweep than"):
        merge_shards([into, tmp_path / "others"], runs_dir=tmp_path)


def test_one_shard_from_two_folders_is_refused(tmp_path: Path) -> None:
    config = iris_sweep(seeds=2)
    for name in ("a", "b"):
        one(config, 1, 2, tmp_path / name)
    with pytest.raises(RunError, match="is shard 1/2, and so is"):
        merge_shards([tmp_path / "a", tmp_path / "b"], runs_dir=tmp_path)
    with pytest.raises(RunError, match="has no shard of a sweep"):
        merge_shards([whole(config, tmp_path).path], runs_dir=tmp_path)


def test_another_processor_is_named_and_refused_unless_forced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What stands in the header of a journal is asked for where workers are processes here.
    class HereWorkers(InlineWorkers):
        pass

    for module in ("sweep", "header"):
        monkeypatch.setattr(f"isolet_nn.sweeps.{module}.LocalWorkers", HereWorkers)

    def begin(number: int, **options: Any) -> SweepFolder:
        name = ShardName(number, 2)
        return run_shard(config, name, into, make_workers=HereWorkers, workers=1, **options)

    config, into = iris_sweep(seeds=2), tmp_path / "shards"
    first = begin(1)
    monkeypatch.setattr("isolet_nn.sweeps.header.processor", lambda _: "a 6502")
    with pytest.raises(RunError, match="--force goes on all the same") as caught:
        begin(2)
    (line,) = str(caught.value).splitlines()[1:]
    assert line.startswith("processor: was ")
    assert line.endswith(", is a 6502")
    second = begin(2, force=True)
    with pytest.raises(RunError, match="were not computed alike") as caught:
        merge_shards([into], runs_dir=tmp_path)
    assert "is a 6502" in str(caught.value)
    merged = merge_shards([into], runs_dir=tmp_path, force=True)
    assert merged.summary["status"] == "completed"
    (told,) = merged.summary["overruled"]
    assert told.startswith(f"{second.path}: processor: was ")
    assert first.summary["overruled"] == []


def test_a_nested_cross_validation_is_not_divided(tmp_path: Path) -> None:
    config = iris_sweep(
        grid={LEARNING_RATE: [0.1, 0.01]}, cross_validation={"folds": 2, "outer_folds": 2}
    )
    with pytest.raises(ConfigError, match="nested cross-validation cannot be divided"):
        one(config, 1, 2, tmp_path / "shards")
    assert not (tmp_path / "shards").exists()


@pytest.mark.parametrize("text", ["0/8", "9/8", "3", "3/", "3/0", "-1/8", "1/99999999", "³/8"])
def test_what_names_no_shard_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="numbers are 1 to OF"):
        ShardName.parse(text)


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    config = iris_sweep(seeds=2)
    folder = one(config, 1, 1, tmp_path / "shards")
    path = folder.path / "shard.json"
    text = path.read_text(encoding="utf-8")
    for damaged in (text[:40], text.replace('"of": 1', '"of": 0'), text.replace("    1\n", "7\n")):
        path.write_text(damaged, encoding="utf-8")
        with pytest.raises(RunError, match="shard"):
            merge_shards([tmp_path / "shards"], runs_dir=tmp_path / "merged")
        with pytest.raises(RunError, match=r"shard\.json"):
            SweepFolder.open(folder.path)


def test_killed_processes_of_a_job_array_are_run_again(tmp_path: Path) -> None:
    """Real processes; in the full run all of an array, at once, and else the one that is killed."""
    content = """
    experiment: {dataset: {name: iris}, model: {hidden_layers: [5]}}
    set: {training.epochs: 30}
    grid: {optimizer.learning_rate: [0.1, 0.03, 0.01]}
    seeds: 2
    plot: {kind: line, x: optimizer.learning_rate}
    """
    n, into = in_full(2, 8), tmp_path / "all"
    file = written(tmp_path, "array.yaml", content)
    commands = [
        ("sweep", file, "--shard", f"{k}/{n}", "--into", "all", "--workers", "1", "--quiet")
        for k in range(1, in_full(1, n) + 1)
    ]
    processes = [start(*command, cwd=tmp_path) for command in commands]
    victim = into / f"shard-1-of-{n}"
    wait_until((victim / "trials.jsonl").exists)
    kill(processes[0].pid)
    for process in processes:
        process.communicate(timeout=120)
    assert {process.returncode for process in processes[1:]} <= {0}
    config = load_sweep(file)
    assert one(config, 1, n, into).path == victim
    for number in range(len(commands) + 1, n + 1):
        one(config, number, n, into)
    require_equal(merge_shards([into], runs_dir=tmp_path / "merged"), whole(config, tmp_path))
