"""The runs and sweeps of a folder as a data frame, for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isolet_nn.notebook.frames import data_frame
from isolet_nn.results.columns import COLUMNS, UNKNOWN, value_of, with_columns, with_task
from isolet_nn.results.filters import filter_entries, sort_entries
from isolet_nn.results.listing import list_runs

if TYPE_CHECKING:
    import pandas


def runs_frame(
    runs_dir: str | Path = "runs",
    *,
    columns: Sequence[str] | None = None,
    filters: Sequence[str] = (),
    sort: str | None = None,
) -> pandas.DataFrame:
    """The runs and sweeps in a folder as a data frame, a row each by its folder, newest first.

    Parameters
    ----------
    runs_dir
        Where they lie.
    columns
        What ``isolet-nn runs --columns`` takes: by default all but settings. Beside scores of
        models that adapt to a group, ``adapted_to`` is added.
    filters, sort
        What ``--filter`` and ``--sort`` take.

    Raises
    ------
    RunError
        If there is no such folder.
    ConfigError
        If there is no such column.
    ImportError
        If pandas is not installed.
    """
    entries = filter_entries(list_runs(runs_dir), filters)
    entries = entries if sort is None else sort_entries(entries, sort)
    names = COLUMNS if columns is None else with_task(columns, entries)
    entries = with_columns(entries, names, "columns")
    values = {name: [_given(value_of(entry, name)) for entry in entries] for name in names}
    return data_frame({"folder": [entry.folder for entry in entries]} | values, "folder")


def _given(value: Any) -> Any:
    return None if value is UNKNOWN else value
