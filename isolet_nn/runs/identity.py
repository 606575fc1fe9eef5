"""What results depend on, as it was when work was begun and as it is now.

Going on with something else would mix the results of two experiments in one folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.key_paths import flat
from isolet_nn.config.loading import without_paths
from isolet_nn.errors import RunError

_OF_FILES = ("checkpoint_seconds", "keep_checkpoint", "inspect")


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What is no longer the same, a line for each key path."""
    was, now = (
        {path: json.dumps(value, sort_keys=True) for path, value in flat(content).items()}
        for content in (before, after)
    )
    return [
        f"{key}: was {was.get(key, 'not there')}, is {now.get(key, 'not there')}"
        for key in sorted(was | now)
        if was.get(key) != now.get(key)
    ]


def identity_of(experiment: Experiment | Mapping[str, Any]) -> dict[str, Any]:
    """An experiment but for what no result depends on.

    That is its name, where its data lies, when a checkpoint is written or kept, whether it is
    inspected, who hears of it, and the threads of the network from scratch.

    One that was read from a file may have been another version's, and is compared as it is.
    """
    content = (
        experiment.model_dump(mode="json")
        if isinstance(experiment, Experiment)
        else dict(experiment)
    )
    content.pop("name", None)
    content.pop("tracking", None)
    dataset = content.get("dataset")
    if isinstance(dataset, dict):
        content["dataset"] = without_paths(dataset)
    training = content.get("training")
    if isinstance(training, dict):
        unused = (*_OF_FILES, "threads") if content.get("backend") == "numpy" else _OF_FILES
        content["training"] = {k: v for k, v in training.items() if k not in unused}
    return content


def processor_changes(before: str | None, after: str | None) -> list[str]:
    """That the processor is another one, whose bits may be others; None is one not known."""
    if before is None or after is None or before == after:
        return []
    return [f"processor: was {before}, is {after}"]


def refuse(folder: Path, what: str, changes: list[str]) -> None:
    """Refuse to go on with a run or a sweep that has changed.

    Raises
    ------
    RunError
        If there are changes; lists them.
    """
    if changes:
        raise RunError(
            f"{folder}: this is no longer the {what} that was begun "
            "(--force goes on all the same):\n" + "\n".join(changes)
        )
