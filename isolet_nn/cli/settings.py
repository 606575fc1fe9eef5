"""What the command line changes in a config: `--set`, and options that are settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isolet_nn.errors import ConfigError, Problem, Problems, short_repr

if TYPE_CHECKING:
    from isolet_nn.config.datasets import DatasetConfig
    from isolet_nn.config.experiment import Experiment
    from isolet_nn.sweeps.config import Sweep

_OPTION_OF = {
    "name": "--name: ",
    "seed": "--seed: ",
    "backend": "--backend: ",
    "training.epochs": "--epochs: ",
    "training.inspect": "--inspect: ",
    "model.hidden_layers": "--hidden: ",
    "dataset.dir": "--data-dir: ",
    "dataset.label": "--label: ",
    "dataset.path": "",
    "save_models": "--save-models: ",
    "workers": "--workers: ",
}
"""Options that are settings, as messages about their values begin."""


def read_experiment(
    config: str | None,
    settings: list[str] | None,
    options: dict[str, Any],
    data_dir: Path | None,
) -> Experiment:
    """Read a config or a table, with the settings and options of the command line."""
    from isolet_nn.config.loading import load_experiment

    if config is None:
        raise ConfigError(
            "which config? Give a YAML file, or a name that `isolet-nn configs` lists; or a table"
        )
    with _given(settings, options, data_dir) as (overrides, origins):
        return load_experiment(config, overrides, origins)


def read_sweep(
    config: str | None,
    settings: list[str] | None,
    options: dict[str, Any],
    data_dir: Path | None,
) -> Sweep:
    """Read a sweep file, with the settings of the command line."""
    from isolet_nn.sweeps.loading import load_sweep

    if config is None:
        raise ConfigError("which sweep? Give a YAML file, or a name that `isolet-nn configs` lists")
    with _given(settings, options, data_dir) as (overrides, origins):
        if options["workers"] is not None:  # which is for this time, and stays out of the file
            del overrides["workers"]
        return load_sweep(config, overrides, origins)


def read_dataset_section(
    name: str,
    settings: list[str] | None,
    data_dir: Path | None,
    options: dict[str, Any] | None = None,
) -> DatasetConfig:
    """The dataset section that `data show NAME --set path=...` means, with options as keys."""
    from isolet_nn.config.loading import load_experiment

    below = [f"dataset.{text.strip().removeprefix('dataset.')}" for text in settings or []]
    given = {f"dataset.{key}": value for key, value in (options or {}).items()}
    with _given(below, given, data_dir) as (overrides, origins):
        return load_experiment({"dataset": {"name": name}}, overrides, origins).dataset


def require_own_config(what: str, is_other_given: bool, option: str = "--resume") -> None:
    """Refuse a config or settings beside an option that goes on with what is there."""
    if is_other_given:
        raise ConfigError(
            f"{option} goes on with the {what}'s own config: give no other config or setting"
        )


@contextmanager
def _given(
    settings: list[str] | None, options: dict[str, Any], data_dir: Path | None
) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """What ``--set`` and other options change, and what messages about each begin with.

    What is wrong with them is told together with what is wrong with the config.
    """
    from isolet_nn.config.key_paths import same_value
    from isolet_nn.config.loading import read_assignments

    problems = Problems()
    overrides, found = read_assignments(settings or [])
    problems.add(found)
    origins = dict.fromkeys(overrides, "--set ")
    given = {key: value for key, value in options.items() if value is not None}
    if data_dir is not None:
        given["dataset.dir"] = str(data_dir)
    for key, value in given.items():
        if not same_value(overrides.setdefault(key, value), value):
            both = f"{short_repr(value)}, but --set {key}={short_repr(overrides[key])}"
            problems.add([Problem(f"found {both}: give one of them", origin=_OPTION_OF[key])])
        origins[key] = _OPTION_OF[key]
    with problems.collected():
        yield overrides, origins
    problems.refuse()
