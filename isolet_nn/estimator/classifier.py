"""The network as a classifier of scikit-learn."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets, unique_labels
from sklearn.utils.validation import check_is_fitted, validate_data

from isolet_nn.config.experiment import Experiment
from isolet_nn.errors import ParameterError
from isolet_nn.estimator.computing import computing_for, require_worth
from isolet_nn.estimator.parameters import experiment_of, require_no_end
from isolet_nn.estimator.tables import Labels, dataset_of, logits_of, without_weightless
from isolet_nn.nn.losses import softmax
from isolet_nn.training.backend import FloatArray, Weights, layout_of
from isolet_nn.training.loop import Training
from isolet_nn.training.progress import why_worthless

_DTYPES = ("float64", "float32")
"""What numbers may be of; others become the first."""
_NO_SCORE = ("epoch", "seconds")


class NeuralNetworkClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A multilayer perceptron as a scikit-learn classifier.

    Every parameter is a key of an experiment file by the same name, with the same meaning, type
    and limits: [the reference](config.md) has them all, and only those that are not quite the same
    stand below. They are checked when `fit` is called. Those of `optimizer` stand beside its name,
    each for the optimizers that have it; None takes the optimizer's own default. Features are taken
    as they are: a `StandardScaler` before the network is nearly always better.

    Parameters
    ----------
    optimizer
        Name of the optimizer, or a mapping with all of its keys, as ``{"name": "sgd",
        "momentum": 0.9}``.
    epochs
        Passes over the training part; there are more of them, and of smaller batches, than a file
        has by default, as tables are often small.
    class_weight
        ``"balanced"``, or weights by class label; None weights all classes alike.
    dtype
        ``"float32"`` or ``"float64"``; None takes float32 where `X` has it, and float64 otherwise.
    early_stopping
        The keys of ``training.early_stopping`` as a mapping; True takes all their defaults.
    validation_fraction
        Share of the rows of each class that is held out and evaluated. None holds out 0.1 with
        early stopping and with the schedule ``reduce_on_plateau``, and nothing without.
    random_state
        An int is the ``seed`` of an experiment; None or a RandomState draws one.
    warm_start
        Whether `fit` goes on from the weights of the last call.
    verbose
        Whether to print the loss of every epoch.

    Attributes
    ----------
    classes_ : (n_classes,)
        The labels, sorted.
    n_features_in_, feature_names_in_
        Of the table that `fit` saw; names where it had some.
    weights_ : dict of arrays
        Under PyTorch's names and in its layout: a plain ``nn.Sequential`` loads them.
    history_ : dict of lists
        The columns of ``metrics.csv``, a value an epoch.
    loss_curve_ : list of float
        The training loss of each epoch, weights and label smoothing included.
    validation_scores_ : list or None
        Accuracy on the validation part after each epoch; None where there is no such part.
    best_epoch_ : int or None
        Epoch of the best validation, from 1; None where there is no such part.
    n_iter_ : int
        Epochs that were trained.
    """

    # What a training that goes on needs: what its optimizer remembers of how many steps, the
    # number of epochs, and how often `fit` went on.
    _state: Mapping[str, NDArray[Any]]
    _steps: int
    _epochs: int
    _n_fits: int

    def __init__(
        self,
        hidden_layers: Sequence[int] = (64,),
        *,
        activation: str | Mapping[str, Any] = "relu",
        initializer: str | Mapping[str, Any] = "he",
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        input_noise: float = 0.0,
        batch_normalization: bool = False,
        max_norm: float | None = None,
        optimizer: str | Mapping[str, Any] = "adam",
        learning_rate: float | None = None,
        weight_decay: float | None = None,
        momentum: float | None = None,
        nesterov: bool | None = None,
        alpha: float | None = None,
        beta1: float | None = None,
        beta2: float | None = None,
        epsilon: float | None = None,
        learning_rate_decay: float | None = None,
        initial_accumulator: float | None = None,
        decoupled_weight_decay: bool | None = None,
        momentum_decay: float | None = None,
        epochs: int = 100,
        batch_size: int = 32,
        shuffle: bool = True,
        drop_last: bool = False,
        label_smoothing: float = 0.0,
        mixup: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        class_weight: str | Mapping[Any, float] | None = None,
        weight_averaging: str | Mapping[str, Any] = "none",
        dtype: str | None = None,
        matmul_precision: str = "highest",
        threads: int | str = 1,
        schedule: str | Mapping[str, Any] = "constant",
        early_stopping: bool | Mapping[str, Any] | None = None,
        evaluate_every: int = 1,
        scores: Sequence[str] = (),
        validation_fraction: float | None = None,
        ensemble: int = 1,
        backend: str = "numpy",
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
        verbose: bool = False,
    ) -> None:
        self.hidden_layers = hidden_layers
        self.activation = activation
        self.initializer = initializer
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.input_noise = input_noise
        self.batch_normalization = batch_normalization
        self.max_norm = max_norm
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.momentum = momentum
        self.nesterov = nesterov
        self.alpha = alpha
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.learning_rate_decay = learning_rate_decay
        self.initial_accumulator = initial_accumulator
        self.decoupled_weight_decay = decoupled_weight_decay
        self.momentum_decay = momentum_decay
        self.epochs = epochs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.label_smoothing = label_smoothing
        self.mixup = mixup
        self.clip_norm = clip_norm
        self.clip_value = clip_value
        self.class_weight = class_weight
        self.weight_averaging = weight_averaging
        self.dtype = dtype
        self.matmul_precision = matmul_precision
        self.threads = threads
        self.schedule = schedule
        self.early_stopping = early_stopping
        self.evaluate_every = evaluate_every
        self.scores = scores
        self.validation_fraction = validation_fraction
        self.ensemble = ensemble
        self.backend = backend
        self.device = device
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train a new network, or with `warm_start` the last one further.

        Parameters
        ----------
        X
            (n, n_features) array, data frame or sparse matrix of finite numbers.
        y
            (n,) labels, of two classes at the least.
        sample_weight
            (n,) how much each row counts in the training loss. A row of weight 0 is left out as
            if it were not there; in the validation part each row that is left counts once.

        Raises
        ------
        ValueError
            If a parameter, the table or the labels are wrong.
        DivergedError
            If a loss is no longer a finite number.
        """
        goes_on = self.warm_start and hasattr(self, "weights_")
        X, y, weights = self._validated(X, y, sample_weight, is_first=not goes_on)
        classes = unique_labels(y)
        self._require_classes(classes, is_first=not goes_on)
        n_fits = self._n_fits + 1 if goes_on else 0
        experiment = self._make_experiment(X, classes, n_fits)
        with computing_for(experiment):
            training = Training([experiment], [dataset_of(experiment, classes, X, y, weights)])
            if goes_on:
                self._go_on(training, {})
            while not training.finished:
                training.run_epoch()
                self._report(training)
        member, stopping = training.members[0], experiment.training.early_stopping
        if stopping is not None and member.evaluations_since_best < stopping.patience:
            warnings.warn(
                f"all {self.epochs} epochs are over before early stopping had reason to stop: "
                "more epochs may do better",
                ConvergenceWarning,
                stacklevel=2,
            )
        assert member.weights is not None, "a training without an error has weights"
        self._state, self._steps, self._epochs, self._n_fits = {}, 0, 0, n_fits
        self.best_epoch_ = member.best_epoch
        self._keep(classes, training, member.weights, {})
        return self

    def partial_fit(
        self,
        X: Any,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train one epoch on these rows, from where the last call left the network.

        So do the optimizer and the average of the weights, but begin anew after a call of `fit`,
        and where the parameters ask for another kind of them.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`; weights are relative to each other within a call.
        classes
            All labels that there will be; needed in the first call.

        Raises
        ------
        ValueError
            As for `fit`; and if a parameter needs all rows, or the number of all epochs.
        """
        is_first = not hasattr(self, "weights_")
        if is_first and classes is None:
            raise ValueError("the first call of partial_fit has to be told all classes")
        X, y, weights = self._validated(X, y, sample_weight, is_first)
        known = self.classes_ if classes is None else unique_labels(classes)
        self._require_classes(known, is_first)
        unknown = np.setdiff1d(y, known)
        if len(unknown):
            raise ValueError(f"y has labels that are not in classes: {unknown.tolist()}")
        if is_first:
            self._state, self._steps, self._epochs, self._n_fits = {}, 0, 0, 0
        experiment = self._make_experiment(X, known, self._n_fits)
        require_no_end(experiment)
        with computing_for(experiment):
            training = Training([experiment], [dataset_of(experiment, known, X, y, weights)])
            steps = 0 if is_first else self._go_on(training, self._state)
            training.epoch = self._epochs
            training.run_epoch()
            self._report(training)
            trained = training.weights(0)
            require_worth(why_worthless(trained, training.members[0].history[-1]))
            self._state = training.backend.state()
        self._steps, self._epochs = steps + training.steps_per_epoch, training.epoch
        self.best_epoch_ = None
        self._keep(known, training, trained, {} if is_first else self.history_)
        return self

    def predict(self, X: Any) -> Labels:
        """The most probable class (n,) of each row of `X` (n, n_features)."""
        best = self._logits(X).argmax(axis=1)
        labels: Labels = self.classes_[best]
        return labels

    def predict_proba(self, X: Any) -> FloatArray:
        """The probability (n, n_classes) of each class, in the order of `classes_`."""
        return softmax(self._logits(X))

    def predict_log_proba(self, X: Any) -> FloatArray:
        """The logarithms of the probabilities, finite even where one of these is rounded to 0."""
        logits = self._logits(X)
        logits -= logits.max(axis=1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return logits

    def _logits(self, X: Any) -> FloatArray:
        check_is_fitted(self, "weights_")
        dtype = self._experiment.training.dtype
        X = validate_data(self, X, reset=False, accept_sparse="csr", dtype=dtype)
        with computing_for(self._experiment):
            return logits_of(self._experiment, self.classes_, self.weights_, X)

    def _validated(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None, is_first: bool
    ) -> tuple[Any, NDArray[Any], NDArray[np.float64] | None]:
        """Rows, labels and weights as arrays, without the rows of weight 0."""
        dtype: Any = list(_DTYPES) if is_first else self._experiment.training.dtype
        if self.dtype in _DTYPES:
            dtype = self.dtype
        options = {"reset": is_first, "accept_sparse": "csr", "dtype": dtype, "order": "C"}
        rows, labels = validate_data(self, X, y, **options)
        check_classification_targets(labels)
        return without_weightless(rows, labels, sample_weight)

    def _make_experiment(self, X: Any, classes: Labels, n_fits: int) -> Experiment:
        changes = {"dtype": X.dtype.name if self.dtype is None else self.dtype}
        return experiment_of(self.get_params() | changes, classes, n_fits)

    def _go_on(self, training: Training, state: Mapping[str, NDArray[Any]]) -> int:
        """Load the last network, and its optimizer's `state` if that goes on too.

        Returns
        -------
        The steps that the optimizer has made.
        """
        before, after = self.weights_, training.weights(0)
        if {k: a.shape for k, a in before.items()} != {k: a.shape for k, a in after.items()}:
            raise ParameterError(
                "the last network has another shape: going on with it needs the same "
                "hidden_layers, batch_normalization and ensemble"
            )
        last, now = self._experiment, training.experiments[0]
        is_same_kind = last.optimizer.name == now.optimizer.name
        if is_same_kind and layout_of(state) == training.backend.state_layout(has_begun=True):
            training.backend.load_state(state, self._steps, rows=0)
            return self._steps
        training.load_weights(0, before)
        return 0

    def _report(self, training: Training) -> None:
        """Print an epoch if asked to; raise if there is nothing to go on with."""
        member = training.members[0]
        require_worth(member.error)
        if self.verbose:
            row = member.history[-1]
            told = [f"{k.replace('_', ' ')} {v:.4f}" for k, v in row.items() if k not in _NO_SCORE]
            sys.stdout.write(f"epoch {training.epoch}: {', '.join(told)}\n")

    def _keep(
        self,
        classes: Labels,
        training: Training,
        weights: Weights,
        before: Mapping[str, Sequence[Any]],
    ) -> None:
        """Keep what a training gave, its rows after those of the epochs before."""
        self._experiment = training.experiments[0]
        self.classes_ = classes
        rows = training.members[0].history
        self.weights_ = weights
        self.history_ = {
            name: [*before.get(name, ()), *(row[name] for row in rows)]
            for name in rows[0]
            if name not in _NO_SCORE
        }
        self.loss_curve_ = self.history_["train_loss"]
        self.validation_scores_ = self.history_.get("validation_accuracy")
        self.n_iter_ = len(self.loss_curve_)

    def _require_classes(self, classes: Labels, is_first: bool) -> None:
        if len(classes) < 2:
            raise ValueError(
                f"found one class only, {classes.tolist()[0]!r}; a classifier needs two"
            )
        if not is_first and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"found the classes {classes.tolist()}, but the network to go on with knows "
                f"{self.classes_.tolist()}"
            )
