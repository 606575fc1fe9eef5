"""How a stack is trained on a GPU, on the processor: all of it but the capture of graphs itself.

Chunks are of several networks, random numbers are drawn where they are used, what a step needs
comes from tables, and a step is taken by what a capture gave. `tests/gpu` has the rest.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
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
from needs import needs_torch

from isolet_nn.config.experiment import Experiment
from isolet_nn.data.dataset import Dataset
from isolet_nn.training.loop import Training

pytestmark = needs_torch

Task = Callable[[], None]
RANDOM: dict[str, Any] = {
    "model__dropout": 0.3,
    "model__input_dropout": 0.1,
    "model__input_noise": 0.2,
    "model__batch_normalization": True,
    "training__mixup": 0.3,
    "training__weight_averaging": {"name": "ema", "decay": 0.8},
}


@pytest.fixture
def captured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the processor be trained on as a GPU is; tells what was captured and replayed."""
    from isolet_nn.training import torch_backend

    done: list[str] = []

    def capture_on(device: Any) -> Callable[[Task], Task]:
        def capture(task: Task) -> Task:
            done.append("captured")

            def replay() -> None:
                done.append("replayed")
                task()

            return replay

        return capture

    monkeypatch.setattr(torch_backend, "is_gpu", lambda device: True)
    monkeypatch.setattr(torch_backend, "cuda_capture", capture_on)
    monkeypatch.setattr(torch_backend, "stack_size", lambda *_, **__: 4)
    return done


def experiments_of(changes: dict[str, Any], count: int = 5) -> list[Experiment]:
    return [
        make_experiment(
            backend="torch",
            device="cpu",
            seed=number % 3,
            optimizer=OPTIMIZERS[number % len(OPTIMIZERS)],
            training__epochs=3,
            training__batch_size=16,
            **changes,
        )
        for number in range(count)
    ]


def assert_alike(together: Training, number: int, alone: Training) -> None:
    a, b = together.members[number], alone.members[0]
    assert rows_without_seconds(a.history) == rows_without_seconds(b.history)
    assert same_arrays(a.weights or {}, b.weights or {})


@pytest.fixture
def dataset() -> Dataset:
    return make_dataset(rows=70, validation=15)  # five steps, the last of six rows


@pytest.mark.parametrize("changes", [{}, RANDOM, {**RANDOM, "ensemble": 2}])
def test_a_network_has_the_bits_that_it_has_alone(
    changes: dict[str, Any], captured: list[str], dataset: Dataset
) -> None:
    experiments = experiments_of(changes)
    together = trained(experiments, [dataset] * len(experiments))
    for number, experiment in enumerate(experiments):
        assert_alike(together, number, trained([experiment], [dataset]))


def test_steps_are_captured_once_a_size_and_replayed_from_then_on(
    captured: list[str], dataset: Dataset
) -> None:
    trained(experiments_of({}, 1), [dataset])
    # Taken as they stand: the first of four full steps, and the short one of the first epoch.
    assert captured.count("captured") == 2
    assert captured.count("replayed") == 3 * 5 - 2


@pytest.mark.parametrize("changes", [{}, RANDOM])
def test_where_capturing_fails_the_bits_are_the_same(
    changes: dict[str, Any],
    captured: list[str],
    dataset: Dataset,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from isolet_nn.training import torch_backend

    experiments = experiments_of(changes, 2)
    as_usual = trained(experiments, [dataset] * 2)

    def fails(task: Task) -> Task:
        raise RuntimeError("CUDA error: operation not permitted when stream is capturing")

    monkeypatch.setattr(torch_backend, "cuda_capture", lambda device: fails)
    assert same_arrays(
        as_usual.backend.state(), trained(experiments, [dataset] * 2).backend.state()
    )


@pytest.mark.parametrize("stop_after", [1, 5, 8])
def test_going_on_from_a_state_gives_the_same_bits(
    stop_after: int, captured: list[str], dataset: Dataset
) -> None:
    experiments = experiments_of(RANDOM, 3)
    datasets = [dataset] * 3
    undisturbed = trained(experiments, datasets)
    before = train_steps(Training(experiments, datasets), stop_after)
    arrays, progress = copy.deepcopy(before.state())
    histories = [copy.deepcopy(member.history) for member in before.members]
    after = Training(experiments, datasets)
    after.load_state(arrays, json.loads(json.dumps(progress)), histories)
    train_to_the_end(after)
    assert same_arrays(undisturbed.backend.state(), after.backend.state())
    for member, other in zip(undisturbed.members, after.members, strict=True):
        assert rows_without_seconds(member.history) == rows_without_seconds(other.history)


@pytest.mark.parametrize("diverging", [False, True])
def test_a_device_s_losses_and_accuracies_are_those_of_its_logits(
    diverging: bool, captured: list[str]
) -> None:
    from isolet_nn.scores.evaluation import loss_and_accuracy

    dataset = make_dataset(rows=70, dtype="float64")
    experiments = experiments_of({"training__dtype": "float64"})
    training = Training(experiments, [dataset] * 5)
    training.run_epoch()
    if diverging:
        weights = {name: array + np.inf for name, array in training.weights(1).items()}
        training.load_weights(1, weights)
    x, y = dataset.test.x, dataset.test.y
    found = training.backend.loss_and_accuracy(x, y, slice(1, 4))
    assert found is not None
    with np.errstate(all="ignore"):
        expected = loss_and_accuracy(training.backend.logits(x, slice(1, 4)), y)
    for one, other in zip(found, expected, strict=True):
        assert np.allclose(one, other, rtol=1e-12, equal_nan=True)
    assert bool(np.isnan(found[0][0])) == diverging


def test_what_is_not_random_is_as_on_the_processor(
    captured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from isolet_nn.training import torch_backend

    dataset = make_dataset(rows=70, dtype="float64")
    experiments = experiments_of({"training__dtype": "float64", "model__max_norm": 1.0})
    on_device = trained(experiments, [dataset] * 5)
    monkeypatch.undo()
    assert not torch_backend.is_gpu(on_device.backend.device)  # type: ignore[attr-defined]
    for number, experiment in enumerate(experiments):
        (alone,) = trained([experiment], [dataset]).members
        for row, other in zip(on_device.members[number].history, alone.history, strict=True):
            assert row["test_loss"] == pytest.approx(other["test_loss"], rel=1e-9)
            assert row["test_accuracy"] == other["test_accuracy"]


WAITS = {"_local_scalar_dense", "nonzero", "equal", "masked_select", "lift_fresh", "_unique2"}
"""Operations for which the host waits for a device, or copies to it."""


@pytest.mark.parametrize("changes", [{}, RANDOM, {"training__clip_norm": 0.5}])
def test_no_step_calls_what_waits_for_a_device(
    changes: dict[str, Any], captured: list[str], dataset: Dataset
) -> None:
    from torch.utils._python_dispatch import TorchDispatchMode

    called: set[str] = set()

    class Noting(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            called.add(func.overloadpacket.__name__)
            return func(*args, **(kwargs or {}))

    experiments = experiments_of(changes, len(OPTIMIZERS))
    training = Training(experiments, [dataset] * len(experiments))
    training.backend.begin_epoch(training._epochs.make(0, [], [1.0] * len(experiments)))
    with Noting():  # type: ignore[no-untyped-call]
        training.backend.step(0)
    assert "baddbmm" in called
    assert not called & WAITS
