"""An experiment from one flat list of parameters, as scikit-learn's estimators have them.

A parameter is a key of the sections ``model``, ``optimizer`` or ``training``, or of the experiment
itself; two have names of their own. Types, limits and defaults are those of the models.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.network import ModelConfig
from isolet_nn.config.optimizers import OptimizerConfig
from isolet_nn.config.problems import check
from isolet_nn.config.section import sections_of
from isolet_nn.config.training import Constant, Step, TrainingConfig
from isolet_nn.errors import Kind, ParameterError, Problem

Labels = NDArray[Any]
MODEL = tuple(ModelConfig.model_fields)
OPTIMIZER = tuple(
    dict.fromkeys(
        key
        for section in sections_of(OptimizerConfig)
        for key in section.model_fields
        if key != "name"
    )
)
"""Keys of all optimizers; None, or no word of it, takes the default of the one that is chosen."""
_OF_FOLDERS = ("evaluate_test", "inspect", "checkpoint_seconds", "keep_checkpoint")
TRAINING = tuple(key for key in TrainingConfig.model_fields if key not in _OF_FOLDERS)
"""Without what is said of a test split, and of files."""
_FRACTION = 0.1
"""Held out to be watched where nothing else is said, as scikit-learn's own networks do."""
_PLATEAU = "reduce_on_plateau"
OTHERS = ("backend", "device", "ensemble")

_KEY_PATH = re.compile(r"\b(?:model|optimizer|training)\.(?!name\b)(?=[a-z])")


def experiment_of(parameters: Mapping[str, Any], classes: Labels, n_fits: int) -> Experiment:
    """The experiment that an estimator's parameters describe.

    Parameters
    ----------
    parameters
        By name, as the estimator has them; `dtype` is no longer None.
    classes
        Labels of the classes.
    n_fits
        How often the network went on: each time the same seed draws other numbers.

    Raises
    ------
    ParameterError
        Listing all that is wrong with them.
    """
    given = {k: _plain(value) for k, value in parameters.items() if k != "random_state"}
    given["class_weight"] = _by_class_name(given["class_weight"], classes)
    stopping, fraction = given["early_stopping"], given["validation_fraction"]
    if isinstance(stopping, bool):
        given["early_stopping"] = stopping = {} if stopping else None
    if fraction is None and (stopping is not None or _name(given["schedule"]) == _PLATEAU):
        fraction = _FRACTION
    content = {
        **{name: given[name] for name in OTHERS},
        "seed": _seed(parameters["random_state"], n_fits),
        # A table of one's own, which nobody reads: it is in memory already, and is not scaled.
        "dataset": {
            "name": "csv",
            "path": "X",
            "standardize": False,
            "validation": "none" if fraction is None else {"fraction": fraction},
        },
        "model": {name: given[name] for name in MODEL},
        "optimizer": _optimizer(given),
        "training": {name: given[name] for name in TRAINING} | {"evaluate_test": False},
    }
    experiment, problems = check(Experiment, content)
    if experiment is None:
        raise in_parameters(*(_of_optimizer(problem, content) for problem in problems))
    return experiment


def require_no_end(experiment: Experiment) -> None:
    """Refuse what `partial_fit` cannot have, as it sees some of the rows and no last epoch."""
    training = experiment.training
    refused = {
        f"schedule={training.schedule.name!r}": not isinstance(training.schedule, Constant | Step),
        "early_stopping or validation_fraction": experiment.dataset.validation != "none",
        "class_weight='balanced'": training.class_weight == "balanced",
    }
    for what, is_set in refused.items():
        if is_set:
            raise ParameterError(
                f"partial_fit sees some of the rows and knows of no last epoch: it cannot do {what}"
            )


def in_parameters(*problems: Problem) -> ParameterError:
    """Problems with an experiment, worded for who gave parameters."""
    names = {"dataset.validation.fraction": "validation_fraction", "seed": "random_state"}
    flat = [replace(problem, path=names.get(problem.path, problem.path)) for problem in problems]
    return ParameterError(*(in_words(str(problem)) for problem in flat))


def in_words(text: str) -> str:
    """A message without the sections that key paths in it begin with."""
    return _KEY_PATH.sub("", text)


def _optimizer(given: Mapping[str, Any]) -> Any:
    """The section of the optimizer: a name or a mapping, and over it the keys that are given."""
    optimizer = given["optimizer"]
    keys = {name: given[name] for name in OPTIMIZER if given[name] is not None}
    if isinstance(optimizer, str):
        return {"name": optimizer, **keys}
    return {**optimizer, **keys} if isinstance(optimizer, dict) else optimizer


def _name(section: Any) -> Any:
    """The name of a section that may be given by it alone."""
    return section.get("name") if isinstance(section, dict) else section


def _of_optimizer(problem: Problem, content: Mapping[str, Any]) -> Problem:
    """A key that is unknown to this optimizer, and known to others, told as such."""
    section, _, key = problem.path.partition(".")
    if section != "optimizer" or problem.kind is not Kind.UNKNOWN_KEY:
        return problem
    name = content["optimizer"]["name"]
    return Problem(f"the optimizer {name} has no such setting", key, allowed=problem.allowed)


def _by_class_name(weights: Any, classes: Labels) -> Any:
    """Weights by what an experiment calls the classes, where 1 and 1.0 are the same label.

    Where all classes have weights, those of others are left out, as scikit-learn does: a part of
    the rows may lack a class.
    """
    if not isinstance(weights, dict):
        return weights
    by_name = {
        str(next((c for c in classes if c == label), label)): weight
        for label, weight in weights.items()
    }
    names = [str(c) for c in classes]
    return {name: by_name[name] for name in names} if by_name.keys() >= {*names} else by_name


def _seed(random_state: Any, n_fits: int) -> int:
    if isinstance(random_state, Integral):
        seed = int(random_state)
    else:
        seed = int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
    if n_fits == 0 or seed < 0:
        return seed
    return int(np.random.SeedSequence((seed, n_fits)).generate_state(1)[0])


def _plain(value: Any) -> Any:
    """A value as YAML would give it: numbers of NumPy, tuples and arrays are Python's own."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {_plain(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(inner) for inner in value]
    return value
