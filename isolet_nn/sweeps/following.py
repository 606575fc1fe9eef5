"""A sweep read again and again while it goes on: of its journal only what was appended."""

from __future__ import annotations

import os
from pathlib import Path

from isolet_nn.errors import RunError
from isolet_nn.sweeps.asked import ASKED
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.journal import parse_result
from isolet_nn.system.files import open_file
from isolet_nn.system.folders import JOURNAL, SWEEP

_TAIL_BYTES = 1 << 20
"""Within which a journal ends a line."""


class FollowedSweep:
    """A sweep's folder as it is, each time that it is asked for.

    Parameters
    ----------
    path
        The folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder: SweepFolder | None = None
        self._file = 0
        self._position = 0
        self._state: tuple[int, ...] = ()

    def now(self) -> SweepFolder:
        """The sweep with all results that there are; one object as long as that can be.

        Raises
        ------
        RunError
            If it is not a sweep folder, or its journal is damaged.
        """
        folder, journal = self._folder, self._path / JOURNAL
        try:
            if folder is None or self._state != self._state_now():
                return self._opened()
            status = journal.stat()
            if status.st_ino == self._file and status.st_size == self._position:
                return folder
            # The settings of a search come in as it goes on, and outer trials may be outdated.
            grows = folder.asked is None and folder.outer is None
            if not grows or status.st_ino != self._file or status.st_size < self._position:
                return self._opened()
            self._read_on(folder, journal)
        except OSError as error:
            self._folder = None
            raise RunError(f"{journal}: cannot be read: {error.strerror}") from None
        except (RunError, IndexError, ValueError):  # opening it says what is wrong
            return self._opened()
        return folder

    def _opened(self) -> SweepFolder:
        self._folder = None
        self._state = self._state_now()
        file, position = _end_of_lines(self._path / JOURNAL)
        # A trial that ends between the two is recorded twice, which is as once.
        folder = SweepFolder.open(self._path)
        if position is not None:
            self._folder, self._file, self._position = folder, file, position
        return folder

    def _read_on(self, folder: SweepFolder, journal: Path) -> None:
        with open_file(journal) as file:
            file.seek(self._position)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                folder.record(parse_result(line, str(journal)))
                self._position += len(line)

    def _state_now(self) -> tuple[int, ...]:
        """What changes when the sweep is begun anew or resumed with other settings."""
        return (*_times(self._path / SWEEP), *_times(self._path / ASKED))


def _times(file: Path) -> tuple[int, int]:
    try:
        status = file.stat()
    except OSError:
        return (0, 0)
    return status.st_mtime_ns, status.st_size


def _end_of_lines(journal: Path) -> tuple[int, int | None]:
    """The number of a file, and where its last complete line ends; None if there is none."""
    try:
        with open_file(journal) as file:
            end = file.seek(0, os.SEEK_END)
            begin = max(0, end - _TAIL_BYTES)
            file.seek(begin)
            newline = file.read(end - begin).rfind(b"\n")
            return os.fstat(file.fileno()).st_ino, begin + newline + 1 if newline >= 0 else None
    except OSError:
        return 0, None
