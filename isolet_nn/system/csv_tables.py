"""CSV tables: a header, then a row a line. A cell is text, a number, or None, which is empty.

Numbers have all their digits, so that what is read is what was written.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from isolet_nn.system.files import whole_file

CsvCell = str | int | float | None
Columns = Mapping[str, Callable[[str], Any]]
"""Names of columns, and what makes a value of a cell."""


def csv_text(header: Iterable[CsvCell], rows: Iterable[Iterable[CsvCell]]) -> str:
    """A table as text."""
    text = io.StringIO()
    _write(text, header, rows)
    return text.getvalue()


def csv_line(row: Iterable[CsvCell]) -> str:
    """A row alone, to append it to a table."""
    return csv_text(row, ())


def write_csv(path: Path, header: Iterable[CsvCell], rows: Iterable[Iterable[CsvCell]]) -> None:
    """Write a table row by row, so that a million of them need no memory; whole or not at all."""
    with (
        whole_file(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        _write(file, header, rows)


def _write(file: IO[str], header: Iterable[CsvCell], rows: Iterable[Iterable[CsvCell]]) -> None:
    writer = RowWriter(file)
    writer.writerow(header)
    writer.writerows(rows)


class RowWriter:
    """Writes rows to a file, a line each; a cell with any end of line in it is quoted."""

    def __init__(self, file: IO[str], delimiter: str = ",") -> None:
        self._file = file
        # Before Python 3.13 a carriage return is quoted only if it ends lines.
        writer = csv.writer(self, delimiter=delimiter, lineterminator="\r\n")
        self.writerow, self.writerows = writer.writerow, writer.writerows

    def write(self, row: str) -> None:
        """Write what the csv module made of a row."""
        self._file.write(row[:-2] + "\n")


def unless_nan(value: float) -> float | None:
    """A number for a cell that is to be empty where there is none."""
    return value if value == value else None


def csv_rows(text: str) -> list[list[str]]:
    """The cells of a table, header first; one empty row where there is no text.

    Raises
    ------
    ValueError
        If it is no CSV.
    """
    try:
        return list(csv.reader(io.StringIO(text))) or [[]]
    except csv.Error as error:
        raise ValueError(str(error)) from None


def read_csv(text: str, columns: Columns) -> list[list[Any]]:
    """The rows of a table of known columns, of which each converts its cells.

    Raises
    ------
    ValueError
        If it has other columns, a row of another length, or a cell that cannot be converted.
    """
    header, *rows = csv_rows(text)
    if header != [*columns]:
        raise ValueError(f"found the columns {header}")
    wrong = next((row for row in rows if len(row) != len(columns)), None)
    if wrong is not None:
        raise ValueError(f"found {len(wrong)} cells, expected {len(columns)}")
    return [
        [convert(cell) for convert, cell in zip(columns.values(), row, strict=True)] for row in rows
    ]
