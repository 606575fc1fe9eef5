"""Weight averages: the uniform one is PyTorch's, the exponential one begins as a plain mean."""

from __future__ import annotations

import numpy as np
import pytest
from needs import needs_torch

from isolet_nn.nn.averaging import WeightAverage


@needs_torch
@pytest.mark.parametrize("n", [1, 7, 200_000])
def test_the_uniform_mean_over_many_steps_is_that_of_pytorch(n: int) -> None:
    import torch
    from torch.optim.swa_utils import AveragedModel, get_swa_avg_fn

    random = np.random.default_rng(0)
    variables = random.standard_normal(n)
    ours = WeightAverage(variables)
    module = torch.nn.Linear(n, 1, bias=False, dtype=torch.float64)
    theirs = AveragedModel(module, avg_fn=get_swa_avg_fn())  # type: ignore[no-untyped-call]
    for _ in range(10):
        variables += 0.1 * random.standard_normal(n)
        ours.update()
        module.weight.data[0] = torch.from_numpy(variables)
        theirs.update_parameters(module)
    assert ours.count == 10
    expected = theirs.module.state_dict()["weight"][0].numpy()
    assert np.abs(ours.mean - expected).max() < 1e-12


def test_the_exponential_mean_is_plain_at_first_and_then_forgets_by_its_decay() -> None:
    random = np.random.default_rng(0)
    variables = np.empty(5)
    average = WeightAverage(variables, 0.8)  # plain for 1 / (1 - 0.8) = 5 steps
    seen = random.standard_normal((12, 5))
    for step, values in enumerate(seen, 1):
        variables[...] = values
        before = average.mean.copy()
        average.update()
        if step <= 5:
            assert np.allclose(average.mean, seen[:step].mean(axis=0), rtol=1e-12)
        else:
            assert np.allclose(average.mean, 0.8 * before + 0.2 * values, rtol=1e-12)


def test_the_uniform_mean_is_the_mean() -> None:
    variables = np.zeros(3)
    average = WeightAverage(variables)
    for step in range(1, 6):
        variables[...] = step
        average.update()
    assert np.allclose(average.mean, 3.0)


def test_an_average_that_begins_anew_forgets_what_was() -> None:
    variables = np.ones(4)
    average = WeightAverage(variables, 0.9)
    average.update()
    average.count = 0
    variables[...] = 5.0
    average.update()
    assert np.array_equal(average.mean, np.full(4, 5.0))
