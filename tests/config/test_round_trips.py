"""What is written is read back, and no content raises anything but a ConfigError."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from config.helpers import IRIS
from isolet_nn.config.experiment import Experiment, json_schema
from isolet_nn.config.loading import load_experiment
from isolet_nn.config.yaml_files import dump_yaml, parse_yaml
from isolet_nn.errors import ConfigError

rates = st.floats(0.0, 0.99)


positive = st.floats(1e-12, 1e6, exclude_min=True)


counts = st.integers(1, 10**9)


letters = st.characters(codec="utf-8", exclude_characters="\0/~")


text = st.text(letters, min_size=1, max_size=10)


file_names = st.text(letters, min_size=1, max_size=10)


def section(name: str, **optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"name": st.just(name)}, optional=optional)


holdout = st.fixed_dictionaries({"fraction": st.floats(0.01, 0.99)})


fold = st.fixed_dictionaries({"folds": st.integers(5, 9), "fold": st.integers(0, 4)})


adam = {"learning_rate": positive, "beta1": rates, "beta2": rates, "epsilon": positive}


configs = st.fixed_dictionaries(
    {
        "dataset": st.one_of(
            section(
                "isolet",
                validation=st.just("none") | holdout | fold,
                dir=file_names,
                verify=st.booleans(),
            ),
            section(
                "digits",
                test=holdout,
                validation=holdout | fold,
                standardize=st.sampled_from([True, False, "global"]),
            ),
            section("xor", standardize=st.booleans()),
            section(
                "spirals",
                rows=st.integers(3, 1000),
                noise=st.floats(0.0, 10.0),
                noise_seed=st.integers(0, 2**200),
                test=holdout,
            ),
            st.fixed_dictionaries(
                {"name": st.just("csv"), "path": file_names},
                optional={
                    "label": text | st.integers(),
                    "delimiter": st.sampled_from(",;\t |:"),
                    "group": st.none() | text | st.integers(0, 9),
                    "test_path": file_names,
                },
            ),
            st.fixed_dictionaries({"name": st.just("openml"), "data_name": text}),
        )
    },
    optional={
        "name": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", fullmatch=True),
        "seed": st.integers(0, 2**200),
        "backend": st.sampled_from(["numpy", "torch"]),
        "device": st.sampled_from(["auto", "cpu"]),
        "model": st.fixed_dictionaries(
            {},
            optional={
                "hidden_layers": st.lists(counts),
                "activation": st.sampled_from(["relu", "sigmoid", "gelu", "leaky_relu"])
                | section("elu", alpha=positive),
                "initializer": st.sampled_from(["he", "glorot", "normal"])
                | section("normal", scale=positive),
                "dropout": rates,
                "input_dropout": rates,
            },
        ),
        "optimizer": st.one_of(
            st.sampled_from(["sgd", "adagrad", "rmsprop", "adam", "adamw", "radam", "nadam"]),
            section("sgd", learning_rate=positive, momentum=rates, weight_decay=positive),
            section("adagrad", learning_rate_decay=positive, initial_accumulator=positive),
            section("rmsprop", alpha=rates, momentum=rates, epsilon=positive),
            section("adam", **adam),
            section("adamw", weight_decay=positive, **adam),
            section("radam", decoupled_weight_decay=st.booleans(), **adam),
            section("nadam", momentum_decay=positive, **adam),
        ),
        "training": st.fixed_dictionaries(
            {},
            optional={
                "epochs": counts,
                "batch_size": counts,
                "label_smoothing": rates,
                "class_weight": st.sampled_from([None, "balanced"])
                | st.dictionaries(text, positive, min_size=1, max_size=3),
                "dtype": st.sampled_from(["float32", "float64"]),
                "clip_norm": st.none() | positive,
                "clip_value": st.none() | positive,
                "schedule": st.sampled_from(["constant", "step", "cosine", "one_cycle"])
                | section("one_cycle", rise=st.floats(0.01, 0.99)),
                "checkpoint_seconds": positive,
                "keep_checkpoint": st.booleans(),
            },
        ),
    },
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(config=configs)
def test_a_complete_config_read_back_is_the_same_experiment(config: dict[str, Any]) -> None:
    experiment = load_experiment(config)
    dumped = dump_yaml(experiment)
    again = load_experiment(parse_yaml(dumped, "dump"))
    assert again == experiment
    assert dump_yaml(again) == dumped
    assert load_experiment(json.loads(experiment.model_dump_json())) == experiment


def test_a_dump_is_complete_and_names_come_first() -> None:
    content = yaml.safe_load(dump_yaml(load_experiment(IRIS)))
    assert list(content) == list(Experiment.model_fields)
    assert list(content["training"]) == list(
        Experiment.model_fields["training"].default.model_dump()
    )
    for part in ("dataset", "optimizer"):
        assert next(iter(content[part])) == "name"
    assert content["training"]["schedule"] == {"name": "constant"}


def test_the_json_schema_describes_the_experiment() -> None:
    schema = json_schema()
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert set(schema["properties"]) == set(Experiment.model_fields)
    assert schema["required"] == ["dataset"]
    assert schema["additionalProperties"] is False
    assert "Seed of everything random" in schema["properties"]["seed"]["description"]


KEYS = sorted(
    {"name", "scale", "momentum", "fraction", "by", "path", "dir", "label", "group", "schedule",
     "epochs", "early_stopping", "metric", "hidden_layers", "learning_rate", "test", "data_id",
     *Experiment.model_fields}
)  # fmt: skip


WORDS = ["iris", "isolet", "csv", "openml", "xor", "sgd", "adam", "none", "he", "step", "speaker"]


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([*WORDS, *KEYS])
    | st.text(st.characters(exclude_characters="\0~"), max_size=5)
    | st.dates()
    | st.binary(max_size=3)
)


garbage = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS) | st.text(max_size=3) | st.integers() | st.none(),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


garbage_configs = st.dictionaries(
    st.sampled_from(sorted(Experiment.model_fields)) | st.text(max_size=3), garbage, max_size=5
)


def load_or_refuse(config: Any, overrides: dict[str, Any] | None = None) -> None:
    """Load a config that may be right or wrong; only ConfigError may be raised."""
    try:
        experiment = load_experiment(config, overrides)
    except ConfigError as error:
        message = str(error)
    else:
        message = dump_yaml(experiment)
    assert message


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(config=garbage_configs)
@example(config={"dataset": {1: 2}})
@example(config={"dataset": {"name": []}})
@example(config={"dataset": {"name": {"name": "iris"}}})
@example(config={"optimizer": {"name": None, None: "name"}})
@example(config={"dataset": {"name": "isolet", "validation": {"fraction": "x", "y": 1}}})
@example(config={"dataset": {"name": "isolet", "validation": {"fold": "x", 1: 1}}})
def test_any_content_is_an_experiment_or_a_config_error(config: dict[str, Any]) -> None:
    load_or_refuse(config)


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    content=st.binary(max_size=60)
    | st.text(max_size=60).map(str.encode)
    | st.text(st.sampled_from("ab:-[]{}#&*!|>'\"%@`,? \n\t01e.~<="), max_size=60).map(str.encode)
    | garbage_configs.map(lambda value: yaml.dump(value, allow_unicode=True).encode())
)
@example(content=b"a: &a [*a]")
@example(content=b"dataset: &a {name: *a}")
@example(content=b"dataset: {name: iris}\nextra: &a {b: *a}")
@example(content=b"= : 1")
@example(content=b"a: !!binary x")
@example(content=b"a: 1:30\nb: 0x\nc: 0b2\nd: 1__0\ne: 0o8\nf: ._")
def test_any_bytes_are_an_experiment_or_a_config_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    load_or_refuse(path)


@settings(max_examples=100)
@given(path=st.lists(st.sampled_from([*KEYS, "x", "0"]), min_size=1, max_size=4), value=garbage)
def test_any_override_is_accepted_or_a_config_error(path: list[str], value: Any) -> None:
    load_or_refuse(IRIS, {".".join(path): value})


def test_the_schema_offers_the_variants_of_a_section_and_their_names() -> None:
    schema = json_schema()
    optimizer = schema["properties"]["optimizer"]["anyOf"]
    names = ["sgd", "adagrad", "rmsprop", "adam", "adamw", "radam", "nadam"]
    assert {"enum": names, "type": "string"} in optimizer
    assert {"$ref": "#/$defs/AdamW"} in optimizer[0]["oneOf"]
