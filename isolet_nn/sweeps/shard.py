"""A shard of a sweep: the trials that one process of a job array does, in a folder of its own.

The folder is a sweep folder whose trials are numbered as in the whole sweep. ``shard.json`` beside
its ``sweep.yaml`` says which of them are its own, and what it was begun with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from isolet_nn.errors import ConfigError, RunError, short_repr
from isolet_nn.runs.records import FORMAT, Record, Whole, read_record
from isolet_nn.sweeps.records import JournalHeader
from isolet_nn.system.files import write_json

SHARD = "shard.json"
MOST_SHARDS = 10_000
_Number = Annotated[int, Field(ge=1, le=MOST_SHARDS)]


class _ShardRecord(Record):
    """shard.json."""

    format: Literal[1]
    shard: _Number
    of: _Number
    begun: JournalHeader
    trials: list[Whole]


@dataclass(frozen=True)
class ShardName:
    """Which shard: number `number` of `of`, the first being 1."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @classmethod
    def parse(cls, text: str) -> ShardName:
        """Read ``3/8``.

        Raises
        ------
        ConfigError
            If it is none.
        """
        found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text.strip())
        if found is not None:
            number, of = int(found[1]), int(found[2])
            if 1 <= number <= of <= MOST_SHARDS:
                return cls(number, of)
        raise ConfigError(
            f"--shard: found {short_repr(text)}; allowed: NUMBER/OF, such as 3/8 for the third of "
            f"eight: numbers are 1 to OF, and there are at most {MOST_SHARDS} shards"
        )

    def folder(self, into: Path) -> Path:
        """The folder of this shard in the one that all have in common."""
        return into / f"shard-{self.number}-of-{self.of}"


@dataclass(frozen=True, eq=False)
class Shard:
    """What a shard's folder says of it.

    Attributes
    ----------
    name
        Which shard it is.
    begun
        What its results depend on, as when it was begun.
    trials
        Numbers of its own trials, ascending.
    """

    name: ShardName
    begun: JournalHeader
    trials: NDArray[np.int64]

    def write(self, folder: Path) -> None:
        """Write shard.json."""
        content = {
            "format": FORMAT,
            "shard": self.name.number,
            "of": self.name.of,
            "begun": self.begun.model_dump(mode="json"),
            "trials": self.trials.tolist(),
        }
        write_json(folder / SHARD, content)


def read_shard(folder: Path) -> Shard | None:
    """The shard that a folder is of; None if it is of none.

    Raises
    ------
    RunError
        If its file is damaged.
    """
    path = folder / SHARD
    if not path.exists():
        return None
    record = read_record(path, _ShardRecord)
    trials = np.asarray(record.trials, np.int64)
    if record.shard > record.of or (np.diff(trials) <= 0).any():
        raise RunError(f"{path}: damaged: trials: they should ascend, and there is no such shard")
    return Shard(ShardName(record.shard, record.of), record.begun, trials)


def shard_folders(into: Path) -> Iterator[tuple[ShardName, Path]]:
    """The folders of shards that were begun in a folder, by their names, ascending."""
    found = []
    for path in into.glob("shard-*-of-*"):
        named = re.fullmatch(r"shard-([0-9]{1,9})-of-([0-9]{1,9})", path.name)
        if named is not None and (path / SHARD).exists():
            found.append((ShardName(int(named[1]), int(named[2])), path))
    yield from sorted(found, key=lambda each: (each[0].of, each[0].number))
