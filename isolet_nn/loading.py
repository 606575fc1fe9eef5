"""How an experiment is read: from a file or a mapping, with overrides by key path."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from isolet_nn.config import Experiment
from isolet_nn.errors import ConfigError, short_repr
from isolet_nn.problems import check
from isolet_nn.yaml_files import parse_yaml, read_mapping


def parse_overrides(assignments: Iterable[str]) -> dict[str, Any]:
    """Turn ``["training.epochs=5"]`` into ``{"training.epochs": 5}``; values are read as YAML.

    Raises
    ------
    ConfigError
        If an assignment has no ``=``, an empty key, or a value that is not YAML.
    """
    overrides: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        key = key.strip()
        if not equals or not all(key.split(".")):
            raise ConfigError(
                f"--set {assignment}: expected key.path=value, for instance training.epochs=5"
            )
        overrides[key] = parse_yaml(value, f"--set {key}")
    return overrides


def with_overrides(config: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Copy `config` and set each key path of `overrides`, making sections where there are none.

    A section written in short (``schedule: cosine``) becomes ``{name: cosine}`` when one of its
    keys is set.
    """
    result = dict(config)
    for path, value in overrides.items():
        *parents, last = path.split(".")
        section = result
        for key in parents:
            inner = _as_section(section.get(key))
            section[key] = inner
            section = inner
        section[last] = value
    return result


def _as_section(value: Any) -> dict[str, Any]:
    """A new mapping to set keys in: a copy, a name written out, or an empty one."""
    if isinstance(value, dict):
        return dict(value)
    return {"name": value} if isinstance(value, str) and value != "none" else {}


PATH_KEYS = ("dir", "path", "test_path")


def anchor_paths(config: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Copy `config` with the data set's relative paths made absolute, seen from `folder`."""
    result = copy.deepcopy(dict(config))
    dataset = result.get("dataset")
    if isinstance(dataset, dict):
        for key in PATH_KEYS:
            if isinstance(dataset.get(key), str):
                try:
                    dataset[key] = str((folder / Path(dataset[key]).expanduser()).resolve())
                except (OSError, RuntimeError, ValueError) as error:  # ~nobody, a zero byte
                    found = short_repr(dataset[key])
                    raise ConfigError(
                        f"dataset.{key}: found {found}; it should be a path: {error}"
                    ) from None
    return result


def load_experiment(
    config: str | Path | Mapping[str, Any], overrides: Mapping[str, Any] | None = None
) -> Experiment:
    """Read and check an experiment.

    Parameters
    ----------
    config
        A YAML file, or its content as a mapping. Paths in a file are relative to the file.
    overrides
        Values by key path, such as ``{"training.epochs": 5}``; paths among them are relative to
        the current folder.

    Raises
    ------
    ConfigError
        If anything is wrong; the message lists all problems, one a line.
    """
    if isinstance(config, Mapping):
        source, content = "experiment", anchor_paths(config, Path.cwd())
    else:
        path = Path(config)
        source, content = str(path), anchor_paths(read_mapping(path), path.resolve().parent)
    if "experiment" in content:
        raise ConfigError(f"{source}: describes a sweep; `isolet-nn sweep` runs it")
    refuse_carried_over(content, source)
    if overrides:
        content = anchor_paths(with_overrides(content, overrides), Path.cwd())
    experiment, problems = check(Experiment, content)
    if experiment is None:
        origins = (_origin(problem, source, overrides or {}) for problem in problems)
        raise ConfigError("\n".join(map("{}{}".format, origins, problems)))
    return experiment


def refuse_carried_over(content: Mapping[str, Any], source: str) -> None:
    """Refuse a file for one network kept across cells, which is neither experiment nor sweep.

    Raises
    ------
    ConfigError
        Naming the one command that reads it.
    """
    if "carried_over" in content:
        raise ConfigError(
            f"{source}: keeps one network across cells, as no training and no sweep does; "
            "`isolet-nn reproduce report --figure 6` runs it"
        )


def _origin(problem: str, source: str, overrides: Iterable[str]) -> str:
    """What to look at to mend a problem: an override, or the source."""
    path = problem.partition(":")[0]
    overridden = any(f"{path}.".startswith(f"{key}.") for key in overrides)
    below = any(key.startswith(f"{path}.") for key in overrides) and "unknown key" in problem
    # What is missing beside a key that was set: the section was begun by that.
    section = path if "the key `name` is missing" in problem else path.rpartition(".")[0]
    beside = "missing" in problem and any(key.rpartition(".")[0] == section for key in overrides)
    return "override " if overridden or below or beside else f"{source}: "
