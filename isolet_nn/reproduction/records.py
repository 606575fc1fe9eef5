"""What a reproduction's folders keep as JSON, as models that are checked when it is read back."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from isolet_nn.runs.records import Record, Seconds, Share, Whole
from isolet_nn.runs.status_file import WorkStatus


class CarriedOverStatus(WorkStatus):
    """status.json of the network that is carried over."""

    cells: Whole | None = None


class CarriedOverFacts(Record):
    """What lies beside the weights of the network that is carried over."""

    format: Literal[1]
    accuracies: list[Share]
    data: str
    version: str
    processor: str
    cells: list[Annotated[list[Whole], Field(min_length=2, max_length=2)]]
    """Epochs and batch size of each, in their order."""
    experiment: dict[str, JsonValue]


class XorFacts(Record):
    """xor.json of a reproduction."""

    format: Literal[1]
    seeds: Whole
    solved: Whole
    solved_without_hidden_layer: Whole
    run: str
    seed: Whole
    probabilities: list[Annotated[list[Share], Field(min_length=2, max_length=2)]]


class TimedTraining(Record):
    """One training on the clock."""

    engine: Literal["numpy", "torch", "scikit-learn"]
    hidden: Whole
    batch_size: Whole
    round: Whole
    seconds: Seconds


class TimedTrainings(Record):
    """What was timed for a claim."""

    format: Literal[1]
    epochs: Annotated[int, Field(ge=1)]
    """Of each training."""
    trainings: list[TimedTraining]


class StepsOfTraining(Record):
    """How long the steps of an optimizer were in one training."""

    optimizer: str
    seed: Whole
    median: list[Annotated[float, Field(gt=0.0)]]
    """Median effective step of all weights, at each of the steps looked at."""


class EffectiveSteps(Record):
    """effective-steps.json of a reproduction."""

    format: Literal[1]
    steps: list[Whole]
    """Steps after which the optimizers' state was looked at, ascending."""
    steps_per_epoch: Annotated[int, Field(ge=1)]
    trainings: list[StepsOfTraining]


class Solved(Record):
    """How many seeds of a network solve exclusive or."""

    activation: str | None
    """Of the hidden layer; null: there is none."""
    scale: float
    solved: Whole


class SolvedByScale(Record):
    """xor-by-scale.json of a reproduction."""

    format: Literal[1]
    seeds: Annotated[int, Field(ge=1)]
    counts: list[Solved]
