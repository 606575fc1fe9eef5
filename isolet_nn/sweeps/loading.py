"""How a sweep file is read.

The experiment that it varies is built of layers, each laid upon those before it: the experiment
as given, the file's own ``set``, and what is set from outside.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.key_paths import (
    apply_overrides,
    contradiction,
    flat,
    is_within,
    look_up,
    split_key,
    with_overrides,
)
from isolet_nn.config.loading import (
    ConfigLayer,
    anchor_value,
    read_config,
    refuse_other_command,
    traced,
    with_layers,
)
from isolet_nn.config.problems import check
from isolet_nn.config.shipped import resolve
from isolet_nn.config.tables import is_table, table_experiment
from isolet_nn.config.yaml_files import read_mapping
from isolet_nn.errors import (
    ConfigError,
    Kind,
    Problem,
    Problems,
    problems_at,
    short_repr,
    suggestion,
)
from isolet_nn.sweeps.config import (
    EVALUATE_TEST,
    SEED_IS_FIXED,
    SOURCES,
    Sweep,
    leaves_test_unread,
    place_of_varied,
    varied_keys,
)
from isolet_nn.sweeps.distributions import Choice
from isolet_nn.sweeps.grid import make_trials
from isolet_nn.system.folders import current_folder

OWN_KEYS = ("set", *Sweep.model_fields)
"""Keys at the top of a sweep file."""
_OF_EXPERIMENT = "experiment."


def load_sweep(
    config: str | Path | Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    origins: Mapping[str, str] | None = None,
) -> Sweep:
    """Read and check a sweep, except for the combinations of its settings.

    Parameters
    ----------
    config
        A YAML file, the name of a shipped config, or the content as a mapping.
    overrides
        Values by key path. What begins with a key of the sweep itself, such as ``seeds`` or
        ``grid.optimizer.learning_rate``, changes the sweep; anything else the experiment, on top
        of the file's own ``set``. ``name`` is the sweep's, ``experiment.name`` the trials'.
    origins
        What messages about an override begin with, by its key path, if not with ``override``.

    Raises
    ------
    ConfigError
        If anything is wrong; the message lists all problems, one a line.
    """
    source, folder, content = read_config(config, "sweep")
    refuse_other_command(content, source)
    if "dataset" in content and "experiment" not in content:
        raise ConfigError(f"{source}: describes one experiment; `isolet-nn train {source}` runs it")
    problems = Problems()
    known = dict.fromkeys(overrides or {}, "override ") | dict(origins or {})
    own, others = _sorted_out(overrides or {}, known, problems)
    content, found = _with_own(content, own)
    problems.add(traced(found, "", known))
    fixed = _fixed(content.pop("set", None), f"{source}: set: ", problems)
    layers = [
        ConfigLayer(fixed, folder, dict.fromkeys(fixed, f"{source}: set: ")),
        ConfigLayer(
            others, current_folder(), {_in_experiment(k): origin for k, origin in known.items()}
        ),
    ]
    experiment = _layered_experiment(content.get("experiment"), folder, source, layers, problems)
    sweep, found = check(Sweep, {**content, "experiment": experiment or {}})
    within = {f"{_OF_EXPERIMENT}{key}": known[key] for key in overrides or {} if key not in own}
    problems.add(traced(found, f"{source}: ", known | within))
    if sweep is not None:
        # Not before the check, which tells what is varied; and before a setting is compared with
        # another, as one file can be named by two paths.
        with problems.collected(f"{source}: "):
            sweep = _anchor_values(sweep, folder)
        for layer in layers:
            problems.add(_not_free(sweep, layer))
        if experiment is not None and leaves_test_unread(sweep):
            with problems.collected(f"{source}: experiment: "):
                experiment = with_overrides(experiment, {EVALUATE_TEST: False})
    checked = None
    if experiment is not None:
        checked, found = check(Experiment, experiment)
        of_layers = {key: origin for layer in layers for key, origin in layer.origins.items()}
        problems.add(traced(found, f"{source}: experiment: ", of_layers))
        if problems.found and checked is not None:
            problems.add(_problems_of_settings(content, checked, experiment, source, known))
    problems.refuse()
    assert sweep is not None
    assert checked is not None
    assert experiment is not None
    return _complete_sweep(sweep, checked, experiment, source, known)


def _in_experiment(key: str) -> str:
    return key.removeprefix(_OF_EXPERIMENT)


def _sorted_out(
    overrides: Mapping[str, Any], origins: Mapping[str, str], problems: Problems
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Changes to the sweep's own keys, and to its experiment, by key path."""
    own: dict[str, Any] = {}
    others: dict[str, list[Any]] = {}
    for key, value in overrides.items():
        inner = _in_experiment(key)
        first = inner.split(".")[0]
        if inner == key and first in OWN_KEYS:
            own[key] = value
        elif first in Experiment.model_fields:
            others.setdefault(inner, []).append(value)
        else:
            keys = dict.fromkeys([*OWN_KEYS, *Experiment.model_fields])
            hint = suggestion(first, keys)
            allowed = "" if hint else f"allowed: {', '.join(keys)}"
            problem = Problem("", first, Kind.UNKNOWN_KEY, allowed, hint)
            problems.add([problem.at(origins[key])])
    contradictions = {key: contradiction(values) for key, values in others.items()}
    problems.add(
        Problem(found, key, origin=origins[key]) for key, found in contradictions.items() if found
    )
    return own, {key: values[0] for key, values in others.items() if not contradictions[key]}


def _split_own(path: str) -> tuple[str, ...]:
    """The keys of a key path of the sweep itself; what is varied is a key with dots in it."""
    for parent in ("grid", "set", "random.space", "search.space"):
        if path.startswith(f"{parent}."):
            return *parent.split("."), path.removeprefix(f"{parent}.")
    return split_key(path)


def _with_own(
    content: Mapping[str, Any], own: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Problem]]:
    """Copy `content` with its own keys changed, and the problems."""
    result = dict(content)
    plots = result.get("plot")
    plots = [plots] if isinstance(plots, dict) else plots
    if isinstance(plots, list) and any(key.startswith("plot.") for key in own):
        numbered = any(_split_own(key)[:2][-1].isdecimal() for key in own)
        result["plot"] = (
            {str(number): plot for number, plot in enumerate(plots)}
            if numbered or len(plots) > 1
            else plots[0]
        )
    result, problems = apply_overrides(result, own, _split_own)
    plots = result.get("plot")
    if isinstance(plots, dict) and plots and all(key.isdecimal() for key in plots):
        result["plot"] = [*plots.values()]
    file = own.get("experiment")
    if isinstance(file, str) and Path(file).is_file():  # seen from here, not from the sweep's file
        result["experiment"] = str(Path(file).resolve())
    return result, problems


def _fixed(fixed: Any, origin: str, problems: Problems) -> dict[str, Any]:
    """What the key ``set`` of the file says of the experiment."""
    if fixed is None:
        return {}
    if not isinstance(fixed, dict) or not all(isinstance(key, str) for key in fixed):
        expected = "expected key paths and values"
        problems.add([Problem(short_repr(fixed), "", Kind.FOUND, expected, origin=origin)])
        return {}
    own = {key for key in fixed if key.split(".")[0] in {*OWN_KEYS} - {*Experiment.model_fields}}
    beside = "a key of the sweep itself, which stands beside `set`, not in it"
    problems.add(Problem(beside, key, origin=origin) for key in sorted(own))
    return {key: value for key, value in fixed.items() if key not in own}


def _layered_experiment(
    value: object, folder: Path, source: str, layers: Iterable[ConfigLayer], problems: Problems
) -> dict[str, Any] | None:
    """The experiment that is varied, as it would stand in a file; None if it cannot be read."""
    try:
        given, its_folder = _read_experiment(value, folder, source)
    except ConfigError as error:
        problems.add(error.problems)
        return None
    return with_layers(given, its_folder, f"{source}: experiment: ", layers, problems)


def _problems_of_settings(
    content: Mapping[str, Any],
    checked: Experiment,
    experiment: dict[str, Any],
    source: str,
    origins: Mapping[str, str],
) -> Iterable[Problem]:
    """What else is wrong with the settings of a sweep that is wrong elsewhere."""
    problems = Problems()
    settings = {key: content[key] for key in (*SOURCES, "cross_validation") if key in content}
    sweep, _ = check(Sweep, {**settings, "experiment": experiment})
    if sweep is not None:
        with problems.collected():
            make_trials(_complete_sweep(sweep, checked, experiment, source, origins))
    return problems.found


def _read_experiment(value: object, folder: Path, source: str) -> tuple[dict[str, Any], Path]:
    """The experiment as given, and the folder that its paths are relative to."""
    if isinstance(value, dict):
        return value, folder
    if isinstance(value, str) and is_table(value):
        return table_experiment(value), folder
    if isinstance(value, str):
        path = folder / value
        if not path.exists() or path.is_dir():
            with problems_at(f"{source}: experiment: "):
                path = resolve(value)
        experiment = read_mapping(path)
        refuse_other_command(experiment, str(path))
        return experiment, path.resolve().parent
    found = "nothing" if value is None else short_repr(value)
    raise ConfigError(
        f"{source}: experiment: found {found}; expected a file, a shipped config or an experiment"
    )


def _anchor_values(sweep: Sweep, folder: Path) -> Sweep:
    """Make the data set's relative paths among the varied values absolute, seen from `folder`."""

    def anchor(key: str, value: Any) -> Any:
        return anchor_value(key, value, folder)

    changes: dict[str, Any] = {}
    if sweep.grid is not None:
        changes["grid"] = {k: [anchor(k, v) for v in values] for k, values in sweep.grid.items()}
    if sweep.list is not None:
        changes["list"] = [{k: anchor(k, v) for k, v in item.items()} for item in sweep.list]
    for source, drawn in (("random", sweep.random), ("search", sweep.search)):
        if drawn is not None:
            space = {
                key: distribution.model_copy(
                    update={"choice": [anchor(key, value) for value in distribution.choice]}
                )
                if isinstance(distribution, Choice)
                else distribution
                for key, distribution in drawn.space.items()
            }
            changes[source] = drawn.model_copy(update={"space": space})
    return sweep.model_copy(update=changes)


def _not_free(sweep: Sweep, layer: ConfigLayer) -> Iterator[Problem]:
    """What is fixed although every setting sets it, alone or with the section it is in."""
    if "seed" in layer.values:
        yield SEED_IS_FIXED.at(layer.origins["seed"])
    if leaves_test_unread(sweep):
        what = "cross_validation" if sweep.cross_validation is not None else "a search"
        for path, value, origin in _values_within(layer, EVALUATE_TEST):
            if path == EVALUATE_TEST and value:
                allowed = f"{what} leaves the test split unread: leave it out, or set false"
                yield Problem(short_repr(value), path, Kind.FOUND, allowed, origin=origin)
    items = sweep.list or []
    of_grid = sweep.grid or {}
    for key in varied_keys(sweep):
        remedy = f"; `grid.{key}` changes its values" if key in of_grid else ""
        if any(key not in item for item in items):  # what some leave open has to have a value
            continue
        for path, _, origin in _values_within(layer, key):
            text = f"the sweep varies {key}, so it cannot be fixed{remedy}"
            yield Problem(text, path, origin=origin)


def _values_within(layer: ConfigLayer, key: str) -> Iterator[tuple[str, Any, str]]:
    """Key path, value and origin of all that a layer sets at a key path, or within it.

    A section sets what it says of its own keys, no less than these would one by one.
    """
    for path, value in layer.values.items():
        inner = {path: value} if is_within(path, key) else flat({path: value})
        for place, at_place in inner.items():
            is_name = isinstance(at_place, str) and key == f"{place}.name"  # a section in short
            if is_within(place, key) or is_name:
                yield place, at_place, layer.origins[path]


def _complete_sweep(
    sweep: Sweep,
    checked: Experiment,
    experiment: dict[str, Any],
    source: str,
    origins: Mapping[str, str],
) -> Sweep:
    """The sweep with the experiment's defaults filled in, but for what a varied name decides."""
    complete = checked.model_dump(mode="json")
    for key in varied_keys(sweep):
        section, _, last = key.rpartition(".")
        if section and last == "name":
            given = look_up(experiment, section)
            complete = with_overrides(complete, {section: given})
            if given is None:
                complete = _without(complete, section)
    sweep = sweep.model_copy(update={"experiment": complete})
    sweep._source = source
    sweep._origins = _of_varied(sweep, origins) | {_in_experiment(k): o for k, o in origins.items()}
    return sweep


def _of_varied(sweep: Sweep, origins: Mapping[str, str]) -> dict[str, str]:
    """What messages about varied keys begin with whose values are set from outside."""
    where = {key: place_of_varied(sweep, key) for key in varied_keys(sweep)}
    return {
        key: f"{origin}{place}: " if place == "list" else f"{origin}{place.removesuffix(key)}"
        for key, place in where.items()
        for given, origin in origins.items()
        if is_within(f"{place}.{key}" if place == "list" else place, given)
    }


def _without(content: dict[str, Any], key_path: str) -> dict[str, Any]:
    """Copy `content` without the section at a key path."""
    *parents, last = key_path.split(".")
    section = content = copy.deepcopy(content)
    for key in parents:
        section = section[key]
    del section[last]
    return content
