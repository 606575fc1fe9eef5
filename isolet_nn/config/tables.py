"""Files that hold a table, told by their names, and the experiment that trains on one."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

_TABS = (".tsv", ".tab")
_PARQUET = (".parquet", ".pq")
TABLE_SUFFIXES = (".csv", *_TABS, *_PARQUET, ".gz")
"""What the name of a file that holds a table may end with."""

NO_TABLE = (
    "a table's name ends in .csv, .tsv, .tab, .parquet or .pq (text also in .gz): save a "
    "spreadsheet as .csv, and give a text file such a name"
)
"""What can be done with a file that seems to hold a table, and has another name."""

_MOST_LETTERS = 80


def is_table(name: str) -> bool:
    """Whether a file of this name holds a table."""
    return name.lower().removesuffix(".gz").endswith((".csv", *_TABS)) or is_parquet(name)


def is_parquet(name: str) -> bool:
    """Whether a file of this name is Parquet."""
    return name.lower().endswith(_PARQUET)


def default_delimiter(name: str) -> str:
    """What divides the columns of a text of this name where nobody says it."""
    return "\t" if name.lower().removesuffix(".gz").endswith(_TABS) else ","


def table_experiment(path: str) -> dict[str, Any]:
    """The experiment that trains on a table where nothing else is said, called as the file is.

    Tables are often small: a file's defaults would take twenty steps on a hundred rows. So they are
    trained on as by ``NeuralNetworkClassifier``.
    """
    return {
        "name": _experiment_name(path),
        "dataset": {"name": "csv", "path": path},
        "training": {"epochs": 100, "batch_size": 32},
    }


def _experiment_name(path: str) -> str:
    """The name of a file without suffix, with a sign in place of what a folder's may not have."""
    name = PurePath(path).name
    stem = re.sub(r"(\.(csv|tsv|tab|parquet|pq))?(\.gz)?$", "", name, flags=re.IGNORECASE)
    words = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).lstrip("._-")
    return words[:_MOST_LETTERS].rstrip("-") or "table"
