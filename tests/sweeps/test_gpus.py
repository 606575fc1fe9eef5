"""Sweeps on GPUs, which need not be there: who works, what is planned, what memory has room for."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from needs import needs_torch

from isolet_nn.config.experiment import Experiment
from isolet_nn.data import load_dataset
from isolet_nn.data.dataset import Dataset
from isolet_nn.errors import BackendUnavailableError, ConfigError, OutOfMemoryError
from isolet_nn.sweeps import cohort
from isolet_nn.sweeps.cluster import Cluster, workers_memory
from isolet_nn.sweeps.cohort import CohortTask, LineTask, TrialResult, run_cohort
from isolet_nn.sweeps.costs import GPU_COSTS
from isolet_nn.sweeps.datasets import DataSize, data_key
from isolet_nn.sweeps.grid import Trials
from isolet_nn.sweeps.plan import IN_FLIGHT, Plan, make_plan
from isolet_nn.sweeps.remote import Failed, Gpu, dask_setup, gpu_for
from isolet_nn.sweeps.room import halves, that_fit
from isolet_nn.sweeps.staff import FROM_FILE, Wanted, parse_devices, staff_of
from isolet_nn.sweeps.workers import LocalWorkers, only_gpu
from isolet_nn.system.machine import available_cores
from isolet_nn.training.capacity import networks_in_memory
from isolet_nn.training.loop import Training
from sweeps.helpers import IRIS, iris_sweep, trials_of

ISOLET = DataSize(n_rows=6238, n_features=617, n_classes=26)
H200 = 150 * 10**9
ON_GPU = {"backend": "torch", "dataset.split_seed": 0}


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let PyTorch see two GPUs of one kind."""
    _pretend(monkeypatch, ["H100", "H100"])


def _pretend(monkeypatch: pytest.MonkeyPatch, kinds: list[str]) -> None:
    pytest.importorskip("torch")
    devices = "isolet_nn.training.devices"
    monkeypatch.setattr(f"{devices}.kinds_of_gpus", lambda: kinds)
    monkeypatch.setattr(f"{devices}.memory_of_gpu", lambda number: (80 - number) * 10**9)


def who_works(wanted: Wanted = FROM_FILE, **keys: Any) -> tuple[int, tuple[str, ...]]:
    """Workers and GPUs of a sweep of iris."""
    sweep = iris_sweep(**keys)
    staff = staff_of(sweep, trials_of(**keys), wanted)
    return staff.workers, staff.gpus


@pytest.mark.usefixtures("two_gpus")
def test_each_gpu_has_one_worker_unless_more_are_asked_for() -> None:
    on_gpu: dict[str, Any] = {"set": {"backend": "torch"}}
    both = ("cuda:0", "cuda:1")
    assert who_works(**on_gpu) == (2, both)
    assert who_works(Wanted(workers=1), **on_gpu) == (1, ("cuda:0",))
    assert who_works(Wanted(workers=4), **on_gpu) == (4, both)
    assert who_works(Wanted(devices=["cuda:1"]), **on_gpu) == (1, ("cuda:1",))
    assert who_works(devices=["cuda:1", "cuda:0"], **on_gpu) == (2, ("cuda:1", "cuda:0"))
    assert who_works(Wanted(devices=["cuda:0"]), devices=["cuda:1"], **on_gpu)[1] == ("cuda:0",)


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize("change", [{"backend": "numpy"}, {"backend": "torch", "device": "cpu"}])
def test_trials_of_processors_have_a_worker_for_each_core(change: dict[str, Any]) -> None:
    workers, gpus = who_works(set=change)
    assert (workers, gpus) == (available_cores(), ())


def test_gpus_of_another_kind_than_the_first_are_left_aside_or_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _pretend(monkeypatch, ["H100", "T4", "H100"])
    on_gpu: dict[str, Any] = {"set": {"backend": "torch"}}
    assert who_works(**on_gpu)[1] == ("cuda:0", "cuda:2")
    with pytest.raises(ConfigError, match="devices: cuda:1 is T4, cuda:0 is H100; bits depend"):
        who_works(Wanted(devices=["cuda:1"]), **on_gpu)


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize(
    ("wanted", "change", "message"),
    [
        (Wanted(devices=["cuda:2"]), {"backend": "torch"}, "found cuda:2; available: cuda:0, cud"),
        (Wanted(devices=["cuda:0"]), {}, "have backend: numpy, which computes on processors"),
        (
            Wanted(devices=["cuda:0"]),
            {"backend": "torch", "device": "cpu"},
            "have backend: torch and device: cpu, which",
        ),
        (
            Wanted(workers=3, devices=["cuda:0", "cuda:1"]),
            {"backend": "torch"},
            "found 2 GPUs and workers: 3; each GPU has one worker, so give workers: 2",
        ),
        (Wanted(devices=["cuda:1", "cuda:1"]), {"backend": "torch"}, "found cuda:1 twice"),
    ],
    ids=["not there", "numpy", "cpu", "other workers", "twice"],
)
def test_devices_that_cannot_be_used_are_refused(
    wanted: Wanted, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        who_works(wanted, set=change)


@needs_torch
def test_where_there_is_no_gpu_a_named_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch, [])
    with pytest.raises(ConfigError, match="PyTorch sees no CUDA device on this machine"):
        who_works(Wanted(devices=["cuda:0"]), set={"backend": "torch"})


@pytest.mark.parametrize("text", ["cuda", "0", "cuda:0;cuda:1", "cpu", "", "cuda:0,"])
def test_names_that_no_gpu_has_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"--devices: found .*cuda:0,cuda:1"):
        parse_devices(text)


def test_a_gpu_is_named_once() -> None:
    assert parse_devices("cuda:1, cuda:0") == ["cuda:1", "cuda:0"]
    with pytest.raises(ConfigError, match="found cuda:1 twice"):
        parse_devices("cuda:1,cuda:1")


@pytest.mark.parametrize(
    ("visible", "own"), [(None, "1"), ("", "1"), ("3,5", "5"), ("GPU-a, GPU-b", "GPU-b")]
)
def test_a_process_sees_its_own_gpu_of_those_that_its_parent_sees(
    visible: str | None, own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert only_gpu("cuda:1") == {"CUDA_VISIBLE_DEVICES": own}


def test_worker_processes_take_the_gpus_in_turn(tmp_path: Path) -> None:
    workers = LocalWorkers(3, tmp_path, lambda _: pytest.fail("no data"), ["cuda:0", "cuda:1"])
    try:
        slots = [workers._processes.take() for _ in range(3)]
        for slot in slots:
            slot.submit(os.getenv, "CUDA_VISIBLE_DEVICES")
        assert [slot.future.result() for slot in slots] == ["0", "1", "0"]
    finally:
        workers.close()


def plan_on_gpu(trials: Trials, workers: int = 1, memory: int = H200) -> Plan:
    return make_plan(trials, np.arange(len(trials)), workers, lambda _: ISOLET, gpu_memory=memory)


def stacks_of(plan: Plan) -> list[list[int]]:
    """Lines of each stack of each cohort."""
    return [list(one.stacks or (len(one.lines),)) for one in plan.cohorts]


def test_a_thousand_networks_are_one_stack() -> None:
    as_measured = {"model.hidden_layers": [64], "training.batch_size": 128}
    trials = trials_of(set={**ON_GPU, **as_measured, "training.epochs": 10}, seeds=1000)
    plan = plan_on_gpu(trials)
    assert stacks_of(plan) == [[1000]]
    assert 2.0 < plan.cost < 3.5  # an H200 took 2.67 s


def test_stacks_of_several_shapes_are_computed_side_by_side() -> None:
    trials = trials_of(
        set=ON_GPU,
        grid={
            "model.hidden_layers": [[2 ** (3 + n)] for n in range(8)],
            "optimizer.learning_rate": [0.1**n for n in range(1, 10)],
        },
    )
    assert stacks_of(plan_on_gpu(trials)) == [[9] * 8]
    assert sum(map(len, stacks_of(plan_on_gpu(trials, workers=2)))) > 8


@settings(max_examples=15)
@given(
    hidden=st.lists(st.sampled_from([1, 16, 128, 3000]), min_size=1, max_size=4, unique=True),
    seeds=st.integers(1, 40),
    workers=st.integers(1, 3),
    gigabytes=st.sampled_from([1, 8, 80]),
    mixed=st.booleans(),
)
def test_all_trials_are_planned_once_and_fit_into_the_memory(
    hidden: list[int], seeds: int, workers: int, gigabytes: int, mixed: bool
) -> None:
    trials = trials_of(
        set={"dataset.split_seed": 0},
        grid={
            "backend": ["torch", "numpy"] if mixed else ["torch"],
            "model.hidden_layers": [[units] for units in hidden],
        },
        seeds=seeds,
    )
    plan = plan_on_gpu(trials, workers, gigabytes * 10**9)
    planned = [trial for one in plan.cohorts for line in one.lines for trial in line]
    assert sorted(planned) == [*range(len(trials))]
    for one in plan.cohorts:
        share = 0.0
        start = 0
        experiments = [trials.make_experiment(line[-1]) for line in one.lines]
        assert len({data_key(experiment) for experiment in experiments}) == 1
        assert len({experiment.backend for experiment in experiments}) == 1
        assert len(one.stacks) <= IN_FLIGHT
        assert len(one.lines) == 1 or one.cost <= GPU_COSTS.longest_cohort * 4
        for size in one.stacks:
            stack = experiments[start : start + size]
            start += size
            assert len({tuple(e.model.hidden_layers) for e in stack}) == 1
            room = networks_in_memory(
                stack[0], ISOLET.n_rows, ISOLET.n_features, ISOLET.n_classes, gigabytes * 10**9
            )
            share += len(stack) / room
        assert share <= 1 + 1e-9 or len(one.lines) == 1


def test_a_smaller_gpu_has_smaller_stacks() -> None:
    trials = trials_of(set={**ON_GPU, "model.hidden_layers": [1024]}, seeds=500)
    large, small = (max(map(max, stacks_of(plan_on_gpu(trials, 1, m)))) for m in (H200, 2 * 10**9))
    assert 1 < small < large


TORCH_OR_NUMPY = ("numpy", pytest.param("torch", marks=needs_torch))


def task_of(sizes: Sequence[int], backend: str) -> tuple[CohortTask, Dataset]:
    """A cohort of stacks of so many networks, each stack of a shape of its own."""
    lines: list[LineTask] = []
    for units, size in enumerate(sizes, 3):
        trials = trials_of(
            set={
                "backend": backend,
                "device": "cpu",
                "dataset.split_seed": 0,
                "model.hidden_layers": [units],
                "training.epochs": 2 + units % 2,
            },
            seeds=size,
        )
        for trial in range(size):
            experiment = trials.make_experiment(trial)
            number, epochs = len(lines), experiment.training.epochs
            lines.append(LineTask(experiment.model_dump(mode="json"), (number,), (epochs,)))
    dataset = load_dataset(experiment.dataset, 0)
    return CohortTask(tuple(lines), data_key(experiment), stacks=tuple(sizes)), dataset


def bits(results: Sequence[TrialResult]) -> dict[int, tuple[str, int, str]]:
    """All that results are, but for times."""
    return {r.trial: (r.status, r.epochs, repr(r.metrics)) for r in results}


@pytest.mark.parametrize("backend", TORCH_OR_NUMPY)
def test_stacks_side_by_side_have_the_bits_of_each_alone(backend: str) -> None:
    task, dataset = task_of([2, 1, 3], backend)
    together = bits(run_cohort(task, dataset))
    assert sorted(together) == [*range(6)]
    for line in task.lines:
        alone = run_cohort(CohortTask((line,), task.data_key), dataset)
        assert bits(alone) == {line.trials[0]: together[line.trials[0]]}


def least_memory(most: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let memory suffice for stacks of so many networks only; gives the sizes that were tried."""
    tried: list[int] = []

    class LittleMemory(Training):
        def __init__(self, experiments: Sequence[Experiment], *rest: Any) -> None:
            tried.append(len(experiments))
            if len(experiments) > most:
                raise OutOfMemoryError("out of memory")
            super().__init__(experiments, *rest)

    monkeypatch.setattr(cohort, "Training", LittleMemory)
    return tried


@pytest.mark.parametrize("backend", TORCH_OR_NUMPY)
def test_where_memory_runs_out_halves_are_trained_with_the_same_bits(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, dataset = task_of([5, 2], backend)
    undisturbed = bits(run_cohort(task, dataset))
    tried = least_memory(2, monkeypatch)
    assert bits(run_cohort(task, dataset)) == undisturbed
    assert tried == [5, 5, 2, 3, 1, 2, 2]


def test_a_network_too_large_for_the_memory_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    task, dataset = task_of([2], "numpy")
    least_memory(0, monkeypatch)
    results = run_cohort(task, dataset)
    assert [(r.trial, r.status, r.error) for r in results] == [
        (trial, "failed", "out of memory") for trial in (0, 1)
    ]
    with pytest.raises(OutOfMemoryError):
        run_cohort(dataclasses.replace(task, lines=task.lines[:1], stacks=()), dataset)


def test_a_cohort_too_large_for_the_free_memory_is_cut_before_it_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task, dataset = task_of([7], "numpy")
    undisturbed = bits(run_cohort(task, dataset))
    monkeypatch.setattr("isolet_nn.sweeps.cohort.free_memory_for", lambda _: 10**9)
    monkeypatch.setattr("isolet_nn.sweeps.room.networks_in_memory", lambda *_: 3)
    tried = least_memory(3, monkeypatch)
    released: list[int] = []
    monkeypatch.setattr(cohort, "release_memory_of", lambda *_, **__: released.append(len(tried)))
    assert bits(run_cohort(task, dataset)) == undisturbed
    assert tried == [3, 3, 1]
    assert released == [1, 2, 3], "each part's memory is given back before the next begins"


@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    room=st.none() | st.integers(1, 12),
)
def test_cutting_and_halving_lose_nothing_and_keep_the_order(
    sizes: list[int], room: int | None
) -> None:
    numbers = iter(range(100))
    stacks = [[next(numbers) for _ in range(size)] for size in sizes]
    groups = that_fit(stacks, lambda stack: room)
    assert [n for group in groups for stack in group for n in stack] == [*range(sum(sizes))]
    for group in groups:
        assert room is None or sum(map(len, group)) <= room
        parts = halves(group)
        again = [n for part in parts for stack in part for n in stack]
        assert again == ([n for stack in group for n in stack] if parts else [])
        assert bool(parts) == (sum(map(len, group)) > 1)


def experiment_on(device: str) -> Experiment:
    return trials_of(IRIS, set={"backend": "torch", "device": device}).make_experiment(0)


@needs_torch
def test_a_worker_of_a_cluster_says_why_it_cannot_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    contents = [experiment_on("cuda").model_dump(mode="json")]
    reply = gpu_for(contents)
    assert isinstance(reply, Failed)
    assert "PyTorch sees no cuda on this machine" in reply.error
    assert gpu_for([experiment_on("cpu").model_dump(mode="json")]) is None
    with pytest.raises(BackendUnavailableError, match="this machine: device: PyTorch sees no cuda"):
        Cluster("local:2", 2, pytest.fail).gpu_memory([experiment_on("cuda")])


def test_workers_without_the_device_are_named_and_those_that_share_one_are_told_of() -> None:
    said: list[str] = []
    gpu = Gpu("host uuid", "H100", 80)
    with pytest.raises(BackendUnavailableError, match=r"cannot compute.*\ntcp://b:1: no cuda"):
        workers_memory({"tcp://a:1": gpu, "tcp://b:1": Failed("no cuda")}, "tcp://s:1", said.append)
    other = Gpu("host other", "T4", 16)
    found = {"tcp://a:1": gpu, "tcp://a:2": gpu, "tcp://b:1": other, "tcp://c:1": None}
    assert workers_memory(found, "tcp://s:1", said.append) == 16
    assert ["of several kinds: H100, T4" in text for text in said] == [True, False]
    assert "share a GPU: tcp://a:1, tcp://a:2; one worker for each" in said[1]
    assert workers_memory({"tcp://a:1": None}, "tcp://s:1", pytest.fail) is None


def test_workers_that_a_sweep_starts_on_a_cluster_share_its_gpus_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "before")
    dask_setup(type("Worker", (), {"name": 1}))
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "before"
    monkeypatch.setenv("ISOLET_NN_GPUS_OF_WORKERS", "3,5")
    dask_setup(type("Worker", (), {"name": 2}))
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "3"
