"""The rows of a table's file, collected block by block, with all that is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.datasets import CsvDataset
from isolet_nn.data.cells import Block, Numbers, Words
from isolet_nn.data.columns import MISSING, BadCells, column_error
from isolet_nn.data.layout import Layout
from isolet_nn.data.reading import TableFormat, bad_number, ragged_row
from isolet_nn.data.table import Column, Kind, Table, in_order

_HEADER_HINT = "; if this line names the columns, set dataset.header: true"


class SheetRows:
    """The rows of a sheet, taken block by block; what is wrong with them is collected."""

    def __init__(
        self, layout: Layout, kinds: Mapping[int, Kind], config: CsvDataset, how: TableFormat
    ) -> None:
        self.layout, self.kinds, self.config, self.how = layout, kinds, config, how
        self.n = 0
        self.lines: list[NDArray[np.int64]] = []
        self.bad = BadCells()
        self._x = np.empty((0, len(layout.features)))
        self._names: dict[int, list[str]] = {}
        self._codes: dict[int, dict[str, int]] = {}
        self._first: dict[int, list[int]] = {}

    def take(self, block: Block) -> None:
        """Add rows, and what is wrong with them."""
        for line, width in block.ragged:
            says = ragged_row(width, len(self.layout.columns), self.how)
            self.bad.add(-1, "cells", line, says)
        rows = self._room(len(block))
        is_first = not self.lines
        self.lines.append(block.lines)
        for i, position in enumerate(self.layout.features):
            cells = block.cells[position]
            if isinstance(cells, Words):
                rows[:, i] = self._codes_of(position, block, cells)
                self._note_names(position, block, cells, MISSING)
            else:
                rows[:, i] = cells.values
                self._note_numbers(position, block, cells, is_first)
        for position in self.layout.names:
            names = block.cells[position]
            assert isinstance(names, Words)
            of_rows = np.array(names.words, dtype=object)[names.codes].tolist()
            self._names.setdefault(position, []).extend(of_rows)
            self._note_names(position, block, names, "name")

    def _codes_of(self, position: int, block: Block, cells: Words) -> NDArray[np.float64]:
        """Places of a column's cells among the words found in it so far, NaN where missing."""
        codes = self._codes.setdefault(position, {})
        first = self._first.setdefault(position, [])
        places = np.full(len(cells.words), np.nan)
        for code, word in enumerate(cells.words):
            if word.lower() in self.how.missing_names:
                continue
            if word not in codes:
                first.append(int(block.lines[np.argmax(cells.codes == code)]))
            places[code] = codes.setdefault(word, len(codes))
        return places[cells.codes]

    def note_numbers_among_names(self) -> None:
        """Note columns of names in which there are numbers, unless the config says what they are.

        A column of numbers in which there are names is noted as its cells are taken.
        """
        numbers = self.how.numbers
        for position, codes in self._codes.items():
            if position in self.layout.named:
                continue
            found = {word: code for word, code in codes.items() if numbers.is_number(word)}
            if not found:
                continue
            word, code = next(iter(found.items()))
            cells = self._x[: self.n, self.layout.features.index(position)]
            rows = int(np.isin(cells, list(found.values())).sum())
            says = column_error(self.layout.columns[position], f"found {word!r} among names")
            self.bad.add(position, "number", self._first[position][code], says, rows)

    def _room(self, rows: int) -> NDArray[np.float64]:
        """Place for the features of rows more (rows, n_features)."""
        self.n += rows
        if self.n > len(self._x):
            # Large arrays are not copied for it; more than is needed costs memory.
            self._x.resize((self.n + self.n // 16, self._x.shape[1]), refcheck=False)
        return self._x[self.n - rows : self.n]

    def table(self) -> Table:
        """The features, with the categories in order."""
        self._x.resize((self.n, self._x.shape[1]), refcheck=False)
        columns = []
        for i, position in enumerate(self.layout.features):
            name = self.layout.columns[position]
            if self.kinds[position] == "numeric":
                columns.append(Column(name))
                continue
            codes = self._codes.get(position, {})
            categories = in_order(codes)
            columns.append(Column(name, "categorical", tuple(categories)))
            places = {category: place for place, category in enumerate(categories)}
            cells, there = self._x[:, i], ~np.isnan(self._x[:, i])
            moved = np.array([places[word] for word in codes], dtype=np.float64)
            cells[there] = moved[cells[there].astype(np.int64)]
        return Table(tuple(columns), self._x)

    def names_of(self, position: int) -> list[str]:
        """Label or group of each row."""
        return self._names[position]

    def _note_names(self, position: int, block: Block, cells: Words, kind: str) -> None:
        for code, word in enumerate(cells.words):
            if word.lower() not in self.how.missing_names:
                continue
            says = MISSING
            if word:
                kept = [w for w in self.config.na_values if w.strip().lower() != word.lower()]
                says += (
                    f" (found {word!r}; if that is a name, set dataset.na_values: "
                    f"[{', '.join(map(repr, kept))}])"
                )
            rows = np.flatnonzero(cells.codes == code)
            line = int(block.lines[rows[0]])
            says = column_error(self.layout.columns[position], says)
            self.bad.add(position, kind, line, says, len(rows))

    def _note_numbers(self, position: int, block: Block, cells: Numbers, is_first: bool) -> None:
        column = self.layout.columns[position]
        decimal = self.config.decimal
        if cells.missing is not None:
            row, cell = cells.missing
            says = f"{MISSING} (found {cell[:60]!r})"
            count = int(np.isnan(cells.values).sum()) - len(cells.bad)
            line = int(block.lines[row])
            self.bad.add(position, MISSING, line, column_error(column, says), count)
        for row, cell in cells.bad.items():
            says = bad_number(cell, decimal)
            if is_first and row == 0 and not self.config.header:
                says += _HEADER_HINT
            self.bad.add(position, "number", int(block.lines[row]), column_error(column, says))
