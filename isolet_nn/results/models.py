"""A trained model from its files, which answers for new rows as scikit-learn's estimators do."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.data.table import Table
from isolet_nn.errors import DataError, RunError
from isolet_nn.nn.losses import softmax
from isolet_nn.results.frames import WHERE, cells_of
from isolet_nn.results.selection import best_trial, is_sweep
from isolet_nn.runs.folder import MODEL, PREPROCESSING
from isolet_nn.runs.model_file import Model, read_model
from isolet_nn.sweeps.trial import trial_at
from isolet_nn.system.folders import CONFIG
from isolet_nn.training.backend import FloatArray
from isolet_nn.training.inference import answering

_SUFFIX = ".safetensors"


class TrainedModel:
    """A trained network with its preprocessing.

    Rows are given as a pandas or polars data frame, whose columns are found by name in any order
    (others are left alone), or as an array with one column for each of `feature_names_in_`.

    Attributes
    ----------
    classes_ : ndarray of str
        Names of the classes, in the order of the columns of `predict_proba`.
    feature_names_in_ : ndarray of str
        The columns that the model needs.
    n_features_in_ : int
        Their number.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        preprocessing = model.preprocessing
        self.classes_: NDArray[np.str_] = np.array(preprocessing.classes)
        self.feature_names_in_: NDArray[Any] = np.array(
            [column.name for column in preprocessing.inputs], dtype=object
        )
        self.n_features_in_ = len(preprocessing.inputs)

    @cached_property
    def _logits(self) -> Callable[[FloatArray], FloatArray]:
        model = self.model
        return answering(
            model.experiment,
            model.weights,
            model.preprocessing.n_features,
            len(model.preprocessing.classes),
        )

    def predict_proba(self, x: Any) -> FloatArray:
        """Probabilities (n, n_classes) of the classes.

        Raises
        ------
        DataError
            If columns are missing, or a cell is not what the model was trained with.
        """
        return self.probabilities(cells_of(x, self.model.preprocessing.inputs), WHERE)

    def predict(self, x: Any) -> NDArray[Any]:
        """Names (n,) of the most probable classes; raises as `predict_proba`."""
        names: NDArray[Any] = self.classes_[self.predict_proba(x).argmax(axis=1)]
        return names

    def probabilities_of(self, table: Table, where: str, first_row: int = 0) -> FloatArray:
        """Probabilities (n, n_classes) for rows of a table that begin with some row of it."""
        read = self.model.preprocessing.reader(table.columns, where)
        return self.probabilities(read(np.array(table.cells, np.float64)), where, first_row)

    def probabilities(
        self, cells: NDArray[np.float64], where: str, first_row: int = 0
    ) -> FloatArray:
        """Probabilities (n, n_classes) for cells (n, n_features_in_) as `Preprocessing` has them.

        Raises
        ------
        DataError
            If a cell is missing for which the model has nothing to put in, or too large.
        """
        preprocessing = self.model.preprocessing
        x = preprocessing.transform(cells, self.model.experiment.training.dtype)
        if not np.isfinite(x).all():
            row, feature = (int(place) for place in np.argwhere(~np.isfinite(x))[0])
            column = preprocessing.column_of(feature)
            value = cells[row, preprocessing.inputs.index(column)]
            what = (
                "is missing, and the model was trained without dataset.missing, so nothing can "
                "take its place"
                if np.isnan(value)
                else f"found {value:g}, which is too large for the model's numbers"
            )
            raise DataError(f"{where}: row {first_row + row}: column {column.name!r}: {what}")
        return softmax(self._logits(x))

    def __repr__(self) -> str:
        """What it is, in one line."""
        experiment = self.model.experiment
        return (
            f"TrainedModel({experiment.name!r}, {self.n_features_in_} columns, "
            f"{len(self.classes_)} classes)"
        )


def load_model(path: str | Path) -> TrainedModel:
    """Load a trained model.

    Parameters
    ----------
    path
        A run's folder; a sweep's, of which the best trial is taken (by validation; a warning says
        where the test set had to choose); a trial of it, ``SWEEP/trials/17``; or the weights
        themselves, ``model.safetensors`` with ``preprocessing.json`` beside it. Nothing else of a
        run's folder is needed.

    Raises
    ------
    RunError
        If there is no model, or its files are damaged or do not belong together.
    """
    path = Path(path)
    if is_sweep(path):
        best = best_trial(path)
        if best.is_biased:
            warnings.warn(f"{path}: {best}", stacklevel=2)
        path = best.path
    trial = trial_at(path)
    if trial is not None:
        return TrainedModel(trial.model())
    return TrainedModel(_model_at(path))


def _model_at(path: Path) -> Model:
    """The model that a run's folder has, or that a file of weights is."""
    if path.is_file():
        if path.suffix != _SUFFIX:
            raise RunError(
                f"{path}: is no model; give a run's or a sweep's folder, or a {_SUFFIX} file"
            )
        beside = path.parent / PREPROCESSING
        return read_model(path, beside if beside.exists() else None)
    if path.is_dir() and not (path / MODEL).exists() and not (path / CONFIG).exists():
        raise RunError(f"{path}: is no folder of a run or a sweep: it has no {MODEL}")
    if not path.exists():
        raise RunError(f"{path}: no such file or folder")
    if (path / CONFIG).exists() and not (path / MODEL).exists():
        from isolet_nn.runs.folder import Run

        raise RunError(Run.open(path).why_no_model())
    return read_model(path / MODEL, path / PREPROCESSING)
