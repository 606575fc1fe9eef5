"""An optimizer's step in lines that a reader can follow: formulas, and the numbers in them.

The formulas are the papers'. :mod:`isolet_nn.nn.optimizers` keeps Adam's running means without
the factor 1 - beta, which saves multiplications; here they have it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from isolet_nn.config.optimizers import (
    Adagrad,
    Adam,
    AdamW,
    NAdam,
    OptimizerConfig,
    RAdam,
    Rmsprop,
    Sgd,
)
from isolet_nn.lesson.moments import FloatArray, Step
from isolet_nn.nn.adam_variants import momentum_of, rectification_of

Numbers = Mapping[str, float | FloatArray]
"""Of one step, by symbol: one number, or one a weight (n_parameters,)."""


@dataclass(frozen=True)
class Line:
    """One line of an optimizer's step.

    Attributes
    ----------
    says
        What happens, in words.
    formula
        In symbols.
    numbers
        The same in numbers: ``{symbol}`` stands for the number of that symbol. A line with a
        symbol of which a step has no number is no part of that step.
    keeps
        Whether the optimizer keeps the result for its next step.
    """

    says: str
    formula: str
    numbers: str
    keeps: bool = False


def lines_of(config: OptimizerConfig) -> list[Line]:
    """How an optimizer makes a step; the last line that is part of it gives the new weight."""
    return [*_decay_lines(config), *_own_lines(config)]


def numbers_of(config: OptimizerConfig, step: Step) -> Numbers:
    """The numbers in an optimizer's lines."""
    decay, rate = config.weight_decay, step.learning_rate
    w, g = step.before, step.gradients
    if _is_decoupled(config):
        w = w - rate * decay * w
    elif decay:
        g = g + decay * w
    shared: dict[str, float | FloatArray] = {
        "η": rate,
        "λ": decay,
        "g_batch": step.gradients,
        "w_before": step.before,
        "g": g,
        "w": w,
        "w_new": step.after,
    }
    with np.errstate(all="ignore"):  # of a training that diverges
        return shared | _own_numbers(config, step, g)


def coasts(config: OptimizerConfig) -> bool:
    """Whether a weight whose gradient is 0 can still move, by momentum or by weight decay."""
    match config:
        case Sgd() | Rmsprop():
            return bool(config.momentum or config.weight_decay)
        case Adagrad():
            return bool(config.weight_decay)
        case _:
            return True


def _is_decoupled(config: OptimizerConfig) -> bool:
    return isinstance(config, AdamW) or getattr(config, "decoupled_weight_decay", False)


def _decay_lines(config: OptimizerConfig) -> list[Line]:
    if not config.weight_decay:
        return []
    if _is_decoupled(config):
        return [
            Line(
                "Weight decay takes a small share off the weight itself.",
                "w ← w − η λ w",
                "{w_before} − {η} × {λ} × {w_before} = {w}",
            )
        ]
    return [
        Line(
            "Weight decay adds a small share of the weight to its gradient.",
            "g ← g + λ w",
            "{g_batch} + {λ} × {w} = {g}",
        )
    ]


_MEANS = [
    Line(
        "A running mean of the gradients: which way has it been downhill lately?",
        "m ← β₁ m + (1 − β₁) g",
        "{β₁} × {m_before} + {1−β₁} × {g} = {m}",
        keeps=True,
    ),
    Line(
        "A running mean of their squares: how large have they been lately?",
        "v ← β₂ v + (1 − β₂) g²",
        "{β₂} × {v_before} + {1−β₂} × {g²} = {v}",
        keeps=True,
    ),
]
_MEAN_CORRECTED = Line(
    "Both means began at 0, so they start too small. Step t is known, and so is the cure.",
    "m̂ = m / (1 − β₁ᵗ)",
    "{m} / {1−β₁ᵗ} = {m̂}",
)
_SQUARE_CORRECTED = Line("The same for the squares.", "v̂ = v / (1 − β₂ᵗ)", "{v} / {1−β₂ᵗ} = {v̂}")


def _own_lines(config: OptimizerConfig) -> list[Line]:
    match config:
        case Sgd():
            return _sgd_lines(config)
        case Adagrad():
            return [
                Line(
                    "A sum of all squared gradients so far. It only grows.",
                    "s ← s + g²",
                    "{s_before} + {g²} = {s}",
                    keeps=True,
                ),
                Line(
                    "The more a weight has been moved before, the less it moves now.",
                    "w ← w − η g / (√s + ε)",
                    "{w} − {η_t} × {g} / ({√s} + {ε}) = {w_new}",
                ),
            ]
        case Rmsprop():
            return _rmsprop_lines(config)
        case Adam() | AdamW():
            return [
                *_MEANS,
                _MEAN_CORRECTED,
                _SQUARE_CORRECTED,
                Line(
                    "The weight moves by about η, whatever the gradient's size.",
                    "w ← w − η m̂ / (√v̂ + ε)",
                    "{w} − {η} × {m̂} / ({√v̂} + {ε}) = {w_new}",
                ),
            ]
        case RAdam():
            return [
                *_MEANS,
                _MEAN_CORRECTED,
                Line(
                    "The mean of squares is of too few steps to be trusted: it is left aside.",
                    "w ← w − η m̂",
                    "{w} − {η} × {m̂_alone} = {w_new}",
                ),
                Line(
                    "The mean of squares is trusted as far as its number of steps allows.",
                    "r = √( (ρ − 4)(ρ − 2) ρ∞ / ((ρ∞ − 4)(ρ∞ − 2) ρ) )",
                    "r = {r}",
                ),
                Line(
                    "So the weight moves by a part of what Adam would do.",
                    "w ← w − η r m̂ √(1 − β₂ᵗ) / (√v + ε)",
                    "{w} − {η} × {r} × {m̂} × {√(1−β₂ᵗ)} / ({√v} + {ε}) = {w_new}",
                ),
            ]
        case NAdam():
            return [
                *_MEANS,
                Line(
                    "Nesterov looks one step ahead: part of this gradient, part of the mean.",
                    "d = (1 − μₜ) / (1 − Πμ) · g + μₜ₊₁ / (1 − Πμ μₜ₊₁) · m",
                    "{c_g} × {g} + {c_m} × {m} = {d}",
                ),
                _SQUARE_CORRECTED,
                Line(
                    "The weight moves by about η, whatever the gradient's size.",
                    "w ← w − η d / (√v̂ + ε)",
                    "{w} − {η} × {d} / ({√v̂} + {ε}) = {w_new}",
                ),
            ]


def _sgd_lines(config: Sgd) -> list[Line]:
    if not config.momentum:
        against = "The weight moves against the gradient: downhill."
        return [Line(against, "w ← w − η g", "{w} − {η} × {g} = {w_new}")]
    velocity = Line(
        "The velocity keeps a share of what it was, and takes in the gradient.",
        "v ← μ v + g",
        "{μ} × {v_before} + {g} = {v}",
        keeps=True,
    )
    if not config.nesterov:
        against = "The weight moves against the velocity: a ball that rolls downhill."
        return [velocity, Line(against, "w ← w − η v", "{w} − {η} × {v} = {w_new}")]
    return [
        velocity,
        Line("Nesterov looks one step ahead.", "d = g + μ v", "{g} + {μ} × {v} = {d}"),
        Line("The weight moves against that.", "w ← w − η d", "{w} − {η} × {d} = {w_new}"),
    ]


def _rmsprop_lines(config: Rmsprop) -> list[Line]:
    square = Line(
        "A running mean of the squared gradients: how large have they been lately?",
        "v ← α v + (1 − α) g²",
        "{α} × {v_before} + {1−α} × {g²} = {v}",
        keeps=True,
    )
    if not config.momentum:
        return [
            square,
            Line(
                "The weight moves by about η where gradients stay alike, whatever their size.",
                "w ← w − η g / (√v + ε)",
                "{w} − {η} × {g} / ({√v} + {ε}) = {w_new}",
            ),
        ]
    return [
        square,
        Line(
            "The velocity keeps a share of what it was, and takes in the scaled gradient.",
            "u ← μ u + g / (√v + ε)",
            "{μ} × {u_before} + {g} / ({√v} + {ε}) = {u}",
            keeps=True,
        ),
        Line("The weight moves against the velocity.", "w ← w − η u", "{w} − {η} × {u} = {w_new}"),
    ]


def _own_numbers(
    config: OptimizerConfig, step: Step, g: FloatArray
) -> dict[str, float | FloatArray]:
    before, after = step.state_before, step.state_after
    match config:
        case Sgd(momentum=mu):
            v = after[0]
            return {"μ": mu, "v_before": before[0], "v": v, "d": g + mu * v} if mu else {}
        case Adagrad():
            return {
                "s_before": before[0],
                "g²": np.square(g),
                "s": after[0],
                "√s": np.sqrt(after[0]),
                "ε": config.epsilon,
                "η_t": step.learning_rate / (1 + (step.number - 1) * config.learning_rate_decay),
            }
        case Rmsprop():
            return {
                "α": config.alpha,
                "1−α": 1.0 - config.alpha,
                "g²": np.square(g),
                "v_before": before[0],
                "v": after[0],
                "√v": np.sqrt(after[0]),
                "ε": config.epsilon,
                "μ": config.momentum,
                "u_before": before[1],
                "u": after[1],
            }
        case _:
            return _adam_numbers(config, step, g)


def _adam_numbers(
    config: Adam | AdamW | RAdam | NAdam, step: Step, g: FloatArray
) -> dict[str, float | FloatArray]:
    t, beta1, beta2 = step.number, config.beta1, config.beta2
    to_means = np.array([[1.0 - beta1], [1.0 - beta2]])
    (m_before, v_before), (m, v) = to_means * step.state_before, to_means * step.state_after
    c1, c2 = 1.0 - beta1**t, 1.0 - beta2**t
    numbers: dict[str, float | FloatArray] = {
        "β₁": beta1,
        "1−β₁": 1.0 - beta1,
        "β₂": beta2,
        "1−β₂": 1.0 - beta2,
        "m_before": m_before,
        "m": m,
        "v_before": v_before,
        "g²": np.square(g),
        "v": v,
        "1−β₁ᵗ": c1,
        "1−β₂ᵗ": c2,
        "m̂": m / c1,
        "v̂": v / c2,
        "√v̂": np.sqrt(v / c2),
        "ε": config.epsilon,
    }
    if isinstance(config, RAdam):
        rectification = rectification_of(beta2, t)
        if rectification is None:
            return numbers | {"m̂_alone": m / c1}
        return numbers | {
            "r": math.sqrt(rectification),
            "√(1−β₂ᵗ)": math.sqrt(c2),
            "√v": np.sqrt(v),
        }
    if isinstance(config, NAdam):
        mus = [momentum_of(beta1, config.momentum_decay, k) for k in range(1, t + 2)]
        mu, mu_next = mus[-2:]
        product = math.prod(mus[:-1])
        c_g, c_m = (1.0 - mu) / (1.0 - product), mu_next / (1.0 - product * mu_next)
        return numbers | {"c_g": c_g, "c_m": c_m, "d": c_g * g + c_m * m}
    return numbers
