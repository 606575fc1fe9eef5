"""What is run for the report's figures, and for the conclusions that rest on them."""

from __future__ import annotations

from typing import Any

from isolet_nn.reproduction.exclusive_or import measure_xor
from isolet_nn.reproduction.parts import CARRIED_OVER, FEW_NEURONS, XOR, Part

_CURVES: dict[str, Any] = {
    "grid": {"training.epochs": [*range(1, 41)]},  # read off one training a seed
    "seeds": 10,
    "plot": [
        {"kind": "line", "x": "training.epochs"},
        {"kind": "line", "x": "training.epochs", "value": "train_loss"},
    ],
}
_QUICK_CURVES: dict[str, Any] = {
    "grid": {"training.epochs": [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 35, 40]},
    "seeds": 3,
}

FIGURE_PARTS = (
    Part("figures1-2", ("1", "2"), "report/figure1_2_no_momentum", _CURVES, _QUICK_CURVES),
    Part("figures3-4", ("3", "4"), "report/figure3_4_momentum", _CURVES, _QUICK_CURVES),
    Part(
        "figure5",
        ("5",),
        "report/figure5_learning_rate_by_hidden",
        quick={
            "grid": {
                "model.hidden_layers": [[16], [64], [256]],
                "optimizer.learning_rate": [1e-5, 1e-4, 1e-3, 0.01, 0.1],
            }
        },
    ),
    Part(
        "figure6",
        ("6",),
        "report/figure6_epochs_by_batch_size",
        quick={"grid": {"training.batch_size": [128, 256, 1024, 8192]}},
    ),
    # PyTorch is loaded while the long trainings of figure 6 are at work.
    Part("parity", ("parity",), "report/parity", quick={"seeds": 4}, compares_backends=True),
    Part(
        CARRIED_OVER,
        ("6",),
        "report/figure6_carried_over",
        quick={"epochs": [1, 2, 4, 5, 10], "batch_sizes": [128, 256, 8192]},
    ),
    Part(
        "figure7",
        ("7",),
        "report/figure7_hidden_layers_by_beta1",
        {"seeds": 3},
        {
            "grid": {
                "optimizer.beta1": [0.0, 0.9, 0.99],
                "model.hidden_layers": [[], [64], [64, 64, 64]],
            }
        },
    ),
    Part(  # the top rows of figure 5 again, with seeds to tell chance from learning rates
        FEW_NEURONS,
        ("5",),
        "report/figure5_learning_rate_by_hidden",
        {"grid": {"model.hidden_layers": [[16], [32], [64]]}, "seeds": 5},
        {
            "grid": {
                "model.hidden_layers": [[16], [64]],
                "optimizer.learning_rate": [1e-5, 3e-4, 1e-3, 3e-3, 0.01],
            },
            "seeds": 3,
        },
        takes_over=("figure5",),
    ),
    Part("figure8", ("8",), "report/figure8_optimizers", quick={"seeds": 3}),
    Part(XOR, ("xor",), "report/xor", on_isolet=False, measure=measure_xor),
    Part(
        "other-data-sets",
        ("data",),
        "report/other_data_sets",
        quick={"grid": {"dataset.name": ["wine", "breast_cancer", "iris"]}},
        on_isolet=False,
    ),
)
