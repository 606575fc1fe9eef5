"""What is learned: the data sets, and how each is read and divided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import BeforeValidator, Field, field_validator, model_validator

from isolet_nn.config.bounds import MOST_POINTS
from isolet_nn.config.columns import Columns, Missing, MissingByKind, NamedColumns, by_kind
from isolet_nn.config.holdouts import (
    Fold,
    GroupHoldout,
    GroupTest,
    GroupValidation,
    RowHoldout,
    RowTest,
    RowValidation,
    SpeakerFold,
    SpeakerValidation,
)
from isolet_nn.config.section import Count, NoSign, Section, names_of
from isolet_nn.config.standardization import (
    ByGroup,
    GroupStandardization,
    SpeakerStandardization,
)
from isolet_nn.config.tables import default_delimiter


class DatasetSection(Section):
    """What can be said of every data set, whatever its keys are."""

    needs: ClassVar[str | None] = None
    """What must be given beside the name, as an example."""
    group_word: ClassVar[str] = "group"
    """What a group of rows is called."""

    @property
    def own_test(self) -> str | None:
        """The test part that the data itself has, in words; None where it has none."""
        return None

    @property
    def has_own_test(self) -> bool:
        """Whether the data itself says what the test part is, so that none is drawn."""
        return self.own_test is not None and self.test_fold is None

    @property
    def test_fold(self) -> Fold | None:
        """The fold that is the test part, if one is: of a nested cross-validation."""
        test = getattr(self, "test", None)
        return test if isinstance(test, Fold) else None

    @property
    def by_group(self) -> ByGroup | None:
        """How each group's rows are standardised by its own, where they are."""
        standardize = getattr(self, "standardize", None)
        return standardize if isinstance(standardize, ByGroup) else None

    @property
    def adapted_to(self) -> str | None:
        """Whose own rows, in words, standardise them, which is another task than without."""
        if self.by_group is None:
            return None
        group = getattr(self, "group", None)
        return group if isinstance(group, str) else self.group_word


class _SplitDataset(DatasetSection):
    split_seed: Annotated[int, Field(ge=0)] | None = None
    """Seed of the random splits; null takes the experiment's seed."""


class _GrouplessDataset(_SplitDataset):
    standardize: Literal[True, False, "global"] = True
    """Scale features to mean 0 and, each (true) or all by one factor (global), deviation 1."""


class IsoletDataset(_SplitDataset):
    """ISOLET: 617 features of spoken letters, 150 speakers; isolet1 to 4 train, isolet5 tests."""

    group_word: ClassVar[str] = "speaker"
    name: Literal["isolet"]
    """The data set."""
    standardize: SpeakerStandardization = True
    """Scale features to deviation 1: each (true), by one factor (global), or {by: speaker}."""
    dir: str | None = None
    """Folder of a copy of your own; null looks in ISOLET_NN_DATA_DIR, then in the package."""
    verify: bool = True
    """Refuse data whose content checksum is not that of ISOLET."""
    test: SpeakerFold | None = None
    """A fold of the training data to test on, isolet5 being left unread; null tests on isolet5."""
    validation: SpeakerValidation = "none"
    """Part of the training data held out to choose settings: none, a share, or one fold."""

    @property
    def own_test(self) -> str:
        """The fifth of its parts."""
        return "isolet5"


class BundledDataset(_GrouplessDataset):
    """A small data set that comes with scikit-learn."""

    name: Literal["digits", "iris", "wine", "breast_cancer"]
    """The data set."""
    test: RowTest = RowHoldout(fraction=0.2)
    """Part held out for the test: a share, or one fold."""
    validation: RowValidation = "none"
    """Part of the remaining rows held out to choose settings: none, a share, or one fold."""


class XorDataset(DatasetSection):
    """Exclusive or: four points, which are training and test set at once."""

    split_seed: ClassVar[int | None] = None
    """Nothing is drawn."""
    name: Literal["xor"]
    """The data set."""
    standardize: bool = False
    """Scale the inputs from 0 and 1 to -1 and 1."""
    validation: Literal["none"] = "none"
    """There is nothing to hold out."""

    @property
    def own_test(self) -> str:
        """All there is."""
        return "the four points"


class PlaneDataset(_GrouplessDataset):
    """Points of the plane, made by a formula: two half moons, or three spiral arms."""

    name: Literal["moons", "spirals"]
    """The data set."""
    rows: Annotated[int, Field(ge=3, le=MOST_POINTS)] = 600
    """Points in all; the classes have equal shares, unless imbalance says otherwise."""
    imbalance: Annotated[float, Field(ge=1.0, le=1000.0)] = 1.0
    """How many times as many points the first class has as the last; those between lie between."""
    noise: Annotated[float, Field(ge=0.0, le=10.0), NoSign] = 0.15
    """Standard deviation of the normal noise on both features; the data is about 3 across."""
    noise_seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the noise: another one makes other points, the experiment's seed does not."""
    test: RowTest = RowHoldout(fraction=0.2)
    """Part held out for the test: a share, or one fold."""
    validation: RowValidation = "none"
    """Part of the remaining rows held out to choose settings: none, a share, or one fold."""


def _require_group(group: str | int | None, parts: Mapping[str, object]) -> None:
    for key, part in parts.items():
        if group is None and getattr(part, "by", None) == "group":
            raise ValueError(f"{key}.by: group needs to know the column: set group")


class TableDataset(_SplitDataset):
    """What can be said of every table of a person's own."""

    standardize: GroupStandardization = True
    """Scale features to deviation 1: each (true), by one factor (global), or {by: group}."""
    columns: Columns | NamedColumns
    missing: Missing = "error"
    """What missing cells become: error, mean, median, most_frequent, {constant: 0}, or by kind."""
    missing_indicator: bool = False
    """Add a feature of 0 and 1 for each column with missing training cells, saying where."""
    many_classes: bool = False
    """Accept a label of more than 20 different numbers in over a tenth of the rows as classes."""

    @property
    def filling(self) -> MissingByKind:
        """What a missing cell becomes, by kind of column."""
        return by_kind(self.missing)

    @model_validator(mode="after")
    def _indicators_of_something(self) -> Self:
        if self.missing_indicator and self.filling == MissingByKind():
            raise ValueError(
                "missing_indicator goes with missing values that are filled in; set missing to "
                "mean, median, most_frequent or {constant: 0}"
            )
        return self


_DELIMITER_NAMES = {"tab": "\t", "\\t": "\t"}


def _delimiter(value: object) -> object:
    r"""Let ``tab``, and ``\t`` from a shell, stand for the character."""
    return _DELIMITER_NAMES.get(value, value) if isinstance(value, str) else value


class CsvDataset(TableDataset):
    """Any table in a file: numbers and categories, and one column with the class."""

    needs: ClassVar[str] = "path: FILE"
    name: Literal["csv"]
    """The data set."""
    path: str
    """The file, relative to the config file: text, gzip of it (.gz), or Parquet (.parquet)."""
    label: str | int = -1
    """Column of the class: its name, or its position from 0 (negative from the end)."""
    header: bool = True
    """Whether the first line names the columns."""
    delimiter: (
        Annotated[
            Annotated[str, Field(min_length=1, max_length=1)],
            BeforeValidator(_delimiter, json_schema_input_type=str),
        ]
        | None
    ) = None
    """Character between two columns, or tab; null is a tab in .tsv files, else a comma."""
    decimal: Literal[".", ","] = "."
    """Sign before the decimals of a number."""
    encoding: str = "utf-8"
    """How characters are written, such as utf-8, cp1252 or utf-16."""
    na_values: list[str] = Field(default=["NA", "N/A", "NaN", "?"])
    """Words in place of a missing name, in any case; an empty cell is missing, too."""
    group: str | int | None = None
    """Column of the group (speaker, patient, ...), by name or position; not a feature."""
    columns: Columns = Columns()
    """What is made of the other columns: each is a feature, unless it is left out here."""
    test_path: str | None = None
    """A second file with the test part; null splits it off as `test` says."""
    test: GroupTest = GroupHoldout(fraction=0.2)
    """Part held out for the test: a share where there is no test_path, or one fold."""
    validation: GroupValidation = "none"
    """Part of the training rows held out to choose settings: none, a share, or one fold."""

    @property
    def own_test(self) -> str | None:
        """The file of test rows, if there is one."""
        return self.test_path

    @field_validator("delimiter")
    @classmethod
    def _divides(cls, value: str | None) -> str | None:
        if value is not None and (value.isalnum() or value in '"\r\n\0'):
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
        if self.decimal == (self.delimiter or default_delimiter(self.path)):
            raise ValueError(
                f"decimal and delimiter are both {self.decimal!r}; in tables with decimal commas "
                "columns are mostly divided by `;` (delimiter)"
            )
        return self

    @model_validator(mode="after")
    def _group_is_named(self) -> Self:
        parts: dict[str, object] = {
            "standardize": self.standardize,
            "validation": self.validation,
        }
        if not self.has_own_test:
            parts["test"] = self.test
        _require_group(self.group, parts)
        return self


class OpenmlDataset(TableDataset):
    """A data set of openml.org, by id or by name."""

    needs: ClassVar[str] = "data_id: N"
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
    test: GroupTest = GroupHoldout(fraction=0.2)
    """Part held out for the test: a share, or one fold."""
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
        _require_group(
            self.group,
            {
                "standardize": self.standardize,
                "test": self.test,
                "validation": self.validation,
            },
        )
        return self


DatasetConfig = Annotated[
    IsoletDataset | BundledDataset | XorDataset | PlaneDataset | CsvDataset | OpenmlDataset,
    Field(discriminator="name"),
]


def datasets_by_name() -> dict[str, type[DatasetSection]]:
    """The data sets there are, by each name that an experiment can give."""
    models: tuple[type[DatasetSection], ...] = get_args(get_args(DatasetConfig)[0])
    return {name: model for model in models for name in names_of(model)}
