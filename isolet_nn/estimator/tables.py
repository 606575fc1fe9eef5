"""What `fit` is given, as a data set that can be trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import column_or_1d

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.holdouts import Holdout
from isolet_nn.data.dataset import Dataset, Split
from isolet_nn.data.preprocessing import Preprocessing
from isolet_nn.data.splits import split_rows
from isolet_nn.nn.network import EVALUATION_ROWS
from isolet_nn.seeding import Stream, generator
from isolet_nn.training.backend import FloatArray, Weights
from isolet_nn.training.inference import answering

Labels = NDArray[Any]


def without_weightless(
    X: Any, y: Labels, sample_weight: ArrayLike | None
) -> tuple[Any, Labels, NDArray[np.float64] | None]:
    """Rows, labels and weights (n,), without the rows of weight 0.

    Raises
    ------
    ValueError
        If there are not as many weights as rows, one is no number of 0 or more, or all are 0.
    """
    if sample_weight is None:
        return X, y, None
    weights = column_or_1d(check_array(sample_weight, ensure_2d=False, dtype=np.float64))
    check_consistent_length(X, weights)
    if (weights < 0.0).any():
        raise ValueError("sample_weight has a negative number; a row weighs 0 or more")
    used = weights > 0.0
    if not used.any():
        raise ValueError("sample_weight is zero for all rows, which leaves none to train on")
    return (X, y, weights) if used.all() else (X[used], y[used], weights[used])


def dataset_of(
    experiment: Experiment,
    classes: Labels,
    X: Any,
    y: Labels,
    weights: NDArray[np.float64] | None,
) -> Dataset:
    """Rows as a data set, a part of them held out where the experiment asks for it.

    The part is the one that `train` holds out of the same rows with the same seed. Sparse rows
    stay sparse, but for those held out.

    Raises
    ------
    ValueError
        If a part is to be held out and a class has a single row.
    """
    train = Split(X, np.searchsorted(classes, y), None, weights)
    holdout = experiment.dataset.validation
    if not isinstance(holdout, Holdout):
        return _dataset(classes, train, None)
    counts = np.bincount(train.y)
    if (counts == 1).any():
        raise ValueError(
            f"the class {classes[counts == 1].tolist()[0]!r} has a single row, but a validation "
            "part needs a second one of each class"
        )
    source = generator(experiment.seed, Stream.VALIDATION_SPLIT)
    kept, held = split_rows(train.y, holdout.fraction, source)
    of_held = X[held].toarray() if issparse(X) else X[held]
    return _dataset(
        classes,
        Split(X[kept], train.y[kept], None, None if weights is None else weights[kept]),
        Split(of_held, train.y[held], None),
    )


def logits_of(experiment: Experiment, classes: Labels, weights: Weights, X: Any) -> FloatArray:
    """Logits (n, n_classes) in float64 of rows, sparse ones made dense block by block."""
    model = answering(experiment, weights, X.shape[1], len(classes))
    if not issparse(X):
        return model(X).astype(np.float64)
    starts = range(0, X.shape[0], EVALUATION_ROWS)
    blocks = [model(X[start : start + EVALUATION_ROWS].toarray()) for start in starts]
    return np.concatenate(blocks).astype(np.float64)


def _dataset(classes: Labels, train: Split, validation: Split | None) -> Dataset:
    names = tuple(map(str, classes))
    return Dataset(
        name="X",
        classes=names,
        train=train,
        validation=validation,
        test=Split(train.x[:0], train.y[:0], None),
        preprocessing=Preprocessing((), names),  # scikit-learn's own has been at work
        checksum="",
        group_name=None,
    )
