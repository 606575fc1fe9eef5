"""curves.csv of a sweep: the metrics of every trial in every epoch, a row an epoch.

The rows of a trial stand together. They are written when it ends, before its line in the journal;
what a crash leaves of trials that the journal does not know, the next resume takes out.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Literal

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.metrics import SCORES, TRAIN_METRICS
from isolet_nn.config.training import TrainingConfig
from isolet_nn.errors import RunError
from isolet_nn.runs.metrics_file import columns_of, read_epoch
from isolet_nn.system.files import cut_torn_line, errors_name, open_file, whole_file
from isolet_nn.training.progress import Row

SavedCurves = Literal["training", "full", "none"]
CURVES = "curves.csv"
_COLUMNS = columns_of(("validation", "test"), SCORES)
_HEADER = ",".join(["trial", *_COLUMNS]).encode() + b"\n"
_NO_LIMIT = (1 << 63) - 1


def evaluated_epochs(
    settings: TrainingConfig, kept: SavedCurves, epochs: int
) -> Callable[[int], bool]:
    """In which epochs a trial of so many `epochs` is evaluated, of those that are kept."""
    every = settings.evaluate_every
    if kept == "training" and not settings.watched:
        every = epochs
    return lambda epoch: epoch % every == 0 or epoch == epochs


def curve_text(trial: int, rows: Iterable[Row], is_evaluated: Callable[[int], bool]) -> str:
    """The rows of a trial as they stand in the file, numbers with all digits.

    A training may have been evaluated for other trials that it serves: `is_evaluated` says in
    which epochs it was for this one.
    """
    lines = []
    for epoch, row in enumerate(rows, 1):
        shown = _COLUMNS if is_evaluated(epoch) else _MEASURED_IN_TRAINING
        cells = [row.get(column) if column in shown else None for column in _COLUMNS]
        lines.append(f"{trial}," + ",".join("" if v is None else repr(v) for v in cells) + "\n")
    return "".join(lines)


_MEASURED_IN_TRAINING = frozenset(["epoch", *TRAIN_METRICS, "seconds"])


class Curves:
    """The file ``curves.csv``, open for appending.

    Parameters
    ----------
    path
        The file; made if there is none.

    Raises
    ------
    RunError
        If it has other columns.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] = path.open("ab")
        try:
            if self._file.tell() == 0:
                self._file.write(_HEADER)
                self.sync()
        except OSError:
            with contextlib.suppress(OSError):
                self._file.close()
            raise

    def append(self, texts: Iterable[str]) -> None:
        """Write the curves of trials that ended."""
        with errors_name(self._path):
            self._file.write("".join(texts).encode())
            self._file.flush()

    def sync(self) -> None:
        """Force to the disk what was written."""
        with errors_name(self._path):
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        with errors_name(self._path):
            self._file.close()


def keep_curves(path: Path, ended: NDArray[np.bool_]) -> None:
    """Take out what a crash left: a torn line, and the rows of trials that have not ended.

    Raises
    ------
    RunError
        If the file is damaged.
    """
    if not os.path.lexists(path):
        return
    with _opened(path):  # what is no file is not waited for
        pass
    cut_torn_line(path)
    if path.stat().st_size == 0 or all(_is_kept(path, line, ended) for line in _rows(path)):
        return
    with whole_file(path) as temporary, temporary.open("wb") as file:
        file.write(_HEADER)
        file.writelines(line for line in _rows(path) if _is_kept(path, line, ended))


def _is_kept(path: Path, line: bytes, ended: NDArray[np.bool_]) -> bool:
    number = _trial_of(path, line)
    if number >= len(ended):
        raise RunError(f"{path}: damaged: found trial '{number}'")
    return bool(ended[number])


def curve_texts(path: Path, trials: Collection[int]) -> Iterator[str]:
    """The rows of some trials as they stand in the file; none where there is no file.

    Raises
    ------
    RunError
        If the file is damaged.
    """
    if not os.path.lexists(path):
        return
    for line in _rows(path):
        if line.endswith(b"\n") and _trial_of(path, line) in trials:
            yield line.decode(errors="replace")


def read_curves(path: Path, trials: Collection[int]) -> Iterator[tuple[int, list[Row]]]:
    """The rows of some trials, of each in turn, with every metric there is.

    Raises
    ------
    RunError
        If the file is damaged.
    """
    texts = curve_texts(path, trials)
    for number, lines in itertools.groupby(texts, lambda text: int(text.partition(",")[0])):
        start = len(f"{number},")
        yield (
            number,
            [_row(path, line.encode(), start, epoch) for epoch, line in enumerate(lines, 1)],
        )


def _trial_of(path: Path, line: bytes) -> int:
    number = line.partition(b",")[0]
    if not number.isdigit():
        raise RunError(f"{path}: damaged: found trial {number[:20].decode(errors='replace')!r}")
    return int(number[:10])


def read_curve(path: Path, trial: int) -> list[Row]:
    """The rows of a trial, with every metric there is; none where the file has none.

    Raises
    ------
    RunError
        If the file is damaged.
    """
    rows: list[Row] = []
    if not os.path.lexists(path):
        return rows
    prefix = b"%d," % trial
    for line in _rows(path):
        if line.startswith(prefix) and line.endswith(b"\n"):
            rows.append(_row(path, line, len(prefix), len(rows) + 1))
        elif rows:
            break
    return rows


class CurveReader:
    """The curves of many trials, while the file may grow: it is read once.

    Parameters
    ----------
    path
        The file; there may be none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: dict[int, int] = {}
        self._read = len(_HEADER)

    def rows(self, trial: int) -> list[Row]:
        """The rows of a trial that has ended, with every metric there is; none without a curve.

        Raises
        ------
        RunError
            If the file is damaged.
        """
        if not os.path.lexists(self._path):
            return []
        with _opened(self._path) as file:
            if trial not in self._places:
                self._find_more(file)
            if trial not in self._places:
                return []
            file.seek(self._places[trial])
            prefix = b"%d," % trial
            lines = itertools.takewhile(lambda line: line.startswith(prefix), file)
            whole = (line for line in lines if line.endswith(b"\n"))
            rows = [_row(self._path, line, len(prefix), n) for n, line in enumerate(whole, 1)]
        return metrics_measured(rows)

    def _find_more(self, file: IO[bytes]) -> None:
        """Find out where the trials stand that were written since."""
        file.seek(self._read)
        for line in file:
            number = line.partition(b",")[0]
            if not line.endswith(b"\n") or not number.isdigit():
                break
            self._places.setdefault(int(number[:10]), self._read)
            self._read += len(line)


def _row(path: Path, line: bytes, start: int, epoch: int) -> Row:
    try:
        row = read_epoch(_COLUMNS, line[start:].decode().rstrip("\n"))
        if row["epoch"] != epoch:
            raise ValueError(f"found epoch {row['epoch']} where {epoch} should be")
    except ValueError as error:
        raise RunError(f"{path}: damaged: {error}") from None
    return row


def _rows(path: Path) -> Iterator[bytes]:
    """The lines after the header."""
    with _opened(path) as file:
        header = file.readline(len(_HEADER))
        if header != _HEADER:
            raise RunError(f"{path}: damaged, or of another version: found the columns {header!r}")
        yield from file


def _opened(path: Path) -> IO[bytes]:
    try:
        return open_file(path, limit=_NO_LIMIT)
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None


def metrics_measured(rows: Sequence[Row]) -> list[Row]:
    """Rows without the metrics that no epoch has."""
    there = [name for name in _COLUMNS if any(row[name] is not None for row in rows)]
    return [{name: row[name] for name in there} for row in rows]
