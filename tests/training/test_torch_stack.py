"""The stack of networks in PyTorch: torch.optim and autograd as its definitions, and its chunks."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from builders import (
    OPTIMIZERS,
    make_dataset,
    make_experiment,
    rows_without_seconds,
    same_arrays,
    trained,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from needs import needs_torch

from isolet_nn.config.experiment import Experiment
from isolet_nn.training.loop import Training
from isolet_nn.training.stack_size import MOST, stack_size

pytestmark = needs_torch


def neighbours(options: Any) -> list[Experiment]:
    """Experiments whose optimizers differ in all their numbers, none of which is 0 for one only."""
    changes = [
        {name: value * factor for name, value in options.items() if isinstance(value, float)}
        for factor in (1.0, 0.9, 0.5)
    ]
    return [make_experiment(optimizer={**options, **change}) for change in changes]


@pytest.mark.parametrize("options", OPTIMIZERS, ids=lambda options: "-".join(map(str, options)))
@pytest.mark.parametrize("networks", [1, 3])
def test_a_stack_s_optimizer_makes_the_steps_of_torch_optim(options: Any, networks: int) -> None:
    import torch

    from isolet_nn.benchmarks.loop import make_torch_optimizer
    from isolet_nn.training.torch_optimizers import make_stacked_optimizer
    from isolet_nn.training.torch_tables import StepNumber

    experiments = neighbours(options)[:networks]
    random = torch.Generator().manual_seed(0)
    start = torch.randn((networks, 50), dtype=torch.float64, generator=random)
    gradients = torch.randn((10, networks, 50), dtype=torch.float64, generator=random)
    rates = np.linspace(0.1, 0.01, 10 * networks).reshape(10, networks)
    ours, own_gradients = start.clone(), torch.zeros_like(start)
    optimizer = make_stacked_optimizer([e.optimizer for e in experiments], ours, own_gradients)
    for epoch in (0, 1):  # of five steps
        optimizer.begin_epoch(5 * epoch, rates[5 * epoch :][:5])
        for step in range(5):
            own_gradients.copy_(gradients[5 * epoch + step])
            optimizer.step(StepNumber(step))
    for k, experiment in enumerate(experiments):
        parameter = torch.nn.Parameter(start[k].clone())
        module = torch.nn.ParameterList([parameter])
        reference = make_torch_optimizer(experiment.optimizer, module)
        for gradient, of_networks in zip(gradients, rates, strict=True):
            parameter.grad = gradient[k].clone()
            reference.param_groups[0]["lr"] = of_networks[k]
            reference.step()
        # PyTorch has the product of NAdam's momenta in float32, whatever the parameters are.
        tolerance = 1e-5 if options["name"] == "nadam" else 1e-9
        assert torch.allclose(ours[k], parameter.detach(), rtol=tolerance, atol=1e-12)


ACTIVATIONS: dict[str, dict[str, Any]] = {
    "ReLU": {},
    "Tanh": {},
    "Sigmoid": {},
    "GELU": {},
    "SiLU": {},
    "ELU": {"alpha": 0.7},
    "LeakyReLU": {"negative_slope": 0.2},
}


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("normalized", [False, True])
def test_a_training_is_a_plain_pytorch_loop_over_the_same_batches(
    activation: str, normalized: bool
) -> None:
    import torch
    from torch import nn

    from isolet_nn.benchmarks.loop import make_torch_optimizer

    dataset = make_dataset(rows=70, dtype="float64")
    experiment = make_experiment(
        backend="torch",
        model__hidden_layers=[9, 4],
        model__activation={
            "name": {"LeakyReLU": "leaky_relu"}.get(activation, activation.lower()),
            **ACTIVATIONS[activation],
        },
        training__clip_norm=0.5,
        model__batch_normalization=normalized,
        training__label_smoothing=0.1,
        training__dtype="float64",
        training__epochs=2,
        training__batch_size=16,
    )
    training = Training([experiment], [dataset])
    modules: list[nn.Module] = []
    for position, (inputs, outputs) in enumerate(itertools.pairwise((7, 9, 4, 3))):
        hidden = position < 2
        modules.append(nn.Linear(inputs, outputs, bias=not (normalized and hidden)))
        if hidden and normalized:
            modules.append(nn.BatchNorm1d(outputs))
        if hidden:
            modules.append(getattr(nn, activation)(**ACTIVATIONS[activation]))
    network = nn.Sequential(*modules).double()
    start = {name: torch.from_numpy(array) for name, array in training.weights(0).items()}
    network.load_state_dict(start, strict=not normalized)  # without num_batches_tracked
    optimizer = make_torch_optimizer(experiment.optimizer, network)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    x, y = torch.from_numpy(dataset.train.x), torch.from_numpy(dataset.train.y)
    for number in range(2):
        epoch = training._epochs.make(number, [], [1.0])
        for step in range(epoch.steps):
            rows = torch.from_numpy(epoch.batch(step).rows[0])
            optimizer.zero_grad()
            criterion(network(x[rows]), y[rows]).backward()
            nn.utils.clip_grad_norm_(network.parameters(), 0.5)
            optimizer.step()
    while not training.finished:
        training.run_epoch()
    found = training.weights(0)
    for name, tensor in network.state_dict().items():
        if name in found:
            assert np.allclose(found[name], tensor.numpy(), rtol=1e-8, atol=1e-10), name


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_negligible_probabilities_are_0_in_the_gradient(dtype: str) -> None:
    import torch

    from isolet_nn.nn.network import Shape
    from isolet_nn.training.torch_draws import HostDraws
    from isolet_nn.training.torch_network import StackedNetwork

    experiment = make_experiment(model__hidden_layers=[], training__dtype=dtype)
    cpu, number = torch.device("cpu"), getattr(torch, dtype)
    network = StackedNetwork(experiment, Shape((1, 3)), 1, cpu)
    log_negligible = np.log(np.sqrt(np.finfo(dtype).tiny))
    logits = [0.0, 0.99 * log_negligible, 1.01 * log_negligible]
    network.parameters[0, :3] = torch.tensor(logits, dtype=number)
    x, y = torch.ones((1, 1, 1), dtype=number), torch.zeros((1, 1), dtype=torch.int64)
    network.compute_gradients(x, y, None, HostDraws(number, cpu))
    _, small, negligible = network.gradients[0, :3].tolist()
    assert small > 0.0
    assert negligible == 0.0


REGULARIZED: dict[str, Any] = {
    "model__dropout": 0.3,
    "model__input_noise": 0.2,
    "model__batch_normalization": True,
    "model__max_norm": 1.5,
    "training__mixup": 0.3,
    "training__class_weight": "balanced",
    "training__weight_averaging": {"name": "swa", "start": 0.5},
}


@pytest.mark.parametrize("changes", [{}, REGULARIZED], ids=["plain", "regularized"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_in_chunks_of_one_size_a_network_has_the_same_bits_with_any_neighbours(
    changes: dict[str, Any], dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from isolet_nn.training import torch_backend

    dataset, other = (make_dataset(n, rows=75, validation=9, dtype=dtype) for n in (0, 1))
    experiments = [
        make_experiment(
            backend="torch",
            seed=number % 3,
            optimizer=OPTIMIZERS[number % len(OPTIMIZERS)],
            training__epochs=3,
            training__batch_size=16,
            training__dtype=dtype,
            **changes,
        )
        for number in (0, 1, 8, 9, 17, 4, 6)
    ]
    datasets = [dataset, other, dataset, dataset, other, dataset, dataset]
    by_itself = trained([experiments[0]], [dataset])
    monkeypatch.setattr(torch_backend, "stack_size", lambda *_, **__: 4)
    together = trained(experiments, datasets)
    for number, (experiment, own) in enumerate(zip(experiments, datasets, strict=True)):
        alone = trained([experiment], [own])
        a, b = together.members[number], alone.members[0]
        assert rows_without_seconds(a.history) == rows_without_seconds(b.history)
        assert same_arrays(a.weights or {}, b.weights or {})
    for row, expected in zip(
        together.members[0].history, by_itself.members[0].history, strict=True
    ):
        assert row["test_loss"] == pytest.approx(expected["test_loss"], rel=1e-3)


def test_the_size_of_a_chunk_follows_from_the_network_and_its_batches_alone() -> None:
    assert stack_size(10_000, 128, on_gpu=False) == 1
    small, wide = ((617 + 1) * h + (h + 1) * 26 for h in (64, 1024))
    assert stack_size(small, 128, on_gpu=True) == MOST
    assert stack_size(wide, 64, on_gpu=True) == 1


@settings(max_examples=25)
@given(parameters=st.integers(1, 10**8), batch_size=st.integers(1, 10**5))
def test_chunks_are_powers_of_two_and_smaller_for_what_costs_more(
    parameters: int, batch_size: int
) -> None:
    size = stack_size(parameters, batch_size, on_gpu=True)
    assert size in {1, 8, 16, 32}
    assert stack_size(2 * parameters, batch_size, on_gpu=True) <= size
    assert stack_size(parameters, 2 * batch_size, on_gpu=True) <= size
