"""What is run for which figure: shipped configs, and what is changed in them.

A quick reproduction keeps the settings of every training and leaves out cells and seeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from isolet_nn.config.shipped import resolve
from isolet_nn.config.yaml_files import read_mapping
from isolet_nn.errors import ConfigError, suggestion
from isolet_nn.sweeps.config import Sweep
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.system.machine import has_torch

CARRIED_OVER, FEW_NEURONS, XOR = "figure6-carried-over", "few-neurons", "xor"

_CURVES: dict[str, Any] = {
    "grid": {"training.epochs": [*range(1, 41)]},  # read off one training a seed
    "seeds": 10,
    "plot": [
        {"kind": "line", "x": "training.epochs"},
        {"kind": "line", "x": "training.epochs", "value": "train_loss"},
    ],
}


@dataclass(frozen=True)
class Part:
    """One run or sweep of the reproduction.

    Attributes
    ----------
    name
        Part of its folder's name.
    figures
        What ``--figure`` calls it.
    config
        A shipped config.
    changes
        Keys of the sweep file that differ; grids are merged key by key.
    quick
        The same for a quick reproduction, on top.
    on_isolet
        Whether it needs ISOLET's files.
    compares_backends
        Whether it is left aside where one backend computes all.
    """

    name: str
    figures: tuple[str, ...]
    config: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    quick: Mapping[str, Any] = field(default_factory=dict)
    on_isolet: bool = True
    compares_backends: bool = False


PARTS = (
    Part("figures1-2", ("1", "2"), "report/figure1_2_no_momentum", _CURVES, {"seeds": 5}),
    Part("figures3-4", ("3", "4"), "report/figure3_4_momentum", _CURVES, {"seeds": 5}),
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
    Part(  # the top rows of figure 5 again, with seeds to tell chance from learning rates
        FEW_NEURONS,
        ("5",),
        "report/figure5_learning_rate_by_hidden",
        {"grid": {"model.hidden_layers": [[16], [32], [64]]}, "seeds": 5},
        {
            "grid": {
                "model.hidden_layers": [[16], [64]],
                "optimizer.learning_rate": [3e-4, 1e-3, 3e-3, 0.01],
            },
            "seeds": 3,
        },
    ),
    Part(
        "figure6",
        ("6",),
        "report/figure6_epochs_by_batch_size",
        quick={"grid": {"training.batch_size": [64, 128, 256, 8192]}},
    ),
    Part(
        CARRIED_OVER,
        ("6",),
        "report/figure6_carried_over",
        quick={"epochs": [1, 2, 4, 5, 10], "batch_sizes": [64, 256, 8192]},
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
    Part("figure8", ("8",), "report/figure8_optimizers", quick={"seeds": 3}),
    Part(XOR, ("xor",), "report/xor", on_isolet=False),
    Part("parity", ("parity",), "report/parity", quick={"seeds": 4}, compares_backends=True),
    Part(
        "other-data-sets", ("data",), "report/other_data_sets", quick={"seeds": 5}, on_isolet=False
    ),
)

FIGURES = tuple(dict.fromkeys(name for part in PARTS for name in part.figures))
"""What ``--figure`` may name: the report's figures, and what its conclusions need besides."""


def parts_of(figures: Iterable[str], backend: str | None = None) -> list[Part]:
    """The parts that figures need; all of them if none is named.

    Where one backend computes all, those that compare backends are left aside.

    Raises
    ------
    ConfigError
        If there is no such figure.
    """
    wanted = list(figures)
    for name in wanted:
        if name not in FIGURES:
            hint = suggestion(name, FIGURES)
            raise ConfigError(f"--figure: found {name!r}; allowed: {', '.join(FIGURES)}{hint}")
    parts = [part for part in PARTS if not wanted or set(part.figures) & {*wanted}]
    parts = [part for part in parts if backend is None or not part.compares_backends]
    if not parts:
        raise ConfigError(
            f"--figure: {', '.join(wanted)} compares the backends: give no --backend with it"
        )
    return parts


def sweep_of(
    part: Part, *, quick: bool, data_dir: str | None, computing: Mapping[str, Any] | None = None
) -> Sweep:
    """The sweep that a part runs.

    A config that describes one experiment is what the sweep varies. Without PyTorch the parity is
    run on NumPy alone. `computing` is the backend and the device of all of it, where given.
    """
    file = read_mapping(resolve(part.config))
    content: dict[str, Any] = file if "experiment" in file else {"experiment": part.config}
    content |= {"name": part.name, "save_models": "none"}
    for changes in (part.changes, part.quick if quick else {}):
        grid = {**content.get("grid", {}), **changes.get("grid", {})}
        content = {**content, **changes, "grid": grid}
    if "backend" in content["grid"] and not has_torch():
        content["grid"]["backend"] = ["numpy"]
    given = {"dataset.dir": data_dir} if data_dir is not None and part.on_isolet else {}
    return load_sweep(content, {**given, **(computing or {})})
