"""Dead neurons: ReLUs whose sum is below zero for every training row.

Such a neuron gives 0 whatever it is asked, its derivative is 0, and so are all its gradients: as
long as what comes in from below stays the same, it never learns again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from isolet_nn.lesson.moments import FloatArray


@dataclass(frozen=True)
class DeadNeuron:
    """A neuron that was dead at the end of a training.

    Attributes
    ----------
    layer, neuron
        Its place, from 0: hidden layer, and neuron in it.
    since
        The epoch after which it was dead from then on; 0: from the first weights on.
    sums
        (rows,): its weighted sum for each training row, at that time.
    """

    layer: int
    neuron: int
    since: int
    sums: FloatArray


class DeathWatch:
    """Notes after each epoch which neurons are dead.

    Parameters
    ----------
    activation
        Name of the activation function; only ReLUs die.
    """

    def __init__(self, activation: str) -> None:
        self.looks = activation == "relu"
        self._dead: dict[tuple[int, int], DeadNeuron] = {}

    def note(self, epoch: int, sums: Sequence[FloatArray]) -> None:
        """Look at the weighted sums (rows, units) of each hidden layer."""
        for layer, of_layer in enumerate(sums):
            for neuron, highest in enumerate(of_layer.max(axis=0)):
                if not highest <= 0.0:  # one whose sums are no numbers has not died, but diverged
                    self._dead.pop((layer, neuron), None)
                elif (layer, neuron) not in self._dead:
                    found = DeadNeuron(layer, neuron, epoch, of_layer[:, neuron].copy())
                    self._dead[layer, neuron] = found

    def dead(self) -> list[DeadNeuron]:
        """Those that are dead now, in their order."""
        return [self._dead[place] for place in sorted(self._dead)]
