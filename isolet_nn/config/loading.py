"""How an experiment is read: from a file or a mapping, with overrides by key path."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.problems import check
from isolet_nn.config.shipped import resolve
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


def contradiction(values: Iterable[Any]) -> str | None:
    """What is wrong with values that one key is given, if they are not all the same."""
    different = {equal_text(value): short_repr(value) for value in values}
    if len(different) < 2:
        return None
    return f"found {' and '.join(sorted(different.values()))}: give one of them"


def parse_value(text: str, source: str) -> Any:
    """A value of the command line, read as YAML; `source` names it in messages."""
    # To YAML a sign begins a list or a comment, but a sign alone, such as a delimiter, is meant.
    if len(text) == 1 and not text.isalnum() and text != "~":
        return text
    return parse_yaml(text, source)


def same_value(some: Any, other: Any) -> bool:
    """Whether an experiment takes two values for the same, as it does 1 and 1.0."""
    return equal_text(some) == equal_text(other)


def equal_text(value: Any) -> str:
    """Text that is equal for values which an experiment takes for the same: 1 and 1.0."""

    def plain(item: Any) -> Any:
        if isinstance(item, dict):
            return {str(key): plain(inner) for key, inner in item.items()}
        if isinstance(item, list):
            return [plain(inner) for inner in item]
        return int(item) if isinstance(item, float) and item.is_integer() else item

    return json.dumps(plain(value), sort_keys=True, default=repr)


def split_key(path: str) -> tuple[str, ...]:
    """The keys of a key path."""
    return tuple(path.split("."))


def apply_overrides(
    config: Mapping[str, Any],
    overrides: Mapping[str, Any],
    split: Callable[[str], tuple[str, ...]] = split_key,
) -> tuple[dict[str, Any], list[Problem]]:
    """Copy `config` and set each key path of `overrides`, making sections where there are none.

    Their order does not matter: a section comes before its keys. A section written in short
    (``schedule: cosine``) becomes ``{name: cosine}`` when one of its keys is set.

    Returns
    -------
    The copy, and problems: key paths that lead into a list, a number or a truth
    value, and those that contradict a section that is set too. They are not applied.
    """
    result = dict(config)
    problems = []
    parts = {path: split(path) for path in overrides}
    for path in sorted(overrides, key=lambda path: (len(parts[path]), path)):
        problem = _contradiction(path, parts, overrides) or _set(result, path, parts, overrides)
        problems += [problem] if problem else []
    return result, problems


def with_overrides(config: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Copy `config` with `overrides`, as `apply_overrides` does it.

    Raises
    ------
    ConfigError
        Listing the problems.
    """
    result, problems = apply_overrides(config, overrides)
    if problems:
        raise ConfigError(*problems)
    return result


def _set(
    section: dict[str, Any],
    path: str,
    parts: Mapping[str, tuple[str, ...]],
    overrides: Mapping[str, Any],
) -> Problem | None:
    """Set one key path, in copies of the sections that it goes through; say why if it cannot."""
    *parents, last = parts[path]
    for depth, key in enumerate(parents, 1):
        inner = _as_section(section.get(key))
        if inner is None:
            whole, found = ".".join(parents[:depth]), short_repr(section[key])
            return Problem(f"{whole} is {found}, which can only be set as a whole", path)
        section[key] = inner
        section = inner
    section[last] = overrides[path]
    return None


def _contradiction(
    path: str, parts: Mapping[str, tuple[str, ...]], overrides: Mapping[str, Any]
) -> Problem | None:
    """What a section that is set says otherwise of one of its keys that is set too."""
    value, keys = overrides[path], parts[path]
    for other in sorted(overrides, key=lambda other: (len(parts[other]), other)):
        section_keys = parts[other]
        if other == path or keys[: len(section_keys)] != section_keys:
            continue
        section = overrides[other]
        if section is None or section == "none":
            return _either(value, f"{other} is {short_repr(section)}", path)
        for key in keys[len(section_keys) :]:
            section = _as_section(section) or {}
            if key not in section:
                break
            section = section[key]
        else:
            if not same_value(section, value):
                return _either(value, f"{short_repr(section)} in {other}", path)
    return None


def _either(value: Any, other: str, path: str) -> Problem:
    return Problem(f"{short_repr(value)}, but {other}: give one of them", path, Kind.FOUND)


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
                    found, allowed = short_repr(dataset[key]), f"it should be a path: {error}"
                    problem = Problem(found, f"dataset.{key}", Kind.FOUND, allowed)
                    raise ConfigError(problem) from None
    return result


def anchor_value(key: str, value: Any, folder: Path) -> Any:
    """What is set at a key path, with paths of the data set made absolute, seen from `folder`."""
    return look_up(anchor_paths(with_overrides({}, {key: value}), folder), key)


def look_up(content: Any, key_path: str) -> Any:
    """The value at a key path, None where there is none."""
    for key in key_path.split("."):
        if not isinstance(content, Mapping) or key not in content:
            return None
        content = content[key]
    return content


def load_experiment(
    config: str | Path | Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    origins: Mapping[str, str] | None = None,
) -> Experiment:
    """Read and check an experiment.

    Parameters
    ----------
    config
        A YAML file, the name of a shipped config, or the content as a mapping. Paths in a file
        are relative to the file.
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
    layer = Layer(overrides or {}, current_folder(), known)
    problems = Problems()
    content = with_layers(content, folder, f"{source}: ", [layer], problems)
    experiment, found = check(Experiment, content)
    problems.add(traced(found, f"{source}: ", known))
    problems.refuse()
    assert experiment is not None
    return experiment


@dataclass(frozen=True)
class Layer:
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
    layers: Iterable[Layer],
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

    A text is the name of a file or of a shipped config, as on the command line.
    """
    if isinstance(config, Mapping):
        return kind, current_folder(), dict(config)
    path = resolve(config) if isinstance(config, str) else config
    return str(path), path.resolve().parent, read_mapping(path)


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
        concerned = (key for key in origins if _concerns(problem, key))
        key = next(concerned, None)
        yield problem.at(source if key is None else origins[key])


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
        case _:
            return False
