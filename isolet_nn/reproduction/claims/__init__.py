"""The claims of the report's text, a file each: what is run for it, its rules, its table.

- ``claim``: what every claim has.
- ``sigmoid``, ``momentum``, ``beta1``: what the network and its optimizer are made of.
- ``small_batches``, ``one_epoch``, ``widths``: batch sizes, epochs, learning rates.
- ``backends``, ``shrinking_steps``, ``tuned_optimizers``: implementations and optimizers.
- ``exclusive_or``, ``initial_weights``, ``data_sets``: the rest.
"""

from isolet_nn.reproduction.claims.backends import BACKENDS
from isolet_nn.reproduction.claims.beta1 import BETA1_HURTS
from isolet_nn.reproduction.claims.claim import ReportClaim
from isolet_nn.reproduction.claims.data_sets import DATA_SETS
from isolet_nn.reproduction.claims.exclusive_or import EXCLUSIVE_OR
from isolet_nn.reproduction.claims.initial_weights import INITIAL_WEIGHTS
from isolet_nn.reproduction.claims.momentum import MOMENTUM
from isolet_nn.reproduction.claims.one_epoch import ONE_EPOCH
from isolet_nn.reproduction.claims.shrinking_steps import SHRINKING_STEPS
from isolet_nn.reproduction.claims.sigmoid import SIGMOID
from isolet_nn.reproduction.claims.small_batches import SMALL_BATCHES
from isolet_nn.reproduction.claims.tuned_optimizers import TUNED_OPTIMIZERS
from isolet_nn.reproduction.claims.widths import WIDTHS

CLAIMS: tuple[ReportClaim, ...] = (
    SIGMOID,
    MOMENTUM,
    BETA1_HURTS,
    SMALL_BATCHES,
    ONE_EPOCH,
    WIDTHS,
    BACKENDS,
    SHRINKING_STEPS,
    TUNED_OPTIMIZERS,
    EXCLUSIVE_OR,
    INITIAL_WEIGHTS,
    DATA_SETS,
)
"""In the order of their numbers."""

__all__ = ["CLAIMS", "ReportClaim"]
