"""Tags and a note of a run or a sweep, which a person gives it: no part of what it was.

They lie in a small file of its folder. Nothing else reads that, so that neither identity nor
resuming know of it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from isolet_nn.errors import ConfigError, RunError, short_repr, suggestion
from isolet_nn.results.listing import is_listed
from isolet_nn.runs.records import Labels, read_record
from isolet_nn.system.files import write_json
from isolet_nn.system.folders import LABELS

_TAG = re.compile(r"[^\s,/\\\x00-\x1f\x7f]+")
_MOST = 100


def read_labels(folder: Path) -> Labels:
    """The tags and the note of a run or sweep; none where nobody gave any.

    Raises
    ------
    RunError
        If it is no run or sweep, or if the file is damaged.
    """
    if not is_listed(folder):
        raise RunError(f"{folder}: is no run or sweep")
    path = folder / LABELS
    return read_record(path, Labels) if os.path.lexists(path) else Labels()


def tag(folder: Path, tags: Sequence[str]) -> Labels:
    """Give a run or sweep tags; those that it has stay, each once.

    Raises
    ------
    ConfigError
        If a tag has blanks, commas or slashes, or is too long.
    RunError
        If there is no such run or sweep.
    """
    for text in tags:
        if not _TAG.fullmatch(text) or len(text) > _MOST:
            raise ConfigError(
                f"tag: found {short_repr(text)}; it should be a word of at most {_MOST} "
                "characters, without blanks, commas and slashes"
            )
    before = read_labels(folder)
    return _written(folder, Labels(tags=[*dict.fromkeys([*before.tags, *tags])], note=before.note))


def untag(folder: Path, tags: Sequence[str]) -> Labels:
    """Take tags from a run or sweep.

    Raises
    ------
    RunError
        If there is no such run or sweep, or it does not have one of them.
    """
    before = read_labels(folder)
    for text in tags:
        if text not in before.tags:
            there = ", ".join(before.tags) or "none"
            hint = suggestion(text, before.tags)
            raise RunError(f"{folder}: has no tag {short_repr(text)}; its tags: {there}{hint}")
    kept = [text for text in before.tags if text not in tags]
    return _written(folder, Labels(tags=kept, note=before.note))


def note(folder: Path, text: str) -> Labels:
    """Give a run or sweep a note instead of the one it has; an empty one removes it.

    Raises
    ------
    RunError
        If there is no such run or sweep.
    """
    return _written(folder, Labels(tags=read_labels(folder).tags, note=text.strip() or None))


def _written(folder: Path, labels: Labels) -> Labels:
    path = folder / LABELS
    if labels == Labels():
        path.unlink(missing_ok=True)
    else:
        write_json(path, labels.model_dump())
    return labels
