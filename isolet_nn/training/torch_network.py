"""Networks of one shape in PyTorch, trained together by back-propagation.

The textbook's step, as in :mod:`isolet_nn.nn`, with a batched product where that has one of NumPy:
all parameters lie in one buffer (K, n), all gradients in another, and layers are views of them.
Back-propagation is written out rather than left to autograd: gradients land where the optimizer
reads them, and a step takes as long with its losses and hits as with autograd without them
(measured: 228 and 233 microseconds of 617-16-26, 525 and 544 of 617-128-26, a batch of 128).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from isolet_nn.config.experiment import Experiment
from isolet_nn.nn.layers import FloatArray
from isolet_nn.nn.network import Shape
from isolet_nn.nn.normalization import EPSILON, MOMENTUM
from isolet_nn.training.torch_activations import make_activation
from isolet_nn.training.torch_draws import Draws


def layers_of(shape: Shape, buffer: Tensor) -> list[dict[str, Tensor]]:
    """Views of each layer's variables in a buffer, as `Shape.views` gives them of an array."""
    return cast(list[dict[str, Tensor]], list(shape.views(cast(FloatArray, buffer))))


@dataclass
class _Step:
    """What the way back needs of one layer's way forward."""

    x: Tensor
    """Its inputs, noise and dropout included."""
    factors: Tensor | None
    """Dropout's factors of them."""
    normalized: Tensor | None = None
    inverse: Tensor | None = None
    """1 / sqrt(variance + e), (K, 1, units), where the layer is normalised."""
    kept: Tensor | None = None
    """What the way back through the activation function needs."""


class StackedNetwork:
    """K networks of one shape.

    Parameters
    ----------
    experiment
        What the networks have in common: model and training.
    shape
        Sizes of the layers, and whether they are normalised.
    networks
        Number K of networks.
    device
        Where they are.

    Attributes
    ----------
    variables : (K, n_variables)
        Parameters and statistics, as `Shape` says.
    parameters, gradients : (K, n_parameters)
        The former a view of `variables`.
    loss_sums : (K,)
        Sums of the losses over the rows since they were last zeroed.
    correct : (K,)
        Numbers of hits over these rows.
    """

    def __init__(
        self, experiment: Experiment, shape: Shape, networks: int, device: torch.device
    ) -> None:
        model, training = experiment.model, experiment.training
        number = {"dtype": getattr(torch, training.dtype), "device": device}
        self.shape = shape
        self.variables = torch.zeros((networks, shape.n_variables), **number)
        self.parameters = self.variables[:, : shape.n_parameters]
        self.gradients = torch.zeros((networks, shape.n_parameters), **number)
        self._layers = layers_of(shape, self.variables)
        self._gradients = layers_of(shape, self.gradients)
        self._activation = make_activation(model.activation)
        self._probabilities = [model.input_dropout] + [model.dropout] * len(model.hidden_layers)
        self._input_noise, self._max_norm = model.input_noise, model.max_norm
        self._mixup = training.mixup
        classes = shape.layer_sizes[-1]
        smoothing = training.label_smoothing
        # Row c is the target distribution of class c.
        self._targets_of_class = torch.full((classes, classes), smoothing / classes, **number)
        self._targets_of_class.diagonal().add_(1.0 - smoothing)
        self._negligible = math.sqrt(torch.finfo(number["dtype"]).tiny)
        sums = torch.float32 if device.type == "mps" else torch.float64  # which has no float64
        self.loss_sums = torch.zeros(networks, dtype=sums, device=device)
        self.correct = torch.zeros(networks, dtype=torch.int64, device=device)

    def compute_gradients(
        self, x: Tensor, labels: Tensor, weights: Tensor | None, draws: Draws
    ) -> None:
        """Back-propagation: fill `gradients` for one batch, and add its losses and hits.

        Parameters
        ----------
        x
            (K, batch, inputs).
        labels
            (K, batch) class indices.
        weights
            (K, batch) weights of the rows, where they have some.
        draws
            Where mixup, noise and dropout come from.
        """
        targets = self._targets_of_class.index_select(0, labels.reshape(-1))
        targets = targets.view(*labels.shape, -1)
        row_weights = None
        if weights is not None:
            row_weights = weights.unsqueeze(2)
            targets = targets * row_weights
        if self._mixup:
            share, partners = draws.mixup(self._mixup, labels.shape[1])
            x, targets = (_blend(own, share, partners) for own in (x, targets))
            row_weights = None if row_weights is None else _blend(row_weights, share, partners)
        logits, steps = self._forward(x, draws)
        self.correct += logits.argmax(dim=2).eq(labels).sum(dim=1)
        log_p = torch.log_softmax(logits, dim=2)
        losses = (targets * log_p).sum(dim=2)
        self.loss_sums -= losses.sum(dim=1, dtype=self.loss_sums.dtype)
        # (w softmax(z) - t) / B, where t has the weights of the rows in it already.
        # Negligible probabilities count as 0, as in `nn.losses`.
        gradient = torch.threshold_(log_p.exp_(), self._negligible, 0.0)
        if row_weights is not None:
            gradient *= row_weights
        gradient -= targets
        gradient /= labels.shape[1]
        self._backward(gradient, steps)

    def _forward(self, x: Tensor, draws: Draws) -> tuple[Tensor, list[_Step]]:
        """Logits, and of each layer what the way back needs."""
        if self._input_noise:
            x = x + draws.noise(self._input_noise, x.shape)
        steps = []
        for position, layer in enumerate(self._layers):
            factors = None
            if probability := self._probabilities[position]:
                factors = draws.dropout(probability, position, x.shape)
                x = x * factors
            step = _Step(x, factors)
            x = _linear(x, layer)
            if "scale" in layer:
                x = _normalize(step, x, layer)
            if position < len(self._layers) - 1:
                z, x = x, self._activation.forward(x)
                step.kept = x if self._activation.of_output else z
            steps.append(step)
        return x, steps

    def _backward(self, gradient: Tensor, steps: list[_Step]) -> None:
        """Fill `gradients`, given the loss's gradient for the logits (overwritten)."""
        for position in reversed(range(len(steps))):
            step, layer, own = steps[position], self._layers[position], self._gradients[position]
            if "scale" in layer:
                gradient = _normalize_backward(step, gradient, layer, own)
            torch.bmm(step.x.transpose(1, 2), gradient, out=own["weights"])
            if "biases" in own:
                torch.sum(gradient, dim=1, out=own["biases"])
            if position == 0:
                return  # what lies before it is data, which learn nothing
            gradient = torch.bmm(gradient, layer["weights"].transpose(1, 2))
            if step.factors is not None:
                gradient *= step.factors
            kept = steps[position - 1].kept
            assert kept is not None, "every layer but the last has an activation function"
            gradient = self._activation.backward(gradient, kept)

    def limit_norms(self) -> None:
        """Scale down the weights into each hidden neuron to the largest norm allowed."""
        if self._max_norm is None:
            return
        for layer in self._layers[:-1]:
            norms = torch.linalg.vector_norm(layer["weights"], dim=1, keepdim=True)
            layer["weights"] *= self._max_norm / norms.clamp_min_(self._max_norm)

    def logits(self, x: Tensor, variables: Tensor) -> Tensor:
        """Evaluation mode: logits (K, rows, classes) for inputs (rows, inputs).

        `variables` are those of the networks, or others in their place.
        """
        h = x.expand(len(variables), *x.shape)
        for position, layer in enumerate(layers_of(self.shape, variables)):
            h = self._evaluate(h, position, layer)
        return h

    def outputs(self, x: Tensor, variables: Tensor) -> Iterator[Tensor]:
        """Evaluation mode: of each hidden layer its activations (K, rows, units), then the logits.

        As `logits`.
        """
        h = x.expand(len(variables), *x.shape)
        for position, layer in enumerate(layers_of(self.shape, variables)):
            h = self._evaluate(h, position, layer)
            yield h

    def _evaluate(self, h: Tensor, position: int, layer: Mapping[str, Tensor]) -> Tensor:
        """What a layer makes of its inputs, in evaluation mode."""
        h = _linear(h, layer)
        if "scale" in layer:
            inverse = torch.rsqrt(layer["running_variance"] + EPSILON)
            h = (h - layer["running_mean"].unsqueeze(1)) * inverse.unsqueeze(1)
            h = h * layer["scale"].unsqueeze(1) + layer["shift"].unsqueeze(1)
        return h if position == len(self._layers) - 1 else self._activation.forward(h)


def _linear(x: Tensor, layer: Mapping[str, Tensor]) -> Tensor:
    """Products (K, batch, outputs), with biases where a layer has some."""
    if "biases" in layer:
        return torch.baddbmm(layer["biases"].unsqueeze(1), x, layer["weights"])
    return torch.bmm(x, layer["weights"])


def _normalize(step: _Step, z: Tensor, layer: Mapping[str, Tensor]) -> Tensor:
    """Batch normalisation, forwards: the formulas stand in `nn.normalization`."""
    batch = z.shape[1]
    variance, mean = torch.var_mean(z, dim=1, correction=0, keepdim=True)
    step.inverse = torch.rsqrt(variance + EPSILON)
    step.normalized = (z - mean) * step.inverse
    for name, value in (
        ("running_mean", mean),
        ("running_variance", variance * (batch / (batch - 1))),
    ):
        layer[name].mul_(1.0 - MOMENTUM).add_(value.squeeze(1), alpha=MOMENTUM)
    scaled = step.normalized * layer["scale"].unsqueeze(1)
    return scaled.add_(layer["shift"].unsqueeze(1))


def _normalize_backward(
    step: _Step, gradient: Tensor, layer: Mapping[str, Tensor], own: Mapping[str, Tensor]
) -> Tensor:
    """Batch normalisation, backwards; the gradient is overwritten."""
    batch = gradient.shape[1]
    n, inverse = step.normalized, step.inverse
    assert n is not None, "the layer has been passed"
    assert inverse is not None, "the layer has been passed"
    torch.sum(gradient, dim=1, out=own["shift"])
    torch.sum(gradient * n, dim=1, out=own["scale"])
    gradient -= (own["shift"] / batch).unsqueeze(1)
    gradient -= n * (own["scale"] / batch).unsqueeze(1)
    gradient *= layer["scale"].unsqueeze(1) * inverse
    return gradient


def _blend(own: Tensor, share: Tensor, partners: Tensor) -> Tensor:
    """The mixture of rows (K, batch, ...) with their partners (K, batch) of the same network."""
    networks, batch = partners.shape
    first = torch.arange(0, networks * batch, batch, device=own.device).unsqueeze(1)
    index = (partners + first).reshape(-1)
    others = own.reshape(networks * batch, -1).index_select(0, index).view(own.shape)
    blended: Any = share * own + (1.0 - share) * others
    return cast(Tensor, blended)
