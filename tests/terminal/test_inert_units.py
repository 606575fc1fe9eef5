"""The end of a run that was inspected says of dead and saturated units, where they are many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from builders import make_experiment

from isolet_nn.runs.folder import Run
from isolet_nn.terminal.runs import print_run
from isolet_nn.training.inspector import LayerInspection

SUMMARY: dict[str, Any] = {
    "epoch": 2,
    "epochs": 2,
    "seconds": 1.0,
    "best_validation_epoch": None,
    "metrics": {"train_loss": 0.1, "train_accuracy": 1.0},
}


def record(layer: int, activation: str, **found: Any) -> LayerInspection:
    measured = {"dead_units": None, "saturated_share": None, **found}
    norms = dict.fromkeys(("gradient_norm", "update_norm", "weight_norm"), 1.0)
    means = dict.fromkeys(("activation_mean", "activation_deviation"), 1.0)
    return LayerInspection(
        **{"epoch": 2, "network": 1, "units": 44, **norms, **means, **measured},
        layer=layer,
        activation=activation,
    )


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (
            [record(1, "relu", dead_units=12), record(2, "relu", dead_units=4)],
            ["12 of 44 units of layer 1 are dead: no row activates them, so they no longer learn"],
        ),
        (
            [record(1, "relu", dead_units=12), record(1, "relu", dead_units=8, network=2)],
            ["20 of 88 units of layer 1 are dead: no row activates them, so they no longer learn"],
        ),
        (
            [record(1, "elu", dead_units=44)],
            ["44 of 44 units of layer 1 are dead: no row activates them, so they hardly learn"],
        ),
        (
            [record(1, "tanh", saturated_share=0.625), record(2, "tanh", saturated_share=0.4)],
            [
                "62.50 % of the activations of layer 1 are saturated: they let hardly any gradient "
                "through"
            ],
        ),
        ([record(1, "relu", dead_units=44, epoch=1), record(1, "relu", dead_units=0)], []),
        ([], []),
    ],
)
def test_many_units_that_do_not_act_are_told_of(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    records: list[LayerInspection],
    said: list[str],
) -> None:
    monkeypatch.setattr(Run, "summary", SUMMARY)
    monkeypatch.setattr(Run, "inspection", lambda _: records)
    print_run(Run(tmp_path, make_experiment(training__inspect=True)))
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "units of" in line or "saturated" in line] == said
