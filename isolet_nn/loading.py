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

    A single sign stands for itself, as in ``dataset.delimiter=,``.

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
        overrides[key] = _parse_value(value, f"--set {key}")
    return overrides


def _parse_value(text: str, source: str) -> Any:
    # To YAML a sign begins a list or a comment, but a sign alone, such as a delimiter, is meant.
    if len(text) == 1 and not text.isalnum() and text != "~":
        return text
    return parse_yaml(text, source)


def with_overrides(config: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Copy `config` and set each key path of `overrides`, making sections where there are none.

    A section written in short (``schedule: cosine``) becomes ``{name: cosine}`` when one of its
    keys is set.

    Raises
    ------
    ConfigError
        If a key path leads into a list, a number or a truth value.
    """
    result = dict(config)
    for path, value in overrides.items():
        *parents, last = path.split(".")
        section = result
        for depth, key in enumerate(parents, 1):
            inner = _as_section(section.get(key))
            if inner is None:
                whole = ".".join(parents[:depth])
                found = short_repr(section[key])
                raise ConfigError(f"{path}: {whole} is {found}, which can only be set as a whole")
            section[key] = inner
            section = inner
        section[last] = value
    return result


def is_within(key: str, section: str) -> bool:
    """Whether a key path is that of a section, or of something in it."""
    return f"{key}.".startswith(f"{section}.")


def _as_section(value: Any) -> dict[str, Any] | None:
    """A new mapping to set keys in: a copy, a name written out, or an empty one; None if none."""
    if isinstance(value, dict):
        return dict(value)
    if value is None or isinstance(value, str):
        return {} if value in (None, "none") else {"name": value}
    return None


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
    config: str | Path | Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    origins: Mapping[str, str] | None = None,
) -> Experiment:
    """Read and check an experiment.

    Parameters
    ----------
    config
        A YAML file, or its content as a mapping. Paths in a file are relative to the file.
    overrides
        Values by key path, such as ``{"training.epochs": 5}``; paths among them are relative to
        the current folder.
    origins
        What messages about an override begin with, by its key path, if not with ``override``.

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
        known = dict.fromkeys(overrides or {}, "override ") | dict(origins or {})
        raise ConfigError(name_origins(problems, f"{source}: ", known))
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


def name_origins(problems: Iterable[str], source: str, origins: Mapping[str, str]) -> str:
    """Put before each problem, a line each, what to look at to mend it.

    That is the origin of an override, of which `origins` has one by key path, or the source.
    """
    return "\n".join(f"{_origin(problem, source, origins)}{problem}" for problem in problems)


def _origin(problem: str, source: str, origins: Mapping[str, str]) -> str:
    path = problem.partition(":")[0]
    # What is missing beside a key that was set: the section was begun by that.
    section = path if "the key `name` is missing" in problem else path.rpartition(".")[0]
    for key, origin in origins.items():
        overridden = is_within(path, key)
        below = is_within(key, path) and "unknown key" in problem
        beside = "missing" in problem and key.rpartition(".")[0] == section
        if overridden or below or beside:
            return origin
    return source
