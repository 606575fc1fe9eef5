"""Files that get a line or more with every epoch, read while they grow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from isolet_nn.errors import RunError
from isolet_nn.system.files import read_text

Record = TypeVar("Record")


def read_growing(path: Path, read: Callable[[str], list[Record]]) -> list[Record]:
    """What the complete lines of a file say; nothing where there is no file.

    Parameters
    ----------
    path
        The file.
    read
        Reads complete lines, and raises ValueError where they are wrong.

    Raises
    ------
    RunError
        If the file is damaged.
    """
    try:
        text = read_text(path)
        return read(text[: text.rfind("\n") + 1])
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise RunError(f"{path}: damaged: {error}") from None
