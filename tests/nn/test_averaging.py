"""Weight averages are those of torch.optim.swa_utils, over many steps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, get_swa_avg_fn

from isolet_nn.nn.averaging import WeightAverage


@pytest.mark.parametrize("decay", [None, 0.5, 0.99])
@pytest.mark.parametrize("n", [1, 7, 200_000])
def test_the_mean_over_many_steps_is_that_of_pytorch(decay: float | None, n: int) -> None:
    random = np.random.default_rng(0)
    variables = random.standard_normal(n)
    ours = WeightAverage(variables, decay)
    module = torch.nn.Linear(n, 1, bias=False, dtype=torch.float64)
    theirs = (
        AveragedModel(module, avg_fn=get_swa_avg_fn())  # type: ignore[no-untyped-call]
        if decay is None
        else AveragedModel(module, multi_avg_fn=get_ema_multi_avg_fn(decay))  # type: ignore[no-untyped-call]
    )
    for _ in range(10):
        variables += 0.1 * random.standard_normal(n)
        ours.update()
        module.weight.data[0] = torch.from_numpy(variables)
        theirs.update_parameters(module)
    assert ours.count == 10
    expected = theirs.module.state_dict()["weight"][0].numpy()
    assert np.abs(ours.mean - expected).max() < 1e-12


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
