"""The backend that trains the same networks with PyTorch.

Initial weights and the order of rows come from NumPy exactly as for the network from scratch, and
on the processor mixup, noise and dropout too, so the two differ only in who does the arithmetic. A
stack is computed in chunks, whose size `stack_size` tells.

On a GPU the host does not wait for a step: rows, learning rates and random keys of an epoch are
uploaded before it begins, steps are captured graphs, and losses and hits stay until it has ended.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isolet_nn.config.experiment import Experiment
from isolet_nn.data.dataset import Split
from isolet_nn.nn.network import EVALUATION_ROWS
from isolet_nn.training import torch_evaluation
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
from isolet_nn.training.inspection import inspected_steps
from isolet_nn.training.numpy_backend import named_views
from isolet_nn.training.stack_size import stack_size
from isolet_nn.training.threads import threads_of
from isolet_nn.training.torch_chunk import Chunk, chunk_form, draw_variables
from isolet_nn.training.torch_counters import CounterDraws
from isolet_nn.training.torch_draws import Draws, HostDraws
from isolet_nn.training.torch_graphs import Lanes, Steps, cuda_capture
from isolet_nn.training.torch_inspection import activation_statistics, squares
from isolet_nn.training.torch_rows import Fetched, Parts, tensor_of
from isolet_nn.training.torch_tables import StepNumber

_LANES = 8
"""Chunks whose steps may overlap on a GPU."""
_DRAWERS = 8
"""Threads that draw initial weights while a GPU is filled with them."""
_MOST_COPIES = 8
"""Arrays of evaluations that stay on a GPU."""


def is_gpu(device: torch.device) -> bool:
    """Whether a device computes as a GPU does: products batched, steps captured, draws its own."""
    return device.type == "cuda"


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
        self.computes_elsewhere = is_gpu(self.device)
        self._precision = first.training.matmul_precision
        self._inspects, self._activation = first.training.inspect, first.model.activation.name
        self._set_precision()
        self._dtype = getattr(torch, first.training.dtype)
        self._shape = network_shape(first, train[0].x.shape[1], n_classes)
        self._networks = [
            (number, k) for number, e in enumerate(experiments) for k in range(e.ensemble)
        ]
        batch_size = min(first.training.batch_size, len(train[0].y))
        size = stack_size(self._shape.n_parameters, batch_size, on_gpu=self.computes_elsewhere)
        self._chunks = self._make_chunks(experiments, train, row_weights, size)
        self._place = {
            network: (chunk, row)
            for chunk in self._chunks
            for row, network in reversed([*enumerate(chunk.networks)])
        }
        self._draw_variables(first, weight_generators(experiments))
        self._at, self._steps = StepNumber(), 0
        self._lanes = Lanes(self.device, min(_LANES, len(self._chunks)))
        capture = None
        if self.computes_elsewhere:
            self._at.counter = torch.zeros(1, dtype=torch.int64, device=self.device)
            if all(isinstance(part.x, np.ndarray) for part in train):  # else the host fetches rows
                capture = cuda_capture(self.device)
        self._runner = Steps(capture)
        self._copies: list[tuple[Any, Tensor]] = []

    def _set_precision(self) -> None:
        """Let products of float32 be as exact as is asked for; processors know no other."""
        if self.device.type == "cuda":
            torch.set_float32_matmul_precision(self._precision)

    def _draw_variables(
        self, experiment: Experiment, generators: Sequence[np.random.Generator]
    ) -> None:
        """Let each network start from what its generator draws."""

        def draw(network: NetworkIndex) -> FloatArray:
            return draw_variables(experiment, self._shape, generators[network])

        if not self.computes_elsewhere:
            for network in range(len(self._networks)):
                variables = draw(network)
                for chunk, row in self._rows_of(network):
                    chunk.load(variables, row)
            return
        # NumPy's generators draw side by side; a GPU's stacks have thousands of networks.
        with ThreadPoolExecutor(_DRAWERS) as pool:
            for chunk in self._chunks:
                alone = list(dict.fromkeys(chunk.networks))
                rows = dict(zip(alone, pool.map(draw, alone), strict=True))
                chunk.load(np.stack([rows[network] for network in chunk.networks]))

    def _make_chunks(
        self,
        experiments: Sequence[Experiment],
        train: Sequence[Split],
        row_weights: Sequence[RowWeights],
        size: int,
    ) -> list[Chunk]:
        """Cut the stack into chunks of `size` networks of one `chunk_form`."""
        parts = Parts(train, row_weights, self._dtype, self.device, alone=size == 1)
        by_form: dict[Any, list[NetworkIndex]] = {}
        for network, (number, _) in enumerate(self._networks):
            by_form.setdefault(chunk_form(experiments[number]), []).append(network)
        chunks = []
        for networks in by_form.values():
            for start in range(0, len(networks), size):
                own = networks[start : start + size]
                own += own[-1:] * (size - len(own))
                numbers, places = zip(*(self._networks[network] for network in own), strict=True)
                of_networks = [experiments[number] for number in numbers]
                draws: Draws = (
                    CounterDraws(of_networks, places, self._dtype, self.device)
                    if self.computes_elsewhere
                    else HostDraws(self._dtype, self.device)
                )
                batches = parts.batches(numbers)
                chunks.append(Chunk(of_networks, own, self._shape, batches, draws, self.device))
        return chunks

    def begin_epoch(self, epoch: Epoch) -> None:
        self._epoch = epoch
        self._inspected = inspected_steps(epoch.steps) & self._inspects
        self._set_precision()
        done = epoch.number * epoch.steps
        self._at.begin(self._steps - done)
        for chunk in self._chunks:
            chunk.begin_epoch(epoch, done)
            chunk.begin_averages(epoch, self._at.number)

    def step(self, number: int) -> None:
        self._at.number = number
        used = len(self._epoch.orders[0])
        size = min(self._epoch.batch_size, used - number * self._epoch.batch_size)
        averages = self._epoch.averaged is not None and bool(self._epoch.averaged[number].any())
        self._runner.step(self._take_step, size, averages, bool(self._inspected[number]))
        if averages:
            for chunk in self._chunks:
                chunk.count_averages(number)
        self._steps += 1

    def _take_step(self, size: int, averages: bool, inspected: bool) -> None:
        """One step of all chunks on batches of so many rows."""
        fetched: Fetched | None = None
        if self._epoch.shared and not self.computes_elsewhere:
            fetched = self._chunks[0].fetch(self._at, size)

        def step(chunk: Chunk) -> None:
            of_chunk = fetched or chunk.fetch(self._at, size)
            chunk.step(self._at, of_chunk, averages=averages, inspected=inspected)

        self._lanes.run([functools.partial(step, chunk) for chunk in self._chunks])
        self._at.count()

    def take_totals(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        totals = self._totals()
        for chunk in self._chunks:
            chunk.network.loss_sums.zero_()
            chunk.network.correct.zero_()
        return totals

    def _totals(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        n_networks = len(self._networks)
        losses, correct = np.empty(n_networks), np.empty(n_networks, np.int64)
        for chunk in self._chunks:
            losses[chunk.networks] = chunk.network.loss_sums.cpu().numpy()
            correct[chunk.networks] = chunk.network.correct.cpu().numpy()
        return losses, correct

    def logits(self, x: FloatArray, networks: slice = slice(None)) -> FloatArray:
        wanted = range(len(self._networks))[networks]
        shape = len(wanted), len(x), self._shape.layer_sizes[-1]
        found: FloatArray = np.empty(shape, str(self._dtype).removeprefix("torch."))
        for chunk, rows in self._chunks_of(wanted):
            for block, logits in self._blocks(chunk, x):
                on_host = logits.cpu().numpy()
                for row, place in rows:
                    found[place, block] = on_host[row]
        return found

    def loss_and_accuracy(
        self, x: FloatArray, y: NDArray[np.int64], networks: slice
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        if not self.computes_elsewhere or not len(x):
            return None
        wanted = range(len(self._networks))[networks]
        labels = self._on_device(y)
        loss, accuracy = np.empty(len(wanted)), np.empty(len(wanted))
        for chunk, rows in self._chunks_of(wanted):
            found = torch_evaluation.loss_and_accuracy(
                (logits, labels[block]) for block, logits in self._blocks(chunk, x)
            )
            for row, place in rows:
                loss[place], accuracy[place] = found[0][row], found[1][row]
        return loss, accuracy

    def take_norms(self) -> NDArray[np.float64]:
        layers = self._shape.parameter_slices
        found = np.empty((len(self._networks), 3, len(layers)))
        for chunk in self._chunks:
            assert chunk.norms is not None, "the experiments ask for it"
            found[chunk.networks, :2] = chunk.norms.sums.cpu().numpy()
            found[chunk.networks, 2] = squares(chunk.evaluated(), layers).cpu().numpy()
            chunk.norms.sums.zero_()
        return found

    def activation_statistics(self, x: FloatArray, networks: slice) -> NDArray[np.float64]:
        self._set_precision()
        wanted = range(len(self._networks))[networks]
        inputs, hidden = self._on_device(x), len(self._shape.layer_sizes) - 2
        found = np.empty((len(wanted), hidden, 4))
        for chunk, rows in self._chunks_of(wanted):
            outputs = chunk.network.outputs(inputs, chunk.evaluated())
            for layer, a in enumerate(itertools.islice(outputs, hidden)):
                of_layer = activation_statistics(a, self._activation).cpu().numpy()
                for row, place in rows:
                    found[place, layer] = of_layer[row]
        return found

    def _chunks_of(self, networks: range) -> Iterator[tuple[Chunk, list[tuple[int, int]]]]:
        """The chunks that have some of the networks: their rows there, and places among these."""
        for chunk in self._chunks:
            rows = [
                (row, k - networks.start) for row, k in enumerate(chunk.networks) if k in networks
            ]
            if rows:
                yield chunk, rows

    def _blocks(self, chunk: Chunk, x: FloatArray) -> Iterator[tuple[slice, Tensor]]:
        """A chunk's logits for inputs (rows, features), block by block."""
        self._set_precision()  # another stack may have set its own
        inputs, variables = self._on_device(x), chunk.evaluated()
        for start in range(0, len(x), EVALUATION_ROWS):
            block = slice(start, start + EVALUATION_ROWS)
            yield block, chunk.network.logits(inputs[block], variables)

    def _on_device(self, array: Any) -> Tensor:
        """An array on the device; those of an evaluation, which come again, stay there."""
        for known, tensor in self._copies:
            if known is array:
                return tensor
        dtype = self._dtype if array.dtype.kind == "f" else None
        tensor = tensor_of(array).to(self.device, dtype)
        if self.computes_elsewhere:
            self._copies = [*self._copies[1 - _MOST_COPIES :], (array, tensor)]
        return tensor

    def weights(self, network: NetworkIndex) -> Weights:
        chunk, row = self._place[network]
        variables = chunk.evaluated()[row].cpu().numpy()
        return {
            name: np.array(array.T, order="C")  # a copy even where the transpose is contiguous
            for name, array in named_views(self._shape, variables).items()
        }

    def load_weights(self, network: NetworkIndex, weights: Weights) -> None:
        variables: FloatArray = np.empty(
            self._shape.n_variables, str(self._dtype).removeprefix("torch.")
        )
        for name, array in named_views(self._shape, variables).items():
            array[...] = weights[name].T
        for chunk, row in self._rows_of(network):
            chunk.load(variables, row)

    def _rows_of(self, network: NetworkIndex) -> list[tuple[Chunk, int]]:
        """Where a network is, with the copies that fill its chunk up."""
        chunk, _ = self._place[network]
        return [(chunk, row) for row, k in enumerate(chunk.networks) if k == network]

    def state(self) -> dict[str, NDArray[Any]]:
        losses, correct = self._totals()
        state: dict[str, NDArray[Any]] = {
            "loss_sums": losses,
            "correct": correct,
            "optimizer_steps": np.full(len(self._networks), self._steps),
            "average_counts": np.zeros(len(self._networks), np.int64),
        }
        for network, (chunk, row) in sorted(self._place.items()):
            state["average_counts"][network] = chunk.average_counts[row]
            state[f"variables_{network}"] = chunk.network.variables[row].cpu().numpy().copy()
            state[f"optimizer_{network}"] = chunk.optimizer.state[:, row].cpu().numpy().copy()
            if chunk.mean is not None:
                state[f"average_{network}"] = chunk.mean[row].cpu().numpy().copy()
            if chunk.norms is not None:
                state[f"norms_{network}"] = chunk.norms.sums[row].cpu().numpy().copy()
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
                chunk.load(state[f"variables_{network}"], row)
                chunk.optimizer.state[:, row].copy_(tensor_of(state[f"optimizer_{network}"]))
                chunk.network.loss_sums[row] = float(state["loss_sums"][network])
                chunk.network.correct[row] = int(state["correct"][network])
                chunk.average_counts[row] = state["average_counts"][network]
                if chunk.mean is not None:
                    chunk.mean[row].copy_(tensor_of(state[f"average_{network}"]))
                if chunk.norms is not None:
                    chunk.norms.sums[row].copy_(tensor_of(state[f"norms_{network}"]))
