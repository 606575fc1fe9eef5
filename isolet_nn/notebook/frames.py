"""Data frames, for those who have pandas."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas


def import_pandas() -> ModuleType:
    """Pandas, which not everybody has; raises ImportError saying how to install it."""
    try:
        import pandas
    except ImportError:
        raise ImportError(
            "data frames need pandas, which is not installed: `pip install 'isolet-nn[notebook]'`"
        ) from None
    return pandas


def data_frame(columns: Mapping[str, Any], index: str) -> pandas.DataFrame:
    """Columns as a data frame.

    Parameters
    ----------
    columns
        Sequences of equal length by name.
    index
        The column that is the frame's index.

    Raises
    ------
    ImportError
        If pandas is not installed.
    """
    frame: pandas.DataFrame = import_pandas().DataFrame(dict(columns)).set_index(index)
    return frame
