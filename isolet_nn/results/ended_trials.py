"""How the trials of a sweep ended so far, counted by the lines of its journal."""

from __future__ import annotations

from pathlib import Path

from pydantic_core import from_json

from isolet_nn.errors import RunError
from isolet_nn.system.files import open_file
from isolet_nn.system.statuses import COMPLETED, FAILED, PRUNED


class EndedTrials:
    """Counts of trials by how they ended; of a journal that grew, only what is new is read.

    Parameters
    ----------
    journal
        The file ``trials.jsonl``.
    """

    def __init__(self, journal: Path) -> None:
        self._path = journal
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._file: int | None = None
        self._position = 0
        self._ended: dict[int, str] = {}

    def counts(self) -> dict[str, int]:
        """How many are completed, failed or pruned; a torn last line is left out.

        Raises
        ------
        RunError
            If a line is damaged.
        OSError
            If the journal cannot be read.
        """
        try:
            self._read_on()
        except (RunError, OSError):
            self._begin_anew()
            raise
        ended = list(self._ended.values())
        return {status: ended.count(status) for status in (COMPLETED, FAILED, PRUNED)}

    def _read_on(self) -> None:
        with open_file(self._path) as file:
            status = self._path.stat()
            if status.st_ino != self._file or status.st_size < self._position:
                self._begin_anew()
                self._file = status.st_ino
            file.seek(self._position)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                if self._position:  # the first line says what is swept
                    self._take(line)
                self._position += len(line)

    def _take(self, line: bytes) -> None:
        try:
            content = from_json(line, allow_inf_nan=False)
            self._ended[int(content["trial"])] = content["status"]
        except (ValueError, KeyError, TypeError, OverflowError):
            text = line.decode(errors="replace")[:60]
            raise RunError(f"{self._path}: damaged: {text!r}") from None
