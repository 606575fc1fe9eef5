"""The folder of a reproduction: what is reproduced, how far it is, and where its parts lie."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from isolet_nn.config.section import Section
from isolet_nn.reproduction import carried_over
from isolet_nn.reproduction.parts import CARRIED_OVER, Part
from isolet_nn.reproduction.records import CarriedOverStatus
from isolet_nn.runs.records import FORMAT, read_record
from isolet_nn.runs.status_file import read_content
from isolet_nn.sweeps.records import SweepSummary
from isolet_nn.system.folders import SUMMARY, SWEEP
from isolet_nn.system.statuses import COMPLETED

FILE = "reproduction.yaml"


class Reproduction(Section):
    """What ``reproduction.yaml`` says: what is reproduced, and by which version."""

    format: Literal[1] = FORMAT
    """Of the folder."""
    figures: list[str]
    """What ``--figure`` named; none stands for all."""
    quick: bool
    """Whether cells and seeds are left out."""
    version: str
    """Version of the package that began."""
    backend: Literal["numpy", "torch"] | None = None
    """What computes it; null: what each config says."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where PyTorch does."""

    @property
    def computing(self) -> dict[str, Any]:
        """What it changes in every experiment."""
        return {} if self.backend is None else {"backend": self.backend, "device": self.device}


def open_reproduction(folder: Path) -> Reproduction:
    """What a folder reproduces.

    Raises
    ------
    RunError
        If it is no folder of a reproduction.
    """
    return read_content(folder, FILE, Reproduction, "reproduction")


def folder_of(folder: Path, part_name: str) -> Path | None:
    """The folder that a part was run in, None where it was not begun."""
    pattern = re.compile(rf"\d{{8}}-\d{{6}}-{re.escape(part_name)}(-\d+)?")
    file = carried_over.FILE if part_name == CARRIED_OVER else SWEEP
    found = [path for path in folder.iterdir() if pattern.fullmatch(path.name)]
    # A process killed at the wrong moment leaves a folder without anything in it.
    return max((path for path in found if (path / file).exists()), default=None)


def is_finished(folder: Path, part: Part) -> bool:
    """Whether a part need not be run any more."""
    if part.measure is not None:
        return (folder / part.file).exists()
    own = folder_of(folder, part.name)
    if own is None:
        return False
    if part.name == CARRIED_OVER:
        file = own / carried_over.STATUS
        return file.exists() and read_record(file, CarriedOverStatus).status == COMPLETED
    file = own / SUMMARY
    return file.exists() and read_record(file, SweepSummary).status == COMPLETED
