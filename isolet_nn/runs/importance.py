"""What a run's model needs: the importance of each column of its table."""

from __future__ import annotations

from collections.abc import Callable

from isolet_nn.data.preprocessing import Preprocessing
from isolet_nn.runs.execution import model_with_data
from isolet_nn.runs.folder import Run
from isolet_nn.scores.importance import Importance, InputsOfColumn, permutation_importance
from isolet_nn.system.machine import available_cores
from isolet_nn.training.threads import limited_threads


def measure_importance(
    run: Run, announce: Callable[[int, int, float], None] | None = None
) -> tuple[str, list[Importance]]:
    """The importance of each column, measured on the validation split, or else on the test split.

    Parameters
    ----------
    run
        The run.
    announce
        Hears of how many columns and rows, and about how many seconds it will take.

    Returns
    -------
    The name of the split, and the columns, the most important first.

    Raises
    ------
    RunError
        If the run has no model, or its data is no longer the same.
    """
    with limited_threads(run.experiment, auto=available_cores()):
        model, dataset = model_with_data(run, run.experiment)
        name = "test" if dataset.validation is None else "validation"
        split = dataset.validation or dataset.test
        columns = inputs_of_columns(dataset.preprocessing)
        found = permutation_importance(
            model, split.x, split.y, columns, groups=split.groups, announce=announce
        )
    return name, found


def inputs_of_columns(preprocessing: Preprocessing) -> list[InputsOfColumn]:
    """The columns of a table, and which inputs of the network each becomes."""
    columns, start = [], 0
    for column in preprocessing.inputs:
        stop = start + len(column.feature_names)
        columns.append(InputsOfColumn(column.name, range(start, stop)))
        start = stop
    return columns
