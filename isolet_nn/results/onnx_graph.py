"""A trained model as one ONNX graph: preprocessing, network, softmax, names of the classes.

Inputs are those that skl2onnx gives a scikit-learn pipeline: where all columns are numbers, one
matrix ``X`` (rows, columns); else one input (rows, 1) a column, under the column's name, numbers or
strings. A missing number is NaN, a missing text is empty. Outputs are ``output_label`` (rows,),
strings, and ``output_probability`` (rows, classes).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.network import ActivationConfig, Elu, LeakyRelu, PlainActivation
from isolet_nn.data.preprocessing import codes_of
from isolet_nn.errors import BackendUnavailableError, RunError
from isolet_nn.nn.normalization import EPSILON
from isolet_nn.runs.model_file import Model
from isolet_nn.system.files import write_bytes
from isolet_nn.training.backend import Weights, below, network_shape
from isolet_nn.version import __version__

if TYPE_CHECKING:
    from onnx import ModelProto

MATRIX, LABEL, PROBABILITIES = "X", "output_label", "output_probability"
_OPSET, _ML_OPSET, _IR_VERSION = 17, 3, 8
"""Of 2022, which every runtime in use knows."""
_ACTIVATIONS = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh"}
"""Those that are one operator for any type of numbers in any runtime."""
_NORMALIZATION = ("weight", "bias", "running_mean", "running_var")
_MISSING_TEXT = -2
"""Code of an empty cell on its way; -1 is that of a category without a feature."""
_OWN = "isolet_nn/"
"""What names within the graph begin with, as no column's may."""
_MOST_ROUNDING = 1e-4
"""Of a standardised number."""
_MOST_BYTES = (1 << 31) - 1


def export_onnx(model: Model, path: str | Path) -> Path:
    """Write a model as an ONNX file, whole or not at all.

    Raises
    ------
    BackendUnavailableError
        If onnx is not installed.
    RunError
        If the model is larger than an ONNX file can be, or adapts to groups.
    """
    if (group := model.preprocessing.adapted_to) is not None:
        raise RunError(
            f"{path}: the model standardises the rows of each {group} by its own, which a graph "
            "cannot, as it answers for each row by itself; a model with dataset.standardize: true "
            "can be exported"
        )
    graph = onnx_model(model)
    if graph.ByteSize() > _MOST_BYTES:
        raise RunError(
            f"{path}: the model takes {graph.ByteSize():,} bytes; ONNX has room for 2 GB"
        )
    write_bytes(Path(path), graph.SerializeToString(deterministic=True))
    return Path(path)


def lossy_columns(model: Model) -> list[str]:
    """Columns of numbers so large beside their spread that a float32 input loses what counts.

    Its rounding moves the standardised number by up to 2^-24 mean / scale.
    """
    if model.experiment.training.dtype == "float64":
        return []
    return [
        column.name
        for column in model.preprocessing.inputs
        if column.mean is not None
        and column.scale is not None
        and abs(column.mean) / column.scale > _MOST_ROUNDING * 2**24
    ]


def onnx_model(model: Model) -> ModelProto:
    """A model as an ONNX model; raises BackendUnavailableError if onnx is not installed."""
    try:
        from onnx import TensorProto, checker, helper
    except ImportError:
        raise BackendUnavailableError(
            "export to ONNX needs onnx, which is not installed; install it with "
            "`pip install 'isolet-nn[onnx]'`"
        ) from None
    graph = _Graph(model.experiment.training.dtype)
    inputs = _inputs(graph, model)
    features = _preprocess(graph, model)
    probabilities = _answer(graph, model, features)
    graph.add("Identity", [probabilities], PROBABILITIES)
    best = graph.add("ArgMax", [PROBABILITIES], axis=1, keepdims=0)
    classes = graph.constant(np.array(model.classes, dtype=object))
    graph.add("Gather", [classes, best], LABEL, axis=0)
    n_classes = len(model.classes)
    outputs = [
        helper.make_tensor_value_info(LABEL, TensorProto.STRING, ["N"]),
        helper.make_tensor_value_info(PROBABILITIES, graph.number, ["N", n_classes]),
    ]
    made = helper.make_model(
        helper.make_graph(graph.nodes, model.experiment.name, inputs, outputs, graph.constants),
        producer_name="isolet-nn",
        producer_version=__version__,
        ir_version=_IR_VERSION,
        opset_imports=[
            helper.make_opsetid("", _OPSET),
            helper.make_opsetid("ai.onnx.ml", _ML_OPSET),
        ],
    )
    helper.set_model_props(
        made,
        {
            "classes": json.dumps(model.classes),
            "experiment": model.experiment.model_dump_json(),
        },
    )
    checker.check_model(made)
    return made


class _Graph:
    """Nodes and constants, in the order in which they are added.

    Parameters
    ----------
    dtype
        Type of the network's numbers.
    """

    def __init__(self, dtype: str) -> None:
        from onnx import helper

        self.dtype = np.dtype(dtype)
        self.number: int = helper.np_dtype_to_tensor_dtype(self.dtype)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._numbers = itertools.count()

    def constant(self, values: NDArray[Any]) -> str:
        """Add a constant; return its name."""
        from onnx import numpy_helper

        name = f"{_OWN}constant_{next(self._numbers)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add(
        self, operator: str, inputs: Sequence[str], output: str | None = None, **attributes: Any
    ) -> str:
        """Add a node; return the name of its output."""
        from onnx import helper

        name = output or f"{_OWN}{operator.lower()}_{next(self._numbers)}"
        self.nodes.append(helper.make_node(operator, [*inputs], [name], **attributes))
        return name

    def cast(self, value: str, to: int | None = None) -> str:
        """Add a cast, to the network's numbers unless told otherwise."""
        return self.add("Cast", [value], to=self.number if to is None else to)


def _inputs(graph: _Graph, model: Model) -> list[Any]:
    """What the graph is given."""
    from onnx import TensorProto, helper

    columns = model.preprocessing.inputs
    if _is_matrix(model):
        return [helper.make_tensor_value_info(MATRIX, graph.number, ["N", len(columns)])]
    for column in columns:
        if column.name in (LABEL, PROBABILITIES) or column.name.startswith(_OWN):
            raise RunError(f"column {column.name!r}: the graph needs this name for its own")
    kinds = {"numeric": graph.number, "categorical": TensorProto.STRING}
    return [helper.make_tensor_value_info(c.name, kinds[c.kind], ["N", 1]) for c in columns]


def _is_matrix(model: Model) -> bool:
    return all(column.kind == "numeric" for column in model.preprocessing.inputs)


def _preprocess(graph: _Graph, model: Model) -> str:
    """The network's inputs (rows, features), in the order of `feature_names`."""
    inputs, starts = model.preprocessing.inputs, model.preprocessing.starts.tolist()
    parts: list[str] = []
    places: list[int] = []
    numeric = model.preprocessing.numeric.tolist()
    if numeric:
        numbers, missing = _numbers(graph, model)
        parts.append(numbers)
        places += [starts[i] for i in numeric]
        indicated = [k for k, i in enumerate(numeric) if inputs[i].indicator]
        if indicated:
            chosen = graph.add("Gather", [missing, graph.constant(np.array(indicated))], axis=1)
            parts.append(graph.cast(chosen))
            places += [starts[numeric[k]] + 1 for k in indicated]
    for i, column in enumerate(inputs):
        if column.kind == "categorical":
            parts += _one_hot(graph, column)
            places += range(starts[i], starts[i + 1])
    features = parts[0] if len(parts) == 1 else graph.add("Concat", parts, axis=1)
    if places != sorted(places):
        order = graph.constant(np.argsort(places))
        features = graph.add("Gather", [features, order], axis=1)
    return features


def _numbers(graph: _Graph, model: Model) -> tuple[str, str]:
    """Numeric columns (rows, columns), filled and standardised, and which cells were missing.

    Computed in float64 as elsewhere, since means may be large.
    """
    from onnx import TensorProto

    columns = [column for column in model.preprocessing.inputs if column.kind == "numeric"]
    given = MATRIX
    if not _is_matrix(model):
        given = graph.add("Concat", [column.name for column in columns], axis=1)
    x = graph.cast(given, TensorProto.DOUBLE)
    missing = ""
    if any(column.fill is not None for column in columns):
        missing = graph.add("IsNaN", [x])
        fills = np.array([[np.nan if column.fill is None else column.fill for column in columns]])
        x = graph.add("Where", [missing, graph.constant(fills), x])
    if any(column.mean is not None for column in columns):
        means = np.array([[column.mean or 0.0 for column in columns]])
        scales = np.array([[column.scale or 1.0 for column in columns]])
        x = graph.add("Sub", [x, graph.constant(means)])
        x = graph.add("Div", [x, graph.constant(scales)])
    return graph.cast(x), missing


def _one_hot(graph: _Graph, column: Any) -> list[str]:
    """Features (rows, categories) of a column of text, and its indicator."""
    known = codes_of(column.categories) | {"": _MISSING_TEXT}
    codes = graph.add(
        "LabelEncoder",
        [column.name],
        domain="ai.onnx.ml",
        keys_strings=[*known],
        values_int64s=[*known.values()],
        default_int64=-1,
    )
    missing = graph.add("Equal", [codes, graph.constant(np.array([[_MISSING_TEXT]]))])
    if column.fill is not None:
        codes = graph.add("Where", [missing, graph.constant(np.array([[int(column.fill)]])), codes])
    wanted = [*range(len(column.categories)), *([-1] if column.other else [])]
    hot = graph.cast(graph.add("Equal", [codes, graph.constant(np.array([wanted]))]))
    if column.fill is None:
        nan = graph.constant(np.array([[np.nan]], graph.dtype))
        hot = graph.add("Where", [missing, nan, hot])
    return [hot, *([graph.cast(missing)] if column.indicator else [])]


def _answer(graph: _Graph, model: Model, features: str) -> str:
    """Probabilities (rows, classes): of an ensemble, the mean over its networks."""
    networks = model.experiment.ensemble
    answers = []
    for k in range(networks):
        weights = model.weights if networks == 1 else below(f"{k}.", model.weights)
        answers.append(graph.add("Softmax", [_network(graph, model, features, weights)], axis=1))
    if networks == 1:
        return answers[0]
    total = graph.add("Sum", answers)
    return graph.add("Div", [total, graph.constant(np.array(networks, graph.dtype))])


def _network(graph: _Graph, model: Model, x: str, weights: Weights) -> str:
    """Logits (rows, classes) of one network; batch normalisation is folded into its layer.

    With scale g, shift b, running mean m and variance v: g (W x - m) / sqrt(v + e) + b is a layer
    with the weights s W and the biases b - s m, where s = g / sqrt(v + e).
    """
    shape = network_shape(
        model.experiment, model.preprocessing.n_features, len(model.preprocessing.classes)
    )
    modules = 3 if shape.batch_normalization else 2  # of a hidden layer in nn.Sequential
    last = len(shape.layer_sizes) - 2
    for layer in range(last + 1):
        first = modules * layer
        matrix = weights[f"{first}.weight"].astype(np.float64)
        if layer < len(shape.hidden):
            gain, shift, mean, variance = (
                weights[f"{first + 1}.{name}"].astype(np.float64) for name in _NORMALIZATION
            )
            scale = gain / np.sqrt(variance + EPSILON)
            matrix = matrix * scale[:, np.newaxis]
            biases = shift - scale * mean
        else:
            biases = weights[f"{first}.bias"].astype(np.float64)
        parameters = [graph.constant(array.astype(graph.dtype)) for array in (matrix, biases)]
        x = graph.add("Gemm", [x, *parameters], transB=1)
        if layer < last:
            x = _activate(graph, model.experiment.model.activation, x)
    return x


def _activate(graph: _Graph, activation: ActivationConfig, z: str) -> str:
    """The activation function of z, any shape, of operators that runtimes have for float64 too."""
    from onnx import TensorProto

    def number(value: float) -> str:
        return graph.constant(np.array(value, graph.dtype))

    match activation:
        case LeakyRelu(negative_slope=slope):
            return graph.add("Max", [z, graph.add("Mul", [z, number(slope)])])
        case Elu(alpha=alpha):
            power = graph.add("Exp", [graph.add("Min", [z, number(0.0)])])
            below = graph.add("Mul", [graph.add("Sub", [power, number(1.0)]), number(alpha)])
            return graph.add("Add", [graph.add("Relu", [z]), below])
        case PlainActivation(name="silu"):
            return graph.add("Mul", [z, graph.add("Sigmoid", [z])])
        case PlainActivation(name="gelu"):
            # Erf is there for float32 alone: it rounds what is a factor between 0 and 1.
            scaled = graph.cast(graph.add("Mul", [z, number(np.sqrt(0.5))]), TensorProto.FLOAT)
            erf = graph.cast(graph.add("Erf", [scaled]))
            gate = graph.add("Mul", [graph.add("Add", [erf, number(1.0)]), number(0.5)])
            return graph.add("Mul", [z, gate])
        case PlainActivation(name=name):
            return graph.add(_ACTIVATIONS[name], [z])
