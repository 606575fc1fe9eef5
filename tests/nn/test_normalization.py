"""Batch normalisation: gradients against central differences, and PyTorch as its definition."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from needs import needs_torch
from numpy.typing import NDArray

from isolet_nn.nn.normalization import BatchNormalization
from nn.gradients import TOLERANCE, central_differences, relative_error

seeds = st.integers(0, 2**32 - 1)


def make(random: np.random.Generator, k: int, units: int, batch: int) -> BatchNormalization:
    values = random.standard_normal((6, k, units))
    values[5] = np.abs(values[5]) + 0.1
    return BatchNormalization(*values, batch_size=batch)


@given(
    seed=seeds,
    k=st.integers(1, 3),
    units=st.integers(1, 5),
    batch=st.integers(2, 6),
    spare=st.integers(0, 2),
)
def test_gradients_of_batch_normalisation_equal_central_differences(
    seed: int, k: int, units: int, batch: int, spare: int
) -> None:
    random = np.random.default_rng(seed)
    layer = make(random, k, units, batch + spare)
    x = random.standard_normal((k, batch, units))
    assume(x.std(axis=1).min() > 0.1)  # else the curvature is too much for differences
    weighting = random.standard_normal(x.shape)

    def value() -> NDArray[np.float64]:
        total: NDArray[np.float64] = (layer.forward(x.copy()) * weighting).sum(axis=(1, 2))
        return total

    value()
    input_gradient = layer.backward(weighting.copy()).copy()
    for gradient, variables in (
        (layer.scale_gradients.copy(), layer.scale),
        (layer.shift_gradients.copy(), layer.shift),
        (input_gradient, x),
    ):
        assert relative_error(gradient, central_differences(value, variables)) < TOLERANCE


@needs_torch
@settings(max_examples=20)
@given(seed=seeds, units=st.integers(1, 5), batch=st.integers(2, 9))
def test_outputs_and_running_statistics_are_those_of_pytorch_over_many_steps(
    seed: int, units: int, batch: int
) -> None:
    import torch

    random = np.random.default_rng(seed)
    ours = make(random, 1, units, batch)
    theirs = torch.nn.BatchNorm1d(units, dtype=torch.float64)
    theirs.load_state_dict(
        {
            "weight": torch.from_numpy(ours.scale[0].copy()),
            "bias": torch.from_numpy(ours.shift[0].copy()),
            "running_mean": torch.from_numpy(ours.running_mean[0].copy()),
            "running_var": torch.from_numpy(ours.running_variance[0].copy()),
        }
    )
    for _ in range(5):
        x = random.standard_normal((batch, units)) * 3.0 + 1.0
        expected = theirs(torch.from_numpy(x)).detach().numpy()
        assert np.allclose(ours.forward(x[np.newaxis].copy())[0], expected, rtol=1e-9, atol=1e-9)
    theirs.eval()
    x = random.standard_normal((7, units))
    expected = theirs(torch.from_numpy(x)).detach().numpy()
    assert np.allclose(ours.evaluate(x[np.newaxis].copy(), slice(None))[0], expected, rtol=1e-10)


def test_a_normalised_batch_has_mean_0_and_deviation_1_in_every_unit() -> None:
    random = np.random.default_rng(0)
    layer = make(random, 2, 4, 50)
    layer.scale[...], layer.shift[...] = 1.0, 0.0
    y = layer.forward(random.standard_normal((2, 50, 4)) * 5.0 + 3.0)
    assert np.allclose(y.mean(axis=1), 0.0, atol=1e-12)
    assert np.allclose(y.std(axis=1), 1.0, atol=1e-4)
