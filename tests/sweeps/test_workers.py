"""Worker processes that die, and cohorts that fail: everything else goes on."""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from isolet_nn.config.experiment import Experiment
from isolet_nn.data import load_dataset
from isolet_nn.errors import DataError
from isolet_nn.runs.model_file import read_model
from isolet_nn.sweeps.cohort import CohortTask, LineTask, TrialResult
from isolet_nn.sweeps.config import Sweep
from isolet_nn.sweeps.datasets import DataSource, PackedDataset, data_key, pack
from isolet_nn.sweeps.dispatch import ModelKeeper
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.observers import SweepObserver
from isolet_nn.sweeps.plan import Cohort
from isolet_nn.sweeps.sweep import sweep
from isolet_nn.sweeps.workers import LocalWorkers, Outcome
from sweeps.helpers import (
    IRIS,
    InlineWorkers,
    iris_sweep,
    is_alive,
    kill,
    result_table,
    trials_of,
    wait_until,
    worker_pids,
)

pytestmark = pytest.mark.usefixtures("without_pictures")


@pytest.fixture(autouse=True)
def none_of_others() -> None:
    """End the workers of joblib that tests of other packages have left for later use."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True)
    wait_until(lambda: not own_workers())


def own_workers() -> list[int]:
    """Workers of the test's own process."""
    return worker_pids(os.getpid())


def task_of(epochs: int = 1) -> tuple[CohortTask, Experiment]:
    """A training of iris, as it is sent to a worker."""
    experiment = trials_of(set={"training.epochs": epochs}).make_experiment(0)
    line = LineTask(experiment.model_dump(mode="json"), (0,), (epochs,))
    return CohortTask((line,), data_key(experiment)), experiment


@contextlib.contextmanager
def local_workers(n: int, folder: Path) -> Iterator[LocalWorkers]:
    workers = LocalWorkers(n, folder, DataSource().pack)
    try:
        yield workers
    finally:
        workers.close()
        wait_until(lambda: not own_workers())


def outcome_of(workers: LocalWorkers) -> Outcome:
    for _ in range(300):
        for outcome in workers.wait(0.1):
            return outcome
    raise AssertionError("nothing ended")


@pytest.mark.slow
def test_a_worker_that_dies_at_work_or_idle_is_replaced(tmp_path: Path) -> None:
    with local_workers(1, tmp_path) as workers:
        workers.submit(0, *task_of())
        first = outcome_of(workers)
        assert first.results is not None

        (idle,) = own_workers()
        kill(idle)
        wait_until(lambda: not is_alive(idle))
        time.sleep(0.2)  # until the executor has noticed
        workers.submit(1, *task_of(epochs=100_000))
        wait_until(own_workers)
        (busy,) = own_workers()
        assert busy != idle
        kill(busy)
        died = outcome_of(workers)
        assert died == Outcome(1, None, "its worker process died (killed, or out of memory)")

        assert workers.free() == 1
        workers.submit(2, *task_of())
        again = outcome_of(workers)
        assert again.results is not None
        assert again.results[0].metrics == first.results[0].metrics


@pytest.mark.slow
def test_old_data_sets_make_room_on_the_disk_unless_they_are_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = [trials_of(seeds=[seed]).make_experiment(0) for seed in range(4)]
    size = DataSource().pack(seeds[0]).n_bytes
    monkeypatch.setattr("isolet_nn.sweeps.workers._BYTES_KEPT", 2.5 * size)
    with local_workers(2, tmp_path) as workers:
        for ticket, experiment in enumerate(seeds):
            epochs = 100_000_000 if ticket == 0 else 1  # the first goes on and on
            content = experiment.model_dump(mode="json")
            content["training"]["epochs"] = epochs
            line = LineTask(content, (ticket,), (epochs,))
            workers.submit(ticket, CohortTask((line,), data_key(experiment)), experiment)
            if ticket:
                assert outcome_of(workers).ticket == ticket
        assert sorted(folder.name for folder in tmp_path.iterdir()) == ["0", "3"]


def _is_dead(pid: int) -> bool:
    return not is_alive(pid)


class Killer(SweepObserver):
    """Kills the worker whenever it has a cohort with one of the victims."""

    def __init__(self, victims: set[int], kills: int) -> None:
        self.victims = victims
        self.kills_left = kills
        self.killed = 0
        self.retried: list[tuple[Cohort, str]] = []
        self.submitted: list[Cohort] = []

    def on_submit(self, cohort: Cohort, ticket: int) -> None:
        self.submitted.append(cohort)

    def on_retry(self, cohort: Cohort, error: str) -> None:
        self.retried.append((cohort, error))

    def on_wait(self) -> None:
        trials = {trial for line in self.submitted[-1].lines for trial in line}
        if trials & self.victims and self.kills_left > 0:
            for pid in own_workers():
                kill(pid)
                self.kills_left -= 1
                self.killed += 1
                wait_until(functools.partial(_is_dead, pid))


def long_and_short() -> Sweep:
    """Trials 0 and 1 are one cohort that takes minutes; 2 to 5 take no time."""
    return iris_sweep(
        set={"dataset.split_seed": 0},
        list=[
            {"training.epochs": 100_000, "training.batch_size": 8, "optimizer": "sgd"},
            {"training.epochs": 3},
            {"training.epochs": 3, "model.hidden_layers": [3]},
        ],
        seeds=2,
        save_models="none",
    )


@pytest.mark.slow
def test_a_cohort_that_always_dies_is_split_tried_once_more_and_failed(tmp_path: Path) -> None:
    config = long_and_short()
    killer = Killer(victims={0, 1}, kills=100)
    folder = sweep(config, runs_dir=tmp_path, workers=1, observer=killer)
    table = result_table(folder)

    assert folder.summary["status"] == "completed"
    assert [row["status"] for row in table] == ["failed"] * 2 + ["completed"] * 4
    assert "worker process died" in table[0]["error"]
    assert table[0]["error"] == table[1]["error"]
    assert killer.killed >= 3
    retried = [cohort for cohort, _ in killer.retried]
    assert sorted(trial for cohort in retried for line in cohort.lines for trial in line) == [0, 1]
    attempts = [cohort for cohort in killer.submitted if {0, 1} & {t for (t,) in cohort.lines}]
    assert len(attempts) == len(retried) + 2

    undisturbed = sweep(
        iris_sweep(
            set={"dataset.split_seed": 0},
            list=config.list[1:] if config.list else [],
            seeds=2,
            save_models="none",
        ),
        runs_dir=tmp_path,
        make_workers=InlineWorkers,
    )
    same = ("seed", "test_loss", "test_accuracy", "epochs", "status")
    assert [[row[key] for key in same] for row in table[2:]] == [
        [row[key] for key in same] for row in result_table(undisturbed)
    ]


@pytest.mark.slow
def test_one_death_leaves_no_trace_in_the_results(tmp_path: Path) -> None:
    config = iris_sweep(
        set={"training.epochs": 60, "training.batch_size": 2},
        grid={"training.dtype": ["float32", "float64"]},
        seeds=2,
        save_models="none",
    )
    killer = Killer(victims=set(range(4)), kills=1)
    folder = sweep(config, runs_dir=tmp_path, workers=1, observer=killer)
    assert killer.killed == 1
    assert len(killer.retried) == 1
    inline = sweep(config, runs_dir=tmp_path, make_workers=InlineWorkers)
    assert result_table(folder) == result_table(inline)


@pytest.mark.slow
def test_a_network_that_does_not_fit_into_a_workers_memory_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that plans has more memory than the workers."""
    monkeypatch.setattr("isolet_nn.training.capacity.machine_memory", lambda: 10**18)
    config = iris_sweep(
        grid={"model.hidden_layers": [[4], [10**7, 10**7], [6]]}, save_models="none"
    )
    folder = sweep(config, runs_dir=tmp_path, workers=2)
    table = result_table(folder)
    assert [row["status"] for row in table] == ["completed", "failed", "completed"]
    assert "GB of memory at least, and this machine has " in table[1]["error"]


class FailingWorkers(InlineWorkers):
    """Workers in which every task with one of some trials raises."""

    victims: tuple[int, ...] = (2, 5)

    def wait(self, seconds: float) -> list[Outcome]:
        ticket, task = self.tasks[-1]
        if any(trial in self.victims for line in task.lines for trial in line.trials):
            self.tasks.pop()
            return [Outcome(ticket, None, "ValueError: such bad luck")]
        return super().wait(seconds)


@pytest.mark.parametrize("workers", [1, 3])
def test_an_exception_in_one_training_takes_no_other_of_its_stack_with_it(
    tmp_path: Path, workers: int
) -> None:
    config = iris_sweep(set={"dataset.split_seed": 0, "training.epochs": 2}, seeds=9)
    folder = sweep(config, runs_dir=tmp_path, workers=workers, make_workers=FailingWorkers)
    table = result_table(folder)
    failed = [row["trial"] for row in table if row["status"] == "failed"]
    assert failed == ["2", "5"]
    assert {row["error"] for row in table} == {"", "ValueError: such bad luck"}
    whole = result_table(sweep(config, runs_dir=tmp_path, make_workers=InlineWorkers))
    kept = [row for row in table if row["status"] == "completed"]
    assert kept == [row for row in whole if row["trial"] not in failed]


def test_the_parts_of_a_training_fail_together(tmp_path: Path) -> None:
    config = iris_sweep(grid={"training.epochs": [1, 2, 3]}, seeds=2)
    folder = sweep(config, runs_dir=tmp_path, make_workers=FailingWorkers)
    statuses = [row["status"] for row in result_table(folder)]
    assert statuses == ["failed", "failed"] * 3


def csv_of_patients(path: Path) -> Path:
    """One patient is the only one with class z: when held out, nothing is left to train on."""
    rows = [f"{k},{k % 3},p{k % 4},{'x' if k % 2 else 'y'}" for k in range(24)]
    rows += [f"{k},1,p9,z" for k in range(4)]
    path.write_text("a,b,patient,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_a_seed_that_splits_the_data_badly_fails_alone(tmp_path: Path) -> None:
    dataset = {
        "name": "csv",
        "path": str(csv_of_patients(tmp_path / "patients.csv")),
        "label": "label",
        "group": "patient",
        "test": {"fraction": 0.4, "by": "group"},
    }
    experiment = {"dataset": dataset, "training": {"epochs": 1}}
    config = load_sweep({"experiment": experiment, "seeds": 12})

    def can_be_split(seed: int) -> bool:
        try:
            load_dataset(trials_of(experiment).make_experiment(0).dataset, seed, "float32")
        except DataError:
            return False
        return True

    good = [seed for seed in range(12) if can_be_split(seed)]
    assert 0 < len(good) < 12
    seeds = [*good, *(seed for seed in range(12) if seed not in good)]
    config = load_sweep({"experiment": experiment, "seeds": seeds})
    folder = sweep(config, runs_dir=tmp_path, workers=3, make_workers=InlineWorkers)
    table = result_table(folder)
    assert [int(row["seed"]) for row in table if row["status"] == "completed"] == good
    errors = {row["error"] for row in table if row["status"] == "failed"}
    assert errors
    assert all("is left to train on" in error for error in errors), errors


def test_a_data_set_that_was_damaged_on_its_way_is_refused(tmp_path: Path) -> None:
    experiment = trials_of().make_experiment(0)
    packed = pack(load_dataset(experiment.dataset, 0, "float32"))
    packed.save(tmp_path)
    good = PackedDataset.open(tmp_path).unpack()
    assert (good.train.x == packed.arrays["train.x"]).all()
    assert good.classes == ("setosa", "versicolor", "virginica")

    file = tmp_path / "train.x.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(DataError, match="damaged on its way to the worker: checksum"):
        PackedDataset.open(tmp_path).unpack()


def keeper(folder: Path, save_models: str, best: tuple[int, float] | None = None) -> ModelKeeper:
    return ModelKeeper(save_models, folder / "models", "test_accuracy", best)


def completed(trial: int, accuracy: float | None) -> TrialResult:
    metrics = {} if accuracy is None else {"test_accuracy": accuracy}
    return TrialResult(trial, "completed", metrics)


def write_models(folder: Path, *trials: int) -> None:
    for trial in trials:
        (folder / "models" / f"trial-{trial}.safetensors").write_bytes(b"")


def models_in(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "models").iterdir())


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (2, 4, 1, 0, 3)])
def test_the_best_trial_keeps_its_weights_in_whatever_order_trials_end(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    accuracies: list[float | None] = [0.5, 0.9, 0.7, 0.9, None]
    models = keeper(tmp_path, "best")
    for trial in order:
        if accuracies[trial] is not None:
            write_models(tmp_path, trial)
        models.consider([completed(trial, accuracies[trial])])
    assert models_in(tmp_path) == ["trial-1.safetensors"]
    assert (models.best_trial, models.best_value) == (1, 0.9)


def test_weights_that_a_killed_sweep_left_are_removed_but_for_the_best(tmp_path: Path) -> None:
    keeper(tmp_path, "best")
    write_models(tmp_path, 0, 1, 2)
    (tmp_path / "models" / ".trial-3-x.safetensors").write_bytes(b"torn")
    keeper(tmp_path, "best", (1, 0.5))
    assert models_in(tmp_path) == ["trial-1.safetensors"]


def test_all_weights_are_left_where_all_are_asked_for(tmp_path: Path) -> None:
    keeper(tmp_path, "all")
    write_models(tmp_path, 0, 1)
    (tmp_path / "models" / ".trial-3-x.safetensors").write_bytes(b"torn")
    models = keeper(tmp_path, "all", (1, 0.5))
    models.consider([completed(0, 0.9)])
    assert models_in(tmp_path) == ["trial-0.safetensors", "trial-1.safetensors"]


@pytest.mark.parametrize("save_models", ["all", "best", "none"])
@pytest.mark.parametrize("validation", ["none", {"fraction": 0.2}])
def test_weights_are_kept_as_asked(tmp_path: Path, save_models: str, validation: Any) -> None:
    config = load_sweep(
        {
            "experiment": {**IRIS, "dataset": {"name": "iris", "validation": validation}},
            "grid": {"training.epochs": [1, 3], "optimizer.learning_rate": [0.1, 0.001]},
            "seeds": 2,
            "save_models": save_models,
        }
    )
    folder = sweep(config, runs_dir=tmp_path, workers=3, make_workers=InlineWorkers)
    assert folder.metric == ("test_accuracy" if validation == "none" else "validation_accuracy")
    best = folder.results.best(folder.metric)
    assert best is not None
    saved = models_in(folder.path) if (folder.path / "models").exists() else []
    shared = [name for name in saved if name.startswith("preprocessing-")]
    saved = [name for name in saved if name not in shared]
    expected = {"best": [f"trial-{best[0]}.safetensors"], "none": []}
    every = [f"trial-{trial}.safetensors" for trial in range(8)]
    assert saved == expected.get(save_models, every)
    assert len(shared) == {"all": 2, "best": 1, "none": 0}[save_models]  # one a seed
    for path in (folder.path / "models").glob("*.safetensors"):
        assert read_model(path).classes == ("setosa", "versicolor", "virginica")
