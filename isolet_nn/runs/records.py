"""What folders keep as JSON, as models: checked when it is read back, and of one format.

A folder may have been edited, cut short, or written by another version. What is wrong with it is
said before anything in it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    model_validator,
    with_config,
)
from typing_extensions import TypedDict

from isolet_nn.config.metrics import Metric
from isolet_nn.errors import RunError, short_repr
from isolet_nn.system.folders import read_json
from isolet_nn.system.statuses import RUNNING, FolderStatus
from isolet_nn.version import __version__

FORMAT: Final = 1
"""Of runs, sweeps, models, checkpoints and journals; a change of what they hold raises it."""

STRICT = ConfigDict(
    extra="forbid", frozen=True, strict=True, allow_inf_nan=False, protected_namespaces=()
)
_MOST = 2**53

Whole = Annotated[int, Field(ge=0, le=_MOST)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Correlation = Annotated[float, Field(ge=-1.0, le=1.0)]
Seconds = Annotated[float, Field(ge=0.0)]


def _is_instant(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("has no offset from UTC")
    datetime.fromisoformat(text).astimezone()  # fails for the year 1
    return text


Instant = Annotated[str, AfterValidator(_is_instant)]
"""Local time with its offset, ISO 8601."""


@with_config(STRICT)
class Metrics(TypedDict, total=False):
    """Metrics under the names of metrics.csv; None where not evaluated, or undefined."""

    train_loss: float | None
    train_accuracy: Share | None
    validation_loss: float | None
    validation_accuracy: Share | None
    validation_balanced_accuracy: Share | None
    validation_macro_f1: Share | None
    validation_matthews: Correlation | None
    validation_roc_auc: Share | None
    validation_average_precision: Share | None
    test_loss: float | None
    test_accuracy: Share | None
    test_balanced_accuracy: Share | None
    test_macro_f1: Share | None
    test_matthews: Correlation | None
    test_roc_auc: Share | None
    test_average_precision: Share | None


REMEDY = "run it anew"


class Record(BaseModel):
    """Base of every record: no unknown keys, no coerced types, no number that is not finite."""

    model_config = STRICT


class Summary(Record):
    """What summary.json of a run and of a sweep have in common."""

    format: Literal[1]
    status: FolderStatus
    started: Instant
    ended: Instant | None = None
    seconds: Seconds | None = None
    overruled: list[str] = []
    """What had changed when a resume was told to go on all the same."""

    @model_validator(mode="after")
    def _ended_with_figures(self) -> Self:
        if self.status != RUNNING:
            missing = [key for key in self._FIGURES if key not in self.model_fields_set]
            if missing:
                raise ValueError(f"status is {self.status}, but there is no {missing[0]}")
        return self

    _FIGURES: ClassVar[tuple[str, ...]] = ("ended", "seconds")


class GrownFrom(Record):
    """The run that another one goes on from."""

    run: str
    """Its folder."""
    epochs: Whole
    """Of it, which are the first of the other one."""


class RunSummary(Summary):
    """summary.json of a run."""

    error: str | None = None
    epochs: Whole | None = None
    epoch: Whole | None = None
    best_validation_epoch: Whole | None = None
    metrics: Metrics | None = None
    undefined: dict[Metric, str] = {}
    """Scores that the final model has none of, and why."""
    warning: str | None = None
    """Why the accuracy misleads, where it does."""
    parameters: Whole | None = None
    dataset_checksum: str | None = None
    stopped: str | None = None
    """Why an observer ended the training before its time."""
    grown_from: GrownFrom | None = None
    """Of a run that extends another one."""
    adapted_to: str | None = None
    """Whose own rows standardise them, where they do: another task than without."""

    _FIGURES: ClassVar[tuple[str, ...]] = ("ended", "seconds", "epochs", "metrics")


class Labels(Record):
    """labels.json of a run or a sweep: what a person says of it."""

    remedy: ClassVar[str] = "remove it, and tag the folder anew"
    format: Literal[1] = FORMAT
    tags: list[Annotated[str, Field(min_length=1)]] = Field(default=[])
    note: str | None = None


class _DataRecord(Record):
    name: str
    checksum: str


class _Commit(Record):
    commit: str | None
    modified: bool


class _Library(Record):
    internal_api: str | None
    version: str | None
    architecture: str | None
    num_threads: Whole | None


class Environment(Record):
    """environment.json of a run or a sweep."""

    format: Literal[1]
    isolet_nn: str
    git: _Commit | None
    python: str
    platform: str
    cpu: str
    packages: dict[str, str | None]
    linear_algebra: list[_Library]
    command_line: list[str]
    threads: Whole
    processor: str
    """What computed: the name of the CPU or the GPU."""
    dataset: _DataRecord
    experiment: dict[str, JsonValue] | None = None
    """Of a run: what it was begun with, complete."""
    dataset_checksums: list[str] | None = None
    """Of a sweep: those of all its data sets."""


class ModelFacts(Record):
    """What lies beside the weights of a model."""

    format: Literal[1]
    classes: Annotated[list[str], Field(min_length=2)]
    experiment: dict[str, JsonValue]
    preprocessing: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """Checksum of what was fitted with it: `Preprocessing.checksum`."""


class _Input(Record):
    name: str
    kind: Literal["numeric", "categorical"]
    categories: list[str]
    other: bool
    fill: float | None
    indicator: bool
    mean: float | None
    scale: float | None


class _Shrinkage(Record):
    mean: Annotated[float, Field(ge=0)]
    deviation: Annotated[float, Field(ge=0)]


class PreprocessingRecord(Record):
    """preprocessing.json beside a model."""

    format: Literal[1]
    inputs: Annotated[list[_Input], Field(min_length=1)]
    classes: Annotated[list[str], Field(min_length=2)]
    label: str | None
    group: str | None
    shrinkage: _Shrinkage | None = None
    """Only where each group's rows are standardised by the group's own."""


class _Pcg64State(Record):
    state: Annotated[int, Field(ge=0, lt=2**128)]
    inc: Annotated[int, Field(ge=0, lt=2**128)]


class GeneratorState(Record):
    """Where a random stream is."""

    bit_generator: Literal["PCG64"]
    state: _Pcg64State
    has_uint32: Annotated[int, Field(ge=0, le=1)]
    uinteger: Annotated[int, Field(ge=0, lt=2**32)]


class PlateauState(Record):
    """What a schedule that follows the validation metric has seen."""

    current: Annotated[float, Field(ge=0.0, le=1.0)]
    best: float | None
    without_improvement: Whole
    cooling: Whole


class MemberProgress(Record):
    """How far one experiment of a stack is."""

    finished: bool
    error: str | None
    best_epoch: Whole | None
    best_value: float | None
    evaluations_since_best: Whole
    plateau: PlateauState | None


class Progress(Record):
    """What lies beside the arrays of a checkpoint."""

    format: Literal[1]
    epoch: Whole
    step: Whole
    seconds: Seconds
    checksum: str
    """SHA-256 of the arrays."""
    generators: list[GeneratorState]
    members: list[MemberProgress]


RecordT = TypeVar("RecordT", bound=BaseModel)


def read_record(path: Path, model: type[RecordT]) -> RecordT:
    """Read a JSON file that one of the models describes.

    Raises
    ------
    RunError
        If it is missing, damaged, or of another format.
    """
    return check_record(read_json(path), model, path)


def check_record(content: object, model: type[RecordT], path: Path | str) -> RecordT:
    """Check content that was found at `path` against a model.

    Raises
    ------
    RunError
        If it does not fit; the message names the key.
    """
    if not isinstance(content, dict):
        raise RunError(f"{path}: damaged: found {short_repr(content)}, expected an object")
    if "format" in model.model_fields:
        require_format(content, path, getattr(model, "remedy", REMEDY))
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise RunError(f"{path}: damaged: {what_is_wrong(error)}") from None


def require_format(content: Mapping[str, Any], path: Path | str, remedy: str = REMEDY) -> None:
    """Refuse what another version wrote in another format.

    Parameters
    ----------
    content, path
        What was found where.
    remedy
        What to do where the version that wrote it is not at hand.

    Raises
    ------
    RunError
        Saying what to do.
    """
    found = content.get("format")
    if found is not None and (type(found) is not int or not 0 <= found <= _MOST):
        raise RunError(f"{path}: damaged: format: found {short_repr(found)}, expected {FORMAT}")
    if found != FORMAT:
        of = "an earlier format" if found is None or found < FORMAT else f"format {found}"
        raise RunError(
            f"{path}: is of {of}, and isolet-nn {__version__} reads format {FORMAT}: "
            f"use the version that wrote it, or {remedy}"
        )


def what_is_wrong(error: ValidationError) -> str:
    """The first thing that pydantic found, with its key path."""
    details = error.errors()[0]
    where = ".".join(map(str, details["loc"]))
    match details["type"]:
        case "missing":
            what = "missing"
        case "extra_forbidden":
            what = "unknown key"
        case "value_error":
            what = str(details.get("ctx", {}).get("error"))
        case "json_invalid":
            what = details["msg"]
        case _:
            expected = details["msg"].replace("Input should", "it should")
            what = f"found {short_repr(details['input'])}; {expected}"
    return f"{where}: {what}" if where else what
