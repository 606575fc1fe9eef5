"""Everything a sweep file may say.

A sweep changes settings of one experiment, named by their key paths, by a grid, a list or random
samples, or a search, and repeats every setting with several seeds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, PrivateAttr, ValidationInfo, field_validator, model_validator

from isolet_nn.config.bounds import MOST_SEEDS, MOST_SETTINGS, MOST_TRIALS, MOST_WORKERS
from isolet_nn.config.key_paths import is_within, look_up
from isolet_nn.config.metrics import MeasureName, Metric, is_metric, measure_name
from isolet_nn.config.section import NAME_PATTERN, Count, Folds, RuleError, Section
from isolet_nn.config.tracking import Tracking
from isolet_nn.errors import Kind, Problem, counted, short_repr, suggestion
from isolet_nn.sweeps.distributions import RandomSettings, Setting, Value
from isolet_nn.sweeps.search_config import Search


class CrossValidation(Section):
    """Folds of the training part: each is held out and scored once, and the test set not read."""

    folds: Folds
    """Folds; a trial for each of them, of every setting with every seed."""
    outer_folds: Folds | None = None
    """Nested: folds in place of the test part; a setting is chosen anew without each of them."""
    repeats: Count = 1
    """How often the rows are dealt to folds anew; a trial for each fold of each repeat."""
    by: Literal["rows", "speaker", "group"] = "rows"
    """What is kept together: nothing (stratified by class), or all rows of a speaker or group."""

    @property
    def shape(self) -> dict[str, int]:
        """What there is of each that a trial's number counts, the last running fastest."""
        repeats = {"repeat": self.repeats} if self.repeats > 1 else {}
        outer = {"outer_fold": self.outer_folds} if self.outer_folds is not None else {}
        return {**repeats, **outer, "fold": self.folds}

    def changes(self, division: Mapping[str, int]) -> dict[str, Any]:
        """What a division of the rows changes in an experiment, by key path.

        Parameters
        ----------
        division
            Number of the fold that is held out, and where there are several of the repeat and the
            outer fold. Without a fold, all that is not in the outer fold is trained on.
        """
        part = {"by": self.by, **{name: n for name, n in division.items() if name == "repeat"}}
        changes: dict[str, Any] = {"dataset.validation": "none"}
        if "fold" in division:
            fold = {"folds": self.folds, "fold": division["fold"], **part}
            changes = {"dataset.validation": fold}
        if self.outer_folds is not None:
            outer = {"folds": self.outer_folds, "fold": division["outer_fold"], **part}
            changes["dataset.test"] = outer
        # Only what is trained without a fold may read the outer fold: nothing is chosen by it.
        return {**changes, EVALUATE_TEST: "fold" not in division}


OverviewKind = Literal["history", "importance", "parallel", "contour", "epochs"]
"""Pictures of all settings together."""
OVERVIEWS: tuple[OverviewKind, ...] = get_args(OverviewKind)


class Plot(Section):
    """A picture of the results."""

    kind: Literal["heatmap", "boxplot", "line", "scatter"] | OverviewKind
    """What to draw; the last five show all settings together, as one wants it of a search."""
    x: str | None = None
    """Key path on the horizontal axis; of a contour one of the two most important unless given."""
    y: str | None = None
    """heatmap, scatter, contour: key path on the vertical axis. line: what tells lines apart."""
    panels: str | None = None
    """heatmap: key path of which each value gets a panel."""
    value: Metric = "test_accuracy"
    """What is drawn; unless given, what the sweep ranks by."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind in OVERVIEWS:
            if self.kind != "contour" and (self.x or self.y):
                raise ValueError(f"kind: {self.kind} has no x and no y: it shows all keys")
        elif self.x is None:
            raise ValueError(f"kind: {self.kind} needs x")
        if self.kind == "heatmap" and self.y is None:
            raise ValueError("kind: heatmap needs y")
        if self.kind == "boxplot" and self.y is not None:
            raise ValueError("kind: boxplot has no y: its groups are x")
        if self.kind != "heatmap" and self.panels is not None:
            raise ValueError("panels go with kind: heatmap alone")
        return self


Grid = Annotated[dict[str, Annotated[list[Value], Field(min_length=1)]], Field(min_length=1)]
Settings = Annotated[list[Setting], Field(min_length=1, max_length=MOST_SETTINGS)]
Seeds = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=MOST_SEEDS)]
Plots = list[Plot]
Gpu = Annotated[str, Field(pattern=r"^cuda:\d{1,4}$")]
Devices = Literal["auto"] | Annotated[list[Gpu], Field(min_length=1)]


SOURCES = ("grid", "list", "random", "search")
"""Keys of a sweep file of which one says what settings there are."""
SEED_IS_FIXED = Problem("seeds are given by the key `seeds`", "seed")
SETTING = "setting"
"""What the entries of a list are called along an axis."""
EVALUATE_TEST = "training.evaluate_test"
"""Key path of what cross-validation switches off."""


class Sweep(Section):
    """What a sweep file describes."""

    name: Annotated[str, Field(pattern=NAME_PATTERN)] = "sweep"
    """Part of the sweep folder's name."""
    experiment: dict[str, Any]
    """What is varied: a file (relative to this one), a shipped config, a table, or inline."""
    grid: Grid | None = None
    """Values for each key path; all combinations are tried, the last key varying fastest."""
    list: Settings | None = None
    """Settings, one a line, for values that change together."""
    random: RandomSettings | None = None
    """Settings drawn at random."""
    search: Search | None = None
    """Settings asked of a sampler that learns from the results so far; needs Optuna."""
    seeds: Seeds = Field(default=[0])
    """Seeds that every setting is tried with: a list, or how many from 0 on."""
    cross_validation: CrossValidation | None = None
    """Score every setting on folds of the training part, for instance {folds: 5, by: speaker}."""
    rank_by: MeasureName = "accuracy"
    """What the best settings are the best by: of the validation split, if there is one."""
    plot: Plots = Field(default=[])
    """Picture of the results, or several in a list; without one, what suits the varied keys."""
    workers: Literal["auto"] | Annotated[int, Field(ge=1, le=MOST_WORKERS)] = "auto"
    """Local processes; auto takes one a processor, or one a GPU where trials compute there."""
    devices: Devices = "auto"
    """GPUs with a worker each, such as [cuda:0, cuda:1]; auto takes all where trials use them."""
    save_models: Literal["best", "all", "none"] = "best"
    """Whose weights are kept."""
    save_curves: Literal["training", "full", "none"] = "training"
    """Kept of each epoch: training loss and accuracy; full: all metrics, which takes longer."""
    tracking: Tracking = None
    """Trackers that hear of it, such as [mlflow]; null: those of its experiment, or your own."""
    _source: str = PrivateAttr(default="sweep")
    _origins: dict[str, str] = PrivateAttr(default={})

    @property
    def source(self) -> str:
        """What messages call it: its file, if it is from one."""
        return self._source

    @property
    def origins(self) -> Mapping[str, str]:
        """What messages about its trials begin with, by key path, if not with the source."""
        return self._origins

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
        """Unless told what to show, plots show what is ranked by; what is unread is not drawn."""
        unread_by = next((k for k in ("cross_validation", "search") if info.data.get(k)), None)
        for plot in value:
            if unread_by and "value" in plot.model_fields_set and plot.value.startswith("test_"):
                raise ValueError(
                    f"found value: {plot.value}; {unread_by} leaves the test set unread: "
                    f"take {plot.value.replace('test', 'validation')}"
                )
        shown = f"{'validation' if unread_by else 'test'}_{info.data.get('rank_by', 'accuracy')}"
        return [
            plot if "value" in plot.model_fields_set else plot.model_copy(update={"value": shown})
            for plot in value
        ]

    @model_validator(mode="before")
    @classmethod
    def _searches_rank_by_their_metric(cls, content: Any) -> Any:
        search = content.get("search") if isinstance(content, dict) else None
        metric = search.get("metric") if isinstance(search, dict) else None
        if not isinstance(metric, str) or not is_metric(metric) or "rank_by" in content:
            return content
        return {**content, "rank_by": measure_name(metric)}

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        sources = {key: getattr(self, key) for key in SOURCES}
        if sum(source is not None for source in sources.values()) > 1:
            found = "give only one of grid, list, random and search"
            raise RuleError(Problem(found, also=tuple(sources)))
        return self

    @model_validator(mode="after")
    def _search_is_possible(self) -> Self:
        if self.search is None:
            return self
        if measure_name(self.search.metric) != self.rank_by:
            found = f"a search ranks by its metric, {self.search.metric}"
            raise RuleError(Problem(found, "rank_by", allowed="leave it out"))
        if self.cross_validation is not None and self.cross_validation.outer_folds is not None:
            found = (
                "a search over all outer folds would have seen each of them; search once for each, "
                "with experiment.dataset.test as {folds, fold}"
            )
            raise RuleError(Problem(found, "cross_validation.outer_folds"))
        return self

    @model_validator(mode="after")
    def _trials_can_be_counted(self) -> Self:
        settings = n_settings(self)
        if settings > MOST_SETTINGS:
            found = f"its combinations are {settings} settings"
            allowed = f"at most {MOST_SETTINGS} can be tried, and random draws some of more"
            raise RuleError(Problem(found, "grid", allowed=allowed))
        folds = self.cross_validation.shape if self.cross_validation else {"fold": 1}
        trials = settings * len(self.seeds) * math.prod(folds.values())
        if self.cross_validation is not None and self.cross_validation.outer_folds is not None:
            trials += len(self.seeds) * math.prod([*folds.values()][:-1])
        if trials > MOST_TRIALS:
            counts = {"setting": settings, "seed": len(self.seeds)}
            counts |= {name.replace("_", " "): n for name, n in folds.items()}
            *firsts, last = (counted(n, noun) for noun, n in counts.items())
            found = f"{', '.join(firsts)} and {last} make {trials} trials"
            varied = next((key for key in SOURCES if getattr(self, key) is not None), "grid")
            factors = {f"cross_validation.{name}s": n for name, n in folds.items()}
            factors |= {"seeds": len(self.seeds), varied: settings}
            most = max(factors, key=factors.__getitem__)
            raise RuleError(Problem(found, most, allowed=f"at most {MOST_TRIALS} are allowed"))
        return self

    @model_validator(mode="after")
    def _seeds_and_trackers_are_no_setting(self) -> Self:
        if "seed" in varied_keys(self):
            raise RuleError(replace(SEED_IS_FIXED, path=place_of_varied(self, "seed")))
        for key in varied_keys(self):
            if is_within(key, "tracking"):
                found = "no result depends on it, so it cannot be varied"
                raise RuleError(Problem(found, place_of_varied(self, key)))
        return self

    @model_validator(mode="after")
    def _folds_decide_on_splits(self) -> Self:
        if self.cross_validation is None:
            return self
        for key in varied_keys(self):
            decided = ["dataset.validation", EVALUATE_TEST]
            decided += ["dataset.test"] if self.cross_validation.outer_folds else []
            if any(is_within(key, section) for section in decided):
                found = "cross_validation decides on it, so it cannot be varied"
                raise RuleError(Problem(found, place_of_varied(self, key)))
        if conflict := conflict_with_folds(self.experiment):
            raise RuleError(replace(conflict, path=f"experiment.{conflict.path}"))
        return self

    @model_validator(mode="after")
    def _keys_are_varied(self) -> Self:
        keys = axis_keys(self)
        for number, plot in enumerate(self.plot):
            for axis in ("x", "y", "panels"):
                key = getattr(plot, axis)
                if key is not None and key not in keys:
                    where, allowed = f"plot.{number}.{axis}", f"the sweep varies {', '.join(keys)}"
                    hint = suggestion(key, keys)
                    also = (f"plot.{axis}",) if len(self.plot) == 1 else ()
                    raise RuleError(Problem(key, where, Kind.FOUND, allowed, hint, also=also))
        return self


def varied_keys(sweep: Sweep) -> tuple[str, ...]:
    """Key paths that a sweep varies, seed aside, in the order of the file."""
    if sweep.grid is not None:
        return tuple(sweep.grid)
    if sweep.list is not None:
        return tuple(dict.fromkeys(key for setting in sweep.list for key in setting))
    drawn = sweep.random or sweep.search
    return tuple(drawn.space) if drawn is not None else ()


def distribution_of(sweep: Sweep, key: str) -> object:
    """What the values of a key are drawn from; None where they are given one by one."""
    drawn = sweep.random or sweep.search
    return None if drawn is None else drawn.space.get(key)


def place_of_varied(sweep: Sweep, key: str) -> str:
    """Key path at which a sweep's file has the values of a varied key, or the list with them."""
    if sweep.list is not None:
        return "list"
    if sweep.grid is not None:
        return f"grid.{key}"
    return f"{'search' if sweep.search is not None else 'random'}.space.{key}"


def leaves_test_unread(sweep: Sweep) -> bool:
    """Whether no trial of it may read the test set."""
    return sweep.cross_validation is not None or sweep.search is not None


def n_settings(sweep: Sweep) -> int:
    """How many settings a sweep tries at the most, counted without making them."""
    if sweep.grid is not None:
        return math.prod(len(values) for values in sweep.grid.values())
    if sweep.list is not None:
        return len(sweep.list)
    drawn = sweep.random or sweep.search
    return drawn.trials if drawn is not None else 1


def axis_keys(sweep: Sweep) -> list[str]:
    """What can stand along an axis of a picture: varied keys, a list's settings, seeds, folds."""
    settings = [SETTING] if sweep.list is not None else []
    folds = sweep.cross_validation.shape if sweep.cross_validation else {}
    return [*varied_keys(sweep), *settings, "seed", *folds]


def conflict_with_folds(experiment: Mapping[str, Any]) -> Problem | None:
    """What in an experiment, as it stands in a file, does not go with cross-validation."""
    validation = look_up(experiment, "dataset.validation")
    if validation not in (None, "none"):
        instead = "cross_validation holds out folds instead: leave it out, or set none"
        return Problem(short_repr(validation), "dataset.validation", Kind.FOUND, instead)
    if look_up(experiment, "training.early_stopping") is not None:
        return Problem(
            "under cross_validation it would choose the epoch on the very fold that is scored",
            "training.early_stopping",
            allowed="set null, and vary training.epochs instead",
        )
    schedule = look_up(experiment, "training.schedule")
    name = schedule.get("name") if isinstance(schedule, Mapping) else schedule
    if name == "reduce_on_plateau":
        return Problem(
            f"under cross_validation {name} would choose the rates on the very fold that is scored",
            "training.schedule",
            allowed="take one that follows from the number of epochs, such as cosine",
        )
    return None
