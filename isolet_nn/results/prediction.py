"""Predictions for a table of any length, block by block, in memory that does not grow with it."""

from __future__ import annotations

import contextlib
import gzip
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.datasets import CsvDataset
from isolet_nn.data.csv_text import STANDARD_INPUT
from isolet_nn.data.layout import table_format
from isolet_nn.data.preprocessing import Preprocessing, codes_of
from isolet_nn.data.reading import DelimiterError, Source, TableFormat, read_blocks
from isolet_nn.data.table import Kind, Table, joined
from isolet_nn.errors import BackendUnavailableError, ConfigError, DataError
from isolet_nn.results.models import TrainedModel, numbered_groups
from isolet_nn.results.prediction_scores import PredictionScores
from isolet_nn.system.csv_tables import RowWriter
from isolet_nn.system.files import whole_file, why_not_written
from isolet_nn.training.backend import FloatArray

if TYPE_CHECKING:
    import pyarrow

PREDICTION = "prediction"
_PARQUET = (".parquet", ".pq")
Names = NDArray[np.object_]
"""(n,) text of cells; empty where one is missing."""


@dataclass(frozen=True, eq=False)
class Predicted:
    """The predictions for some rows of a table.

    Attributes
    ----------
    names
        By column of the output: the prediction, and what was kept of the table.
    probabilities
        (n, n_classes).
    unseen
        Rows with a category that the model never saw and has no place for, by column.
    """

    names: dict[str, Names]
    probabilities: FloatArray
    unseen: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.probabilities)


class Output(Protocol):
    """Where predictions go."""

    def write(self, block: Predicted) -> None:
        """Write the predictions for some rows."""


def _blocks(
    source: Source,
    kinds: dict[str, Kind],
    how: TableFormat | None,
    optional: Sequence[str],
    on_share: Callable[[float], None] | None,
) -> Iterator[Table]:
    """Read a table as the one that the model was trained on was written."""
    try:
        yield from read_blocks(source, kinds, how, optional, on_share)
    except DelimiterError as error:
        where = source if isinstance(source, Path) else STANDARD_INPUT
        raise DataError(
            f"{where}: seems to be divided at {error.delimiter!r}, but is read as the table was "
            "written that the model was trained on; write it with the same delimiter"
        ) from error


def predict_blocks(
    model: TrainedModel,
    source: Source,
    *,
    keep: Sequence[str] = (),
    group: str | None = None,
    scores: PredictionScores | None = None,
    on_share: Callable[[float], None] | None = None,
) -> Iterator[Predicted]:
    """Predict the rows of a table, some thousand at a time.

    A model that adapts to groups needs all rows of a group for the first of them, so that the
    whole table is read before, and held.

    Parameters
    ----------
    model
        The model.
    source
        A table's file, or a stream such as standard input.
    keep
        Columns of the table to hand on.
    group
        For a model that adapts to groups: the column that says which rows belong together; None
        takes the one that is called as in training.
    scores
        Counts the rows, where the table has a column with their classes.
    on_share
        Hears with each block how much of the table was read, 0 to 1, where that is known.

    Raises
    ------
    ConfigError
        If a column is to be kept twice, or under the name of one that is made, or a column of
        groups is named for a model that does not adapt to them.
    DataError
        If the table cannot be read, columns are missing, or a cell is not what it should be.
    """
    where = str(source) if isinstance(source, Path) else STANDARD_INPUT
    preprocessing = model.model.preprocessing
    _require_names(keep, output_columns(model, proba=True))
    kinds: dict[str, Kind] = {column.name: column.kind for column in preprocessing.inputs}
    for name in keep:
        kinds.setdefault(name, "categorical")
    optional = []
    if preprocessing.label is not None and scores is not None:
        if preprocessing.label not in kinds:
            optional = [preprocessing.label]
        kinds.setdefault(preprocessing.label, "categorical")
    group = _group_column(model, group, kinds)
    tables = _blocks(source, kinds, _format_of(model), optional, on_share)
    if group is not None:
        tables = _whole(tables, model.adapted_to)
    before = 0
    for table in tables:
        groups = None if group is None else _groups(table, group, where)
        probabilities = model.probabilities_of(table, where, before + 1, groups)
        names = {name: _names(table, name) for name in keep}
        if scores is not None and preprocessing.label in [c.name for c in table.columns]:
            scores.add(_names(table, preprocessing.label or ""), probabilities)
        names[PREDICTION] = model.classes_.astype(object)[probabilities.argmax(axis=1)]
        yield Predicted(names, probabilities, _unseen(preprocessing, table))
        before += len(table)


def _group_column(model: TrainedModel, group: str | None, kinds: dict[str, Kind]) -> str | None:
    """The column of the groups that a model adapts to, asked for with the others."""
    if model.adapted_to is None:
        if group is not None:
            raise ConfigError(
                f"--group: found {group!r}, but the model standardises all rows alike, whatever "
                "group they are of"
            )
        return None
    group = group or model.adapted_to
    if group in kinds and kinds[group] == "numeric":
        raise ConfigError(f"--group: column {group!r} is a feature of the model, and no group")
    kinds[group] = "categorical"
    return group


def _whole(tables: Iterator[Table], given: str | None) -> Iterator[Table]:
    """All rows as one table."""
    try:
        read = list(tables)
    except DataError as error:
        raise DataError(
            f"{error}\n(the model standardises the rows of each {given} by its own; --group names "
            "the column that says which rows belong together)"
        ) from error
    if read:
        yield joined(read)


def _groups(table: Table, group: str, where: str) -> NDArray[np.int64]:
    """A number (n,) for the group of each row; raises DataError where one is missing."""
    names = _names(table, group).tolist()
    if "" in names:
        raise DataError(
            f"{where}: row {names.index('') + 1}: column {group!r}: the value is missing, so it is "
            "not known which rows belong to it"
        )
    return numbered_groups(names)


def _unseen(preprocessing: Preprocessing, table: Table) -> dict[str, int]:
    """Rows with a category that was not there in training, by column."""
    found = {}
    positions = {column.name: i for i, column in enumerate(table.columns)}
    for column in preprocessing.inputs:
        if column.kind == "numeric" or column.other:
            continue
        position = positions[column.name]
        known = codes_of(column.categories)
        new = [i for i, c in enumerate(table.columns[position].categories) if c not in known]
        if new:
            found[column.name] = int(np.isin(table.cells[:, position], new).sum())
    return found


def _format_of(model: TrainedModel) -> TableFormat | None:
    """How the table was written that the model learned, for others to be read alike."""
    dataset = model.model.experiment.dataset
    return table_format(dataset) if isinstance(dataset, CsvDataset) else None


def _require_names(keep: Sequence[str], made: Sequence[str]) -> None:
    for name in keep:
        if keep.count(name) > 1:
            raise ConfigError(f"--keep: found {name!r} twice")
        if name in made:
            raise ConfigError(f"--keep: found {name!r}, which is a column that is made")


def _names(table: Table, name: str) -> Names:
    """The cells of a column as text."""
    position = [column.name for column in table.columns].index(name)
    column, cells = table.columns[position], table.cells[:, position]
    if column.kind == "numeric":
        texts = ["" if v != v else repr(int(v) if v.is_integer() else v) for v in cells.tolist()]
        return np.array(texts, dtype=object)
    categories = np.array([*column.categories, ""], dtype=object)
    codes = np.where(np.isnan(cells), len(column.categories), cells).astype(np.int64)
    names: Names = categories[codes]
    return names


def output_columns(model: TrainedModel, *, proba: bool, keep: Sequence[str] = ()) -> list[str]:
    """Names of the columns of the output."""
    of_classes = [f"probability_{name}" for name in model.classes_] if proba else []
    return [*keep, PREDICTION, *of_classes]


class CsvOutput:
    """Predictions as CSV, flushed after each block so that a reader need not wait.

    Parameters
    ----------
    file
        Text that is written to.
    columns
        Names of the columns, those of probabilities last.
    delimiter
        Character between two columns.
    text
        What is done to text on its way.
    """

    def __init__(
        self,
        file: IO[str],
        columns: Sequence[str],
        delimiter: str = ",",
        text: Callable[[str], str] = str,
    ) -> None:
        self._file, self._columns, self._text = file, columns, text
        self._block = io.StringIO()
        self._writer = RowWriter(self._block, delimiter)
        self._writer.writerow(columns)

    def write(self, block: Predicted) -> None:
        cells: list[Sequence[str]] = [
            block.names[name].tolist() for name in self._columns if name in block.names
        ]
        if len(cells) < len(self._columns):
            cells += [list(map(str, column)) for column in block.probabilities.T]
        self._writer.writerows(zip(*cells, strict=True))
        self.flush()

    def flush(self) -> None:
        """Write out what is there, of no rows the names of the columns."""
        self._file.write(self._text(self._block.getvalue()))
        self._file.flush()
        self._block.seek(0)
        self._block.truncate()


class _ParquetOutput:
    """Predictions as Parquet."""

    def __init__(self, path: Path, columns: Sequence[str], n_names: int, dtype: str) -> None:
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError:
            raise BackendUnavailableError(
                f"{path}: Parquet is written by pyarrow, which is not installed; install it with "
                "`pip install 'isolet-nn[tables]'`, or write a .csv file"
            ) from None
        kinds = [pyarrow.string()] * n_names
        kinds += [pyarrow.from_numpy_dtype(np.dtype(dtype))] * (len(columns) - n_names)
        self._columns, self._n_names = columns, n_names
        self.schema: pyarrow.Schema = pyarrow.schema(zip(columns, kinds, strict=True))
        self.writer = parquet.ParquetWriter(path, self.schema)

    def write(self, block: Predicted) -> None:
        import pyarrow

        cells: list[Any] = [
            [text or None for text in block.names[name].tolist()]
            for name in self._columns[: self._n_names]
        ]
        if self._n_names < len(self._columns):
            cells += list(np.ascontiguousarray(block.probabilities.T))
        self.writer.write_table(pyarrow.table(cells, schema=self.schema))


@contextlib.contextmanager
def file_output(
    path: Path, model: TrainedModel, *, proba: bool, keep: Sequence[str] = ()
) -> Iterator[Output]:
    """A file that appears whole or not at all: Parquet, or CSV (.csv, .tsv, .gz) by its name.

    Raises
    ------
    ConfigError
        If its folder is not there, or it is itself no file, but a folder or a device.
    BackendUnavailableError
        If it is Parquet and pyarrow is not installed.
    """
    if why := why_not_written(path):
        raise ConfigError(f"--output {path}: {why}")
    columns = output_columns(model, proba=proba, keep=keep)
    suffix = Path(path.name.lower().removesuffix(".gz")).suffix
    with whole_file(path) as temporary, contextlib.ExitStack() as stack:
        if suffix in _PARQUET:
            dtype = model.model.experiment.training.dtype
            parquet = _ParquetOutput(temporary, columns, len(keep) + 1, dtype)
            stack.enter_context(contextlib.closing(parquet.writer))
            yield parquet
            return
        opened: Any = gzip.open if path.name.lower().endswith(".gz") else open
        file = stack.enter_context(opened(temporary, "wt", encoding="utf-8", newline=""))
        output = CsvOutput(file, columns, "\t" if suffix == ".tsv" else ",")
        yield output
        output.flush()
