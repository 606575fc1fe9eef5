"""What a sweep file says of a search, and what it is told where that cannot be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isolet_nn.errors import ConfigError
from isolet_nn.sweeps.config import Sweep
from isolet_nn.sweeps.grid import make_trials
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.parameters import choose, distributions, labels_of, setting_of
from isolet_nn.sweeps.search_config import Search

RATE = {"optimizer.learning_rate": {"log_uniform": [1e-4, 1e-1]}}
NAME = {"optimizer.name": {"choice": ["sgd", "adam"]}}
EXPERIMENT: dict[str, Any] = {
    "dataset": {"name": "iris", "validation": {"fraction": 0.3}},
    "model": {"hidden_layers": [5]},
}


def search_of(*, experiment: dict[str, Any] | None = None, **keys: Any) -> Sweep:
    search = {"trials": 5, "space": RATE, **keys.pop("search", {})}
    return load_sweep({"experiment": experiment or EXPERIMENT, "search": search, **keys})


def momentum(when: Any) -> dict[str, Any]:
    return {"space": {**NAME, "optimizer.momentum": {"uniform": [0.0, 0.9], "when": when}}}


SGD, HIDDEN = {"optimizer.name": "sgd"}, "model.hidden_layers"
MOMENTUM = "search.space.optimizer.momentum"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"search": {"metric": "test_accuracy"}},
            "search.metric: found test_accuracy; a search that chose by the test set would leave "
            "nothing to test with: take validation_accuracy",
        ),
        ({"search": {"sampler": "tbe"}}, "search.sampler: found 'tbe'; allowed: tpe, gp, cmaes"),
        ({"search": {"pruner": "medean"}}, "search.pruner.name: found 'medean'"),
        ({"search": {"space": {}}}, "search.space"),
        (
            {"search": {"space": {"optimizer.learning_rate": {"loguniform": [1, 2]}}}},
            "should be one of log_uniform, uniform, integers, choice and list_of",
        ),
        (
            {"search": momentum({"optimizer.nam": "sgd"})},
            f"{MOMENTUM}.when.optimizer.nam: no key of the space above optimizer.momentum; "
            "did you mean optimizer.name?",
        ),
        (
            {"search": {"space": dict(reversed(momentum(SGD)["space"].items()))}},
            f"{MOMENTUM}.when.optimizer.name: stands below optimizer.momentum: put what it depends "
            "on above it",
        ),
        (
            {"search": momentum({"optimizer.name": ["sgd", "adm"]})},
            f"{MOMENTUM}.when.optimizer.name: 'adm' is never a value of optimizer.name",
        ),
        (
            {"search": {"space": {"dataset.validation": {"choice": ["none"]}}}},
            "search.space.dataset.validation: decides by what settings are compared",
        ),
        (
            {"search": {"space": {"training.evaluate_test": {"choice": [True, False]}}}},
            "search.space.training.evaluate_test: decides by what",
        ),
        (
            {"search": {"space": {"dataset.split_seed": {"integers": [0, 9]}}}},
            "search.space.dataset.split_seed: decides by what settings are compared",
        ),
        ({"search": momentum({})}, f"{MOMENTUM}.when: found {{}}"),
        ({"search": momentum(3)}, f"{MOMENTUM}.when: found 3; expected keys and values"),
        (
            {"search": momentum({"optimizer.name": []})},
            f"{MOMENTUM}.when.optimizer.name: found no value of optimizer.name",
        ),
        (
            {"search": {"space": {"optimizer.name": {"choice": ["sgd"], "whn": SGD}}}},
            "search.space.optimizer.name.whn: unknown key; did you mean when?",
        ),
        (
            {"search": {"space": {HIDDEN: {"list_of": {"integers": [1, 3]}}}}},
            f"search.space.{HIDDEN}.length: missing",
        ),
        (
            {"search": {"space": {HIDDEN: {"list_of": {"integers": [1, 2.5]}, "length": [1, 2]}}}},
            f"search.space.{HIDDEN}.list_of.integers.1: found 2.5",
        ),
        ({"set": {"training.evaluate_test": True}}, "a search leaves the test split unread"),
        ({"rank_by": "loss"}, "rank_by: a search ranks by its metric, validation_accuracy"),
        ({"grid": {"training.epochs": [1]}}, "give only one of grid, list, random and search"),
        (
            {"cross_validation": {"folds": 2, "outer_folds": 2}},
            "cross_validation.outer_folds: a search over all outer folds would have seen each",
        ),
        (
            {"plot": {"kind": "boxplot", "x": "optimizer.learning_rate", "value": "test_loss"}},
            "search leaves the test set unread: take validation_loss",
        ),
        ({"search": {"space": {"seed": {"integers": [0, 9]}}}}, "seeds are given by the key"),
        (
            {"search": {"space": {HIDDEN: {"list_of": {"choice": [3]}, "length": [2, 1]}}}},
            "length takes [fewest, most] with fewest <= most",
        ),
        (
            {"search": {"space": {"optimizer.learning_rate": {"uniform": [-2.0, -1.0]}}}},
            "optimizer.learning_rate: found -",
        ),
    ],
)
def test_what_no_search_can_be_is_refused_with_where_it_stands(
    keys: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        make_trials(search_of(**keys))
    assert message in str(caught.value)


def test_a_search_without_anything_held_out_is_refused() -> None:
    experiment = {**EXPERIMENT, "dataset": {"name": "iris"}}
    with pytest.raises(ConfigError, match="none leaves a search nothing to compare settings by"):
        make_trials(search_of(experiment=experiment))
    folds = search_of(experiment=experiment, cross_validation={"folds": 3})
    assert len(make_trials(folds)) > 0


def test_a_search_ranks_by_its_metric_and_is_the_same_once_it_is_written_and_read() -> None:
    sweep = search_of(search={"metric": "validation_macro_f1", **momentum(SGD)})
    assert sweep.rank_by == "macro_f1"
    assert load_sweep(sweep.model_dump(mode="json")) == sweep


def test_settings_from_outside_reach_the_space_and_are_blamed() -> None:
    content = {"experiment": EXPERIMENT, "search": {"trials": 5, "space": RATE}}
    key = "search.space.optimizer.learning_rate"
    sweep = load_sweep(content, {key: {"choice": [0.5]}, "search.trials": 7})
    assert sweep.search is not None
    assert (sweep.search.trials, [*sweep.search.space]) == (7, ["optimizer.learning_rate"])
    with pytest.raises(ConfigError, match=f"--set {key}"):
        make_trials(load_sweep(content, {key: {"choice": [-1.0]}}, {key: "--set "}))


SEARCH = search_of(
    search={
        "space": {
            **NAME,
            **RATE,
            **momentum(SGD)["space"],
            "optimizer.nesterov": {
                "choice": [True, False],
                "when": {"optimizer.name": "sgd"},
            },
            "model.dropout": {"choice": [0, 0.5, "0.5", None]},
            "ensemble": {"integers": [1, 3]},
            "model.batch_normalization": {"choice": [True, False], "when": {"ensemble": [1, 2]}},
            "model.hidden_layers": {
                "list_of": {"integers": [2, 9]},
                "length": [1, 3],
                "when": {"optimizer.nesterov": True},
            },
        }
    }
).search


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=25, deadline=None)
def test_a_setting_has_the_keys_whose_conditions_hold_and_comes_back_from_its_parameters(
    seed: int, conditional: bool
) -> None:
    assert SEARCH is not None
    generator = np.random.default_rng(seed)

    def draw(name: str, distribution: Any) -> Any:
        of = distributions(SEARCH)[name]
        if hasattr(distribution, "choice"):
            labels = labels_of(distribution)
            assert tuple(labels) == of.choices  # type: ignore[attr-defined]
            return labels[int(generator.integers(len(labels)))]
        return distribution.sample(generator)

    parameters, setting = choose(SEARCH, draw, conditional=conditional)
    sampler = "tpe" if conditional else "gp"
    search: Search = SEARCH.model_copy(update={"sampler": sampler})
    assert setting_of(search, parameters) == setting
    is_sgd = setting["optimizer.name"] == "sgd"
    assert ("optimizer.momentum" in setting) == ("optimizer.nesterov" in setting) == is_sgd
    assert ("model.batch_normalization" in setting) == (setting["ensemble"] < 3)
    assert ("model.hidden_layers" in setting) == (setting.get("optimizer.nesterov") is True)
    if not conditional:
        assert parameters.keys() == distributions(SEARCH).keys()
    elif "model.hidden_layers" in setting:
        length = parameters["model.hidden_layers.length"]
        assert length == len(setting["model.hidden_layers"])
        assert f"model.hidden_layers.{length}" not in parameters
