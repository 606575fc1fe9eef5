"""How an experiment is read: from a file or a mapping, with overrides by key path."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.key_paths import (
    apply_overrides,
    contradiction,
    is_within,
    look_up,
    with_overrides,
)
from isolet_nn.config.problems import check
from isolet_nn.config.shipped import resolve
from isolet_nn.config.tables import NO_TABLE, is_table, table_experiment
from isolet_nn.config.yaml_files import parse_yaml, read_mapping
from isolet_nn.errors import ConfigError, Kind, Problem, Problems, short_repr
from isolet_nn.system.folders import current_folder


def parse_overrides(assignments: Iterable[str]) -> dict[str, Any]:
    """Turn ``["training.epochs=5"]`` into ``{"training.epochs": 5}``; values are read as YAML.

    Raises
    ------
    ConfigError
        If an assignment has no ``=``, an empty key, or a value that is not YAML, or if a key is
        given several values; lists all problems.
    """
    overrides, problems = read_assignments(assignments)
    if problems:
        raise ConfigError(*problems)
    return overrides


def read_assignments(assignments: Iterable[str]) -> tuple[dict[str, Any], list[Problem]]:
    """Those that can be read, as `parse_overrides` gives them, and what is wrong with others."""
    values: dict[str, list[Any]] = {}
    problems = Problems()
    for assignment in assignments:
        with problems.collected():
            key, equals, text = assignment.partition("=")
            key = key.strip()
            if not equals or not all(key.split(".")):
                raise ConfigError(
                    f"--set {assignment}: expected key.path=value, for instance training.epochs=5"
                )
            value = parse_value(text, f"--set {key}")
            values.setdefault(key, []).append(value)
    contradictions = {key: contradiction(given) for key, given in values.items()}
    problems.add(
        Problem(found, key, origin="--set ") for key, found in contradictions.items() if found
    )
    overrides = {key: given[0] for key, given in values.items() if not contradictions[key]}
    return overrides, problems.found


def parse_value(text: str, source: str) -> Any:
    """A value of the command line, read as YAML; `source` names it in messages."""
    # To YAML a sign begins a list or a comment, but a sign alone, such as a delimiter, is meant.
    if len(text) == 1 and not text.isalnum() and text != "~":
        return text
    value = parse_yaml(text, source)
    for key, of_key in value.items() if isinstance(value, dict) else ():
        if of_key is None and ":" in str(key).strip(":"):
            raise ConfigError(
                f"{source}: found {short_repr(text)}; in YAML a space follows the colon: "
                f"{{{str(key).replace(':', ': ', 1)}}}"
            )
    return value


_YAML = (".yaml", ".yml")
PATH_KEYS = ("dir", "path", "test_path")


def without_paths(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """What an experiment says of a data set but where it lies, on which no result depends."""
    return {key: value for key, value in dataset.items() if key not in PATH_KEYS}


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
                    found, allowed = short_repr(dataset[key]), f"it should be a path: {error}"
                    problem = Problem(found, f"dataset.{key}", Kind.FOUND, allowed)
                    raise ConfigError(problem) from None
    return result


def anchor_value(key: str, value: Any, folder: Path) -> Any:
    """What is set at a key path, with paths of the data set made absolute, seen from `folder`."""
    return look_up(anchor_paths(with_overrides({}, {key: value}), folder), key)


def load_experiment(
    config: str | Path | Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    origins: Mapping[str, str] | None = None,
) -> Experiment:
    """Read and check an experiment.

    Parameters
    ----------
    config
        A YAML file, the name of a shipped config, a table, or the content as a mapping. Paths in a
        file are relative to the file.
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
    source, folder, content = read_config(config, "experiment")
    if "experiment" in content:
        raise ConfigError(f"{source}: describes a sweep; `isolet-nn sweep {source}` runs it")
    refuse_other_command(content, source)
    known = dict.fromkeys(overrides or {}, "override ") | dict(origins or {})
    layer = ConfigLayer(overrides or {}, current_folder(), known)
    problems = Problems()
    content = with_layers(content, folder, f"{source}: ", [layer], problems)
    experiment, found = check(Experiment, content)
    problems.add(traced(found, f"{source}: ", known))
    problems.refuse()
    assert experiment is not None
    return experiment


@dataclass(frozen=True)
class ConfigLayer:
    """Settings that are laid upon an experiment."""

    values: Mapping[str, Any]
    """Values by key path."""
    folder: Path
    """What paths among them are relative to."""
    origins: Mapping[str, str]
    """What messages about each begin with, by key path."""


def with_layers(
    content: Mapping[str, Any],
    folder: Path,
    origin: str,
    layers: Iterable[ConfigLayer],
    problems: Problems,
) -> dict[str, Any]:
    """Copy an experiment from `folder` and lay layers upon it, each upon those before it.

    What is wrong is added to `problems`, with `origin` where it is the experiment's own.
    """
    result = dict(content)
    # Paths are made absolute within each layer, before it is laid upon the others: in what comes
    # of it, nothing tells whose folder a path is relative to.
    with problems.collected(origin):
        result = anchor_paths(content, folder)
    for layer in layers:
        values = dict(layer.values)
        for key, value in values.items():
            with problems.collected(layer.origins[key]):
                values[key] = anchor_value(key, value, layer.folder)
        result, found = apply_overrides(result, values)
        problems.add(traced(found, "", layer.origins))
    return result


def read_config(
    config: str | Path | Mapping[str, Any], kind: str
) -> tuple[str, Path, dict[str, Any]]:
    """What messages call a config, the folder that its paths are relative to, and its content.

    A text is the name of a file or of a shipped config, as on the command line; of a table it is
    the experiment that trains on it.
    """
    if isinstance(config, Mapping):
        return kind, current_folder(), dict(config)
    if is_table(str(config)):
        return str(config), current_folder(), table_experiment(str(config))
    path = resolve(config) if isinstance(config, str) else config
    try:
        content = read_mapping(path)
    except ConfigError as error:
        if path.suffix.lower() in _YAML:
            raise
        raise ConfigError(f"{error}; {NO_TABLE}") from None
    return str(path), path.resolve().parent, content


def refuse_other_command(content: Mapping[str, Any], source: str) -> None:
    """Refuse a file that is neither experiment nor sweep, as its own key ``run_by`` says.

    Raises
    ------
    ConfigError
        Naming the one command that reads it.
    """
    match content:
        case {"run_by": {"command": str(command), "because": str(because)}}:
            raise ConfigError(f"{source}: {because}; `isolet-nn {command}` runs it")


def traced(
    problems: Iterable[Problem], source: str, origins: Mapping[str, str]
) -> Iterator[Problem]:
    """The problems, each with what to look at to mend it.

    That is the origin of an override, of which `origins` has one by key path, or the source.
    """
    for problem in problems:
        also = (replace(problem, path=path) for path in problem.also)
        concerned = (
            one.at(origins[key])
            for one in (problem, *also)
            for key in origins
            if _concerns(one, key)
        )
        yield next(concerned, problem.at(source))


def _concerns(problem: Problem, key: str) -> bool:
    """Whether a problem can be mended where the key path is set."""
    if is_within(problem.path, key):
        return True
    match problem.kind:
        case Kind.UNKNOWN_KEY:  # a section that was begun by setting a key of it
            return is_within(key, problem.path)
        case Kind.NAMELESS:
            return key.rpartition(".")[0] == problem.path
        case Kind.MISSING:  # beside a key that was set
            return key.rpartition(".")[0] == problem.path.rpartition(".")[0]
        case Kind.RULE:  # of a section, in the words of those of its keys that it is about
            section, _, last = key.rpartition(".")
            return section == problem.path != "" and last in re.findall(r"\w+", problem.found)
        case _:
            return False
