"""The backend that trains the same networks with PyTorch.

Initial weights and the order of rows come from NumPy exactly as for the network from scratch, and
on the processor mixup, noise and dropout too, so the two differ only in who does the arithmetic. A
stack is computed in chunks, whose size `stack_size` tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from isolet_nn.config.experiment import Experiment
from isolet_nn.data.dataset import Split
from isolet_nn.nn.network import EVALUATION_ROWS
from isolet_nn.training.backend import (
    FloatArray,
    Layout,
    RowWeights,
    Weights,
    layout_of,
    network_shape,
    require_counts,
    weight_generators,
)
from isolet_nn.training.devices import choose_device
from isolet_nn.training.epoch import Epoch, NetworkIndex
from isolet_nn.training.numpy_backend import named_views
from isolet_nn.training.stack_size import stack_size
from isolet_nn.training.threads import threads_of
from isolet_nn.training.torch_chunk import Chunk, chunk_form, draw_variables, load_rows
from isolet_nn.training.torch_draws import HostDraws
from isolet_nn.training.torch_rows import Batches, Rows, make_rows, tensor_of
from isolet_nn.training.torch_tables import StepNumber


class TorchBackend:
    """A stack of networks in PyTorch.

    Parameters
    ----------
    experiments
        What to train; all of one model, ensemble, batch size, number type, device, label smoothing,
        mixup and weight averaging.
    train
        The training part of each experiment; parts of equal size.
    n_classes
        Number of classes.
    row_weights
        The weight of each row in an experiment's loss; None where all count the same.

    Raises
    ------
    BackendUnavailableError
        If the device asked for is not there.
    """

    _epoch: Epoch

    def __init__(
        self,
        experiments: Sequence[Experiment],
        train: Sequence[Split],
        n_classes: int,
        row_weights: Sequence[RowWeights],
    ) -> None:
        first = experiments[0]
        torch.set_num_threads(threads_of(first))
        self.device = choose_device(first.device)
        self._dtype = getattr(torch, first.training.dtype)
        self._shape = network_shape(first, train[0].x.shape[1], n_classes)
        self._n_networks = len(experiments) * first.ensemble
        batch_size = min(first.training.batch_size, len(train[0].y))
        on_gpu = self.device.type == "cuda"
        size = stack_size(self._shape.n_parameters, batch_size, on_gpu=on_gpu)
        self._chunks = self._make_chunks(experiments, train, row_weights, size)
        self._place = {
            network: (chunk, row)
            for chunk in self._chunks
            for row, network in reversed([*enumerate(chunk.networks)])
        }
        self._at = StepNumber()
        self._steps = 0
        generators = weight_generators(experiments)
        for network, generator in enumerate(generators):
            variables = draw_variables(first, self._shape, generator)
            self._load_variables(network, variables)

    def _make_chunks(
        self,
        experiments: Sequence[Experiment],
        train: Sequence[Split],
        row_weights: Sequence[RowWeights],
        size: int,
    ) -> list[Chunk]:
        """Cut the stack into chunks of `size` networks of one `chunk_form`."""
        parts = _Parts(train, row_weights, self._dtype, self.device, alone=size == 1)
        of_network = [n for n in range(len(experiments)) for _ in range(experiments[n].ensemble)]
        by_form: dict[Any, list[NetworkIndex]] = {}
        for network, number in enumerate(of_network):
            by_form.setdefault(chunk_form(experiments[number]), []).append(network)
        chunks = []
        for networks in by_form.values():
            for start in range(0, len(networks), size):
                own = networks[start : start + size]
                own += own[-1:] * (size - len(own))
                numbers = [of_network[network] for network in own]
                chunks.append(
                    Chunk(
                        [experiments[number] for number in numbers],
                        own,
                        self._shape,
                        parts.batches(numbers),
                        HostDraws(self._dtype, self.device),
                        self.device,
                    )
                )
        return chunks

    def begin_epoch(self, epoch: Epoch) -> None:
        self._epoch = epoch
        first = self._steps - epoch.number * epoch.steps
        for chunk in self._chunks:
            chunk.begin_epoch(epoch, self._steps - first)
            chunk.begin_averages(epoch, first)

    def step(self, number: int) -> None:
        self._at.set(number)
        used = len(self._epoch.orders[0])
        size = min(self._epoch.batch_size, used - number * self._epoch.batch_size)
        averages = self._epoch.averaged is not None and bool(self._epoch.averaged[number].any())
        fetched = None
        for chunk in self._chunks:
            if fetched is None or not self._epoch.shared:
                fetched = chunk.fetch(self._at, size)
            chunk.step(self._at, fetched, averages=averages)
            chunk.count_averages(number)
        self._steps += 1

    def take_totals(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        totals = self._totals()
        for chunk in self._chunks:
            chunk.network.loss_sums.zero_()
            chunk.network.correct.zero_()
        return totals

    def _totals(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        losses, correct = np.empty(self._n_networks), np.empty(self._n_networks, np.int64)
        for chunk in self._chunks:
            losses[chunk.networks] = chunk.network.loss_sums.cpu().numpy()
            correct[chunk.networks] = chunk.network.correct.cpu().numpy()
        return losses, correct

    def logits(self, x: FloatArray, networks: slice = slice(None)) -> FloatArray:
        wanted = range(self._n_networks)[networks]
        inputs = tensor_of(x).to(self.device, self._dtype)
        starts = range(0, len(x), EVALUATION_ROWS)
        found: FloatArray = np.empty(
            (len(wanted), len(x), self._shape.layer_sizes[-1]), str(self._dtype)[6:]
        )
        for chunk in self._chunks:
            rows = [(row, k - wanted.start) for row, k in enumerate(chunk.networks) if k in wanted]
            if not rows:
                continue
            variables = chunk.evaluated()
            for start in starts:
                block = slice(start, start + EVALUATION_ROWS)
                logits = chunk.network.logits(inputs[block], variables).cpu().numpy()
                for row, place in rows:
                    found[place, block] = logits[row]
        return found

    def weights(self, network: NetworkIndex) -> Weights:
        chunk, row = self._place[network]
        variables = chunk.evaluated()[row].cpu().numpy()
        return {
            name: np.array(array.T, order="C")  # a copy even where the transpose is contiguous
            for name, array in named_views(self._shape, variables).items()
        }

    def load_weights(self, network: NetworkIndex, weights: Weights) -> None:
        variables = np.empty(self._shape.n_variables, str(self._dtype)[6:])
        for name, array in named_views(self._shape, variables).items():
            array[...] = weights[name].T
        self._load_variables(network, variables)

    def _load_variables(self, network: NetworkIndex, variables: FloatArray) -> None:
        for chunk, row in self._rows_of(network):
            load_rows(chunk.network.variables, row, variables)
            chunk.average_counts[row] = 0

    def _rows_of(self, network: NetworkIndex) -> list[tuple[Chunk, int]]:
        """Where a network is, with the copies that fill its chunk up."""
        chunk, _ = self._place[network]
        return [(chunk, row) for row, k in enumerate(chunk.networks) if k == network]

    def state(self) -> dict[str, NDArray[Any]]:
        losses, correct = self._totals()
        state: dict[str, NDArray[Any]] = {
            "loss_sums": losses,
            "correct": correct,
            "optimizer_steps": np.full(self._n_networks, self._steps),
            "average_counts": np.zeros(self._n_networks, np.int64),
        }
        for network, (chunk, row) in sorted(self._place.items()):
            state["average_counts"][network] = chunk.average_counts[row]
            state[f"variables_{network}"] = chunk.network.variables[row].cpu().numpy().copy()
            state[f"optimizer_{network}"] = chunk.optimizer.state[:, row].cpu().numpy().copy()
            if chunk.mean is not None:
                state[f"average_{network}"] = chunk.mean[row].cpu().numpy().copy()
        return state

    def state_layout(self, has_begun: bool) -> Layout:
        return layout_of(self.state())

    def load_state(self, state: Mapping[str, NDArray[Any]], steps: int, rows: int) -> None:
        require_counts("optimizer_steps", state["optimizer_steps"], steps, steps)
        require_counts("average_counts", state["average_counts"], 0, steps)
        require_counts("correct", state["correct"], 0, rows)
        self._steps = steps
        for network in self._place:
            for chunk, row in self._rows_of(network):
                load_rows(chunk.network.variables, row, state[f"variables_{network}"])
                chunk.optimizer.state[:, row].copy_(tensor_of(state[f"optimizer_{network}"]))
                chunk.network.loss_sums[row] = float(state["loss_sums"][network])
                chunk.network.correct[row] = int(state["correct"][network])
                chunk.average_counts[row] = state["average_counts"][network]
                if chunk.mean is not None:
                    load_rows(chunk.mean, row, state[f"average_{network}"])


class _Parts:
    """The training parts of a stack's experiments, each once."""

    def __init__(
        self,
        train: Sequence[Split],
        row_weights: Sequence[RowWeights],
        dtype: torch.dtype,
        device: torch.device,
        *,
        alone: bool,
    ) -> None:
        parts: list[Split] = []
        weights: list[RowWeights] = []
        self._number: list[int] = []
        for part, of_part in zip(train, row_weights, strict=True):
            for number, (known, of_known) in enumerate(zip(parts, weights, strict=True)):
                if known is part and np.array_equal(of_known, of_part):  # type: ignore[arg-type]
                    self._number.append(number)
                    break
            else:
                self._number.append(len(parts))
                parts.append(part)
                weights.append(of_part)
        self._n_rows = len(train[0].y)
        # Where each network is computed by itself, its rows need not be copied to be together.
        self._rows: list[Rows] = (
            [make_rows([p], [w], dtype, device) for p, w in zip(parts, weights, strict=True)]
            if alone
            else [make_rows(parts, weights, dtype, device)]
        )

    def batches(self, experiments: Sequence[int]) -> Batches:
        """What fetches the rows of these experiments' networks."""
        numbers = np.array([self._number[experiment] for experiment in experiments])
        if len(self._rows) > 1:
            return Batches(self._rows[numbers[0]], np.zeros(1, np.int64))
        return Batches(self._rows[0], numbers * self._n_rows)
