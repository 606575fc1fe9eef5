"""Stores that MLflow's own package reaches: a file or database on this machine, Databricks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from isolet_nn.errors import TrackingError, one_line, without_credentials
from isolet_nn.tracking.store import Metric, StoredRun

_INSTALL = "pip install 'mlflow>=3.1'"
"""Without a lower bound pip may go back to a release of years ago."""


def _unusable(error: ImportError) -> str:
    return f"MLflow's package cannot be imported ({one_line(error)}); another may do: {_INSTALL}"


class MlflowClient:
    """A store by its address; None is what MLflow takes where nobody says anything.

    Raises
    ------
    TrackingError
        If MLflow's package is not installed, or lacks what the store needs.
    """

    def __init__(self, uri: str | None) -> None:
        try:
            import mlflow
            from mlflow import entities
        except ModuleNotFoundError as error:
            if error.name is not None and error.name.partition(".")[0] != "mlflow":
                raise TrackingError(_unusable(error)) from None
            raise TrackingError(
                "no server is named, and a store on this machine needs MLflow's own package: set "
                f"tracking.uri or MLFLOW_TRACKING_URI, or install it with: {_INSTALL}"
                if uri is None or "://" not in uri or uri.startswith(("sqlite:", "file:"))
                else f"{without_credentials(uri)}: needs MLflow's own package: {_INSTALL}"
            ) from None
        except ImportError as error:  # such as of a release that is years old
            raise TrackingError(_unusable(error)) from None
        self._entities = entities
        with _in_words("MLflow"):
            self._uri = _absolute(str(uri or mlflow.get_tracking_uri()))
            self._client: Any = mlflow.MlflowClient(tracking_uri=self.uri)

    @property
    def uri(self) -> str:
        return self._uri

    def experiment(self, name: str) -> str:
        with _in_words(self.uri):
            found = self._client.get_experiment_by_name(name)
            return str(found.experiment_id if found else self._client.create_experiment(name))

    def create(self, experiment: str, name: str, started: int, tags: Mapping[str, str]) -> str:
        with _in_words(self.uri):
            made = self._client.create_run(experiment, started, dict(tags), name)
        return str(made.info.run_id)

    def run(self, identity: str) -> StoredRun:
        with _in_words(self.uri):
            found = self._client.get_run(identity)
        if found.info.lifecycle_stage == "deleted":
            raise TrackingError(f"{without_credentials(self.uri)}: {identity} was deleted there")
        return _stored(found)

    def runs_with(self, experiment: str, tag: str, value: str) -> Iterator[StoredRun]:
        token = None
        while True:
            with _in_words(self.uri):
                page = self._client.search_runs(
                    [experiment], f"tags.`{tag}` = '{value}'", page_token=token
                )
            yield from map(_stored, page)
            if not (token := page.token):
                return

    def steps(self, identity: str, metric: str) -> set[int]:
        with _in_words(self.uri):
            return {value.step for value in self._client.get_metric_history(identity, metric)}

    def log(
        self,
        identity: str,
        parameters: Mapping[str, str],
        metrics: Sequence[Metric],
        tags: Mapping[str, str],
    ) -> None:
        of = self._entities
        with _in_words(self.uri):
            self._client.log_batch(
                identity,
                [of.Metric(*metric) for metric in metrics],
                [of.Param(*pair) for pair in parameters.items()],
                [of.RunTag(*pair) for pair in tags.items()],
            )

    def set_status(self, identity: str, status: str, ended: int | None) -> None:
        with _in_words(self.uri):
            if ended is None:
                self._client.update_run(identity, status)
            else:
                self._client.set_terminated(identity, status, ended)

    def delete(self, identity: str) -> None:
        with _in_words(self.uri):
            self._client.delete_run(identity)

    def upload(self, run: StoredRun, path: Path, place: str) -> None:
        folder = place.rpartition("/")[0]
        with _in_words(self.uri):
            self._client.log_artifact(run.identity, str(path), folder or None)


_SQLITE = "sqlite:///"


def _absolute(uri: str) -> str:
    """The address of a database's file, seen from anywhere."""
    if not uri.startswith(_SQLITE) or uri.startswith(f"{_SQLITE}/"):
        return uri
    return f"{_SQLITE}{Path(uri.removeprefix(_SQLITE)).absolute()}"


def _stored(run: Any) -> StoredRun:
    return StoredRun(
        run.info.run_id,
        run.info.status,
        run.data.tags,
        frozenset(run.data.params),
        run.data.metrics,
        run.info.artifact_uri,
    )


@contextlib.contextmanager
def _in_words(uri: str) -> Iterator[None]:
    """Raise whatever MLflow raises as an error with its message in a line."""
    try:
        yield
    except Exception as error:
        where, why = without_credentials(uri), without_credentials(str(error))
        raise TrackingError(f"{where}: {one_line(why.strip())[:200]}") from None
