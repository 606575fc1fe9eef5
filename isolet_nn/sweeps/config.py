"""Everything a sweep file may say, and how it is read.

A sweep changes settings of one experiment, named by their key paths, by a grid, a list or random
samples, and repeats every setting with several seeds.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    PrivateAttr,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from isolet_nn.config.bounds import MOST_SEEDS, MOST_SETTINGS, MOST_TRIALS, MOST_WORKERS
from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import (
    anchor_paths,
    anchor_value,
    apply_overrides,
    contradiction,
    is_within,
    layered,
    look_up,
    name_origins,
    read_config,
    refuse_carried_over,
    split_key,
    with_overrides,
)
from isolet_nn.config.problems import check
from isolet_nn.config.section import NAME_PATTERN, Folds, Section
from isolet_nn.config.shipped import resolve
from isolet_nn.config.yaml_files import read_mapping
from isolet_nn.errors import (
    ConfigError,
    Problems,
    counted,
    problems_at,
    short_repr,
    suggestion,
)
from isolet_nn.system.folders import current_folder


def _plain(value: Any) -> Any:
    """Refuse what YAML can say and no setting can be: dates, infinities, keys that are no text."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError(f"found {short_repr(value)}; keys should be text")
        return {key: _plain(item) for key, item in value.items()}
    is_number = isinstance(value, (bool, int, float)) and math.isfinite(value)
    if not is_number and not isinstance(value, (str, type(None))):
        raise ValueError(f"found {short_repr(value)}, which no setting can be")
    return value


Value = Annotated[Any, AfterValidator(_plain)]
Setting = dict[str, Value]
"""Values by key path, such as ``{"optimizer.learning_rate": 0.1}``."""

FloatRange = Annotated[list[float], Field(min_length=2, max_length=2)]
IntegerRange = Annotated[
    list[Annotated[int, Field(ge=-(2**53), le=2**53)]], Field(min_length=2, max_length=2)
]


class LogUniform(Section):
    """Uniform in the logarithm."""

    log_uniform: FloatRange
    """Lowest and highest value, both above 0."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        low, high = self.log_uniform
        if not 0.0 < low < high:
            raise ValueError("log_uniform takes [low, high] with 0 < low < high")
        return self


class Uniform(Section):
    """Uniform between two numbers."""

    uniform: FloatRange
    """Lowest and highest value."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not 0.0 < self.uniform[1] - self.uniform[0] < math.inf:
            raise ValueError("uniform takes [low, high] with low < high")
        return self


class Integers(Section):
    """Whole numbers, all equally likely."""

    integers: IntegerRange
    """Lowest and highest value, both included."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.integers[0] <= self.integers[1]:
            raise ValueError("integers takes [low, high] with low <= high")
        return self


class Choice(Section):
    """One of several values, all equally likely."""

    choice: Annotated[list[Value], Field(min_length=1)]
    """The values."""


_DISTRIBUTIONS: dict[str, type[Section]] = {
    "log_uniform": LogUniform,
    "uniform": Uniform,
    "integers": Integers,
    "choice": Choice,
}


def _distribution_kind(value: object) -> str | None:
    """The key that tells which distribution it is, of a section in a file or of a model."""
    if isinstance(value, Section):
        return next(iter(type(value).model_fields))
    keys = list(value) if isinstance(value, dict) else []
    return keys[0] if len(keys) == 1 and keys[0] in _DISTRIBUTIONS else None


Distribution = Annotated[
    Annotated[LogUniform, Tag("log_uniform")]
    | Annotated[Uniform, Tag("uniform")]
    | Annotated[Integers, Tag("integers")]
    | Annotated[Choice, Tag("choice")],
    Discriminator(
        _distribution_kind,
        custom_error_type="distribution",
        custom_error_message="be one of log_uniform, uniform, integers and choice, "
        "for instance {log_uniform: [1e-4, 1e-1]}",
    ),
]


class RandomSettings(Section):
    """Settings drawn at random."""

    trials: Annotated[int, Field(ge=1, le=MOST_SETTINGS)]
    """Settings to draw (each is tried with every seed)."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the drawing."""
    space: Annotated[dict[str, Distribution], Field(min_length=1)]
    """A distribution for each key path: log_uniform, uniform, integers or choice."""


class CrossValidation(Section):
    """Folds of the training part: each is held out and scored once, and the test set not read."""

    folds: Folds
    """Folds; a trial for each of them, of every setting with every seed."""
    by: Literal["rows", "speaker", "group"] = "rows"
    """What is kept together: nothing (stratified by class), or all rows of a speaker or group."""


class Plot(Section):
    """A picture of the results."""

    kind: Literal["heatmap", "boxplot", "line", "scatter"]
    """What to draw."""
    x: str
    """Key path on the horizontal axis."""
    y: str | None = None
    """heatmap, scatter: key path on the vertical axis. line: key path that tells lines apart."""
    panels: str | None = None
    """heatmap: key path of which each value gets a panel."""
    value: Literal[
        "train_loss",
        "train_accuracy",
        "validation_loss",
        "validation_accuracy",
        "test_loss",
        "test_accuracy",
    ] = "test_accuracy"
    """What is drawn."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "heatmap" and self.y is None:
            raise ValueError("a heatmap needs y")
        if self.kind == "boxplot" and self.y is not None:
            raise ValueError("a boxplot has no y: its groups are x")
        if self.kind != "heatmap" and self.panels is not None:
            raise ValueError("only a heatmap has panels")
        return self


Grid = Annotated[dict[str, Annotated[list[Value], Field(min_length=1)]], Field(min_length=1)]
Settings = Annotated[list[Setting], Field(min_length=1, max_length=MOST_SETTINGS)]
Seeds = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=MOST_SEEDS)]
Plots = list[Plot]


_SEEDS = "seed: seeds are given by the key `seeds`"
SETTING = "setting"
"""What the entries of a list are called along an axis."""
EVALUATE_TEST = "training.evaluate_test"
"""Key path of what cross-validation switches off."""


class Sweep(Section):
    """What a sweep file describes."""

    name: Annotated[str, Field(pattern=NAME_PATTERN)] = "sweep"
    """Part of the sweep folder's name."""
    experiment: dict[str, Any]
    """The experiment that is varied: a file (relative to this one), a shipped config, or inline."""
    grid: Grid | None = None
    """Values for each key path; all combinations are tried, the last key varying fastest."""
    list: Settings | None = None
    """Settings, one a line, for values that change together."""
    random: RandomSettings | None = None
    """Settings drawn at random."""
    seeds: Seeds = Field(default=[0])
    """Seeds that every setting is tried with: a list, or how many from 0 on."""
    cross_validation: CrossValidation | None = None
    """Score every setting on folds of the training part, for instance {folds: 5, by: speaker}."""
    plot: Plots = Field(default=[])
    """Picture of the results, or several in a list; without one, what suits the varied keys."""
    workers: Literal["auto"] | Annotated[int, Field(ge=1, le=MOST_WORKERS)] = "auto"
    """Local processes; auto takes one a processor."""
    save_models: Literal["best", "all", "none"] = "best"
    """Whose weights are kept."""
    _source: str = PrivateAttr(default="sweep")

    @property
    def source(self) -> str:
        """What messages call it: its file, if it is from one."""
        return self._source

    @field_validator("seeds", mode="before")
    @classmethod
    def _count_of_seeds(cls, value: object) -> object:
        if not isinstance(value, int) or isinstance(value, bool):
            return value
        if not 1 <= value <= MOST_SEEDS:
            raise ValueError(
                f"found {value}; allowed: a list of seeds, or how many, 1 to {MOST_SEEDS}"
            )
        return [*range(value)]

    @field_validator("seeds", mode="after")
    @classmethod
    def _different_seeds(cls, value: Seeds) -> Seeds:
        if len(set(value)) < len(value):
            raise ValueError("a seed is given twice")
        return value

    @field_validator("plot", mode="before")
    @classmethod
    def _one_plot(cls, value: object) -> object:
        return [value] if isinstance(value, dict) else value

    @field_validator("plot", mode="after")
    @classmethod
    def _plots_show_what_is_read(cls, value: Plots, info: ValidationInfo) -> Plots:
        """Under cross-validation there is no test accuracy, which plots show unless told to."""
        if info.data.get("cross_validation") is None:
            return value
        for plot in value:
            if "value" in plot.model_fields_set and plot.value.startswith("test_"):
                raise ValueError(
                    f"found value: {plot.value}; cross_validation leaves the test set unread: "
                    f"take {plot.value.replace('test', 'validation')}"
                )
        return [
            plot
            if "value" in plot.model_fields_set
            else plot.model_copy(update={"value": "validation_accuracy"})
            for plot in value
        ]

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(source is not None for source in (self.grid, self.list, self.random)) > 1:
            raise ValueError("give only one of grid, list and random")
        return self

    @model_validator(mode="after")
    def _trials_can_be_counted(self) -> Self:
        settings = n_settings(self)
        if settings > MOST_SETTINGS:
            raise ValueError(
                f"grid: its combinations are {settings} settings; at most {MOST_SETTINGS} can be "
                "tried, and random draws some of more"
            )
        folds = self.cross_validation.folds if self.cross_validation else 1
        trials = settings * len(self.seeds) * folds
        if trials > MOST_TRIALS:
            raise ValueError(
                f"{counted(settings, 'setting')}, {counted(len(self.seeds), 'seed')} and "
                f"{counted(folds, 'fold')} make {trials} trials; at most {MOST_TRIALS} are allowed"
            )
        return self

    @model_validator(mode="after")
    def _seeds_are_no_setting(self) -> Self:
        if "seed" in varied_keys(self):
            raise ValueError(_SEEDS)
        return self

    @model_validator(mode="after")
    def _folds_decide_on_splits(self) -> Self:
        if self.cross_validation is None:
            return self
        for key in varied_keys(self):
            if is_within(key, "dataset.validation") or is_within(key, EVALUATE_TEST):
                raise ValueError(f"{key}: cross_validation decides on it, so it cannot be varied")
        if conflict := conflict_with_folds(self.experiment):
            raise ValueError(f"experiment.{conflict}")
        return self

    @model_validator(mode="after")
    def _keys_are_varied(self) -> Self:
        keys = axis_keys(self)
        for number, plot in enumerate(self.plot):
            for axis in ("x", "y", "panels"):
                key = getattr(plot, axis)
                if key is not None and key not in keys:
                    allowed = f"the sweep varies {', '.join(keys)}{suggestion(key, keys)}"
                    raise ValueError(f"plot.{number}.{axis}: found {key}; {allowed}")
        return self


def varied_keys(sweep: Sweep) -> tuple[str, ...]:
    """Key paths that a sweep varies, seed aside, in the order of the file."""
    if sweep.grid is not None:
        return tuple(sweep.grid)
    if sweep.list is not None:
        return tuple(dict.fromkeys(key for setting in sweep.list for key in setting))
    return tuple(sweep.random.space) if sweep.random is not None else ()


def n_settings(sweep: Sweep) -> int:
    """How many settings a sweep tries, counted without making them."""
    if sweep.grid is not None:
        return math.prod(len(values) for values in sweep.grid.values())
    if sweep.list is not None:
        return len(sweep.list)
    return sweep.random.trials if sweep.random is not None else 1


def axis_keys(sweep: Sweep) -> list[str]:
    """What can stand along an axis of a picture: varied keys, a list's settings, seeds, folds."""
    settings = [SETTING] if sweep.list is not None else []
    folds = ["fold"] if sweep.cross_validation else []
    return [*varied_keys(sweep), *settings, "seed", *folds]


def conflict_with_folds(experiment: Mapping[str, Any]) -> str | None:
    """What in an experiment, as it stands in a file, does not go with cross-validation."""
    validation = look_up(experiment, "dataset.validation")
    if validation not in (None, "none"):
        return (
            f"dataset.validation: found {short_repr(validation)}; cross_validation holds out folds "
            "instead: leave it out, or set none"
        )
    if look_up(experiment, "training.early_stopping") is not None:
        return (
            "training.early_stopping: under cross_validation it would choose the epoch on the very "
            "fold that is scored; set null, and vary training.epochs instead"
        )
    return None


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
    refuse_carried_over(content, source)
    if "dataset" in content and "experiment" not in content:
        raise ConfigError(f"{source}: describes one experiment; `isolet-nn train {source}` runs it")
    problems = Problems()
    known = dict.fromkeys(overrides or {}, "override ") | dict(origins or {})
    own, others = _sorted_out(overrides or {}, known, problems)
    content, found = _with_own(content, own)
    problems.add(name_origins(found, "", known))
    origins = {_in_experiment(key): origin for key, origin in known.items()}
    layers = [
        _Layer(*_fixed(content.pop("set", None), source, problems), folder),
        _Layer(
            others, {_in_experiment(key): origin for key, origin in known.items()}, current_folder()
        ),
    ]
    experiment = _layered_experiment(content.get("experiment"), folder, source, layers, problems)
    sweep, found = check(Sweep, {**content, "experiment": experiment or {}})
    problems.add(name_origins(found, f"{source}: ", known))
    if sweep is not None:
        sweep = _anchor_values(sweep, folder)
        for layer in layers:
            problems.add(_not_free(sweep, layer))
        if sweep.cross_validation is not None:
            experiment = with_overrides(experiment or {}, {EVALUATE_TEST: False})
    of_layers = {key: origin for layer in layers for key, origin in layer.origins.items()}
    checked, found = check(Experiment, experiment or {})
    if experiment is not None:
        problems.add(name_origins(found, f"{source}: experiment: ", of_layers))
    if problems.lines and checked is not None:
        problems.add(_problems_of_settings(content, checked, experiment or {}, source))
    problems.refuse()
    assert sweep is not None
    assert checked is not None
    assert experiment is not None
    complete = _complete(checked, experiment, varied_keys(sweep))
    complete_sweep = sweep.model_copy(update={"experiment": complete})
    complete_sweep._source = source
    return complete_sweep


@dataclass(frozen=True)
class _Layer:
    """Changes to the experiment, each with what messages about it begin with."""

    overrides: Mapping[str, Any]
    origins: Mapping[str, str]
    folder: Path
    """What paths among them are relative to."""


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
            allowed = [*OWN_KEYS, *Experiment.model_fields]
            hint = suggestion(first, allowed) or f"; allowed: {', '.join(dict.fromkeys(allowed))}"
            problems.add([f"{origins[key]}{first}: unknown key{hint}"])
    contradictions = {key: contradiction(values) for key, values in others.items()}
    problems.add(f"{origins[k]}{k}: {found}" for k, found in contradictions.items() if found)
    return own, {key: values[0] for key, values in others.items() if not contradictions[key]}


def _split_own(path: str) -> tuple[str, ...]:
    """The keys of a key path of the sweep itself; what is varied is a key with dots in it."""
    for parent in ("grid", "set", "random.space"):
        if path.startswith(f"{parent}."):
            return *parent.split("."), path.removeprefix(f"{parent}.")
    return split_key(path)


def _with_own(
    content: Mapping[str, Any], own: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
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


def _fixed(fixed: Any, source: str, problems: Problems) -> tuple[dict[str, Any], Mapping[str, str]]:
    """What the key ``set`` of the file says, and what messages about it begin with."""
    where = f"{source}: set: "
    if fixed is None:
        return {}, {}
    if not isinstance(fixed, dict) or not all(isinstance(key, str) for key in fixed):
        problems.add([f"{where}found {short_repr(fixed)}; expected key paths and values"])
        return {}, {}
    own = {key for key in fixed if key.split(".")[0] in {*OWN_KEYS} - {*Experiment.model_fields}}
    problems.add(
        f"{where}{key}: a key of the sweep itself, which stands beside `set`, not in it"
        for key in sorted(own)
    )
    return {key: value for key, value in fixed.items() if key not in own}, dict.fromkeys(
        fixed, where
    )


def _layered_experiment(
    value: object, folder: Path, source: str, layers: Iterable[_Layer], problems: Problems
) -> dict[str, Any] | None:
    """The experiment that is varied, as it would stand in a file; None if it cannot be read."""
    experiment = None
    with problems.collected():
        given, base = _read_experiment(value, folder, source)
        with problems_at(f"{source}: experiment: "):
            experiment = anchor_paths(given, base)
        for layer in layers:
            experiment, found = layered(experiment, layer.overrides, layer.folder, layer.origins)
            problems.add(found)
    return experiment


def _problems_of_settings(
    content: Mapping[str, Any], checked: Experiment, experiment: dict[str, Any], source: str
) -> list[str]:
    """What else is wrong with the settings of a sweep that is wrong elsewhere."""
    from isolet_nn.sweeps.grid import make_trials  # which is made of what this module reads

    problems = Problems()
    varied = ("grid", "list", "random", "cross_validation")
    settings = {key: content[key] for key in varied if key in content}
    sweep, _ = check(Sweep, {**settings, "experiment": experiment})
    if sweep is not None:
        complete = _complete(checked, experiment, varied_keys(sweep))
        sweep = sweep.model_copy(update={"experiment": complete})
        sweep._source = source
        with problems.collected():
            make_trials(sweep)
    return problems.lines


def _read_experiment(value: object, folder: Path, source: str) -> tuple[dict[str, Any], Path]:
    """The experiment as given, and the folder that its paths are relative to."""
    if isinstance(value, dict):
        return value, folder
    if isinstance(value, str):
        path = folder / value
        if not path.exists() or path.is_dir():
            with problems_at(f"{source}: experiment: "):
                path = resolve(value)
        experiment = read_mapping(path)
        refuse_carried_over(experiment, str(path))
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
    if sweep.random is not None:
        space = {
            key: Choice(choice=[anchor(key, value) for value in distribution.choice])
            if isinstance(distribution, Choice)
            else distribution
            for key, distribution in sweep.random.space.items()
        }
        changes["random"] = sweep.random.model_copy(update={"space": space})
    return sweep.model_copy(update=changes)


def _not_free(sweep: Sweep, layer: _Layer) -> Iterator[str]:
    """What is fixed although every setting sets it, alone or with the section it is in."""
    fixed, origins = layer.overrides, layer.origins
    if "seed" in fixed:
        yield f"{origins['seed']}{_SEEDS}"
    if sweep.cross_validation is not None and fixed.get(EVALUATE_TEST):
        found = short_repr(fixed[EVALUATE_TEST])
        yield (
            f"{origins[EVALUATE_TEST]}{EVALUATE_TEST}: found {found}; cross_validation leaves the "
            "test split unread: leave it out, or set false"
        )
    items = sweep.list or []
    for key in varied_keys(sweep):
        if any(key not in item for item in items):  # what some leave open has to have a value
            continue
        for path in fixed:
            if is_within(path, key):
                yield f"{origins[path]}{path}: the sweep varies {key}, so it cannot be fixed"


def _complete(
    checked: Experiment, experiment: dict[str, Any], varied: Iterable[str]
) -> dict[str, Any]:
    """The experiment with defaults filled in, except where a varied name decides on the keys."""
    complete = checked.model_dump(mode="json")
    for key in varied:
        section, _, last = key.rpartition(".")
        if section and last == "name":
            given = look_up(experiment, section)
            complete = with_overrides(complete, {section: given})
            if given is None:
                complete = _without(complete, section)
    return complete


def _without(content: dict[str, Any], key_path: str) -> dict[str, Any]:
    """Copy `content` without the section at a key path."""
    *parents, last = key_path.split(".")
    section = content = copy.deepcopy(content)
    for key in parents:
        section = section[key]
    del section[last]
    return content
