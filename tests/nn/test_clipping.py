"""Clipping of gradients against torch.nn.utils, and what it does to those that need none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from needs import needs_torch
from numpy.typing import NDArray

from isolet_nn.nn.clipping import clip_norm, clip_value

gradient_lists = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9)
limits = st.floats(1e-3, 1e3)


@needs_torch
@settings(max_examples=25)
@given(values=gradient_lists, limit=limits)
def test_gradients_are_clipped_as_pytorch_clips_those_of_all_parameters_together(
    values: list[float], limit: float
) -> None:
    import torch
    from torch.nn.utils import clip_grad_norm_, clip_grad_value_

    for ours, theirs in ((clip_norm, clip_grad_norm_), (clip_value, clip_grad_value_)):
        gradients = np.array(values)
        tensors = [torch.tensor(own, requires_grad=True) for own in (gradients[:1], gradients[1:])]
        for tensor in tensors:
            tensor.grad = tensor.detach().clone()
        theirs(tensors, limit)
        ours(gradients, limit)
        expected = np.concatenate([t.grad.numpy() for t in tensors if t.grad is not None])
        assert np.allclose(gradients, expected, rtol=1e-12, atol=0.0)


@given(values=gradient_lists, limit=limits)
def test_what_is_within_the_limit_stays_as_it_is_to_the_bit(
    values: list[float], limit: float
) -> None:
    small: NDArray[Any] = np.array(values)
    small *= 0.99 * limit / (np.linalg.norm(small) + limit + 1e-6)
    for clip in (clip_norm, clip_value):
        gradients = small.copy()
        clip(gradients, limit)
        assert np.array_equal(gradients, small)


@pytest.mark.parametrize("clip", [clip_norm, clip_value])
def test_what_is_not_a_number_is_not_hidden(clip: Any) -> None:
    gradients = np.array([1.0, np.nan, -3.0])
    clip(gradients, 0.5)
    assert np.isnan(gradients).any()
