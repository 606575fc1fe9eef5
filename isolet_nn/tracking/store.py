"""What the tracker of MLflow needs of the place where MLflow keeps runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol


class Metric(NamedTuple):
    """A value of a metric, as MLflow takes it."""

    key: str
    value: float
    timestamp: int
    """Milliseconds since 1970."""
    step: int


@dataclass(frozen=True)
class StoredRun:
    """A run that MLflow has.

    Attributes
    ----------
    status
        RUNNING, FINISHED, FAILED or KILLED.
    parameters
        Names of the parameters that it has.
    latest
        The last value of each metric that it has.
    artifacts
        Where its files go.
    """

    identity: str
    status: str
    tags: Mapping[str, str]
    parameters: frozenset[str] = frozenset()
    latest: Mapping[str, float] = field(default_factory=dict)
    artifacts: str = ""


class Store(Protocol):
    """A server of MLflow, or a store of its own package. Everything raises `TrackingError`."""

    @property
    def uri(self) -> str:
        """Its address."""

    def experiment(self, name: str) -> str:
        """Identity of the experiment of that name, which is made if there is none."""

    def create(self, experiment: str, name: str, started: int, tags: Mapping[str, str]) -> str:
        """Make a run; return its identity."""

    def run(self, identity: str) -> StoredRun:
        """A run by its identity."""

    def runs_with(self, experiment: str, tag: str, value: str) -> Iterator[StoredRun]:
        """The runs that have a tag, as a search finds them."""

    def steps(self, identity: str, metric: str) -> set[int]:
        """The steps for which a run has a metric."""

    def log(
        self,
        identity: str,
        parameters: Mapping[str, str],
        metrics: Sequence[Metric],
        tags: Mapping[str, str],
    ) -> None:
        """Add to a run; at most as much as fits one message."""

    def set_status(self, identity: str, status: str, ended: int | None) -> None:
        """Say how a run stands, and when it ended if it has."""

    def delete(self, identity: str) -> None:
        """Remove a run."""

    def upload(self, run: StoredRun, path: Path, place: str) -> None:
        """Add a file to a run, at a place among its files with slashes."""
