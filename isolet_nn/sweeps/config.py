"""Everything a sweep file may say, and how it is read.

A sweep changes settings of one experiment, named by their key paths, by a grid, a list or random
samples, and repeats every setting with several seeds.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping
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

from isolet_nn.config import NAME_PATTERN, Count, Experiment, Folds, Section
from isolet_nn.errors import ConfigError, problems_at, short_repr, suggestion
from isolet_nn.loading import (
    anchor_paths,
    is_within,
    name_origins,
    refuse_carried_over,
    with_overrides,
)
from isolet_nn.problems import check, validate
from isolet_nn.shipped import resolve
from isolet_nn.yaml_files import read_mapping


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

    trials: Count
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
Settings = Annotated[list[Setting], Field(min_length=1)]
Seeds = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]
Plots = list[Plot]


_MOST_SEEDS = 1_000_000
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
    workers: Literal["auto"] | Count = "auto"
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
        if not 1 <= value <= _MOST_SEEDS:
            raise ValueError(
                f"found {value}; allowed: a list of seeds, or how many, 1 to {_MOST_SEEDS}"
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


def load_sweep(
    config: str | Path | Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Sweep:
    """Read and check a sweep, except for the combinations of its settings.

    Parameters
    ----------
    config
        A YAML file, or its content as a mapping.
    overrides
        Changes to the experiment by key path, on top of the file's own ``set``.
    changes
        Keys of the sweep file itself to replace; those that are None stay.

    Raises
    ------
    ConfigError
        If anything is wrong; the message lists all problems, one a line.
    """
    if isinstance(config, Mapping):
        source, folder, content = "sweep", Path.cwd(), dict(config)
    else:
        path = Path(config)
        source, folder, content = str(path), path.resolve().parent, read_mapping(path)
    refuse_carried_over(content, source)
    content |= {key: value for key, value in (changes or {}).items() if value is not None}
    fixed = content.pop("set", None) or {}
    if not isinstance(fixed, dict) or not all(isinstance(key, str) for key in fixed):
        found = short_repr(fixed)
        raise ConfigError(f"{source}: set: found {found}; expected key paths and values")
    if "dataset" in content and "experiment" not in content:
        raise ConfigError(f"{source}: describes one experiment; `isolet-nn train` runs it")
    experiment, base = _read_experiment(content.get("experiment"), folder, source)
    experiment = anchor_paths(experiment, base)
    with problems_at(f"{source}: set: "):
        experiment = with_overrides(experiment, fixed)
    experiment = anchor_paths(experiment, folder)
    experiment = anchor_paths(with_overrides(experiment, overrides or {}), Path.cwd())
    content["experiment"] = experiment
    sweep = _anchor_values(validate(Sweep, content, source), folder)
    _require_free(sweep, overrides or {}, "--set")
    _require_free(sweep, fixed, f"{source}: set")
    if sweep.cross_validation is not None:
        experiment = with_overrides(experiment, {EVALUATE_TEST: False})
    origins = dict.fromkeys(fixed, f"{source}: set: ")
    origins |= dict.fromkeys(overrides or {}, "--set ")
    complete = _complete(experiment, varied_keys(sweep), f"{source}: experiment: ", origins)
    complete_sweep = sweep.model_copy(update={"experiment": complete})
    complete_sweep._source = source
    return complete_sweep


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
        return look_up(anchor_paths(with_overrides({}, {key: value}), folder), key)

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


def _require_free(sweep: Sweep, fixed: Mapping[str, Any], where: str) -> None:
    """Refuse to fix what every setting sets, alone or with the section it is in."""
    if "seed" in fixed:
        raise ConfigError(f"{where} {_SEEDS}")
    if sweep.cross_validation is not None and fixed.get(EVALUATE_TEST):
        found = short_repr(fixed[EVALUATE_TEST])
        raise ConfigError(
            f"{where} {EVALUATE_TEST}: found {found}; cross_validation leaves the test split "
            "unread: leave it out, or set false"
        )
    items = sweep.list or []
    for key in varied_keys(sweep):
        if any(key not in item for item in items):  # what some leave open has to have a value
            continue
        for fixed_key in fixed:
            if is_within(fixed_key, key):
                raise ConfigError(
                    f"{where} {fixed_key}: the sweep varies {key}, so it cannot be fixed"
                )


def _complete(
    experiment: dict[str, Any], varied: Iterable[str], source: str, origins: Mapping[str, str]
) -> dict[str, Any]:
    """The experiment with defaults filled in, except where a varied name decides on the keys."""
    checked, problems = check(Experiment, experiment)
    if checked is None:
        raise ConfigError(name_origins(problems, source, origins))
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


def look_up(content: Any, key_path: str) -> Any:
    """The value at a key path, None where there is none."""
    for key in key_path.split("."):
        if not isinstance(content, Mapping) or key not in content:
            return None
        content = content[key]
    return content
