"""Whether gradients vanish with depth, by a rule, and what that says of the report's sigmoid.

Let g_D be the norm of the first layer's gradient in a network of D hidden layers, in the first
epoch, in the middle one of the seeds. From 1 to D hidden layers it changes by the factor

    f = (g_D / g_1)^(1 / (D - 1))

with each layer more. Gradients *vanish* if f < 1/2 and g_D < g_1 / 100, they *explode* if f > 2 and
g_D > 100 g_1, and else they *keep their size*. A network *learns* if after the last epoch its
accuracy on the training rows, in the middle one of the seeds, is halfway at least from what always
naming the most frequent class would give to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from isolet_nn.data.dataset import Dataset
from isolet_nn.lesson.depths import ACTIVATIONS, DEPTHS, SEEDS, STARTS, WIDTH, Depth
from isolet_nn.lesson.rounding import significant

FADING, FAINT = 0.5, 0.01
VANISH, EXPLODE, KEEP, UNKNOWN = "vanish", "explode", "keep their size", "not finite"
RULE = (
    "The gradient meant is that of the first layer: its norm in the first epoch, in the middle one "
    "of the seeds. Gradients vanish if each hidden layer more multiplies it by less than "
    f"{FADING} on average, and the deepest network has less than {FAINT:.0%} of what one hidden "
    f"layer has; they explode if it is by more than {1 / FADING:g}, and the deepest has more than "
    f"{1 / FAINT:g} times as much."
)
LEARNING_RULE = (
    "A network learns if its accuracy on the training rows is at least halfway from that of always "
    "naming the most frequent class to 1, after the last epoch, in the middle one of the seeds."
)


@dataclass(frozen=True)
class Finding:
    """What was found of an activation function with a start.

    Attributes
    ----------
    activation, start
        Of which it was found.
    outcome, factor
        `VANISH`, `EXPLODE`, `KEEP` or `UNKNOWN`; the f of the rule.
    first
        By depth: norm of the first layer's gradient.
    accuracies
        By depth: after the last epoch, in the middle one of the seeds.
    learns
        Hidden layers with which it learns.
    """

    activation: str
    start: str
    outcome: str
    factor: float
    first: list[float]
    accuracies: list[float]
    learns: list[int]


def halfway(dataset: Dataset) -> float:
    """The accuracy from which on a network is said to learn."""
    return float(1.0 + np.bincount(dataset.train.y).max() / len(dataset.train)) / 2.0


def find(depths: Sequence[Depth], enough: float) -> list[Finding]:
    """Judge each activation function with each start; `enough` is what `halfway` gives."""
    return [
        _judge([d for d in depths if (d.start, d.activation) == (start, activation)], enough)
        for start in STARTS
        for activation in ACTIVATIONS
    ]


def _judge(depths: Sequence[Depth], enough: float) -> Finding:
    first = [float(np.median(depth.gradients[0, :, 0])) for depth in depths]
    accuracies = [float(np.median(depth.accuracies[-1])) for depth in depths]
    outcome, factor = _outcome(first)
    return Finding(
        depths[0].activation,
        depths[0].start,
        outcome,
        factor,
        first,
        accuracies,
        [d.hidden_layers for d, a in zip(depths, accuracies, strict=True) if a >= enough],
    )


def _outcome(norms: Sequence[float]) -> tuple[str, float]:
    """The rule, for norms by depth."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = float(np.divide(norms[-1], norms[0]))
    factor = ratio ** (1.0 / (len(norms) - 1))
    if not np.isfinite(ratio):
        return UNKNOWN, factor
    if factor < FADING and ratio < FAINT:
        return VANISH, factor
    if factor > 1.0 / FADING and ratio > 1.0 / FAINT:
        return EXPLODE, factor
    return KEEP, factor


def conclusions(findings: Sequence[Finding]) -> list[str]:
    """What follows for the sigmoid, which the report says proved bad: sentences from numbers."""
    of = {(finding.start, finding.activation): finding for finding in findings}
    sigmoid, relu = of["small", "sigmoid"], of["small", "relu"]
    return [
        _of_one_layer(sigmoid, relu),
        _of_depth(sigmoid),
        _of_others("the same weights", [of["small", name] for name in ACTIVATIONS[1:]]),
        _of_start(sigmoid, of["scaled", "sigmoid"]),
        _of_others("scaled weights", [of["scaled", name] for name in ACTIVATIONS[1:]]),
    ]


def _of_one_layer(sigmoid: Finding, relu: Finding) -> str:
    behind = 100.0 * (relu.accuracies[0] - sigmoid.accuracies[0])
    word = "behind" if behind > 0.0 else "ahead of"
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = float(np.divide(sigmoid.first[0], relu.first[0]))
    learns = "learns" if 1 in sigmoid.learns else "does not learn"
    return (
        f"With one hidden layer and the report's weights the sigmoid {learns}: it ends at "
        f"{sigmoid.accuracies[0]:.1%} of the training rows, {abs(behind):.1f} points {word} ReLU. "
        f"Its first layer's gradient has {ratio:.2g} times the norm of "
        "ReLU's in the first epoch."
    )


def _of_depth(sigmoid: Finding) -> str:
    fails = [d for d in DEPTHS if d > 1 and d not in sigmoid.learns]
    text = (
        f"Each layer more multiplies it by {sigmoid.factor:.2g}: by the rule its gradients "
        f"{sigmoid.outcome}"
    )
    if not fails:
        return f"{text}. It learns at every depth."
    return f"{text}. It does not learn with {_listed(fails)} hidden layers."


def _of_others(weights: str, findings: Sequence[Finding]) -> str:
    told = []
    for finding in findings:
        learns = f"learns with {_listed(finding.learns)}" if finding.learns else "learns with none"
        told.append(
            f"{_NAMES[finding.activation]}'s gradients {finding.outcome} (factor "
            f"{finding.factor:.2g}), and it {learns}"
        )
    return f"With {weights} {'; '.join(told)}."


def _of_start(small: Finding, scaled: Finding) -> str:
    gained = [d for d in scaled.learns if d not in small.learns]
    text = (
        "With weights scaled to the size of a layer, the sigmoid's factor is "
        f"{scaled.factor:.2g} instead of {small.factor:.2g}: its gradients {scaled.outcome}"
    )
    if gained:
        return f"{text}, and it learns with {_listed(gained)} as well."
    return f"{text}, and it learns at no depth more."


_NAMES = {"sigmoid": "sigmoid", "tanh": "tanh", "relu": "ReLU"}


def _listed(depths: Sequence[int]) -> str:
    """Depths in words: ``1``, ``1 and 3``, ``2 to 7``."""
    if len(depths) > 2 and depths[-1] - depths[0] == len(depths) - 1:
        return f"{depths[0]} to {depths[-1]}"
    *others, final = map(str, depths)
    return f"{', '.join(others)} and {final}" if others else final


def depths_document(depths: Sequence[Depth], dataset: Dataset) -> dict[str, Any]:
    """What the page shows of it."""
    enough = halfway(dataset)
    findings = find(depths, enough)
    return {
        "activations": ACTIVATIONS,
        "starts": STARTS,
        "depths": DEPTHS,
        "width": WIDTH,
        "seeds": SEEDS,
        "epochs": len(depths[0].accuracies),
        "rule": RULE,
        "learning_rule": LEARNING_RULE,
        "enough": enough,
        "findings": [asdict(finding) for finding in findings],
        "conclusions": conclusions(findings),
        "trainings": [
            {
                "activation": depth.activation,
                "start": depth.start,
                "hidden_layers": depth.hidden_layers,
                "gradients": significant(np.median(depth.gradients, axis=1), 3),
                "dead": significant(np.median(depth.dead, axis=1), 3),
                "saturated": significant(np.median(depth.saturated, axis=1), 3),
                "accuracies": significant(np.median(depth.accuracies, axis=1), 4),
            }
            for depth in depths
        ],
    }
