"""What a search has asked its sampler for, durable, and the table of trials that grows with it.

``asked.jsonl`` has a line a batch, which is on the disk before the first of its settings is
trained. A torn last line is what a crash leaves; its batch is asked for again, and comes out the
same. Each candidate is a setting of its own, or makes the same experiment as an earlier setting
(whose results are its own, as equal experiments have equal bits), or makes no valid one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, ValidationError

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.key_paths import equal_text
from isolet_nn.config.problems import check
from isolet_nn.errors import ConfigError, RunError
from isolet_nn.runs.records import Record, Whole, what_is_wrong
from isolet_nn.sweeps.config import conflict_with_folds
from isolet_nn.sweeps.distributions import Setting
from isolet_nn.sweeps.grid import Trials
from isolet_nn.sweeps.parameters import Parameters, setting_of
from isolet_nn.sweeps.search_config import Search
from isolet_nn.sweeps.settings import NOT_SET, identity_of, text_of
from isolet_nn.system.files import cut_torn_line, errors_name, open_file, parse_json

ASKED = "asked.jsonl"


class Candidate(Record):
    """One answer of the sampler."""

    parameters: dict[str, str | int | float]
    setting: Whole | None = None
    """Number of its setting, if it is one that was not there before."""
    same_as: Whole | None = None
    """Number of the setting that makes the same experiment."""
    error: str | None = None
    """Why it makes no valid experiment."""

    @property
    def result_of(self) -> int | None:
        """The setting whose results are its own; None without a valid experiment."""
        return self.same_as if self.setting is None else self.setting


class Batch(Record):
    """Candidates that were asked for at once; a line of the file."""

    batch: Whole
    asked: list[Candidate] = Field(min_length=1)


@dataclass
class Asked:
    """Everything that was asked for so far, and the trials of its settings.

    Attributes
    ----------
    trials
        The table of trials, a row for each setting that was asked for.
    batches
        The batches.
    """

    trials: Trials
    batches: list[Batch]
    _numbers: list[dict[str, int]]
    _of_experiment: dict[bytes, int]

    @classmethod
    def nothing(cls, samples: Trials) -> Asked:
        """Before the first batch, of a search with some samples of its trials."""
        keys = samples.keys
        values: tuple[list[Any], ...] = tuple([] for _ in keys)
        codes = np.empty((0, len(keys)), np.int32)
        return cls(replace(samples, values=values, codes=codes), [], [{} for _ in keys], {})

    @property
    def n_candidates(self) -> int:
        """How many candidates there are."""
        return sum(len(batch.asked) for batch in self.batches)

    def settings_of(self, batch: Batch) -> list[int]:
        """Numbers of the settings that a batch was the first to ask for."""
        return [c.setting for c in batch.asked if c.setting is not None]

    def add(self, search: Search, asked: Sequence[Parameters]) -> Batch:
        """Take in the parameters of a new batch."""
        candidates, settings = [], list[Setting]()
        n = len(self.trials.codes)
        for parameters in asked:
            setting = setting_of(search, parameters)
            experiment, error = self._experiment(setting)
            if experiment is None:
                candidates.append(Candidate(parameters=parameters, error=error))
                continue
            number = self._of_experiment.setdefault(identity_of(experiment), n + len(settings))
            if number < n + len(settings):
                candidates.append(Candidate(parameters=parameters, same_as=number))
            else:
                candidates.append(Candidate(parameters=parameters, setting=number))
                settings.append(setting)
        batch = Batch(batch=len(self.batches), asked=candidates)
        self.batches.append(batch)
        self._grow(settings)
        return batch

    def _experiment(self, setting: Setting) -> tuple[Experiment | None, str]:
        """The experiment of a setting, or what is wrong with it."""
        one = self.trials
        try:
            content = one.content_with(setting)
            conflict = conflict_with_folds(content) if one.cross_validation is not None else None
            if conflict is not None:
                return None, str(conflict)
            divided = one.divided(content, one.seeds[0], one.division(0))
        except ConfigError as error:
            return None, str(error)
        experiment, found = check(Experiment, divided)
        return experiment, "; ".join(map(str, found))

    def _grow(self, settings: Sequence[Setting]) -> None:
        """Add rows to the table of trials."""
        trials = self.trials
        rows = np.full((len(settings), len(trials.keys)), NOT_SET, np.int32)
        for row, setting in zip(rows, settings, strict=True):
            for column, key in enumerate(trials.keys):
                if key in setting:
                    row[column] = self._code(column, key, setting[key])
        self.trials = replace(trials, codes=np.concatenate([trials.codes, rows]))

    def _code(self, column: int, key: str, value: Any) -> int:
        """The number of a value among those of its key."""
        values, known = self.trials.values[column], self._numbers[column]
        text = equal_text(value)
        if text not in known:
            same = text_of(self.trials.experiment, key, value)
            known[text] = known.setdefault(same, len(values))
            if known[text] == len(values):
                values.append(value)
        return known[text]


class AskedFile:
    """The file ``asked.jsonl``, open for appending."""

    def __init__(self, path: Path) -> None:
        cut_torn_line(path)
        self._path = path
        self._file = path.open("a", encoding="utf-8")

    def append(self, batch: Batch) -> None:
        """Write a batch, and force it to the disk."""
        with errors_name(self._path):
            content = batch.model_dump(mode="json", exclude_none=True)
            self._file.write(json.dumps(content, allow_nan=False) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        with errors_name(self._path):
            self._file.close()


def read_asked(path: Path, search: Search, samples: Trials) -> Asked:
    """What a search has asked for so far.

    Raises
    ------
    RunError
        If the file is damaged.
    """
    asked = Asked.nothing(samples)
    for number, batch in _read(path):
        try:
            again = asked.add(search, [candidate.parameters for candidate in batch.asked])
        except (KeyError, ValueError, AssertionError):
            raise RunError(f"{path}:{number}: damaged: not a setting of the space") from None
        if again != batch:
            raise RunError(f"{path}:{number}: damaged: not what batch {again.batch} can be")
    return asked


def _read(path: Path) -> Iterator[tuple[int, Batch]]:
    """The batches of the file with their lines, up to a torn last line."""
    if not os.path.lexists(path):
        return
    try:
        file = open_file(path, limit=2**40)
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None
    with file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            try:
                yield number, Batch.model_validate(parse_json(line))
            except ValidationError as error:
                raise RunError(f"{path}:{number}: damaged: {what_is_wrong(error)}") from None
            except ValueError as error:
                raise RunError(f"{path}:{number}: damaged: {error}") from None
