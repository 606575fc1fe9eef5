"""The multilayer perceptron: a stack of K networks of one shape, trained by back-propagation.

All parameters lie in one buffer (K, n), all gradients in another; layers hold views of them. A
training step is the textbook's: forward through the layers, softmax and cross-entropy, backward
through the layers in reverse, then one optimizer step a network. It allocates no array but for
random numbers.

`np.matmul` computes each network of a stack by a call of its own, so with one thread of linear
algebra a network's bits do not depend on its neighbours; `products` keeps it so with several.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray

from isolet_nn.nn.activations import Activation, ReLU
from isolet_nn.nn.initializers import Initializer
from isolet_nn.nn.layers import Dense, FloatArray, Layer
from isolet_nn.nn.losses import SoftmaxCrossEntropy
from isolet_nn.nn.noise import Dropout, GaussianNoise, Mixup, RandomLayer
from isolet_nn.nn.normalization import BatchNormalization
from isolet_nn.nn.pool import Pool

EVALUATION_ROWS = 2048
"""Rows that `Network.logits` computes at a time, which bounds its memory."""
ActivationMaker = Callable[[tuple[int, int, int], DTypeLike], Activation]


@dataclass(frozen=True)
class Shape:
    """What decides how many variables a network has, and where in its buffer they lie.

    The buffer holds layer by layer the weights (inputs, outputs), row by row, and the biases
    (outputs,) or, of a normalised layer, scales and shifts (outputs,); after all parameters come
    the statistics: running mean and variance (outputs,) of each normalised layer.

    Attributes
    ----------
    layer_sizes
        Inputs, hidden neurons of each layer, classes: ``(617, 44, 26)``.
    batch_normalization
        Whether hidden layers are normalised before their activation function.
    """

    layer_sizes: tuple[int, ...]
    batch_normalization: bool = False

    @property
    def hidden(self) -> tuple[int, ...]:
        """Neurons of the layers that are normalised, if any is."""
        return self.layer_sizes[1:-1] if self.batch_normalization else ()

    @property
    def n_parameters(self) -> int:
        """Variables that are learned."""
        dense = sum((i + 1) * o for i, o in itertools.pairwise(self.layer_sizes))
        return dense + sum(self.hidden)

    @property
    def n_variables(self) -> int:
        """Parameters and statistics."""
        return self.n_parameters + 2 * sum(self.hidden)

    @property
    def parameter_slices(self) -> list[slice]:
        """Where the parameters of each dense layer lie in a buffer, its scales and shifts too."""
        slices, start = [], 0
        for position, (inputs, outputs) in enumerate(itertools.pairwise(self.layer_sizes)):
            size = (inputs + 1 + (position < len(self.hidden))) * outputs
            slices.append(slice(start, start + size))
            start += size
        return slices

    def views(self, buffer: FloatArray) -> Iterator[dict[str, FloatArray]]:
        """Views of each dense layer's variables in a buffer (K, n_parameters or n_variables).

        By name: ``weights`` (K, inputs, outputs) and ``biases`` (K, outputs), or of a normalised
        layer ``scale`` and ``shift`` and, where the buffer has them, ``running_mean`` and
        ``running_variance``.
        """
        start, statistics = 0, self.n_parameters

        def take(size: int) -> FloatArray:
            nonlocal start
            start += size
            return buffer[:, start - size : start]

        for position, (inputs, outputs) in enumerate(itertools.pairwise(self.layer_sizes)):
            views = {"weights": take(inputs * outputs).reshape(-1, inputs, outputs)}
            if position >= len(self.hidden):
                views["biases"] = take(outputs)
            else:
                views |= {"scale": take(outputs), "shift": take(outputs)}
                if buffer.shape[1] > self.n_parameters:
                    middle, end = statistics + outputs, statistics + 2 * outputs
                    views["running_mean"] = buffer[:, statistics:middle]
                    views["running_variance"] = buffer[:, middle:end]
                    statistics = end
            yield views


class Network:
    """A stack of K multilayer perceptrons of one shape.

    Parameters
    ----------
    shape
        Sizes of the layers, and whether they are normalised.
    activation
        Makes the activation function of a hidden layer, given (networks, batch, units) and dtype.
    networks
        Number K of networks in the stack.
    batch_size
        Largest batch of a training step.
    dtype
        float32 or float64.
    dropout, input_dropout
        Probabilities that a hidden neuron, or an input, is dropped in a training step.
    input_noise
        Standard deviation of the noise on the inputs in a training step.
    mixup
        Parameter alpha of mixup; 0 leaves it out.
    label_smoothing
        Share of the target probability that is spread evenly over all classes.
    pool
        The threads that share its products; no bit depends on their number.

    Attributes
    ----------
    variables : (K, n_variables)
        Parameters and statistics, as `Shape` says.
    parameters, gradients : (K, n_parameters)
        The former a view of `variables`.
    layers : list of Layer
    loss : SoftmaxCrossEntropy
        Holds losses and hits of the last training step.
    """

    def __init__(
        self,
        shape: Shape,
        *,
        activation: ActivationMaker = ReLU,
        networks: int = 1,
        batch_size: int = 128,
        dtype: DTypeLike = np.float32,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        input_noise: float = 0.0,
        mixup: float = 0.0,
        label_smoothing: float = 0.0,
        pool: Pool | None = None,
    ) -> None:
        number, sizes = np.dtype(dtype), shape.layer_sizes
        self.shape = shape
        self.variables: FloatArray = np.zeros((networks, shape.n_variables), number)
        self.parameters: FloatArray = self.variables[:, : shape.n_parameters]
        self.gradients: FloatArray = np.zeros((networks, shape.n_parameters), number)
        self.loss = SoftmaxCrossEntropy(networks, batch_size, sizes[-1], number, label_smoothing)
        size = (networks, batch_size, sizes[0], number)
        self.mixup = Mixup(mixup, *size) if mixup else None
        self.layers: list[Layer] = [GaussianNoise(input_noise, *size)] if input_noise else []
        layers = zip(shape.views(self.variables), shape.views(self.gradients), strict=True)
        for position, (own, gradients) in enumerate(layers):
            if position > 0:
                self.layers.append(activation((networks, batch_size, sizes[position]), number))
            probability = dropout if position > 0 else input_dropout
            if probability:
                units = sizes[position]
                self.layers.append(Dropout(probability, networks, batch_size, units, number))
            self.layers.append(
                Dense(
                    own["weights"],
                    own.get("biases"),
                    gradients["weights"],
                    gradients.get("biases"),
                    batch_size=batch_size,
                    first=position == 0,
                    pool=pool,
                )
            )
            if "scale" in own:
                self.layers.append(
                    BatchNormalization(
                        own["scale"],
                        own["shift"],
                        gradients["scale"],
                        gradients["shift"],
                        own["running_mean"],
                        own["running_variance"],
                        batch_size=batch_size,
                    )
                )

    def initialize(
        self, initializer: Initializer, generators: Sequence[np.random.Generator]
    ) -> None:
        """Draw new parameters for each network of the stack from its own generator.

        Batch normalisation starts with scales and running variances of 1, and all else of 0.
        """
        for layer in self.layers:
            if isinstance(layer, Dense):
                # Biases are drawn all the same, so that the next weights do not depend on them.
                unused = np.empty(layer.weights.shape[::2], layer.weights.dtype)
                biases = unused if layer.biases is None else layer.biases
                for network, generator in enumerate(generators):
                    initializer(layer.weights[network], biases[network], generator)
            elif isinstance(layer, BatchNormalization):
                layer.scale[...] = layer.running_variance[...] = 1.0
                layer.shift[...] = layer.running_mean[...] = 0.0

    def seed_steps(self, generators: Sequence[np.random.Generator]) -> None:
        """Let mixup, noise and dropout draw from these, one a network, from the next step on."""
        if self.mixup is not None:
            self.mixup.generators = generators
        for layer in self.layers:
            if isinstance(layer, RandomLayer):
                layer.generators = generators

    def compute_gradients(
        self, x: FloatArray, labels: NDArray[np.int64], weights: FloatArray | None = None
    ) -> None:
        """Back-propagation: fill `gradients` and `loss` for one batch.

        Parameters
        ----------
        x
            (K, batch, inputs), or (1, batch, inputs) where all networks see the same rows.
        labels
            (K, batch) class indices.
        weights
            (K, batch) weights of the rows, where they have some.
        """
        others = shares = weights_of_others = None
        if self.mixup is not None:
            x, others = self.mixup.mix(x, labels)
            shares = self.mixup.shares
            if weights is not None:
                weights_of_others = self.mixup.of_partners(weights)
        for layer in self.layers:
            x = layer.forward(x)
        gradient = self.loss.forward_backward(x, labels, others, shares, weights, weights_of_others)
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)
            if isinstance(layer, Dense) and layer.first:
                break  # what lies before it is noise or dropout of data, which learn nothing

    def limit_norms(self, max_norm: float) -> None:
        """Limit the norm of the weights into each hidden neuron; overwrites the gradients."""
        *hidden, _ = (layer for layer in self.layers if isinstance(layer, Dense))
        for layer in hidden:
            layer.limit_norms(max_norm)

    def logits(self, x: FloatArray, networks: slice = slice(None)) -> FloatArray:
        """Evaluation mode: logits (K, rows, classes) for inputs (rows, inputs), rows >= 1.

        `networks` selects some of the stack.
        """
        blocks = []
        for start in range(0, len(x), EVALUATION_ROWS):
            h = x[np.newaxis, start : start + EVALUATION_ROWS]
            for layer in self.layers:
                h = layer.evaluate(h, networks)
            blocks.append(h)
        return np.concatenate(blocks, axis=1)

    def outputs(self, x: FloatArray, networks: slice = slice(None)) -> Iterator[FloatArray]:
        """Evaluation mode: of each hidden layer its activations, then the logits.

        Arrays (K, rows, units) for inputs (rows, inputs); each is overwritten when the next is
        asked for.
        """
        h = x[np.newaxis]
        for layer in self.layers:
            h = layer.evaluate(h, networks)
            if isinstance(layer, Activation):
                yield h
        yield h
