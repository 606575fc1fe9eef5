"""Where else a run is looked at: which trackers hear of it, and where they are."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from isolet_nn.config.section import ByName, Section


def _without_credentials(uri: str) -> str:
    try:
        urlsplit(uri)
    except ValueError as error:
        raise ValueError(f"is no address: {error}") from None
    if "://" in uri and "@" in uri:  # wherever: a password may hold what ends a host's name
        raise ValueError(
            "holds a user's name or password, which would be written to every run folder: "
            "leave them out, and set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        )
    return uri


class TensorBoard(Section):
    """Event files in the folder ``tensorboard`` of a run or a sweep."""

    name: Literal["tensorboard"]
    """The tracker."""


class Mlflow(Section):
    """A run of MLflow; of a sweep, one for every trial below one for the whole."""

    name: Literal["mlflow"]
    """The tracker."""
    uri: Annotated[str, Field(min_length=1), AfterValidator(_without_credentials)] | None = None
    """Address of the server; null: MLFLOW_TRACKING_URI, or else MLflow's own store."""
    experiment: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    """Name of the experiment there; null: MLFLOW_EXPERIMENT_NAME, or else Default."""


TRACKERS = ("tensorboard", "mlflow")
"""Names of the trackers there are."""
TrackerConfig = Annotated[TensorBoard | Mlflow, ByName()]


def _in_a_list(value: object) -> object:
    return [value] if isinstance(value, str | dict) else value


def _once_each(trackers: list[TensorBoard | Mlflow]) -> list[TensorBoard | Mlflow]:
    names = [tracker.name for tracker in trackers]
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise ValueError(f"{twice[0]} is given twice")
    return trackers


Tracking = Annotated[
    Annotated[list[TrackerConfig], AfterValidator(_once_each)] | None, BeforeValidator(_in_a_list)
]
"""What the key `tracking` may say; null leaves it to the user's own settings."""
