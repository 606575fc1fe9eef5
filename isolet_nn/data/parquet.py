"""Tables in Parquet files, read by pyarrow a batch of rows at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isolet_nn.data.cells import Asked, Block, NumberFormat, Numbers, Words, words_of
from isolet_nn.data.csv_text import reading
from isolet_nn.data.table import listing
from isolet_nn.errors import DataError
from isolet_nn.system.files import open_file

if TYPE_CHECKING:
    import pyarrow

_CELLS = 1 << 18
"""Cells of a batch, about."""
_MAX_BYTES = 1 << 40
_BUFFER = 1 << 16
"""Bytes of a column that are read at once; else it is all of a row group, often of all rows."""


@contextlib.contextmanager
def open_parquet(path: Path, numbers: NumberFormat) -> Iterator[_ParquetTable]:
    """Open a Parquet file; `numbers` is how they are written where they are words.

    Raises
    ------
    DataError
        If pyarrow is not installed, or cannot read the file, also later on.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise DataError(
            f"{path}: Parquet is read by pyarrow, which is not installed; install it with "
            "`pip install 'isolet-nn[tables]'`, or save the table as a CSV file"
        ) from None
    with reading(str(path)), open_file(path, _MAX_BYTES) as file:
        try:
            opened = parquet.ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False)
            yield _ParquetTable(str(path), opened, numbers)
        except (pyarrow.ArrowException, UnicodeDecodeError) as error:
            reason = (str(error).splitlines() or [""])[0][:200]
            raise DataError(f"{path}: cannot be read as Parquet: {reason}") from None


class _ParquetTable:
    def __init__(self, where: str, file: Any, numbers: NumberFormat) -> None:
        self.where, self.before_row = where, f"{where}: data row "
        self.numbers = numbers
        self.file = file
        self.schema: pyarrow.Schema = file.schema_arrow
        self.columns: tuple[str, ...] = tuple(self.schema.names)
        if not self.columns:
            raise DataError(f"{where}: holds no columns")
        self.unreadable: Mapping[int, str] = {
            position: str(field.type)
            for position, field in enumerate(self.schema)
            if not _is_readable(field.type)
        }
        self.n_read = 0

    @property
    def share(self) -> float:
        return float(self.n_read / max(1, self.file.metadata.num_rows))

    def blocks(self, asked: Asked) -> Iterator[Block]:
        names = None
        # pyarrow takes a.b for a part of a, and cannot tell columns of one name apart.
        if len(set(self.columns)) == len(self.columns) and not any("." in n for n in self.columns):
            names = [self.columns[position] for position in asked]
        rows = max(1, _CELLS // (len(self.columns) if names is None else max(1, len(names))))
        # With threads, programs hang or abort as they end (arrow issues 34314 and 50482).
        for batch in self.file.iter_batches(min(rows, 1 << 16), columns=names, use_threads=False):
            cells = {}
            for position, kind in asked.items():
                place = position
                if names is not None:
                    place = batch.schema.get_field_index(self.columns[position])
                cells[position] = self._cells(position, kind, batch.column(place))
            before, self.n_read = self.n_read, self.n_read + len(batch)
            yield Block(np.arange(before + 1, self.n_read + 1), cells)

    def _cells(self, position: int, kind: str, column: pyarrow.Array) -> Numbers | Words:
        import pyarrow
        from pyarrow import types

        if types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if position in self.unreadable:
            name = self.columns[position]
            raise DataError(
                f"{self.where}: column {name!r}: holds {self.unreadable[position]}, expected "
                "numbers or words; leave it out with dataset.columns: "
                f"{{drop: [{listing([name])}]}}"
            )
        is_number = (
            types.is_integer(column.type)
            or types.is_floating(column.type)
            or types.is_decimal(column.type)
        )
        if kind == "categorical":
            return words_of(_texts(column))
        if not is_number:
            return self.numbers.numbers(_texts(column))
        values = column.cast(pyarrow.float64(), safe=False).to_numpy(zero_copy_only=False)
        missing = np.flatnonzero(np.isnan(values))
        return Numbers(
            values.astype(np.float64),
            (int(missing[0]), "") if len(missing) else None,
            {int(row): str(values[row]) for row in np.flatnonzero(np.isinf(values))},
        )


def _is_readable(kind: pyarrow.DataType) -> bool:
    """Whether cells are numbers or words, not lists, bytes and the like."""
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    is_bytes = (
        types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
    )
    return not (types.is_nested(kind) or is_bytes or types.is_binary_view(kind))


def _texts(column: pyarrow.Array) -> list[str]:
    """Cells in words; one that is missing is empty."""
    import pyarrow

    texts = column.cast(pyarrow.string()).to_pylist()
    return ["" if text is None else text for text in texts]
