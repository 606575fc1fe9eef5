"""Who takes part: each with the settings that are compared by cross-validation, and why these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from isolet_nn.config.section import NAME_PATTERN, Count, Section
from isolet_nn.errors import ConfigError, suggestion
from isolet_nn.system.machine import has_torch
from isolet_nn.terminal.words import setting_text

LearnerName = Literal[
    "logistic regression",
    "support vector machine",
    "gradient boosting",
    "nearest neighbours",
    "MLPClassifier",
    "PyTorch",
    "isolet-nn",
]
Settings = dict[str, JsonValue]
NETWORK = "isolet-nn"
"""The contestant whose errors are shown in detail: the project's network on the standard task."""

ADAPTED = "-adapted"
"""Ends the names of those that are adapted to the speaker."""
_SEEDS = 3
"""Of networks; what they differ by is far less than what speakers do."""


class Contestant(Section):
    """One line of the table."""

    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    """What ``--model`` calls it."""
    label: str
    """What the table calls it."""
    short: str
    """What a narrow column calls it."""
    learner: LearnerName
    """What is trained."""
    fixed: Settings
    """Settings that are the same throughout. Of networks: a config, and what differs from it.

    Of all others, too, ``dataset.KEY`` is of the data and not of the learner.
    """
    candidates: Annotated[list[Settings], Field(min_length=1)]
    """Settings compared; of equals the first is chosen."""
    seeds: Count = 1
    """Trainings on all training speakers; one where nothing is drawn, or a training is slow."""
    why: str
    """Why these settings are compared."""

    @property
    def is_adapted(self) -> bool:
        """Whether each speaker's rows are standardized by themselves, which is another task."""
        return self.name.endswith(ADAPTED)

    def settings(self, candidate: int) -> Settings:
        """All settings, with those of a candidate."""
        return self.fixed | self.candidates[candidate]

    def shown(self, candidate: int) -> str:
        """What tells a candidate from the others, in words; of one alone, what is fixed."""
        return settings_text(self.candidates[candidate] or self.fixed)


def _grid(**values: Iterable[JsonValue]) -> list[Settings]:
    """All combinations of some values by name, the last name's changing fastest."""
    settings: list[Settings] = [{}]
    for name, choices in values.items():
        settings = [{**given, name: value} for given in settings for value in choices]
    return settings


def _scaled(settings: Iterable[Settings]) -> list[Settings]:
    """Each on features of deviation 1, then each with one scale for all, as isolet-best has it."""
    scales: tuple[Settings, ...] = ({}, {"dataset.standardize": "global"})
    return [{**of_learner, **scale} for scale in scales for of_learner in settings]


_PENALTIES = _grid(C=[0.003, 0.01, 0.03, 0.1, 0.3])
_MARGINS = _grid(C=[1.0, 3.0, 10.0], gamma=[0.0004, 0.0008, 0.0016, 0.0032])
_BY_SPEAKER: Settings = {"dataset.standardize": {"by": "speaker"}}

CONTESTANTS = (
    Contestant(
        name="logistic-regression",
        label="logistic regression",
        short="logistic",
        learner="logistic regression",
        fixed={"max_iter": 1000},
        candidates=_scaled(_PENALTIES),
        why="L2 penalty 1/C by factors of about three, wide enough that neither end is best; "
        "features of deviation 1 each, or one scale for all, so that they keep their proportions.",
    ),
    Contestant(
        name="svm",
        label="SVM, RBF kernel",
        short="SVM",
        learner="support vector machine",
        fixed={"kernel": "rbf"},
        candidates=_scaled(_MARGINS),
        why="gamma of 1/617, to which scikit-learn's default comes, of its double, half and "
        "quarter: a grid with C by cross-validation, as C.-W. Hsu, C.-C. Chang and C.-J. Lin "
        "advise (A practical guide to support vector classification, 2003). Scaled either way.",
    ),
    Contestant(
        name="gradient-boosting",
        label="gradient boosting",
        short="boosting",
        learner="gradient boosting",
        fixed={
            "dataset.standardize": False,
            "max_iter": 40,
            "max_leaf_nodes": 15,
            "max_features": 0.05,
            "early_stopping": False,
        },
        candidates=_grid(learning_rate=[0.2]),
        why="40 rounds of 26 trees, at twice the default rate as they are few: a limit set by time "
        "and not by accuracy, so more rounds may give more. Each split looks at a random 5 % of "
        "the features, which are many and alike. Trees do not ask for a scale.",
    ),
    Contestant(
        name="nearest-neighbours",
        label="k nearest neighbours",
        short="neighbours",
        learner="nearest neighbours",
        fixed={"weights": "distance", "algorithm": "brute"},
        candidates=_scaled(_grid(metric=["euclidean", "cosine"], n_neighbors=[1, 5, 11, 21, 41])),
        why="Both usual distances; nearer neighbours count more. Scaled either way.",
    ),
    Contestant(
        name="mlp",
        label="MLPClassifier of scikit-learn",
        short="MLP",
        learner="MLPClassifier",
        fixed={
            "hidden_layer_sizes": [256],
            "batch_size": 64,
            "max_iter": 40,
            "n_iter_no_change": 40,
        },
        candidates=_scaled(_grid(alpha=[0.0001, 0.1])),
        seeds=_SEEDS,
        why="One hidden layer of 256, Adam at the default rate, 40 epochs; the default L2 penalty "
        "and a strong one, scaled either way. It has neither dropout nor label smoothing, and its "
        "early stopping would hold out rows of speakers that it trains on.",
    ),
    Contestant(
        name="pytorch-small",
        label="PyTorch, plain loop, 256 neurons",
        short="PyTorch 256",
        learner="PyTorch",
        fixed={"config": "isolet"},
        candidates=[{}],
        seeds=_SEEDS,
        why="The settings of isolet-nn with 256 neurons, in a plain loop of PyTorch: dropout, "
        "label smoothing, Adam and one cycle are PyTorch's own.",
    ),
    Contestant(
        name="pytorch",
        label="PyTorch, plain loop, 1024 neurons",
        short="PyTorch 1024",
        learner="PyTorch",
        fixed={"config": "isolet-best"},
        candidates=[{}],
        seeds=_SEEDS,
        why="The same loop with the settings of isolet-nn with 1024 neurons.",
    ),
    Contestant(
        name="isolet-nn-small",
        label="isolet-nn, 256 neurons",
        short="isolet-nn 256",
        learner="isolet-nn",
        fixed={"config": "isolet"},
        candidates=[{}],
        seeds=_SEEDS,
        why="The shipped config for every day, a few seconds of training.",
    ),
    Contestant(
        name=NETWORK,
        label="isolet-nn, 1024 neurons",
        short="isolet-nn 1024",
        learner="isolet-nn",
        fixed={"config": "isolet-best"},
        candidates=[{}],
        seeds=_SEEDS,
        why="Chosen beforehand, by cross-validation by speaker too: isolet-nn sweep isolet-search.",
    ),
    Contestant(
        name=f"logistic-regression{ADAPTED}",
        label="logistic regression, adapted",
        short="logistic, adapted",
        learner="logistic regression",
        fixed={"max_iter": 1000, **_BY_SPEAKER},
        candidates=_PENALTIES,
        why="As above, on rows standardized by each speaker's own mean and deviation.",
    ),
    Contestant(
        name=f"svm{ADAPTED}",
        label="SVM, RBF kernel, adapted",
        short="SVM, adapted",
        learner="support vector machine",
        fixed={"kernel": "rbf", **_BY_SPEAKER},
        candidates=_MARGINS,
        why="As above, on rows standardized by each speaker's own mean and deviation.",
    ),
    Contestant(
        name=f"isolet-nn-small{ADAPTED}",
        label="isolet-nn, 256 neurons, adapted",
        short="isolet-nn 256, adapted",
        learner="isolet-nn",
        fixed={"config": "isolet", **_BY_SPEAKER},
        candidates=[{}],
        seeds=_SEEDS,
        why="As above, on rows standardized by each speaker's own mean and deviation.",
    ),
    Contestant(
        name=f"{NETWORK}{ADAPTED}",
        label="isolet-nn, 1024 neurons, adapted",
        short="isolet-nn 1024, adapted",
        learner="isolet-nn",
        fixed={"config": "isolet-adapted"},
        candidates=[{}],
        seeds=_SEEDS,
        why="Chosen beforehand, by cross-validation by speaker too: isolet-nn sweep "
        "isolet-adapted-search-2. It is made for speakers, too, of whom few utterances are known.",
    ),
)

_NETWORK_QUICK: Settings = {"training.epochs": 15, "model.hidden_layers": [64]}
_QUICK: Mapping[str, Settings] = {
    "gradient boosting": {"max_iter": 2},
    "MLPClassifier": {"max_iter": 15},
    "PyTorch": _NETWORK_QUICK,
    "isolet-nn": _NETWORK_QUICK,
}
"""What a quick run changes in what is fixed, by learner."""
_MOST_QUICK = 2
"""Settings that a quick run compares, and seeds."""


def choose(names: Iterable[str] = (), *, quick: bool = False) -> list[Contestant]:
    """The contestants of some names; all that can run here if none is named.

    Parameters
    ----------
    quick
        Whether to compare two settings of each at most, of small models.

    Raises
    ------
    ConfigError
        If there is none of a name, or it needs PyTorch, which is not installed.
    """
    wanted, known = list(dict.fromkeys(names)), [contestant.name for contestant in CONTESTANTS]
    for name in wanted:
        if name not in known:
            hint = suggestion(name, known)
            raise ConfigError(f"--model: found {name!r}; allowed: {', '.join(known)}{hint}")
    chosen = [one for one in CONTESTANTS if not wanted or one.name in wanted]
    if not has_torch():
        asked = [one.name for one in chosen if wanted and one.learner == "PyTorch"]
        if asked:
            raise ConfigError(
                f"--model {asked[0]}: PyTorch is not installed; install isolet-nn[torch], or leave "
                "it out"
            )
        chosen = [one for one in chosen if one.learner != "PyTorch"]
    return [_quickened(one) for one in chosen] if quick else chosen


def _quickened(contestant: Contestant) -> Contestant:
    return contestant.model_copy(
        update={
            "fixed": contestant.fixed | _QUICK.get(contestant.learner, {}),
            "candidates": contestant.candidates[:_MOST_QUICK],
            "seeds": min(contestant.seeds, _MOST_QUICK),
        }
    )


def settings_text(settings: Mapping[str, Any]) -> str:
    """Settings in a line, as ``C = 10, gamma = 0.0016``."""
    return ", ".join(
        str(value) if name == "config" else f"{name} = {setting_text(value)}"
        for name, value in settings.items()
    )
