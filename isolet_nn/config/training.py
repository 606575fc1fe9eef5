"""How long is trained, in what batches: schedules, averages of the weights, early stopping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from isolet_nn.config.bounds import MOST, MOST_THREADS
from isolet_nn.config.metrics import Score, ValidationMetric
from isolet_nn.config.section import (
    ByName,
    Count,
    Fraction,
    NonNegative,
    NoSign,
    Positive,
    Rate,
    Section,
)
from isolet_nn.errors import short_repr


class Constant(Section):
    """The learning rate stays as it is."""

    name: Literal["constant"]
    """The schedule."""


class Step(Section):
    """The learning rate is multiplied by gamma every so many epochs."""

    name: Literal["step"]
    """The schedule."""
    epochs: Count = 10
    """Epochs between two reductions."""
    gamma: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1
    """Factor of each reduction."""


class Cosine(Section):
    """The learning rate falls along half a cosine over the whole training, step by step."""

    name: Literal["cosine"]
    """The schedule."""
    final_factor: Annotated[float, Field(ge=0.0, le=1.0), NoSign] = 0.0
    """Learning rate at the end, as a share of the optimizer's learning_rate."""
    warmup_epochs: Annotated[int, Field(ge=0, le=MOST)] = 0
    """Epochs in which it first rises linearly from 0."""


class OneCycle(Section):
    """The learning rate rises along half a cosine to learning_rate, then falls along another."""

    name: Literal["one_cycle"]
    """The schedule."""
    rise: Fraction = 0.3
    """Share of the training in which it rises."""
    initial_divisor: Annotated[float, Field(ge=1.0)] = 25.0
    """It starts at learning_rate / initial_divisor."""
    final_divisor: Annotated[float, Field(ge=1.0)] = 1.0e4
    """It ends at learning_rate / initial_divisor / final_divisor."""


class ReduceOnPlateau(Section):
    """The learning rate is multiplied by factor when the validation split no longer improves."""

    name: Literal["reduce_on_plateau"]
    """The schedule."""
    metric: ValidationMetric = "validation_loss"
    """What has to improve."""
    factor: Fraction = 0.1
    """Factor of each reduction."""
    patience: Annotated[int, Field(ge=0, le=MOST)] = 10
    """Evaluated epochs without improvement that change nothing; the next one reduces."""
    threshold: NonNegative = 1e-4
    """Smallest change that counts as improvement."""
    threshold_mode: Literal["rel", "abs"] = "rel"
    """Whether threshold is a share of the best value so far, or a difference from it."""
    cooldown: Annotated[int, Field(ge=0, le=MOST)] = 0
    """Evaluated epochs after a reduction in which none counts as one without improvement."""
    min_factor: Rate = 0.0
    """Lowest learning rate, as a share of the optimizer's learning_rate."""


ScheduleConfig = Annotated[Constant | Step | Cosine | OneCycle | ReduceOnPlateau, ByName()]


class NoAveraging(Section):
    """The weights of the last step count."""

    name: Literal["none"]
    """The average."""


class Ema(Section):
    """Exponential moving average of the weights, taken after every step."""

    name: Literal["ema"]
    """The average."""
    decay: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.999
    """Share of the average that stays in a step; 1 / (1 - decay) steps count."""


class Swa(Section):
    """Stochastic weight averaging: the mean of the weights at the ends of the last epochs."""

    name: Literal["swa"]
    """The average."""
    start: Rate = 0.75
    """Share of the epochs after which averaging begins."""


AveragingConfig = Annotated[NoAveraging | Ema | Swa, ByName()]


class EarlyStopping(Section):
    """Stop when the validation split no longer improves."""

    metric: ValidationMetric = "validation_loss"
    """What has to improve."""
    patience: Count = 10
    """Evaluated epochs without improvement after which training stops."""
    min_delta: NonNegative = 0.0
    """Smallest change that counts as improvement."""
    restore_best: bool = True
    """End with the weights of the best epoch instead of the last."""


WORD, BY_CLASS = "a word", "weights by class"
"""Tags of what may weight classes, so that a problem is told of the one that was meant."""


def _named(value: object) -> object:
    """Let a class be named by a whole number, and by nothing else that is no text."""
    if not isinstance(value, Mapping):
        return value
    for name in value:
        if isinstance(name, bool) or not isinstance(name, str | int):
            found = short_repr(name)
            raise ValueError(f"found {found}; a class that YAML takes for it is written in quotes")
    return {str(name): weight for name, weight in value.items()}


_Weights = Annotated[dict[str, Positive], Field(min_length=1)]
ClassWeights = Annotated[
    Annotated[Literal["balanced"], Tag(WORD)]
    | Annotated[_Weights, BeforeValidator(_named, json_schema_input_type=_Weights), Tag(BY_CLASS)],
    Discriminator(lambda value: BY_CLASS if isinstance(value, Mapping) else WORD),
]


class TrainingConfig(Section):
    """How the network is trained."""

    epochs: Count = 20
    """Passes over the training part."""
    batch_size: Count = 128
    """Rows of a mini-batch; a number above the training part's rows means all of them."""
    shuffle: bool = True
    """Draw a new order of the rows for every epoch."""
    drop_last: bool = False
    """Leave out the last batch of an epoch when it is incomplete."""
    label_smoothing: Rate = 0.0
    """Share of the target probability that is spread evenly over all classes."""
    mixup: NonNegative = 0.0
    """Blend rows and their classes in pairs, by shares from Beta(mixup, mixup); 0: do not."""
    clip_norm: Positive | None = None
    """Largest norm of a network's gradients, all taken together; null: any."""
    clip_value: Positive | None = None
    """Largest size of a gradient, each by itself, before clip_norm acts on all; null: any."""
    class_weight: ClassWeights | None = None
    """Weights of the classes in the training loss: null, balanced, or {NAME: 2.5} (others: 1)."""
    weight_averaging: AveragingConfig = NoAveraging(name="none")
    """What is evaluated and kept: the last weights (none), or an average (ema or swa)."""
    dtype: Literal["float32", "float64"] = "float32"
    """Number type of weights and arithmetic."""
    matmul_precision: Literal["highest", "high"] = "highest"
    """Of products of float32 on a CUDA device: high lets them be TF32, of ten bits."""
    threads: Literal["auto"] | Annotated[int, Field(ge=1, le=MOST_THREADS)] = "auto"
    """Threads of the arithmetic; auto: all cores for one training, 1 in a sweep, 1 with torch."""
    schedule: ScheduleConfig = Constant(name="constant")
    """How the learning rate changes: constant, step, cosine, one_cycle or reduce_on_plateau."""
    early_stopping: EarlyStopping | None = None
    """null, or when to stop early; needs a validation split."""
    evaluate_every: Count = 1
    """Epochs between two evaluations; the last epoch is always evaluated."""
    scores: list[Score] = Field(default=[])
    """What every evaluation measures besides loss and accuracy; the end of a run measures all."""
    evaluate_test: bool = True
    """Whether the test split is evaluated; false leaves it unread while settings are chosen."""
    inspect: bool = False
    """Whether a run measures gradients, updates, activations and dead units, layer by layer."""
    checkpoint_seconds: NonNegative = 30.0
    """Seconds that must pass before the end of an epoch writes a new checkpoint."""
    keep_checkpoint: bool = False
    """Whether a run that is completed keeps a checkpoint, from which it can be extended."""

    @property
    def watched(self) -> dict[str, ValidationMetric]:
        """Metrics of the validation split that decide how training goes on, by key path."""
        stopping, schedule = self.early_stopping, self.schedule
        watched: dict[str, ValidationMetric] = {}
        if stopping is not None:
            watched["training.early_stopping"] = stopping.metric
        if isinstance(schedule, ReduceOnPlateau):
            watched["training.schedule"] = schedule.metric
        return watched
