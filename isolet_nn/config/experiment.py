"""An experiment: all that one YAML file describes."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from isolet_nn.config.datasets import DatasetConfig
from isolet_nn.config.network import ModelConfig
from isolet_nn.config.optimizers import Adam, OptimizerConfig
from isolet_nn.config.section import NAME_PATTERN, RuleError, Section, Size
from isolet_nn.config.tracking import Tracking
from isolet_nn.config.training import TrainingConfig
from isolet_nn.errors import Problem


class Experiment(Section):
    """What one YAML file describes."""

    name: Annotated[str, Field(pattern=NAME_PATTERN)] = "experiment"
    """Part of the run folder's name: letters, digits, dots, dashes and underscores."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of everything random: weights, order of the rows, mixup, noise, dropout and splits."""
    backend: Literal["numpy", "torch"] = "numpy"
    """What does the arithmetic: the network from scratch, or PyTorch."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where PyTorch computes; auto takes an accelerator where there is one. numpy uses the cpu."""
    ensemble: Size = 1
    """Networks with weights and batches of their own, whose probabilities are averaged."""
    dataset: DatasetConfig
    """What is learned."""
    model: ModelConfig = ModelConfig()
    """The network."""
    optimizer: OptimizerConfig = Adam(name="adam")
    """How weights follow from gradients."""
    training: TrainingConfig = TrainingConfig()
    """How long, in what batches, and when to stop."""
    tracking: Tracking = None
    """Trackers that hear of it, such as [tensorboard, mlflow]; null: those of your own settings."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.backend == "numpy" and self.device not in ("auto", "cpu"):
            needs = f"{self.device} needs backend: torch (backend numpy computes on the cpu)"
            raise RuleError(Problem(needs, "device"))
        if self.training.watched and self.dataset.validation == "none":
            who = next(iter(self.training.watched))
            if who == "training.schedule":
                who += f": {self.training.schedule.name}"
            raise ValueError(
                f"{who} needs a validation split: set dataset.validation, "
                "for instance {fraction: 0.1}"
            )
        return self


def json_schema() -> dict[str, Any]:
    """JSON Schema of an experiment file, for completion in an editor."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Experiment.model_json_schema(),
    }
