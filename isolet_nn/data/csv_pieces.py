"""The rows of a text, block by block: by pyarrow where it is there and all is plain, else by csv.

Both round numbers to the nearest double, so that they give the same bits. pyarrow is several times
as fast, but its errors do not say what is wrong where. So it is asked for pieces of which it and
the csv module have the same idea; and what it refuses, or reads as anything but finite numbers and
words, is read again by the csv module, which knows every line.
"""

from __future__ import annotations

import contextlib
import csv
import io
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.data.cells import Asked, Block, NumberFormat, Numbers, Words, block_of
from isolet_nn.data.csv_text import Text, rows_of

if TYPE_CHECKING:
    import pyarrow

_ROWS = 4096
"""Rows of a block where lines are read one by one."""

_THREADS, _AHEAD = 4, 8
"""Pieces that are read at the same time, and how many are given on at most before they are."""

_QUOTE = ord('"')


@dataclass(frozen=True)
class Division:
    """How lines are divided into cells, and what is read of them.

    Attributes
    ----------
    delimiter
        Character between two columns.
    width
        Number of columns.
    asked
        What is read, and as what.
    numbers
        How numbers are written.
    """

    delimiter: str
    width: int
    asked: Asked
    numbers: NumberFormat

    def block(self, rows: Iterator[tuple[int, list[str]]]) -> Block:
        """The cells of rows."""
        return block_of(rows, self.width, self.asked, self.numbers)


def blocks_by_piece(text: Text, division: Division) -> Iterator[Block]:
    """The rows of a text that can be divided into lines before it is decoded.

    Raises
    ------
    DataError
        If what is read is no such text.
    """
    fast = _Arrow.of(division, text.encoding)
    ahead = 0 if text.is_stream else _AHEAD
    read: deque[Future[Block]] = deque()
    with ThreadPoolExecutor(_THREADS) as pool:
        for piece, ends in text.pieces():
            if not _ends_outside_quotes(piece, division.delimiter) or b"\0" in piece:
                yield from _as_read(read)
                rest = rows_of(text.where, text.rest(piece), division.delimiter, text.line)
                yield from blocks_by_row(rest, division)
                return
            read.append(pool.submit(_block, text, division, fast, piece, text.line, ends))
            yield from _as_read(read, ahead)
        yield from _as_read(read)


def _as_read(read: deque[Future[Block]], ahead: int = 0) -> Iterator[Block]:
    """The blocks in order, but for the last ones, so many of which may still be read."""
    while len(read) > ahead:
        block = read.popleft().result()
        if len(block) or block.ragged:
            yield block


def _block(
    text: Text, division: Division, fast: _Arrow | None, piece: bytes, before: int, ends: int
) -> Block:
    """The rows of a piece after `before` lines, with `ends` line feeds in it."""
    block = None if fast is None else fast.block(piece, before, ends)
    if block is not None:
        return block
    # Without a newline, lines end as they do to TextIOWrapper.
    lines = io.StringIO(text.decode(piece, before + 1), newline="")
    return division.block(rows_of(text.where, lines, division.delimiter, before))


def blocks_by_row(rows: Iterator[tuple[int, list[str]]], division: Division) -> Iterator[Block]:
    """Rows, some at a time."""
    while len(block := division.block(islice(rows, _ROWS))) or block.ragged:
        yield block


def _ends_outside_quotes(piece: bytes, delimiter: str) -> bool:
    """Whether all quotation marks stand around cells, and none is open at the end."""
    if b'"' not in piece:
        return True
    codes = np.frombuffer(b"\n" + piece + b"\n", np.uint8)
    marks = np.flatnonzero(codes == _QUOTE)
    ends = np.frombuffer(f"{delimiter}\r\n".encode(), np.uint8)
    opened, closed = codes[marks[0::2] - 1], codes[marks[1::2] + 1]
    return len(marks) % 2 == 0 and bool(np.isin(opened, ends).all() and np.isin(closed, ends).all())


class _Arrow:
    """pyarrow's reader of CSV."""

    def __init__(self, division: Division, reader: Any) -> None:
        import pyarrow

        self.asked, self.delimiter = division.asked, division.delimiter
        self.csv = reader
        self.names = [str(position) for position in range(division.width)]
        words = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
        spellings = {
            spelling
            for word in division.numbers.missing
            for spelling in (word, word.upper(), word.title(), word.capitalize())
        }
        self.plain = reader.ParseOptions(delimiter=division.delimiter, quote_char=False)
        self.quoted = reader.ParseOptions(delimiter=division.delimiter, newlines_in_values=True)
        self.convert = reader.ConvertOptions(
            column_types={
                str(position): pyarrow.float64() if kind == "numeric" else words
                for position, kind in self.asked.items()
            },
            include_columns=[str(position) for position in self.asked],
            null_values=sorted(spellings | {"NaN"}),
            decimal_point=division.numbers.decimal,
        )

    @classmethod
    def of(cls, division: Division, encoding: str) -> _Arrow | None:
        """It, where it is installed and reads as the csv module does."""
        plain = division.delimiter.isascii() and division.delimiter != " " and division.width > 1
        if not plain or not division.asked or encoding not in ("utf-8", "utf-8-sig"):
            return None
        try:
            from pyarrow import csv as reader
        except ImportError:
            return None
        return cls(division, reader)

    def block(self, piece: bytes, before: int, ends: int) -> Block | None:
        """The rows of a piece after `before` lines, or None where the csv module has to look.

        `ends` is the number of line feeds in it.
        """
        import pyarrow

        rows = ends + (not piece.endswith(b"\n"))
        if b"\r" in piece and piece.count(b"\r") != piece.count(b"\r\n"):
            return None
        if not _is_utf8(piece):
            return None
        # Pieces have threads; those of pyarrow abort one program in a hundred as it ends (arrow
        # issue 34314).
        read = self.csv.ReadOptions(
            column_names=self.names, block_size=len(piece) + 1, use_threads=False
        )
        try:
            table = self.csv.read_csv(
                pyarrow.BufferReader(piece),
                read_options=read,
                parse_options=self.quoted if b'"' in piece else self.plain,
                convert_options=self.convert,
            )
        except pyarrow.ArrowException:
            return None
        if len(table) != rows:  # lines are blank, or go on within a cell
            return None
        cells: dict[int, Numbers | Words] = {}
        for position, kind in self.asked.items():
            column = table.column(str(position)).chunk(0)
            if kind == "categorical":
                words = _words(column)
                if any(len(word) > csv.field_size_limit() for word in words.words):
                    return None
                cells[position] = words
                continue
            values = _numbers(column)
            unusable = np.flatnonzero(~np.isfinite(values))
            if len(unusable) != column.null_count:  # infinite, or not a number in other words
                return None
            missing = None
            if len(unusable):
                missing = int(unusable[0]), self._cell(piece, int(unusable[0]), position)
            cells[position] = Numbers(values, missing)
        return Block(np.arange(before + 1, before + rows + 1), cells)

    def _cell(self, piece: bytes, row: int, position: int) -> str:
        line = piece.split(b"\n", row + 1)[row].decode("utf-8-sig")
        return next(rows_of("", [line], self.delimiter))[1][position]


def _is_utf8(piece: bytes) -> bool:
    if not piece.isascii():
        with contextlib.suppress(UnicodeDecodeError):
            piece.decode()
            return True
        return False
    return True


def _numbers(column: pyarrow.DoubleArray) -> NDArray[np.float64]:
    """Numbers, NaN where there is none; pyarrow's own `to_numpy` imports pandas for it."""
    there, values = column.buffers()
    numbers = np.frombuffer(values, np.float64)
    if not column.null_count:
        return numbers
    is_there = np.unpackbits(np.frombuffer(there, np.uint8), count=len(column), bitorder="little")
    return np.where(is_there, numbers, np.nan)


def _words(column: pyarrow.DictionaryArray) -> Words:
    words = [word.strip() for word in column.dictionary.to_pylist()]
    codes = np.frombuffer(column.indices.buffers()[1], np.int32).astype(np.int64)
    different: dict[str, int] = {}
    merged = np.array([different.setdefault(w, len(different)) for w in words], np.int64)
    return Words(codes if len(different) == len(words) else merged[codes], tuple(different))
