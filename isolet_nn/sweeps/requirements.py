"""What is refused before a sweep has a folder: what this machine lacks, what cannot be trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import traced
from isolet_nn.config.metrics import is_score
from isolet_nn.config.problems import validate
from isolet_nn.data import load_raw
from isolet_nn.data.splits import TooManyFoldsError, rows_of_splits
from isolet_nn.errors import ConfigError, DataError, Problem
from isolet_nn.scores.measures import why_undefined
from isolet_nn.sweeps.config import Sweep
from isolet_nn.sweeps.datasets import DataSource
from isolet_nn.sweeps.grid import Trials, with_settings
from isolet_nn.sweeps.workers import LocalWorkers, WorkersFactory
from isolet_nn.training.backends import require_backend
from isolet_nn.training.capacity import require_trainable
from isolet_nn.training.weighting import require_class_names


@contextmanager
def folds_named_as_in(sweep: Sweep) -> Iterator[None]:
    """Tell of too many folds under the key that the sweep has for them."""
    try:
        yield
    except TooManyFoldsError as error:
        if sweep.cross_validation is None:
            raise
        key = "outer_folds" if error.part == "test" else "folds"
        raise DataError(f"{sweep.source}: cross_validation.{key}: {error.found}") from None


def require_reusable(sweep: Sweep, places: Sequence[Path] | None) -> None:
    """Refuse to take over results where it is not known before which trials there are.

    Raises
    ------
    ConfigError
        If it is a search, and there are places to look in.
    """
    if sweep.search is not None and places is not None:
        raise ConfigError(
            f"{sweep.source}: --reuse does not go with a search: what it asks for is only known on "
            "the way, and what it asked for before it has in its own folder"
        )


def require_backends(trials: Trials, make_workers: WorkersFactory = LocalWorkers) -> None:
    """Refuse backends and devices that this machine lacks, if it is to use them.

    Raises
    ------
    BackendUnavailableError
        Saying what is missing, and how to install it.
    """
    if make_workers is LocalWorkers:
        for experiment in trials.one_experiment_each("backend", "device"):
            require_backend(experiment)


_DECIDES_ON_CAPACITY = (
    "backend",
    "device",
    "ensemble",
    "dataset",
    "model.hidden_layers",
    "model.batch_normalization",
    "optimizer.name",
    "optimizer.momentum",
    "training.batch_size",
    "training.class_weight",
    "training.drop_last",
    "training.dtype",
    "training.shuffle",
    "training.weight_averaging",
)
"""Key paths that `require_trainable` and `require_class_names` look at."""
_NEED_NOT_ALL_CLASSES = "loss, accuracy, balanced_accuracy and macro_f1"


def require_trainable_trials(
    sweep: Sweep, trials: Trials, source: DataSource, make_workers: WorkersFactory = LocalWorkers
) -> None:
    """Refuse settings that `train` would refuse once it knows how large the data is.

    Other seeds' parts may differ by some rows, and then it is for their trials to say.

    Raises
    ------
    ConfigError
        Listing the problems, each with the first setting that has it.
    """
    problems: dict[Problem, list[int]] = {}
    numbers = trials.settings_that_differ_in(*_DECIDES_ON_CAPACITY)
    for number in numbers:
        for experiment in _of_different_sizes(trials, number):
            with folds_named_as_in(sweep):
                size = source.size(experiment)
            try:
                if isinstance(experiment.training.class_weight, dict):
                    require_class_names(experiment, source.dataset(experiment).classes)
                require_trainable(
                    experiment,
                    size.n_rows,
                    size.n_features,
                    size.n_classes,
                    on_this_machine=make_workers is LocalWorkers,
                )
            except ConfigError as error:
                for problem in error.problems:
                    problems.setdefault(problem, []).append(number)
                break
    if problems:
        found = with_settings(trials, problems, len(numbers))
        raise ConfigError(*traced(found, f"{sweep.source}: ", sweep.origins))


def require_defined_ranking(sweep: Sweep, trials: Trials) -> None:
    """Refuse to rank by a score that no setting would have, as a part of the rows lacks a class.

    That is known of the first seed; another one's parts may lack a class all the same.

    Raises
    ------
    ConfigError
        Saying which part lacks what, and by what settings can be ranked instead.
    """
    reasons = []
    for setting in trials.settings_that_differ_in("dataset"):
        if (reason := _why_unranked(sweep, trials, setting)) is None:
            return
        reasons.append(reason)
    problem = Problem(
        reasons[0], "rank_by", allowed=f"{_NEED_NOT_ALL_CLASSES} need not all classes"
    )
    raise ConfigError(*traced([problem], f"{sweep.source}: ", sweep.origins))


def _why_unranked(sweep: Sweep, trials: Trials, setting: int) -> str | None:
    """Why a setting has no mean of what sweeps are ranked by; None if it has."""
    score, first = sweep.rank_by, setting * trials.per_setting
    if not is_score(score):
        return None
    raw = load_raw(trials.make_experiment(first).dataset)
    for trial in range(first, first + trials.per_seed):
        experiment = trials.make_experiment(trial)
        with folds_named_as_in(sweep):
            _, validation, test = rows_of_splits(raw, experiment.dataset, experiment.seed)
        split, rows = ("test", test) if validation is None else ("validation", validation)
        reason = why_undefined(score, raw.y[rows], raw.classes, split)
        if reason is not None:
            place = {"seed": experiment.seed, **trials.division(trial)}
            where = ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in place.items())
            return f"{split}_{score} is undefined ({where}): {reason}"
    return None


def _of_different_sizes(trials: Trials, setting: int) -> Iterator[Experiment]:
    """A setting's experiments on training parts that may differ in size, where sizes matter.

    Batch normalization alone asks how many rows the last batch has.
    """
    first = setting * trials.per_setting
    experiment = trials.make_experiment(first)
    yield experiment
    if not experiment.model.batch_normalization or trials.cross_validation is None:
        return
    for trial in range(first + 1, first + trials.per_seed):
        yield trials.make_experiment(trial)
    if trials.cross_validation.outer_folds is not None:
        for trial in range(first, first + trials.per_seed, trials.cross_validation.folds):
            division = {k: n for k, n in trials.division(trial).items() if k != "fold"}
            content = trials.content_divided(setting, trials.seeds[0], division)
            yield validate(Experiment, content, f"setting {setting}")
