"""Everything a YAML experiment file may say, and how such a file is read.

The models below are the single source of truth: validation, the complete ``config.yaml`` of a
run folder, the JSON Schema and the reference in the README all come from them.
"""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from isolet_nn.errors import ConfigError


class Section(BaseModel):
    """Base of every section: no unknown keys, no coerced types, immutable values."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        protected_namespaces=(),
    )


SectionT = TypeVar("SectionT", bound=Section)


def _name_shorthand(value: object) -> object:
    """Let ``schedule: cosine`` stand for ``schedule: {name: cosine}``."""
    return {"name": value} if isinstance(value, str) else value


NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$"
"""Names that can be part of a folder's name on any system."""
Rate = Annotated[float, Field(ge=0.0, lt=1.0)]
Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Count = Annotated[int, Field(ge=1)]
Folds = Annotated[int, Field(ge=2)]


class RowHoldout(Section):
    """A share held out by rows, stratified by class, as {fraction: 0.1}."""

    fraction: Fraction
    """Share of the rows that is held out."""
    by: Literal["rows"] = "rows"
    """What is kept together: nothing, rows are drawn one by one within each class."""


class SpeakerHoldout(Section):
    """A share held out by rows, or with all rows of a speaker: {fraction: 0.2, by: speaker}."""

    fraction: Fraction
    """Share of the rows (or of the speakers) that is held out."""
    by: Literal["rows", "speaker"] = "rows"
    """What is kept together: nothing (stratified by class), or all rows of a speaker."""


class GroupHoldout(Section):
    """A share held out by rows, or with all rows of a group: {fraction: 0.2, by: group}."""

    fraction: Fraction
    """Share of the rows (or of the groups) that is held out."""
    by: Literal["rows", "group"] = "rows"
    """What is kept together: nothing (stratified by class), or all rows of a group."""


class _Fold(Section):
    folds: Folds
    """Folds that the rows are divided into, as equal in size as can be; each row is in one."""
    fold: Annotated[int, Field(ge=0)]
    """Which of them is held out, counted from 0; one seed divides the same for all of them."""

    @field_validator("fold")
    @classmethod
    def _is_one_of_the_folds(cls, value: int, info: ValidationInfo) -> int:
        folds = info.data.get("folds")
        if folds is not None and value >= folds:
            raise ValueError(f"found {value}; with folds: {folds} there are 0 to {folds - 1}")
        return value


class RowFold(_Fold):
    """One fold of a cross-validation by rows, stratified by class, as {folds: 5, fold: 0}."""

    by: Literal["rows"] = "rows"
    """What is kept together: nothing, rows are drawn one by one within each class."""


class SpeakerFold(_Fold):
    """One fold of a cross-validation by rows, or by speakers: {folds: 5, fold: 0, by: speaker}."""

    by: Literal["rows", "speaker"] = "rows"
    """What is kept together: nothing (stratified by class), or all rows of a speaker."""


class GroupFold(_Fold):
    """One fold of a cross-validation by rows, or by groups: {folds: 5, fold: 0, by: group}."""

    by: Literal["rows", "group"] = "rows"
    """What is kept together: nothing (stratified by class), or all rows of a group."""


# Tags are no keys of the file, so that they can be told from keys in pydantic's error locations.
_SHARE, _ONE_FOLD = "a share", "one fold"


def _holdout_kind(value: object) -> str:
    if isinstance(value, str):
        return "none"
    is_fold = isinstance(value, _Fold) or (isinstance(value, Mapping) and _says_fold(value))
    return _ONE_FOLD if is_fold else _SHARE


def _says_fold(section: Mapping[str, Any]) -> bool:
    return "folds" in section or "fold" in section


_NoHoldout = Annotated[Literal["none"], Tag("none")]
RowValidation = Annotated[
    _NoHoldout | Annotated[RowHoldout, Tag(_SHARE)] | Annotated[RowFold, Tag(_ONE_FOLD)],
    Discriminator(_holdout_kind),
]
SpeakerValidation = Annotated[
    _NoHoldout | Annotated[SpeakerHoldout, Tag(_SHARE)] | Annotated[SpeakerFold, Tag(_ONE_FOLD)],
    Discriminator(_holdout_kind),
]
GroupValidation = Annotated[
    _NoHoldout | Annotated[GroupHoldout, Tag(_SHARE)] | Annotated[GroupFold, Tag(_ONE_FOLD)],
    Discriminator(_holdout_kind),
]


class _SplitDataset(Section):
    split_seed: Annotated[int, Field(ge=0)] | None = None
    """Seed of the random splits; null takes the experiment's seed."""
    standardize: Literal[True, False, "global"] = True
    """Scale features to mean 0 and, each (true) or all by one factor (global), deviation 1."""


class IsoletDataset(_SplitDataset):
    """ISOLET: 617 features of spoken letters, 150 speakers; isolet1 to 4 train, isolet5 tests."""

    name: Literal["isolet"]
    """The data set."""
    dir: str | None = None
    """Folder of the files; null looks in ISOLET_NN_DATA_DIR and the cache, then downloads."""
    verify: bool = True
    """Refuse data whose content checksum is not that of ISOLET."""
    validation: SpeakerValidation = "none"
    """Part of the training data held out to choose settings: none, a share, or one fold."""


class BundledDataset(_SplitDataset):
    """A small data set that comes with scikit-learn."""

    name: Literal["digits", "iris", "wine", "breast_cancer"]
    """The data set."""
    test: RowHoldout = RowHoldout(fraction=0.2)
    """Part held out for the test."""
    validation: RowValidation = "none"
    """Part of the remaining rows held out to choose settings: none, a share, or one fold."""


class XorDataset(Section):
    """Exclusive or: four points, which are training and test set at once."""

    name: Literal["xor"]
    """The data set."""
    standardize: bool = False
    """Scale the inputs from 0 and 1 to -1 and 1."""
    validation: Literal["none"] = "none"
    """There is nothing to hold out."""


def _require_group(
    group: str | int | None, parts: Mapping[str, GroupHoldout | GroupFold | str]
) -> None:
    for key, holdout in parts.items():
        if group is None and not isinstance(holdout, str) and holdout.by == "group":
            raise ValueError(f"{key}.by: group needs to know the column: set group")


class CsvDataset(_SplitDataset):
    """Any table in a text file: numbers, and one column with the class."""

    name: Literal["csv"]
    """The data set."""
    path: str
    """The file (.gz is read as it is), relative to the config file."""
    label: str | int = -1
    """Column of the class: its name, or its position from 0 (negative from the end)."""
    header: bool = True
    """Whether the first line names the columns."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """Character between two columns."""
    group: str | int | None = None
    """Column of the group (speaker, patient, ...), by name or position; not a feature."""
    test_path: str | None = None
    """A second file with the test part; null splits it off as `test` says."""
    test: GroupHoldout = GroupHoldout(fraction=0.2)
    """Part held out for the test where there is no test_path."""
    validation: GroupValidation = "none"
    """Part of the training rows held out to choose settings: none, a share, or one fold."""

    @model_validator(mode="after")
    def _group_is_named(self) -> Self:
        parts: dict[str, GroupHoldout | GroupFold | str] = {"validation": self.validation}
        if self.test_path is None:
            parts["test"] = self.test
        _require_group(self.group, parts)
        return self


class OpenmlDataset(_SplitDataset):
    """A data set of openml.org, by id or by name."""

    name: Literal["openml"]
    """The data set."""
    data_id: Count | None = None
    """OpenML's number of the data set."""
    data_name: str | None = None
    """OpenML's name of the data set, instead of data_id."""
    version: Count | None = None
    """Version of the named data set; null takes the oldest that is still active."""
    label: str | None = None
    """Column of the class; null takes OpenML's default target."""
    group: str | None = None
    """Column of the group (speaker, patient, ...); not a feature."""
    test: GroupHoldout = GroupHoldout(fraction=0.2)
    """Part held out for the test."""
    validation: GroupValidation = "none"
    """Part of the other rows held out to choose settings: none, a share, or one fold."""

    @model_validator(mode="after")
    def _one_identifier(self) -> Self:
        if (self.data_id is None) == (self.data_name is None):
            raise ValueError("give exactly one of data_id and data_name")
        if self.version is not None and self.data_name is None:
            raise ValueError("version goes with data_name; a data_id already names one version")
        return self

    @model_validator(mode="after")
    def _group_is_named(self) -> Self:
        _require_group(self.group, {"test": self.test, "validation": self.validation})
        return self


DatasetConfig = Annotated[
    IsoletDataset | BundledDataset | XorDataset | CsvDataset | OpenmlDataset,
    Field(discriminator="name"),
]


class Normal(Section):
    """Weights from a normal distribution of fixed scale; biases zero."""

    name: Literal["normal"]
    """The initializer."""
    scale: Positive = 0.01
    """Standard deviation of the weights."""


class FanInitializer(Section):
    """Weights scaled by the size of the layer."""

    name: Literal["he", "glorot", "uniform_fan_in"]
    """The initializer: he (normal), glorot (uniform), or uniform_fan_in (PyTorch's default)."""


_InitializerConfig = Annotated[Normal | FanInitializer, Field(discriminator="name")]
InitializerConfig = Annotated[
    _InitializerConfig,
    BeforeValidator(
        _name_shorthand,
        json_schema_input_type=_InitializerConfig
        | Literal["normal", "he", "glorot", "uniform_fan_in"],
    ),
]


class ModelConfig(Section):
    """The multilayer perceptron."""

    hidden_layers: list[Count] = [64]
    """Neurons of each hidden layer; [] is a network without hidden layers."""
    activation: Literal["relu", "sigmoid", "tanh"] = "relu"
    """Activation function of the hidden layers."""
    initializer: InitializerConfig = FanInitializer(name="he")
    """Distribution of the initial weights: normal, he, glorot or uniform_fan_in."""
    dropout: Rate = 0.0
    """Probability that a hidden neuron is dropped in a training step."""
    input_dropout: Rate = 0.0
    """Probability that an input feature is dropped in a training step."""
    input_noise: NonNegative = 0.0
    """Standard deviation of normal noise on the (standardised) features in a training step."""
    batch_normalization: bool = False
    """Normalise each hidden layer over the batch, before its activation function."""
    max_norm: Annotated[float, Field(gt=0.0, le=1e30)] | None = None
    """Largest norm of the weights into a hidden neuron, kept after each step; null: no limit."""


class _Optimizer(Section):
    weight_decay: NonNegative = 0.0
    """L2 penalty added to the gradient, as in torch.optim (decoupled from it in adamw)."""


class Sgd(_Optimizer):
    """Stochastic gradient descent."""

    name: Literal["sgd"]
    """The optimizer."""
    learning_rate: Positive = 0.01
    """Step size."""
    momentum: Rate = 0.0
    """Share of the last step that is kept."""
    nesterov: bool = False
    """Nesterov's momentum; needs momentum above 0."""

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> Self:
        if self.nesterov and self.momentum == 0.0:
            raise ValueError("nesterov: true needs a momentum above 0")
        return self


class Adagrad(_Optimizer):
    """Adagrad: steps shrink with the sum of squared gradients."""

    name: Literal["adagrad"]
    """The optimizer."""
    learning_rate: Positive = 0.01
    """Step size."""
    learning_rate_decay: NonNegative = 0.0
    """Step size is divided by 1 + (step - 1) * this."""
    initial_accumulator: NonNegative = 0.0
    """What the sum of squared gradients starts from."""
    epsilon: Positive = 1e-10
    """Added to the denominator."""


class Rmsprop(_Optimizer):
    """RMSprop: steps divided by a running root mean square of the gradient."""

    name: Literal["rmsprop"]
    """The optimizer."""
    learning_rate: Positive = 0.01
    """Step size."""
    alpha: Rate = 0.99
    """Smoothing of the running mean of squares."""
    momentum: Rate = 0.0
    """Share of the last step that is kept."""
    epsilon: Positive = 1e-8
    """Added to the denominator."""


class _AdamLike(Section):
    learning_rate: Positive = 0.001
    """Step size."""
    beta1: Rate = 0.9
    """Smoothing of the running mean of the gradient (Adam's momentum)."""
    beta2: Rate = 0.999
    """Smoothing of the running mean of squares."""
    epsilon: Positive = 1e-8
    """Added to the denominator."""


class Adam(_AdamLike):
    """Adam: bias-corrected running mean of the gradient over that of its square."""

    name: Literal["adam"]
    """The optimizer."""
    weight_decay: NonNegative = 0.0
    """L2 penalty added to the gradient."""


class AdamW(_AdamLike):
    """Adam with weight decay decoupled from the gradient."""

    name: Literal["adamw"]
    """The optimizer."""
    weight_decay: NonNegative = 0.01
    """Share of the weights, times the learning rate, that is taken off in each step."""


_OptimizerConfig = Annotated[Sgd | Adagrad | Rmsprop | Adam | AdamW, Field(discriminator="name")]
OptimizerConfig = Annotated[
    _OptimizerConfig,
    BeforeValidator(
        _name_shorthand,
        json_schema_input_type=_OptimizerConfig
        | Literal["sgd", "adagrad", "rmsprop", "adam", "adamw"],
    ),
]


class Constant(Section):
    """The learning rate stays as it is."""

    name: Literal["constant"]
    """The schedule."""


class Step(Section):
    """The learning rate is multiplied by gamma every so many epochs."""

    name: Literal["step"]
    """The schedule."""
    epochs: Count = 10
    """Epochs between two reductions."""
    gamma: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1
    """Factor of each reduction."""


class Cosine(Section):
    """The learning rate falls along half a cosine over the whole training, step by step."""

    name: Literal["cosine"]
    """The schedule."""
    final_factor: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """Learning rate at the end, as a share of the optimizer's learning_rate."""
    warmup_epochs: Annotated[int, Field(ge=0)] = 0
    """Epochs in which it first rises linearly from 0."""


class OneCycle(Section):
    """The learning rate rises along half a cosine to learning_rate, then falls along another."""

    name: Literal["one_cycle"]
    """The schedule."""
    rise: Fraction = 0.3
    """Share of the training in which it rises."""
    initial_divisor: Annotated[float, Field(ge=1.0)] = 25.0
    """It starts at learning_rate / initial_divisor."""
    final_divisor: Annotated[float, Field(ge=1.0)] = 1.0e4
    """It ends at learning_rate / initial_divisor / final_divisor."""


_ScheduleConfig = Annotated[Constant | Step | Cosine | OneCycle, Field(discriminator="name")]
ScheduleConfig = Annotated[
    _ScheduleConfig,
    BeforeValidator(
        _name_shorthand,
        json_schema_input_type=_ScheduleConfig | Literal["constant", "step", "cosine", "one_cycle"],
    ),
]


class NoAveraging(Section):
    """The weights of the last step count."""

    name: Literal["none"]
    """The average."""


class Ema(Section):
    """Exponential moving average of the weights, taken after every step."""

    name: Literal["ema"]
    """The average."""
    decay: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.999
    """Share of the average that stays in a step; 1 / (1 - decay) steps count."""


class Swa(Section):
    """Stochastic weight averaging: the mean of the weights at the ends of the last epochs."""

    name: Literal["swa"]
    """The average."""
    start: Rate = 0.75
    """Share of the epochs after which averaging begins."""


_AveragingConfig = Annotated[NoAveraging | Ema | Swa, Field(discriminator="name")]
AveragingConfig = Annotated[
    _AveragingConfig,
    BeforeValidator(
        _name_shorthand,
        json_schema_input_type=_AveragingConfig | Literal["none", "ema", "swa"],
    ),
]


class EarlyStopping(Section):
    """Stop when the validation split no longer improves."""

    metric: Literal["validation_loss", "validation_accuracy"] = "validation_loss"
    """What has to improve."""
    patience: Count = 10
    """Evaluated epochs without improvement after which training stops."""
    min_delta: NonNegative = 0.0
    """Smallest change that counts as improvement."""
    restore_best: bool = True
    """End with the weights of the best epoch instead of the last."""


class TrainingConfig(Section):
    """How the network is trained."""

    epochs: Count = 20
    """Passes over the training part."""
    batch_size: Count = 128
    """Rows of a mini-batch; a number above the training part's rows means all of them."""
    shuffle: bool = True
    """Draw a new order of the rows for every epoch."""
    drop_last: bool = False
    """Leave out the last batch of an epoch when it is incomplete."""
    label_smoothing: Rate = 0.0
    """Share of the target probability that is spread evenly over all classes."""
    mixup: NonNegative = 0.0
    """Blend rows and their classes in pairs, by shares from Beta(mixup, mixup); 0: do not."""
    weight_averaging: AveragingConfig = NoAveraging(name="none")
    """What is evaluated and kept: the last weights (none), or an average (ema or swa)."""
    dtype: Literal["float32", "float64"] = "float32"
    """Number type of weights and arithmetic."""
    threads: Count = 1
    """Threads of the linear algebra; results can depend on it in the last bits."""
    schedule: ScheduleConfig = Constant(name="constant")
    """How the learning rate changes: constant, step, cosine or one_cycle."""
    early_stopping: EarlyStopping | None = None
    """null, or when to stop early; needs a validation split."""
    evaluate_every: Count = 1
    """Epochs between two evaluations; the last epoch is always evaluated."""
    evaluate_test: bool = True
    """Whether the test split is evaluated; false leaves it unread while settings are chosen."""
    checkpoint_seconds: NonNegative = 30.0
    """Seconds that must pass before the end of an epoch writes a new checkpoint."""


class Experiment(Section):
    """What one YAML file describes."""

    name: Annotated[str, Field(pattern=NAME_PATTERN)] = "experiment"
    """Part of the run folder's name: letters, digits, dots, dashes and underscores."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of everything random: weights, order of the rows, mixup, noise, dropout and splits."""
    backend: Literal["numpy", "torch"] = "numpy"
    """What does the arithmetic: the network from scratch, or PyTorch."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where PyTorch computes; auto takes an accelerator where there is one. numpy uses the cpu."""
    ensemble: Count = 1
    """Networks with weights and batches of their own, whose probabilities are averaged."""
    dataset: DatasetConfig
    """What is learned."""
    model: ModelConfig = ModelConfig()
    """The network."""
    optimizer: OptimizerConfig = Adam(name="adam")
    """How weights follow from gradients."""
    training: TrainingConfig = TrainingConfig()
    """How long, in what batches, and when to stop."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.backend == "numpy" and self.device not in ("auto", "cpu"):
            raise ValueError(
                f"device: {self.device} needs backend: torch (backend numpy computes on the cpu)"
            )
        if self.training.early_stopping is not None and self.dataset.validation == "none":
            raise ValueError(
                "training.early_stopping needs a validation split: set dataset.validation, "
                "for instance {fraction: 0.1}"
            )
        return self


class _Loader(yaml.SafeLoader):
    """SafeLoader that reads 1e-3 as a number and refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":  # <<: *base
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, (str, int, float, bool, type(None))):
                continue
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


# YAML 1.1, which PyYAML follows, takes 1e-3 for a string; everybody means the number.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)$"),
    list("-+0123456789."),
)


def parse_yaml(text: str, source: str) -> Any:
    """Parse YAML text.

    Raises
    ------
    ConfigError
        If it is not YAML; the message names `source`, line and column.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
        raise ConfigError(f"{where}: not valid YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigError(f"{source}: not valid YAML: {error}") from None


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML file whose top level is a mapping.

    Raises
    ------
    ConfigError
        If the file is missing, unreadable, not UTF-8, not YAML, empty or not a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        found = f"byte {error.object[error.start]:#04x} at position {error.start}"
        raise ConfigError(f"{path}: not a YAML file: found {found}, expected UTF-8 text") from None
    content = parse_yaml(text, str(path))
    if not isinstance(content, dict):
        found = "an empty file" if content is None else f"a {type(content).__name__}"
        raise ConfigError(f"{path}: found {found}, expected keys such as `dataset:` and `model:`")
    return content


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
                    raise ConfigError(
                        f"dataset.{key}: found {_short(dataset[key])}; it should be a path: {error}"
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


def validate(model: type[SectionT], content: Mapping[str, Any], source: str) -> SectionT:
    """Check `content` against `model`; `source` names it in messages.

    Raises
    ------
    ConfigError
        Listing every problem with its key path, what was found and what is allowed.
    """
    section, problems = check(model, content)
    if section is None:
        raise ConfigError("\n".join(f"{source}: {problem}" for problem in problems))
    return section


def check(model: type[SectionT], content: Mapping[str, Any]) -> tuple[SectionT | None, list[str]]:
    """Check `content` against `model`: the section, or None and every problem, a line each."""
    try:
        return model.model_validate(content), []
    except ValidationError as error:
        return None, [_describe(model, content, details) for details in error.errors()]


def dump_yaml(section: Section) -> str:
    """Write a section as complete YAML, defaults filled in; reading it back gives an equal one."""
    content = _name_first(section.model_dump(mode="json"))
    text = _to_yaml(content, allow_unicode=True)
    if any(character in text for character in "\x85\u2028\u2029"):  # line breaks: not read back
        return _to_yaml(content, allow_unicode=False)
    return text


class _Dumper(yaml.SafeDumper):
    """SafeDumper that quotes what `_Loader` would not take for text."""


_Dumper.yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


def _to_yaml(content: Any, allow_unicode: bool) -> str:
    text: str = yaml.dump(
        content, Dumper=_Dumper, sort_keys=False, allow_unicode=allow_unicode, width=100
    )
    return text


def _name_first(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    name = {"name": value["name"]} if "name" in value else {}
    return name | {key: _name_first(item) for key, item in value.items()}


def json_schema() -> dict[str, Any]:
    """JSON Schema of an experiment file, for completion in an editor."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Experiment.model_json_schema(),
    }


def nearest(word: str, allowed: Iterable[str]) -> str | None:
    """The allowed name most similar to `word`, if any is similar."""
    matches = difflib.get_close_matches(word, list(allowed), n=1, cutoff=0.5)
    return matches[0] if matches else None


def suggestion(word: object, allowed: Iterable[str]) -> str:
    """``"; did you mean NAME?"``, or nothing when no allowed name is similar."""
    match = nearest(word, allowed) if isinstance(word, str) else None
    return f"; did you mean {match}?" if match else ""


def _describe(model: type[Section], content: Mapping[str, Any], details: ErrorDetails) -> str:
    path = list(_key_path(content, details["loc"]))
    where = ".".join(map(str, path)) or "experiment"
    kind, found, context = details["type"], details["input"], details.get("ctx", {})
    match kind:
        case "extra_forbidden":
            allowed = _allowed_keys(model, content, path[:-1])
            hint = suggestion(path[-1], allowed)
            listing = "" if hint else f"; allowed: {', '.join(allowed)}"
            return f"{where}: unknown key{hint or listing}"
        case "missing":
            return f"{where}: missing, and there is no default"
        case "union_tag_not_found" if typo := _nearly_name(found):
            return f"{where}.{typo}: unknown key; did you mean name?"
        case "union_tag_not_found":
            allowed = _allowed_names(model, content, path)
            return f"{where}: the key `name` is missing; allowed: {', '.join(allowed)}"
        case "union_tag_invalid":
            tag = context.get("tag", found)
            hint = suggestion(tag, re.findall(r"'([^']*)'", str(context.get("expected_tags", ""))))
            return f"{where}.name: found {tag!r}; allowed: {_tags(context)}{hint}"
        case "literal_error":
            expected = str(context.get("expected", ""))
            hint = suggestion(found, re.findall(r"'([^']*)'", expected))
            return f"{where}: found {found!r}; allowed: {_unquote(expected)}{hint}"
        case "value_error":
            section = ".".join(map(str, _existing(content, path)))
            return f"{section}: {context.get('error')}" if path else str(context.get("error"))
        case "string_pattern_mismatch" if context.get("pattern") == NAME_PATTERN:
            return (
                f"{where}: found {_short(found)}; allowed: at most 80 letters, digits, dots, "
                "dashes and underscores, the first a letter or digit"
            )
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{where}: found {_short(found)}; expected keys and values below it"
        case _:
            expectation = re.sub("^[A-Z][a-z]* should ", "", details["msg"])
            return f"{where}: found {_short(found)}; it should {expectation}"


def _nearly_name(section: object) -> str | None:
    """The key that was probably meant to be ``name``."""
    keys = [key for key in section if isinstance(key, str)] if isinstance(section, dict) else []
    match = difflib.get_close_matches("name", keys, n=1, cutoff=0.5)
    return match[0] if match else None


def _tags(context: Mapping[str, Any]) -> str:
    tags = context.get("expected_tags")
    return _unquote(str(tags)) if tags else "see the config reference"


def _unquote(listing: str) -> str:
    return listing.replace("'", "").replace(" or ", ", ")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _key_path(content: object, loc: Sequence[int | str]) -> Iterator[int | str]:
    """Drop from pydantic's `loc` the union tags, which are no keys of the file."""
    current: Any = content
    may_be_tag = False
    for position, key in enumerate(loc):
        is_tag = may_be_tag and isinstance(current, Mapping) and _is_tag(key, current)
        may_be_tag = not is_tag
        if is_tag and position < len(loc) - 1:
            continue
        try:
            current = current[key]
        except (KeyError, IndexError, TypeError):
            if position < len(loc) - 1 or not isinstance(current, Mapping):
                continue
        yield key


def _is_tag(key: object, section: Mapping[str, Any]) -> bool:
    """Whether `key` names the member of a union that pydantic took `section` for."""
    return key in (section.get("name"), _SHARE, _ONE_FOLD)


def _existing(content: Mapping[str, Any], path: Sequence[int | str]) -> Iterator[int | str]:
    """The part of `path` that there is in `content`: without the union tag that may end it."""
    current: Any = content
    for key in path:
        if not isinstance(current, Mapping) or key not in current:
            return
        current = current[key]
        yield key


def _allowed_keys(
    model: type[Section], content: Mapping[str, Any], path: Sequence[int | str]
) -> list[str]:
    """Keys of the section at `path`."""
    return list(_model_at(model, content, path).model_fields)


def _allowed_names(
    model: type[Section], content: Mapping[str, Any], path: Sequence[int | str]
) -> list[str]:
    """What the ``name`` key of the section at `path` may say."""
    field = _model_at(model, content, path[:-1]).model_fields[str(path[-1])]
    return [name for section in sections_of(field.annotation) for name in names_of(section)]


def _model_at(
    model: type[Section], content: Mapping[str, Any], path: Sequence[int | str]
) -> type[Section]:
    """The model of the section at `path`, following the keys that choose among models."""
    current: Any = content
    for key in path:
        current = current[key]
        candidates = sections_of(model.model_fields[str(key)].annotation)
        chosen = [c for c in candidates if current.get("name") in names_of(c)]
        if _says_fold(current):
            chosen += [c for c in candidates if issubclass(c, _Fold)]
        model = (chosen or candidates)[0]
    return model


def sections_of(annotation: Any) -> list[type[Section]]:
    """The section models inside a field's annotation (a union has several)."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [section for part in get_args(annotation) for section in sections_of(part)]


def names_of(section: type[Section]) -> tuple[str, ...]:
    """The values that the section's ``name`` key may take, if it is a Literal."""
    field = section.model_fields.get("name")
    return get_args(field.annotation) if field else ()
