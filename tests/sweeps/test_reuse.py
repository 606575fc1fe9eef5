"""What was computed before is taken over, to the bit, and only where it is the very same."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from isolet_nn.config.loading import load_experiment
from isolet_nn.errors import ConfigError, RunError
from isolet_nn.results.listing import list_runs
from isolet_nn.runs import execution
from isolet_nn.sweeps import reuse
from isolet_nn.sweeps import sweep as sweeps
from isolet_nn.sweeps.cohort import TrialResult
from isolet_nn.sweeps.config import Sweep
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.grid import make_trials
from isolet_nn.sweeps.journal import Journal, make_header
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.observers import SweepObserver
from isolet_nn.sweeps.reuse import Reused
from isolet_nn.sweeps.shard import ShardName
from isolet_nn.sweeps.sharding import run_shard
from isolet_nn.system.folders import locked
from sweeps.helpers import (
    EPOCHS,
    IRIS,
    LEARNING_RATE,
    InlineWorkers,
    iris_sweep,
    model_bytes,
    read_table,
    result_table,
    stop_after,
)

pytestmark = pytest.mark.usefixtures("without_pictures")

ALL: dict[str, Any] = {"save_models": "all", "save_curves": "full"}
SEVERAL: dict[str, Any] = {
    "grid": {EPOCHS: [2, 4], LEARNING_RATE: [0.1, 0.01]},
    "seeds": 2,
}
ITS_TRIALS = 8


class WorkersHere(InlineWorkers):
    """In place of the processes of this machine, of which the processor is known."""


@pytest.fixture(scope="module", autouse=True)
def _workers_here() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in ("sweep", "header", "reuse"):
            patch.setattr(f"isolet_nn.sweeps.{module}.LocalWorkers", WorkersHere)
        yield


class Watcher(SweepObserver):
    """Knows what was taken over, and which trials were trained."""

    def __init__(self) -> None:
        self.reused = Reused()
        self.trained: list[int] = []

    def on_reuse(self, folder: SweepFolder, reused: Reused) -> None:
        self.reused = reused

    def on_results(self, results: list[TrialResult], cost: float) -> None:
        self.trained += [result.trial for result in results]


def swept(config: Sweep, runs_dir: Path, *places: Path, **options: Any) -> SweepFolder:
    """A sweep of one process, that looks for earlier results where there are places."""
    return sweeps.sweep(
        config,
        runs_dir=runs_dir,
        workers=1,
        make_workers=WorkersHere,
        reuse=places or None,
        **options,
    )


def watched(config: Sweep, runs_dir: Path, *places: Path) -> tuple[SweepFolder, Watcher]:
    watcher = Watcher()
    return swept(config, runs_dir, *places, observer=watcher), watcher


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory, without_pictures: None) -> SweepFolder:
    """A sweep that took nothing over."""
    return swept(iris_sweep(**SEVERAL), tmp_path_factory.mktemp("fresh"))


@pytest.fixture(scope="module")
def fresh_with_all(tmp_path_factory: pytest.TempPathFactory, without_pictures: None) -> SweepFolder:
    """The same with all weights and full curves."""
    return swept(iris_sweep(**SEVERAL, **ALL), tmp_path_factory.mktemp("fresh"))


def copied(folder: SweepFolder, runs_dir: Path) -> Path:
    """A sweep as an earlier one, to be looked for."""
    return Path(shutil.copytree(folder.path, runs_dir / folder.path.name))


def curves(folder: SweepFolder) -> list[dict[str, str]]:
    with (folder.path / "curves.csv").open(encoding="utf-8", newline="") as file:
        rows = [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]
    return sorted(rows, key=lambda row: (int(row["trial"]), int(row["epoch"])))


def unmarked(folder: SweepFolder) -> list[dict[str, str]]:
    return [{k: v for k, v in row.items() if k != "reused_from"} for row in result_table(folder)]


def require_equal(one: SweepFolder, fresh: SweepFolder) -> None:
    """That nothing but the mark tells what was taken over from what was trained."""
    assert unmarked(one) == unmarked(fresh)
    assert model_bytes(one) == model_bytes(fresh)
    assert curves(one) == curves(fresh)
    tables = [(folder.path / "settings.csv").read_bytes() for folder in (one, fresh)]
    assert tables[0] == tables[1]
    assert unmarked(SweepFolder.open(one.path)) == unmarked(fresh)


@pytest.mark.parametrize(
    "keys",
    [
        {**SEVERAL, **ALL},
        {**SEVERAL, "save_models": "best"},
        {"grid": {LEARNING_RATE: [0.1, 0.01]}, "cross_validation": {"folds": 2}, **ALL},
        {
            "grid": {LEARNING_RATE: [0.1, 0.01]},
            "cross_validation": {"folds": 2, "outer_folds": 2},
            **ALL,
        },
    ],
)
def test_a_reused_trial_is_a_fresh_one_to_the_bit(tmp_path: Path, keys: dict[str, Any]) -> None:
    earlier = swept(iris_sweep(name="before", **{**keys, **ALL}), tmp_path / "before")
    config = iris_sweep(name="after", **keys)
    again, watcher = watched(config, tmp_path / "after", tmp_path / "before")
    assert watcher.trained == []
    assert watcher.reused.taken == {earlier.path: again.n_trials}
    assert again.summary["status"] == "completed"
    assert again.summary["reused"] == again.n_trials
    marks = [row["reused_from"] for row in read_table(again.path / "trials.csv")]
    assert marks == [f"{earlier.path}/trials/{number}" for number in range(again.n_trials)]
    fresh = swept(config, tmp_path / "fresh")
    assert "reused_from" not in result_table(fresh)[0]
    assert fresh.summary["reused"] == 0
    require_equal(again, fresh)
    resumed = sweeps.resume_sweep(again.path, make_workers=WorkersHere)
    require_equal(resumed, fresh)


@pytest.mark.parametrize("kept", ["training", "full"])
def test_a_run_serves_the_trial_that_it_is(tmp_path: Path, kept: str) -> None:
    config = iris_sweep(**SEVERAL, save_models="all", save_curves=kept)
    experiment = SweepFolder(tmp_path, config, make_trials(config)).make_experiment(5)
    own = experiment.model_dump(mode="json") | {"name": "alone"}
    run = execution.train(load_experiment(own), runs_dir=tmp_path / "runs")
    again, watcher = watched(config, tmp_path / "after", run.path)
    assert watcher.reused.taken == {run.path: 1}
    assert sorted(watcher.trained) == [n for n in range(ITS_TRIALS) if n != 5]
    require_equal(again, swept(config, tmp_path / "fresh"))


def test_a_widened_grid_trains_its_new_cells_only(tmp_path: Path, fresh: SweepFolder) -> None:
    wider = {**SEVERAL, "grid": {EPOCHS: [2, 3, 4], LEARNING_RATE: [0.1, 0.03, 0.01]}}
    config = iris_sweep(**wider)
    again, watcher = watched(config, tmp_path, fresh.path)
    epochs_and_rates = [(row[EPOCHS], row[LEARNING_RATE]) for row in result_table(again)]
    new = [n for n, (e, r) in enumerate(epochs_and_rates) if e == "3" or r == "0.03"]
    # What the earlier sweep kept no weights of is trained again if it is the best of all.
    best = again.results.best(again.metric)
    assert best is not None
    assert {*new} <= {*watcher.trained} <= {*new, best[0]}
    require_equal(again, swept(config, tmp_path / "fresh"))


def test_the_best_trial_is_trained_again_where_its_weights_are_gone(
    tmp_path: Path, fresh: SweepFolder
) -> None:
    (weights,) = (copied(fresh, tmp_path / "before") / "models").glob("*.safetensors")
    weights.unlink()
    again, watcher = watched(iris_sweep(**SEVERAL), tmp_path / "after", tmp_path / "before")
    best = again.results.best(again.metric)
    assert best is not None
    assert watcher.trained == [best[0]]
    require_equal(again, fresh)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"save_models": "best"}, {"save_models": "all"}),
        ({"save_curves": "training"}, {"save_curves": "full"}),
        ({"save_curves": "none"}, {}),
    ],
)
def test_what_lacks_a_curve_or_weights_that_are_asked_for_is_trained(
    tmp_path: Path, before: dict[str, Any], after: dict[str, Any]
) -> None:
    swept(iris_sweep(**SEVERAL, **before), tmp_path / "before")
    config = iris_sweep(**SEVERAL, **after)
    again, watcher = watched(config, tmp_path / "after", tmp_path / "before")
    assert len(watcher.trained) == ITS_TRIALS - again.summary["reused"] >= ITS_TRIALS - 1
    require_equal(again, swept(config, tmp_path / "fresh"))


Change = Callable[[Path], None]


def in_header(**changes: Any) -> Change:
    def change(folder: Path) -> None:
        path = folder / "trials.jsonl"
        first, *rest = path.read_text(encoding="utf-8").splitlines(keepends=True)
        parts = {k: v for k, v in json.loads(first).items() if k not in ("format", "identity")}
        header = make_header(**{**parts, **changes})
        path.write_text(header.model_dump_json() + "\n" + "".join(rest), encoding="utf-8")

    return change


def in_json(name: str, *place: str, value: Any) -> Change:
    def change(folder: Path) -> None:
        content = inner = json.loads((folder / name).read_text(encoding="utf-8"))
        *parents, last = place
        for key in parents:
            inner = inner[key]
        inner[last] = value
        (folder / name).write_text(json.dumps(content), encoding="utf-8")

    return change


def cut_to(name: str, share: float) -> Change:
    def change(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(len(content) * share)])

    return change


def damage(name: str) -> Change:
    def change(folder: Path) -> None:
        lines = (folder / name).read_bytes().splitlines(keepends=True)
        lines[len(lines) // 2] = b"7,nonsense\n"
        (folder / name).write_bytes(b"".join(lines))

    return change


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (in_header(version="0.0.1"), "it was computed by isolet-nn 0.0.1"),
        (in_header(processor="a 6502"), "it was computed by another processor, a 6502"),
        (in_header(processor=None), "it was computed on a cluster"),
        (in_header(data=["another"]), None),
        (in_json("environment.json", "packages", "numpy", value="1.0"), "with numpy 1.0"),
        (in_json("summary.json", "overruled", value=["seeds"]), "--force"),
        (damage("trials.jsonl"), "damaged"),
        (damage("curves.csv"), "damaged"),
        (cut_to("sweep.yaml", 0.5), "sweep.yaml"),
        (cut_to("environment.json", 0.5), "damaged"),
        (lambda folder: (folder / "environment.json").unlink(), "no such file"),
        (lambda folder: (folder / "trials.jsonl").unlink(), None),
    ],
)
def test_what_is_not_the_same_or_not_whole_is_left_aside_with_a_word(
    tmp_path: Path, fresh: SweepFolder, change: Change, why: str | None
) -> None:
    earlier = copied(fresh, tmp_path / "before")
    change(earlier)
    again, watcher = watched(iris_sweep(**SEVERAL), tmp_path / "after", tmp_path / "before")
    assert watcher.reused.taken.total() < ITS_TRIALS
    assert sorted(watcher.reused.aside) == ([] if why is None else [earlier])
    if why is not None:
        assert why in watcher.reused.aside[earlier]
    require_equal(again, fresh)


@pytest.mark.parametrize("key", ["training.batch_size", "model.dropout", "dataset.standardize"])
def test_another_config_is_not_taken_for_the_same(
    tmp_path: Path, fresh: SweepFolder, key: str
) -> None:
    value = {"training.batch_size": 31, "model.dropout": 0.1, "dataset.standardize": False}[key]
    config = load_sweep({"experiment": IRIS, **SEVERAL, "set": {key: value}})
    again, watcher = watched(config, tmp_path / "after", fresh.path)
    assert (again.summary["reused"], watcher.reused) == (0, Reused())


def test_changed_data_is_not_the_same_and_moved_data_is(tmp_path: Path) -> None:
    def config(name: str) -> Sweep:
        experiment = {"dataset": {"name": "csv", "path": str(tmp_path / name)}}
        return load_sweep({"experiment": experiment, **SEVERAL, "set": {"training.batch_size": 9}})

    rows = [f"{k},{k * k % 7},{'ab'[k % 2]}" for k in range(40)]
    table = tmp_path / "data.csv"
    table.write_text("\n".join(["x,y,label", *rows]) + "\n", encoding="utf-8")
    swept(config("data.csv"), tmp_path / "before")
    table.rename(tmp_path / "moved.csv")
    table.write_text("\n".join(["x,y,label", *rows[:-1], "39,5,b"]) + "\n", encoding="utf-8")
    moved, watcher = watched(config("moved.csv"), tmp_path / "moved", tmp_path / "before")
    assert watcher.trained == []
    require_equal(moved, swept(config("moved.csv"), tmp_path / "fresh"))
    _, watcher = watched(config("data.csv"), tmp_path / "changed", tmp_path / "before")
    assert watcher.reused == Reused()


def test_a_source_at_work_is_left_aside_and_a_killed_one_gives_what_it_has(
    tmp_path: Path, fresh: SweepFolder
) -> None:
    earlier = copied(fresh, tmp_path / "before")
    config, told = iris_sweep(**SEVERAL), list[Reused]()
    with locked(earlier):
        sweeps.plan_of(config, 1, reuse=[earlier.parent], on_reuse=told.append)
    assert told == [Reused(aside={earlier: "a process is working on it"})]
    in_json("summary.json", "status", value="running")(earlier)
    cut_to("trials.jsonl", 0.9)(earlier)  # a torn line at its end
    again, watcher = watched(config, tmp_path / "later", tmp_path / "before")
    assert 0 < watcher.reused.taken.total() < ITS_TRIALS
    assert watcher.reused.aside == {}
    require_equal(again, fresh)


@pytest.mark.parametrize("swapped", [True, False])
def test_damaged_or_swapped_weights_are_not_taken_over(
    tmp_path: Path, fresh_with_all: SweepFolder, swapped: bool
) -> None:
    earlier = copied(fresh_with_all, tmp_path / "before")
    models = earlier / "models"
    if swapped:
        shutil.copyfile(models / "trial-1.safetensors", models / "trial-5.safetensors")
    else:
        cut_to("models/trial-5.safetensors", 0.7)(earlier)
    config = iris_sweep(**SEVERAL, **ALL)
    again, watcher = watched(config, tmp_path / "after", tmp_path / "before")
    assert watcher.trained
    why = "its weights are of another experiment" if swapped else "damaged"
    assert why in watcher.reused.aside[earlier]
    require_equal(again, fresh_with_all)


@pytest.mark.parametrize("reused_again", [True, False])
@pytest.mark.parametrize("moment", ["copy_model", "append", "_sync"])
def test_taking_over_that_is_killed_is_resumed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fresh_with_all: SweepFolder,
    moment: str,
    reused_again: bool,
) -> None:
    config, before = iris_sweep(**SEVERAL, **ALL), fresh_with_all.path
    monkeypatch.setattr(reuse, "_AT_ONCE", 3)
    owner: Any = reuse if moment == "copy_model" else Journal
    inner, calls = getattr(owner, moment), iter(range(100))

    def killed(*arguments: Any) -> None:
        inner(*arguments)
        if next(calls) == {"copy_model": 4, "append": 1, "_sync": 1}[moment]:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(owner, moment, killed)
        with pytest.raises(KeyboardInterrupt):
            swept(config, tmp_path / "after", before)
    (path,) = (tmp_path / "after").iterdir()
    places = [before] if reused_again else None
    done = sweeps.resume_sweep(path, make_workers=WorkersHere, reuse=places)
    assert done.summary["status"] == "completed"
    assert done.summary["reused"] == ITS_TRIALS if reused_again else done.summary["reused"] > 0
    require_equal(done, fresh_with_all)


def test_a_stop_leaves_the_rest_for_a_resume(tmp_path: Path, fresh_with_all: SweepFolder) -> None:
    config, stop = iris_sweep(**SEVERAL, **ALL), stop_after(2)
    stopped = swept(config, tmp_path, fresh_with_all.path, should_stop=stop)
    assert (stopped.summary["status"], stopped.summary["reused"]) == ("interrupted", 2)
    done = sweeps.resume_sweep(stopped.path, make_workers=WorkersHere)
    require_equal(done, fresh_with_all)


def test_shards_serve_and_take_over_like_whole_sweeps(tmp_path: Path) -> None:
    config = iris_sweep(**SEVERAL)
    options: dict[str, Any] = {"make_workers": WorkersHere, "workers": 1}
    first = run_shard(config, ShardName(1, 2), tmp_path / "a", **options)
    _, watcher = watched(config, tmp_path / "after", tmp_path / "a")
    assert watcher.reused.taken.total() >= first.n_own - 1
    watcher = Watcher()
    again = run_shard(
        config, ShardName(1, 2), tmp_path / "b", reuse=[first.path], observer=watcher, **options
    )
    assert (watcher.trained, again.summary["reused"]) == ([], first.n_own)
    assert unmarked(again) == unmarked(first)


def test_a_plan_counts_what_would_be_taken_over(fresh: SweepFolder) -> None:
    config, told = iris_sweep(**{**SEVERAL, "seeds": 3}), list[Reused]()
    plan, n_trials, _ = sweeps.plan_of(config, 1, reuse=[fresh.path], on_reuse=told.append)
    assert (n_trials, plan.n_trials + told[0].taken.total()) == (12, 12)
    assert told[0].taken.total() >= ITS_TRIALS - 1


def test_earlier_results_are_looked_for_where_it_is_known_what_computes(tmp_path: Path) -> None:
    config = iris_sweep(**SEVERAL)
    with pytest.raises(ConfigError, match="--reuse does not go with --cluster"):
        sweeps.sweep(config, runs_dir=tmp_path, make_workers=InlineWorkers, reuse=[tmp_path])
    with pytest.raises(RunError, match="nowhere: no such folder"):
        swept(config, tmp_path / "runs", tmp_path / "nowhere")
    assert not (tmp_path / "runs").exists()


def test_trials_of_a_search_serve_a_list_and_pruned_ones_do_not(tmp_path: Path) -> None:
    held_out = {**IRIS, "dataset": {"name": "iris", "validation": {"fraction": 0.3}}}
    search = {
        "trials": 6,
        "batch": 3,
        "sampler": "random",
        "pruner": {"name": "median", "n_startup_trials": 2},
        "space": {LEARNING_RATE: {"log_uniform": [1e-3, 1.0]}},
    }
    found = swept(load_sweep({"experiment": held_out, "search": search, **ALL}), tmp_path / "found")
    table = found.trial_table
    settings = [table.setting(number) for number in range(len(table.codes))]
    unread = {"training.evaluate_test": False}  # as a search leaves the test part
    config = load_sweep({"experiment": held_out, "set": unread, "list": settings, **ALL})
    again, watcher = watched(config, tmp_path / "after", tmp_path / "found")
    assert watcher.reused.taken == {found.path: found.summary["completed"]}
    assert len(watcher.trained) == found.summary["pruned"] > 0
    require_equal(again, swept(config, tmp_path / "fresh"))
    (entry,) = [entry for entry in list_runs(tmp_path / "after") if entry.kind == "sweep"]
    assert entry.reused == found.summary["completed"]
