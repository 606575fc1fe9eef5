"""Which backend trains an experiment; PyTorch is imported where it is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from isolet_nn.config.experiment import Experiment
from isolet_nn.data.dataset import Dataset
from isolet_nn.training.backend import Backend
from isolet_nn.training.weighting import of_copies, row_weights


def make_backend(experiments: Sequence[Experiment], datasets: Sequence[Dataset]) -> Backend:
    """The backend that trains these experiments' networks.

    Raises
    ------
    BackendUnavailableError
        If PyTorch, or the device asked for, is not there.
    ConfigError
        If classes are weighted that the data has not.
    """
    require_backend(experiments[0])  # before PyTorch is imported, which may be missing
    parts = [dataset.learned_from for dataset in datasets]
    weights = [
        of_copies(row_weights(e, dataset), dataset.copies)
        for e, dataset in zip(experiments, datasets, strict=True)
    ]
    if experiments[0].backend == "torch":
        from isolet_nn.training.torch_backend import TorchBackend

        return TorchBackend(experiments, parts, datasets[0].n_classes, weights)
    from isolet_nn.training.numpy_backend import NumpyBackend

    return NumpyBackend(experiments, parts, datasets[0].n_classes, weights)


def require_backend(experiment: Experiment) -> None:
    """Refuse an experiment whose backend or device this machine lacks.

    Raises
    ------
    BackendUnavailableError
        Saying what is missing, and how to install it.
    """
    if experiment.backend == "torch":
        from isolet_nn.training.devices import choose_device

        choose_device(experiment.device)
