"""Everything a YAML experiment file may say.

The models below are the single source of truth: validation, the complete ``config.yaml`` of a
run folder, the JSON Schema and the reference in the README all come from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from isolet_nn.config.bounds import MOST, MOST_LAYERS, MOST_THREADS


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


def _name_shorthand(value: object) -> object:
    """Let ``schedule: cosine`` stand for ``schedule: {name: cosine}``."""
    return {"name": value} if isinstance(value, str) else value


NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$"
"""Names that can be part of a folder's name on any system."""
_NoSign = AfterValidator(abs)
"""Makes 0.0 of -0.0, so that equal settings are written the same."""
Rate = Annotated[float, Field(ge=0.0, lt=1.0), _NoSign]
Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0), _NoSign]
Count = Annotated[int, Field(ge=1, le=MOST)]
Size = Annotated[int, Field(ge=1)]
"""How large a network is: memory, which is known once the data is, bounds it."""
Folds = Annotated[int, Field(ge=2, le=MOST)]


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


class Fold(Section):
    """What the folds of all kinds of data have."""

    folds: Folds
    """Folds that the rows are divided into, as equal in size as can be; each row is in one."""
    fold: Annotated[int, Field(ge=0, lt=MOST)]
    """Which of them is held out, counted from 0; one seed divides the same for all of them."""

    @field_validator("fold")
    @classmethod
    def _is_one_of_the_folds(cls, value: int, info: ValidationInfo) -> int:
        folds = info.data.get("folds")
        if folds is not None and value >= folds:
            raise ValueError(f"found {value}; with folds: {folds} there are 0 to {folds - 1}")
        return value


class RowFold(Fold):
    """One fold of a cross-validation by rows, stratified by class, as {folds: 5, fold: 0}."""

    by: Literal["rows"] = "rows"
    """What is kept together: nothing, rows are drawn one by one within each class."""


class SpeakerFold(Fold):
    """One fold of a cross-validation by rows, or by speakers: {folds: 5, fold: 0, by: speaker}."""

    by: Literal["rows", "speaker"] = "rows"
    """What is kept together: nothing (stratified by class), or all rows of a speaker."""


class GroupFold(Fold):
    """One fold of a cross-validation by rows, or by groups: {folds: 5, fold: 0, by: group}."""

    by: Literal["rows", "group"] = "rows"
    """What is kept together: nothing (stratified by class), or all rows of a group."""


# Tags are no keys of the file, so that they can be told from keys in pydantic's error locations.
SHARE, ONE_FOLD = "a share", "one fold"


def _holdout_kind(value: object) -> str:
    if isinstance(value, str):
        return "none"
    is_fold = isinstance(value, Fold) or (isinstance(value, Mapping) and says_fold(value))
    return ONE_FOLD if is_fold else SHARE


def says_fold(section: Mapping[str, Any]) -> bool:
    """Whether a held-out part, as in a file, is meant to be a fold."""
    return "folds" in section or "fold" in section


_NoHoldout = Annotated[Literal["none"], Tag("none")]
RowValidation = Annotated[
    _NoHoldout | Annotated[RowHoldout, Tag(SHARE)] | Annotated[RowFold, Tag(ONE_FOLD)],
    Discriminator(_holdout_kind),
]
SpeakerValidation = Annotated[
    _NoHoldout | Annotated[SpeakerHoldout, Tag(SHARE)] | Annotated[SpeakerFold, Tag(ONE_FOLD)],
    Discriminator(_holdout_kind),
]
GroupValidation = Annotated[
    _NoHoldout | Annotated[GroupHoldout, Tag(SHARE)] | Annotated[GroupFold, Tag(ONE_FOLD)],
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
    """Folder of a copy of your own; null looks in ISOLET_NN_DATA_DIR, then in the package."""
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


class Columns(Section):
    """What is made of the columns that are neither label nor group."""

    drop: list[str | int] = []
    """Columns to leave out, by name or by position from 0 (negative from the end)."""


class NamedColumns(Section):
    """What is made of the columns that are neither label nor group."""

    drop: list[str] = []
    """Names of columns to leave out."""


_DELIMITER_NAMES = {"tab": "\t", "\\t": "\t"}


def _delimiter(value: object) -> object:
    r"""Let ``tab``, and ``\t`` from a shell, stand for the character."""
    return _DELIMITER_NAMES.get(value, value) if isinstance(value, str) else value


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
    delimiter: Annotated[
        Annotated[str, Field(min_length=1, max_length=1)],
        BeforeValidator(_delimiter, json_schema_input_type=str),
    ] = ","
    """Character between two columns; tab may be written as a word."""
    decimal: Literal[".", ","] = "."
    """Sign before the decimals of a number."""
    encoding: str = "utf-8"
    """How characters are written, such as utf-8, cp1252 or utf-16."""
    na_values: list[str] = ["NA", "N/A", "NaN", "?"]
    """Words in place of a missing label or group, in any case; an empty cell is missing, too."""
    group: str | int | None = None
    """Column of the group (speaker, patient, ...), by name or position; not a feature."""
    columns: Columns = Columns()
    """What is made of the other columns: each is a feature, unless it is left out here."""
    many_classes: bool = False
    """Accept a label of more than 20 different numbers in over a tenth of the rows as classes."""
    test_path: str | None = None
    """A second file with the test part; null splits it off as `test` says."""
    test: GroupHoldout = GroupHoldout(fraction=0.2)
    """Part held out for the test where there is no test_path."""
    validation: GroupValidation = "none"
    """Part of the training rows held out to choose settings: none, a share, or one fold."""

    @field_validator("delimiter")
    @classmethod
    def _divides(cls, value: str) -> str:
        if value.isalnum() or value in '"\r\n\0':
            raise ValueError(f"found {value!r}; allowed: a sign that divides columns, or tab")
        return value

    @field_validator("encoding")
    @classmethod
    def _is_an_encoding(cls, value: str) -> str:
        try:
            "".encode(value)
        except (LookupError, ValueError, UnicodeError):
            raise ValueError(f"found {value!r}; allowed: utf-8, cp1252, utf-16, ...") from None
        return value

    @model_validator(mode="after")
    def _decimals_are_no_columns(self) -> Self:
        if self.decimal == self.delimiter:
            raise ValueError(
                f"decimal and delimiter are both {self.decimal!r}; in tables with decimal commas "
                "columns are mostly divided by `;` (delimiter)"
            )
        return self

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
    columns: NamedColumns = NamedColumns()
    """What is made of the other columns: each is a feature, unless it is left out here."""
    many_classes: bool = False
    """Accept a label of more than 20 different numbers in over a tenth of the rows as classes."""
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

    hidden_layers: Annotated[list[Size], Field(max_length=MOST_LAYERS)] = [64]
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
    final_factor: Annotated[float, Field(ge=0.0, le=1.0), _NoSign] = 0.0
    """Learning rate at the end, as a share of the optimizer's learning_rate."""
    warmup_epochs: Annotated[int, Field(ge=0, le=MOST)] = 0
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
    threads: Annotated[int, Field(ge=1, le=MOST_THREADS)] = 1
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
    ensemble: Size = 1
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


def json_schema() -> dict[str, Any]:
    """JSON Schema of an experiment file, for completion in an editor."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Experiment.model_json_schema(),
    }


def sections_of(annotation: Any) -> list[type[Section]]:
    """The section models inside a field's annotation (a union has several)."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [section for part in get_args(annotation) for section in sections_of(part)]


def names_of(section: type[Section]) -> tuple[str, ...]:
    """The values that the section's ``name`` key may take, if it is a Literal."""
    field = section.model_fields.get("name")
    return get_args(field.annotation) if field else ()
