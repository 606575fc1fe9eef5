"""What is in a document: plain JSON, with text where a person is to read it.

Names, classes, columns and settings are text from files, and whoever shows them shows text. A
number that is not finite is None, as JSON knows none. Accuracies are shares of 1: ``metrics`` says
what is shown in percent.
"""

from __future__ import annotations

from typing import Literal, TypedDict

Number = float | None
Column = list[Number]


class Metric(TypedDict):
    """How a column of metrics.csv is shown."""

    label: str
    percent: bool
    greater_is_better: bool


Metrics = dict[str, Metric]
"""By column, such as ``validation_accuracy``."""


class Fact(TypedDict):
    """A line about the whole."""

    name: str
    text: str


class Setting(TypedDict):
    """A setting that is not at its default."""

    key: str
    value: str


class Curves(TypedDict):
    """metrics.csv; of many epochs some are left out, evenly."""

    epochs: list[int]
    values: dict[str, Column]
    """By column; None where an epoch was not evaluated."""


class Band(TypedDict):
    """A metric over the epochs, over several seeds: their mean, the lowest and the highest."""

    epochs: list[int]
    means: list[float]
    low: list[float]
    """Empty where there is a single run."""
    high: list[float]


class ClassScore(TypedDict):
    """A row of a table of classes; `n` rows are of it."""

    name: str
    n: int
    precision: float
    recall: float
    f1: float


class GroupScore(TypedDict):
    """A row of a table of groups, such as speakers."""

    name: str
    n: int
    correct: int
    accuracy: float


class Bin(TypedDict):
    """A bar of a reliability diagram: answers whose confidence lies from `low` to `high`."""

    low: float
    high: float
    n: int
    confidence: Number
    accuracy: Number


class Answers(TypedDict):
    """A model's answers on a split; what is missing in the folder is empty."""

    split: str
    classes: list[str]
    """Of the confusion matrix, in its order."""
    confusion: list[list[int]]
    """Counts, a row for each actual class, a column for each predicted one."""
    scores: list[ClassScore]
    group_word: str
    """What a group is called, such as speaker."""
    groups: list[GroupScore]
    reliability: list[Bin]


class Weights(TypedDict):
    """The first layer: which inputs drive which neurons."""

    neurons: list[str]
    """Names of `rows`, similar neurons together; classes where there is no hidden layer."""
    features: list[str]
    """Names of the inputs; empty where they have only numbers."""
    sizes: list[float]
    """Root of the mean square of each input's weights."""
    rows: list[list[int]]
    """Weights of each neuron in units of `unit`, cut off at 100; empty for a wide layer."""
    unit: float
    note: str


class InspectedLayer(TypedDict):
    """What was measured inside one layer while it was trained."""

    name: str
    epochs: list[int]
    values: dict[str, Column]
    """By measure."""


class Inspection(TypedDict):
    """inspection.csv."""

    measures: dict[str, str]
    """By column, in words."""
    layers: list[InspectedLayer]


class File(TypedDict):
    """A file of a folder, by its path within."""

    name: str
    bytes: int


class RunDocument(TypedDict):
    """A run, or the trial of a sweep."""

    kind: Literal["run"]
    path: str
    """As the name of the document has it."""
    name: str
    task: str
    """Such as ``adapted to the speaker``; empty for the task that most models have."""
    status: str
    """As in the list of runs; a damaged one has `problems`, and what could be read."""
    problems: list[str]
    facts: list[Fact]
    metrics: Metrics
    scores: dict[str, Number]
    """Final metrics, or those so far, by column of metrics.csv."""
    settings: list[Setting]
    curves: Curves
    curves_note: str
    answers: list[Answers]
    weights: Weights | None
    inspection: Inspection | None
    files: list[File]


class ComparedRun(TypedDict):
    """A run of a comparison; its `name` tells it from the others."""

    path: str
    name: str


class ComparedGroup(TypedDict):
    """Runs that differ in nothing but seed and name."""

    name: str
    runs: list[int]
    """Their places in the comparison's runs."""
    curves: dict[str, Band]
    """By column of metrics.csv."""
    answers: list[Answers]
    """Over all of its runs: counts are sums."""


class ComparedValues(TypedDict):
    """A setting or a result, with its text for each run; None where a run has none."""

    name: str
    values: list[str | None]


class ComparisonDocument(TypedDict):
    """Several runs side by side."""

    kind: Literal["comparison"]
    paths: list[str]
    """As the name of the document has them."""
    problems: list[str]
    same_data: bool
    same_task: bool
    """If not, some adapt to a group and others do not; names of groups say which."""
    metrics: Metrics
    runs: list[ComparedRun]
    groups: list[ComparedGroup]
    settings: list[ComparedValues]
    """Those that are not the same in all."""
    results: list[ComparedValues]


class SettingRow(TypedDict):
    """A setting of a sweep, and how it did."""

    number: int
    values: list[str]
    """Of the sweep's keys; empty where it does not set one."""
    n: int
    """Trials completed."""
    trials: list[int]
    """Numbers of all its trials."""
    means: dict[str, float]
    deviation: Number
    """Of what settings are ranked by."""


class Axis(TypedDict):
    """A key that varies, or seed or fold; wide ranges are divided into intervals."""

    key: str
    label: str
    values: list[str]
    """What stands at each place."""


class Grid(TypedDict):
    """Means over all trials in the cells of one axis or of two, row by row."""

    x: int
    """Place in `axes`."""
    y: int | None
    n: list[int]
    """Completed trials in each cell."""
    means: dict[str, Column]
    """By metric; None for a cell without any."""
    best: list[int | None]
    """The trial of each cell that is best by what the sweep ranks by."""


class SweepDocument(TypedDict):
    """A sweep: its best settings, and means along each two of its axes."""

    kind: Literal["sweep"]
    path: str
    name: str
    task: str
    """As of a run; ``some adapted to the speaker`` where settings are of two tasks."""
    status: str
    problems: list[str]
    facts: list[Fact]
    metric: str
    """What settings are ranked by."""
    metrics: Metrics
    counts: dict[str, int]
    """Trials by status."""
    keys: list[str]
    settings: list[SettingRow]
    """The best, and no more than can be read."""
    n_settings: int
    axes: list[Axis]
    """No more than can be chosen among, in the order of the file."""
    grids: list[Grid]
    """Of each axis, and of each two, the first of them as `x`."""
    far: dict[str, Number]
    """By metric, where a scale of colours ends on the worse side; None if no value is far."""
    files: list[File]


class History(TypedDict):
    """Settings in the order in which they were tried, a place for each in all lists."""

    numbers: list[int]
    values: Column
    """What a setting came to; of a pruned one what was seen last."""
    statuses: list[str]
    epochs: list[float]
    best: Column
    """The best so far."""
    trials: list[int]
    """The first of each setting's trials."""


class ParallelAxis(TypedDict):
    """A key, and where each line crosses it."""

    key: str
    label: str
    places: Column
    """A number of the key, or an index into `values`; None where a setting does not set it."""
    values: list[str]
    """Empty for numbers."""
    logarithmic: bool


class Parallel(TypedDict):
    """Settings as lines across an axis a key, the best first."""

    values: list[float]
    trials: list[int]
    axes: list[ParallelAxis]


class SearchDocument(TypedDict):
    """How the settings of a search, or of any sweep, went one after another."""

    kind: Literal["search"]
    path: str
    name: str
    problems: list[str]
    metric: str
    metrics: Metrics
    n_settings: int
    """Of more than can be seen some are left out; those that were the best so far are not."""
    history: History
    parallel: Parallel


class Share(TypedDict):
    """How much of the scores' variation a key is responsible for."""

    key: str
    share: float


class ImportanceDocument(TypedDict):
    """The importance of a sweep's settings, which may take seconds to compute."""

    kind: Literal["importance"]
    path: str
    problems: list[str]
    """Why there is none, for instance."""
    note: str
    """By what it was computed, and from how much."""
    shares: list[Share]


Document = RunDocument | ComparisonDocument | SweepDocument | SearchDocument | ImportanceDocument
