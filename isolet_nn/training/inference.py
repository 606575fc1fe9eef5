"""A trained network that only answers: weights in, logits out, whatever backend trained it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from isolet_nn.config.experiment import Experiment
from isolet_nn.nn.network import Network
from isolet_nn.nn.pool import Pool
from isolet_nn.scores.evaluation import ensemble_logits
from isolet_nn.system.machine import available_cores
from isolet_nn.training.backend import FloatArray, Weights, below, network_shape
from isolet_nn.training.components import make_activation
from isolet_nn.training.numpy_backend import named_views
from isolet_nn.training.threads import single_threaded_products


def answering(
    experiment: Experiment, weights: Weights, n_features: int, n_classes: int
) -> Callable[[FloatArray], FloatArray]:
    """A network, or an ensemble of them, with the weights it was trained to.

    Returns
    -------
    A function that gives the logits (rows, classes) of the network's inputs (rows, features). All
    cores share its products, and their number changes no bit.
    """
    shape = network_shape(experiment, n_features, n_classes)
    network = Network(
        shape,
        activation=make_activation(experiment.model.activation),
        networks=experiment.ensemble,
        batch_size=1,  # of a training step, of which there is none
        dtype=experiment.training.dtype,
        pool=Pool(available_cores()),
    )
    for k, variables in enumerate(network.variables):
        of_network = weights if experiment.ensemble == 1 else below(f"{k}.", weights)
        for name, view in named_views(shape, variables).items():
            view[...] = of_network[name].T

    def logits(x: FloatArray) -> FloatArray:
        if not len(x):
            return np.empty((0, n_classes), x.dtype)
        with np.errstate(over="ignore", invalid="ignore"), single_threaded_products():
            z: FloatArray = ensemble_logits(network.logits(x)[np.newaxis])[0]
            return z

    return logits
