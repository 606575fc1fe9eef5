"""What trainings cost, by what computes them, and how many networks a stack should hold.

Only the proportions matter: they balance the work of several workers, and never show in a result.
"""

from __future__ import annotations

from dataclasses import dataclass

from isolet_nn.config.experiment import Experiment
from isolet_nn.sweeps.datasets import DataSize
from isolet_nn.training.backend import n_parameters, network_shape
from isolet_nn.training.capacity import networks_in_memory


@dataclass(frozen=True)
class CostModel:
    """What a training costs, and from which size on stacking costs more than it saves.

    Attributes
    ----------
    step, network_step
        Seconds that a step costs a stack besides its networks, and each network by itself.
    parameter
        Seconds that the optimizer takes for a parameter in a step.
    products_per_second
        What the matrix products come to, at about four a parameter and row, both ways together.
    fetched_number
        Seconds from fetching a number of a batch until it is used.
    most_stacked
        Networks of a stack at the most: beyond, nothing more is gained.
    longest_cohort
        Estimated seconds that a cohort of several trainings takes at the most, and a crash costs.
    """

    step: float
    network_step: float
    parameter: float
    products_per_second: float
    fetched_number: float
    most_stacked: int
    longest_cohort: float

    def epoch_seconds(self, experiment: Experiment, size: DataSize) -> float:
        """Rough seconds of an epoch: a fixed cost a step, the optimizer's passes, the products."""
        batch = batch_size(experiment, size)
        parameters = n_parameters(experiment, size.n_features, size.n_classes)
        seconds = (
            self.network_step * experiment.ensemble
            + parameters * self.parameter
            + 4 * batch * parameters / self.products_per_second
        )
        return size.n_rows / batch * seconds

    def pays_by_seed(
        self, of_one_seed: float, mixed: int, experiment: Experiment, size: DataSize
    ) -> bool:
        """Whether stacks of `of_one_seed` networks, which share batches, beat mixed ones."""
        fetching = self.fetched_number * batch_size(experiment, size) * size.n_features
        return (self.step + fetching) / of_one_seed < self.step / mixed + fetching


COSTS = CostModel(
    step=3e-5,
    network_step=4e-5,
    parameter=1.1e-9,
    products_per_second=1.8e11,
    fetched_number=2.5e-10,
    most_stacked=16,
    longest_cohort=60.0,
)
"""The network from scratch, measured in November 2026 on one core of an AMD EPYC (Zen 5)."""
TORCH_COSTS = CostModel(
    step=3e-5,
    network_step=1.6e-4,
    parameter=1.3e-9,
    products_per_second=1.6e11,
    fetched_number=2.5e-10,
    most_stacked=16,
    longest_cohort=60.0,
)
"""PyTorch on one core of the same processor, where it computes network by network. In all, they fit
the 0.23 and 0.53 ms that a step of 617-16-26 and of 617-128-26 took with a batch of 128; how that
is divided is an estimate, and `step` and `fetched_number` are NumPy's."""
GPU_COSTS = CostModel(
    step=1.6e-4,
    network_step=3.4e-6,
    parameter=2e-11,
    products_per_second=2e13,
    fetched_number=1.9e-11,
    most_stacked=4096,
    longest_cohort=15.0,
)
"""PyTorch on a CUDA device, measured in November 2026 on an H200: 10 epochs of ISOLET by 1,000
networks of 64 hidden neurons in one stack (2.67 s, of which the device needs 1.1), by figure 5's 90
(1.46 s), and by one of 1024 (0.14 s)."""
STACKED_NUMBERS = 1_400_000
"""Numbers that the steps of a stack go through at the most on a processor: beyond, they leave the
cache."""


def costs_of(experiment: Experiment, gpu_memory: int | None) -> CostModel:
    """What holds for an experiment.

    Parameters
    ----------
    gpu_memory
        Bytes of the GPU that computes what can be computed there; None where there is none.
    """
    if experiment.backend == "numpy":
        return COSTS
    return GPU_COSTS if on_gpu(experiment, gpu_memory) else TORCH_COSTS


def on_gpu(experiment: Experiment, gpu_memory: int | None) -> bool:
    """Whether an experiment is computed on a CUDA device."""
    is_wanted = experiment.backend == "torch" and experiment.device in ("auto", "cuda")
    return is_wanted and gpu_memory is not None


def most_stacked(
    experiment: Experiment, size: DataSize, gpu_memory: int | None, *, shares_batches: bool
) -> tuple[int, str]:
    """How many experiments a stack may hold, and why if it is one."""
    costs = costs_of(experiment, gpu_memory)
    if gpu_memory is not None and on_gpu(experiment, gpu_memory):
        room = networks_in_memory(
            experiment, size.n_rows, size.n_features, size.n_classes, gpu_memory
        )
        most = min(costs.most_stacked, room) // experiment.ensemble
        return (most, "") if most > 1 else (1, "the device has no memory for more than one")
    if experiment.backend == "torch" and (experiment.ensemble > 1 or not shares_batches):
        # It computes network by network; what a stack shares is fetching (measured: a quarter).
        return 1, "the backend is torch, to which only networks on the same batches are cheaper"
    model, batch = experiment.model, batch_size(experiment, size)
    shape = network_shape(experiment, size.n_features, size.n_classes)
    numbers = 4 * shape.n_parameters  # with gradients, and what an optimizer remembers of each
    numbers += batch * (sum(model.hidden_layers) + size.n_classes)
    own_inputs = model.input_dropout or model.input_noise or experiment.training.mixup
    if own_inputs or experiment.ensemble > 1 or not shares_batches:
        numbers += batch * size.n_features
    most = min(costs.most_stacked, STACKED_NUMBERS // numbers) // experiment.ensemble
    if most > 1:
        return most, ""
    what = "networks" if experiment.ensemble == 1 else "ensembles"
    return 1, f"the {what} are too large for stacking to pay"


def batch_size(experiment: Experiment, size: DataSize) -> int:
    """Rows of a step."""
    return min(experiment.training.batch_size, size.n_rows)
