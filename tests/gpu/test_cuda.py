"""Stacks on a CUDA device: isolated to the bit, captured, resumed, and in step with the processor.

These tests run wherever PyTorch finds a CUDA device: `pytest tests/gpu`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from builders import (
    OPTIMIZERS,
    make_dataset,
    make_experiment,
    rows_without_seconds,
    same_arrays,
    train_steps,
    train_to_the_end,
    trained,
)

from isolet_nn.config.experiment import Experiment
from isolet_nn.data.dataset import Dataset
from isolet_nn.sweeps.cohort import CohortTask, LineTask, run_cohort
from isolet_nn.training import torch_backend
from isolet_nn.training.loop import Training
from isolet_nn.training.torch_counters import dropout_factors, normal_numbers, permutations

PLAIN: dict[str, Any] = {"model__hidden_layers": [64]}
RANDOM: dict[str, Any] = {
    "model__hidden_layers": [48, 32],
    "model__dropout": 0.3,
    "model__input_dropout": 0.1,
    "model__input_noise": 0.2,
    "model__batch_normalization": True,
    "model__max_norm": 1.5,
    "training__mixup": 0.3,
    "training__label_smoothing": 0.1,
    "training__class_weight": "balanced",
    "training__weight_averaging": {"name": "ema", "decay": 0.8},
}
KINDS = {
    "plain": PLAIN,
    "random": RANDOM,
    "ensemble": {**RANDOM, "ensemble": 3},
    "wide": {"model__hidden_layers": [1024]},
    "float64": {**RANDOM, "training__dtype": "float64"},
    "inspected": {**RANDOM, "training__inspect": True},
}


def on_cuda(changes: dict[str, Any], count: int) -> list[Experiment]:
    return [
        make_experiment(
            **{
                "backend": "torch",
                "device": "cuda",
                "seed": number,
                "optimizer": OPTIMIZERS[number % len(OPTIMIZERS)],
                "training__epochs": 3,
                "training__batch_size": 128,
                **changes,
            }
        )
        for number in range(count)
    ]


def isolet_like(changes: dict[str, Any]) -> Dataset:
    dtype = changes.get("training__dtype", "float32")
    return make_dataset(
        features=617, classes=26, rows=700, validation=100, test=200, dtype=dtype
    )  # six steps an epoch, the last incomplete


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_of_a_stack_has_the_bits_that_it_has_alone(kind: str) -> None:
    changes, count = KINDS[kind], 40  # more than a chunk of each form, or fewer
    dataset, experiments = isolet_like(changes), on_cuda(changes, count)
    together = trained(experiments, [dataset] * count)
    for number in (0, 1, 13, 39):
        (alone,) = trained([experiments[number]], [dataset]).members
        member = together.members[number]
        assert rows_without_seconds(member.history) == rows_without_seconds(alone.history)
        assert same_arrays(member.weights or {}, alone.weights or {})


@pytest.mark.parametrize("kind", KINDS)
def test_captured_steps_have_the_bits_of_steps_that_are_not(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = KINDS[kind]
    dataset, experiments = isolet_like(changes), on_cuda(changes, 3)
    replays: list[None] = []
    replay = torch.cuda.CUDAGraph.replay

    def noting(graph: Any) -> None:
        replays.append(None)
        replay(graph)

    monkeypatch.setattr(torch.cuda.CUDAGraph, "replay", noting)
    captured = trained(experiments, [dataset] * 3).backend.state()
    assert len(replays) == 3 * 6 - 2, "all steps but the first of each size are replayed"

    def fails(task: Any) -> Any:
        raise RuntimeError("not captured")

    monkeypatch.setattr(torch_backend, "cuda_capture", lambda device: fails)
    assert same_arrays(captured, trained(experiments, [dataset] * 3).backend.state())


@pytest.mark.parametrize("stop_after", [1, 7])
def test_going_on_from_a_state_gives_the_same_bits(stop_after: int) -> None:
    dataset, experiments = isolet_like(RANDOM), on_cuda(RANDOM, 5)
    undisturbed = trained(experiments, [dataset] * 5)
    before = train_steps(Training(experiments, [dataset] * 5), stop_after)
    arrays, progress = copy.deepcopy(before.state())
    histories = [copy.deepcopy(member.history) for member in before.members]
    after = Training(experiments, [dataset] * 5)
    after.load_state(arrays, json.loads(json.dumps(progress)), histories)
    train_to_the_end(after)
    assert same_arrays(undisturbed.backend.state(), after.backend.state())


@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype:UserWarning")
@pytest.mark.parametrize("kind", ["plain", "random", "inspected"])
def test_no_step_waits_for_the_device(kind: str) -> None:
    changes = KINDS[kind]
    dataset = isolet_like(changes)
    training = Training(on_cuda(changes, 5), [dataset] * 5)
    training.run_epoch()
    training.run_epoch()  # captures the short batch
    torch.cuda.synchronize()
    asked = 0

    def asks() -> bool:
        nonlocal asked
        asked += 1
        if asked == 1:
            torch.cuda.set_sync_debug_mode("error")
        if asked == 5:
            torch.cuda.set_sync_debug_mode("default")
        return False

    try:
        training.run_epoch(asks)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert asked == 6


def test_what_is_not_random_is_as_on_the_processor() -> None:
    changes = {"model__hidden_layers": [32], "training__dtype": "float64"}
    dataset = isolet_like(changes)
    on_device = trained(on_cuda(changes, 4), [dataset] * 4)
    for number, experiment in enumerate(on_cuda({**changes, "device": "cpu"}, 4)):
        (alone,) = trained([experiment], [dataset]).members
        for row, other in zip(on_device.members[number].history, alone.history, strict=True):
            assert row["test_loss"] == pytest.approx(other["test_loss"], rel=1e-6)
            assert row["train_loss"] == pytest.approx(other["train_loss"], rel=1e-6)


def test_what_is_random_is_as_good_as_on_the_processor() -> None:
    changes = {**RANDOM, "optimizer": "adam", "training__epochs": 20}
    dataset = isolet_like(changes)
    scores = {}
    for device in ("cuda", "cpu"):
        experiments = on_cuda({**changes, "device": device}, 8)
        members = trained(experiments, [dataset] * 8).members
        scores[device] = np.array([member.history[-1]["test_accuracy"] for member in members])
    spread = np.hypot(*(found.std(ddof=1) for found in scores.values())) / np.sqrt(8)
    assert abs(scores["cuda"].mean() - scores["cpu"].mean()) < 4 * spread + 0.01


def test_a_device_draws_the_processor_s_bits() -> None:
    keys = torch.arange(-3, 4) * 0x9E3779B97F4A7C1
    draws: list[Callable[[torch.Tensor], torch.Tensor]] = [
        lambda own: dropout_factors(0.3, own, (7, 33, 17), torch.float32),
        lambda own: permutations(own, 129),
    ]
    for draw in draws:
        assert torch.equal(draw(keys.cuda()).cpu(), draw(keys))
    normal = normal_numbers(keys.cuda(), (7, 33, 17), torch.float32).cpu()
    assert torch.allclose(normal, normal_numbers(keys, (7, 33, 17), torch.float32), atol=1e-5)


def test_stacks_side_by_side_have_the_bits_that_each_has_alone() -> None:
    # So many that stacks share streams of PyTorch's, of which it has 32, each with several chunks.
    dataset, sizes = isolet_like(PLAIN), []
    lines: list[LineTask] = []
    for units in range(32, 176, 16):
        experiments = on_cuda({"model__hidden_layers": [units], "optimizer": "adam"}, 70)
        sizes.append(len(experiments))
        for one in experiments:
            lines.append(LineTask(one.model_dump(mode="json"), (len(lines),), (3,)))
    together = run_cohort(CohortTask(tuple(lines), "", stacks=tuple(sizes)), dataset)
    metrics = {result.trial: result.metrics for result in together}
    for number in range(0, len(lines), 35):
        (alone,) = run_cohort(CohortTask((lines[number],), ""), dataset)
        assert metrics[number] == alone.metrics


def test_a_stack_is_evaluated_as_exactly_as_it_asks_for_beside_another() -> None:
    dataset = isolet_like(PLAIN)
    exact, other = (
        on_cuda({**PLAIN, "training__matmul_precision": precision}, 1)
        for precision in ("highest", "high")
    )
    (alone,) = trained(exact, [dataset]).members
    both = [Training(experiments, [dataset]) for experiments in (exact, other)]
    for _ in range(3):
        for training in both:
            training.take_steps()
        for training in both:
            training.end_epoch()
    (beside,) = both[0].members
    assert rows_without_seconds(beside.history) == rows_without_seconds(alone.history)


def test_products_are_less_exact_on_request_only() -> None:
    dataset = isolet_like(PLAIN)
    states = []
    for precision in ("highest", "high", "highest"):
        experiments = on_cuda({**PLAIN, "training__matmul_precision": precision}, 1)
        states.append(trained(experiments, [dataset]).backend.state())
    assert same_arrays(states[0], states[2])
    assert not same_arrays(states[0], states[1])
