"""The optimizers of torch.optim for a stack of networks: a few operations over (K, n).

Networks of a stack differ in their settings, which are columns (K, 1). What depends on a step's
number or learning rate is computed for a whole epoch on the host, in float64, and laid out as a
table from which a step takes its row: on a device nothing is left to be asked of the host.

Formulas are PyTorch's; :mod:`isolet_nn.nn.optimizers` writes them out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isolet_nn.config.optimizers import Adam as AdamConfig
from isolet_nn.config.optimizers import AdamW, OptimizerConfig, Sgd
from isolet_nn.training.torch_tables import StepNumber, Table

Rates = NDArray[np.float64]


def optimizer_form(config: OptimizerConfig) -> tuple[Any, ...]:
    """What optimizers must agree in to make their steps together: all but numbers."""
    return (
        config.name,
        config.weight_decay > 0.0,
        getattr(config, "momentum", 0.0) > 0.0,
        getattr(config, "nesterov", False),
        getattr(config, "decoupled_weight_decay", False),
    )


class StackedOptimizer(ABC):
    """The optimizers of K networks.

    Parameters
    ----------
    configs
        One a network; all of one `optimizer_form`.
    parameters, gradients
        (K, n). A step changes the parameters and overwrites the gradients.

    Attributes
    ----------
    state : (slots, K, n)
        What is remembered of each parameter.
    """

    slots: ClassVar[int]
    """Besides a velocity, which there is with momentum only."""

    def __init__(
        self, configs: Sequence[OptimizerConfig], parameters: Tensor, gradients: Tensor
    ) -> None:
        self.configs = configs
        self.parameters, self.gradients = parameters, gradients
        has_momentum = getattr(configs[0], "momentum", 0.0) > 0.0
        self.state = torch.zeros(
            (self.slots + has_momentum, *parameters.shape),
            dtype=parameters.dtype,
            device=parameters.device,
        )
        self._momentum = self._column("momentum") if has_momentum else None
        self._table = Table(parameters.device)
        self._weight_decay = self._column("weight_decay") if configs[0].weight_decay else None

    def _setting(self, name: str) -> NDArray[np.float64]:
        """A setting of each network (K,)."""
        return np.array([getattr(config, name) for config in self.configs], np.float64)

    def _column(self, name: str) -> Tensor:
        """A setting of each network (K, 1)."""
        return self._tensor(self._setting(name))

    def _tensor(self, values: NDArray[np.float64]) -> Tensor:
        column = torch.from_numpy(values).to(self.parameters.dtype)
        return column.unsqueeze(1).to(self.parameters.device)

    def begin_epoch(self, done: int, rates: Rates) -> None:
        """Prepare an epoch's steps, before which `done` were made, at learning rates (steps, K)."""
        numbers = np.arange(done + 1.0, done + 1.0 + len(rates))[:, np.newaxis]
        with np.errstate(all="ignore"):  # of rates that overflow, the loss will tell
            rows = np.stack(self._coefficients(numbers, rates), axis=1)
            self._table.fill(rows[..., np.newaxis], self.parameters.dtype)

    def step(self, at: StepNumber) -> None:
        """Update the parameters from the gradients."""
        if self._weight_decay is not None:
            self.gradients.addcmul_(self.parameters, self._weight_decay)
        self._update(self.parameters, self.gradients, at.row(self._table))

    def _coefficients(self, t: Rates, rates: Rates) -> list[Rates]:
        """What a step takes from the table, (steps, K) each; `t` (steps, 1) counts from 1."""
        return [-rates]

    @abstractmethod
    def _update(self, p: Tensor, g: Tensor, row: Tensor) -> None:
        """Update the parameters; `row` holds this step's coefficients (n, K, 1)."""


class SGD(StackedOptimizer):
    """torch.optim.SGD."""

    slots = 0

    def __init__(
        self, configs: Sequence[OptimizerConfig], parameters: Tensor, gradients: Tensor
    ) -> None:
        super().__init__(configs, parameters, gradients)
        self._nesterov = isinstance(configs[0], Sgd) and configs[0].nesterov

    def _update(self, p: Tensor, g: Tensor, row: Tensor) -> None:
        if self._momentum is not None:
            velocity = self.state[0]
            velocity.mul_(self._momentum).add_(g)
            g = g.addcmul_(velocity, self._momentum) if self._nesterov else velocity
        p.addcmul_(g, row[0])


class Adagrad(StackedOptimizer):
    """torch.optim.Adagrad."""

    slots = 1

    def __init__(
        self, configs: Sequence[OptimizerConfig], parameters: Tensor, gradients: Tensor
    ) -> None:
        super().__init__(configs, parameters, gradients)
        self.state += self._column("initial_accumulator")
        self._epsilon = self._column("epsilon")

    def _coefficients(self, t: Rates, rates: Rates) -> list[Rates]:
        return [-rates / (1.0 + (t - 1.0) * self._setting("learning_rate_decay"))]

    def _update(self, p: Tensor, g: Tensor, row: Tensor) -> None:
        total = self.state[0]
        total.addcmul_(g, g)
        g.div_(total.sqrt().add_(self._epsilon))
        p.addcmul_(g, row[0])


class RMSprop(StackedOptimizer):
    """torch.optim.RMSprop, not centered."""

    slots = 1

    def __init__(
        self, configs: Sequence[OptimizerConfig], parameters: Tensor, gradients: Tensor
    ) -> None:
        super().__init__(configs, parameters, gradients)
        self._alpha, self._epsilon = self._column("alpha"), self._column("epsilon")
        self._rest = self._tensor(1.0 - self._setting("alpha"))

    def _update(self, p: Tensor, g: Tensor, row: Tensor) -> None:
        square = self.state[0]
        square.mul_(self._alpha).addcmul_(g * self._rest, g)
        g.div_(square.sqrt().add_(self._epsilon))
        if self._momentum is not None:
            g = self.state[1].mul_(self._momentum).add_(g)
        p.addcmul_(g, row[0])


class Adam(StackedOptimizer):
    """torch.optim.Adam, and AdamW, whose weight decay is decoupled from the gradient."""

    slots = 2

    def __init__(
        self, configs: Sequence[OptimizerConfig], parameters: Tensor, gradients: Tensor
    ) -> None:
        super().__init__(configs, parameters, gradients)
        name = configs[0].name
        self._decoupled = name == "adamw" or getattr(configs[0], "decoupled_weight_decay", False)
        if self._decoupled:
            self._weight_decay = None
        self._epsilon = self._column("epsilon")
        self._rest1 = self._tensor(1.0 - self._setting("beta1"))
        self._rest2 = self._tensor(1.0 - self._setting("beta2"))

    def _coefficients(self, t: Rates, rates: Rates) -> list[Rates]:
        corrections = [1.0 - self._setting(name) ** t for name in ("beta1", "beta2")]
        kept = 1.0 - rates * self._setting("weight_decay")
        return [kept, 1.0 / np.sqrt(corrections[1]), -rates / corrections[0]]

    def _update(self, p: Tensor, g: Tensor, row: Tensor) -> None:
        mean, root = self._follow(p, g, row)
        p.addcmul_(torch.div(mean, root, out=root), row[2])

    def _follow(self, p: Tensor, g: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
        """Decay the weights, and follow the gradient: its mean, and root mean square + epsilon."""
        mean, square = self.state
        if self._decoupled:
            p *= row[0]
        mean.lerp_(g, self._rest1)
        square.lerp_(g.square(), self._rest2)
        return mean, torch.addcmul(self._epsilon, square.sqrt(), row[1])


class RAdam(Adam):
    """torch.optim.RAdam: Adam without the root where that is not to be trusted yet."""

    def _coefficients(self, t: Rates, rates: Rates) -> list[Rates]:
        kept, _, rate = super()._coefficients(t, rates)
        power = self._setting("beta2") ** t
        longest = 2.0 / (1.0 - self._setting("beta2")) - 1.0
        length = longest - 2.0 * t * power / (1.0 - power)
        factor = (length - 4.0) * (length - 2.0) * longest
        factor /= (longest - 4.0) * (longest - 2.0) * length
        trusted = length > 5.0
        rectified = rate * np.sqrt(np.where(trusted, factor * (1.0 - power), 1.0))
        return [kept, np.ones_like(rates), rectified, np.broadcast_to(trusted, rates.shape)]

    def _update(self, p: Tensor, g: Tensor, row: Tensor) -> None:
        mean, root = self._follow(p, g, row)
        update = torch.where(row[3] > 0.0, torch.div(mean, root, out=root), mean)
        p.addcmul_(update, row[2])


class NAdam(Adam):
    """torch.optim.NAdam: Adam with Nesterov's momentum, which grows."""

    def _coefficients(self, t: Rates, rates: Rates) -> list[Rates]:
        kept, correction, _ = super()._coefficients(t, rates)
        numbers = np.arange(1.0, t[-1, 0] + 2.0)[:, np.newaxis] if len(t) else t
        decays = 0.96 ** (numbers * self._setting("momentum_decay"))
        momenta = self._setting("beta1") * (1.0 - 0.5 * decays)
        products = momenta.cumprod(axis=0)
        first = len(numbers) - 1 - len(t)  # of this epoch; there is one more at the end
        of_gradient = -rates * (1.0 - momenta[first:-1]) / (1.0 - products[first:-1])
        of_mean = -rates * momenta[first + 1 :] / (1.0 - products[first + 1 :])
        return [kept, correction, of_gradient, of_mean]

    def _update(self, p: Tensor, g: Tensor, row: Tensor) -> None:
        mean, root = self._follow(p, g, row)
        p.addcmul_(g.div_(root), row[2])
        p.addcmul_(torch.div(mean, root, out=root), row[3])


class FusedAdam(Adam):
    """Adam and AdamW of one network on the processor, in one pass of PyTorch's.

    It takes half the time of the operations one by one, a third for a wide network.
    """

    def begin_epoch(self, done: int, rates: Rates) -> None:
        self._done = done
        self._rates: list[float] = rates[:, 0].tolist()

    def step(self, at: StepNumber) -> None:
        (config,) = self.configs
        assert isinstance(config, (AdamConfig, AdamW)), "FusedAdam is Adam"
        step = torch.full((), float(self._done + 1 + at.number))
        update = torch._fused_adamw_ if self._decoupled else torch._fused_adam_
        update(
            [self.parameters[0]],
            [self.gradients[0]],
            [self.state[0, 0]],
            [self.state[1, 0]],
            [],
            [step],
            lr=self._rates[at.number],
            beta1=config.beta1,
            beta2=config.beta2,
            weight_decay=config.weight_decay,
            eps=config.epsilon,
            amsgrad=False,
            maximize=False,
        )


_OPTIMIZERS: dict[str, type[StackedOptimizer]] = {
    "sgd": SGD,
    "adagrad": Adagrad,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": Adam,
    "radam": RAdam,
    "nadam": NAdam,
}


def make_stacked_optimizer(
    configs: Sequence[OptimizerConfig], parameters: Tensor, gradients: Tensor
) -> StackedOptimizer:
    """The optimizer that configs of one form describe, for networks (K, n)."""
    kind = _OPTIMIZERS[configs[0].name]
    if kind is Adam and len(configs) == 1 and parameters.device.type == "cpu":
        kind = FusedAdam
    return kind(configs, parameters, gradients)
