"""A trained model from its files, which answers for new rows as scikit-learn's estimators do."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.data.preprocessing import Preprocessing
from isolet_nn.data.table import Table
from isolet_nn.errors import DataError, RunError
from isolet_nn.nn.losses import softmax
from isolet_nn.results.frames import WHERE, cells_of, column_of
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

    A model that adapts to groups (`adapted_to`) standardises the rows of each group by those that
    are given of it. Which belong together is said by `groups`, or by the frame's column of that
    name.

    Attributes
    ----------
    classes_ : ndarray of str
        Names of the classes, in the order of the columns of `predict_proba`.
    feature_names_in_ : ndarray of str
        The columns that the model needs.
    n_features_in_ : int
        Their number.
    adapted_to : str or None
        What the groups are that it adapts to, such as ``speaker``; None if it does not.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        preprocessing = model.preprocessing
        self.classes_: NDArray[np.str_] = np.array(preprocessing.classes)
        self.feature_names_in_: NDArray[Any] = np.array(
            [column.name for column in preprocessing.inputs], dtype=object
        )
        self.n_features_in_ = len(preprocessing.inputs)
        self.adapted_to = preprocessing.adapted_to

    @cached_property
    def _logits(self) -> Callable[[FloatArray], FloatArray]:
        model = self.model
        return answering(
            model.experiment,
            model.weights,
            model.preprocessing.n_features,
            len(model.preprocessing.classes),
        )

    def predict_proba(self, x: Any, groups: Any = None) -> FloatArray:
        """Probabilities (n, n_classes) of the classes.

        Parameters
        ----------
        groups
            (n,) names or numbers of the rows' groups, for a model that adapts to them.

        Raises
        ------
        DataError
            If columns are missing, a cell is not what the model was trained with, or groups are
            missing, or given to a model that does not adapt.
        """
        cells = cells_of(x, self.model.preprocessing.inputs)
        return self.probabilities(cells, WHERE, groups=self._groups_of(x, groups, len(cells)))

    def predict(self, x: Any, groups: Any = None) -> NDArray[Any]:
        """Names (n,) of the most probable classes; as `predict_proba`."""
        names: NDArray[Any] = self.classes_[self.predict_proba(x, groups).argmax(axis=1)]
        return names

    def _groups_of(self, x: Any, groups: Any, n: int) -> NDArray[np.int64] | None:
        """A number (n,) for the group of each row, of a model that adapts to groups."""
        group = self.adapted_to
        if group is None:
            if groups is not None:
                raise DataError(f"{WHERE}: groups are given, but the model adapts to none")
            return None
        if groups is None:
            groups = column_of(x, group)
        if groups is None:
            raise DataError(
                f"{WHERE}: the model standardises the rows of each {group} by its own: say which "
                f"belong together with groups, or with a column {group!r}"
            )
        names = [str(name) for name in np.asarray(groups, dtype=object).tolist()]
        if len(names) != n:
            raise DataError(f"{WHERE}: found {len(names)} groups of {n} rows")
        return numbered_groups(names)

    def probabilities_of(
        self,
        table: Table,
        where: str,
        first_row: int = 0,
        groups: NDArray[np.int64] | None = None,
    ) -> FloatArray:
        """Probabilities (n, n_classes) for rows of a table that begin with some row of it."""
        read = self.model.preprocessing.reader(table.columns, where)
        cells = read(np.array(table.cells, np.float64))
        return self.probabilities(cells, where, first_row, groups)

    def probabilities(
        self,
        cells: NDArray[np.float64],
        where: str,
        first_row: int = 0,
        groups: NDArray[np.int64] | None = None,
    ) -> FloatArray:
        """Probabilities (n, n_classes) for cells (n, n_features_in_) as `Preprocessing` has them.

        `groups` (n,) are numbers of the rows' groups, whose rows are standardised together by a
        model that adapts to them.

        Raises
        ------
        DataError
            If a cell is missing for which the model has nothing to put in, or too large.
        """
        preprocessing = self.model.preprocessing
        x = preprocessing.transform(cells, self.model.experiment.training.dtype, groups)
        if not np.isfinite(x).all():
            row, position = _to_blame(preprocessing, cells, x)
            column, value = preprocessing.inputs[position], cells[row, position]
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


def _to_blame(
    preprocessing: Preprocessing, cells: NDArray[np.float64], x: FloatArray
) -> tuple[int, int]:
    """Row and column of a cell of which no finite input was made."""
    missing = np.isnan(cells) & np.isnan(preprocessing.fills)
    if missing.any():
        row, position = np.argwhere(missing)[0]
    elif preprocessing.adapted_to is not None:  # one such cell spoils all rows of its group
        row, position = np.unravel_index(np.nanargmax(np.abs(cells)), cells.shape)
    else:
        row, feature = np.argwhere(~np.isfinite(x))[0]
        position = preprocessing.inputs.index(preprocessing.column_of(int(feature)))
    return int(row), int(position)


def numbered_groups(names: Sequence[str]) -> NDArray[np.int64]:
    """A number (n,) for each row's group, of their names."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)


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
