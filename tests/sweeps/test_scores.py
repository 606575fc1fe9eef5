"""A sweep that is ranked, drawn and stopped by scores other than accuracy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isolet_nn.config.metrics import in_words
from isolet_nn.errors import ConfigError
from isolet_nn.runs.execution import train
from isolet_nn.sweeps.config import Sweep
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.sweep import resume_sweep, sweep
from isolet_nn.terminal.printer import Printer
from isolet_nn.terminal.sweeps import print_sweep
from sweeps.helpers import InlineWorkers, iris_sweep, problem_of, read_table, stop_after

RATE = "optimizer.learning_rate"


def swept(config: Sweep, runs_dir: Path, **options: Any) -> SweepFolder:
    return sweep(config, runs_dir=runs_dir, make_workers=InlineWorkers, **options)


@pytest.mark.parametrize("rank_by", ["matthews", "loss"])
def test_the_best_setting_and_the_model_kept_are_the_best_by_what_is_ranked_by(
    tmp_path: Path, rank_by: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = iris_sweep(
        grid={RATE: [0.3, 0.001, 0.01]}, rank_by=rank_by, set={"training.epochs": 3}
    )
    folder = swept(config, tmp_path)
    values = folder.results.metric(f"test_{rank_by}")
    best = int(values.argmin() if rank_by == "loss" else values.argmax())
    first = folder.best()[0]
    assert first.setting == folder.trial_table.setting(best)
    assert first.scores[f"test_{rank_by}"].mean == values[best]
    assert [path.name for path in (folder.path / "models").glob("*.safetensors")] == [
        f"trial-{best}.safetensors"
    ]
    assert folder.summary["ranked_by"] == f"test_{rank_by}"
    rows = read_table(folder.path / "settings.csv")
    assert float(rows[0][f"test_{rank_by}_mean"]) == values[best]
    print_sweep(folder)
    printed = capsys.readouterr().out
    assert f"best settings by {in_words(f'test_{rank_by}')}" in printed
    assert "test_accuracy" not in printed
    print_sweep(folder, Printer("csv"))
    assert "test_accuracy_mean" in capsys.readouterr().out


def test_what_is_drawn_is_measured_and_as_a_run_measures_it(tmp_path: Path) -> None:
    config = iris_sweep(
        seeds=2,
        plot={"kind": "boxplot", "x": "seed", "value": "test_roc_auc"},
        set={"training.epochs": 2, "training.scores": ["macro_f1"]},
    )
    folder = swept(config, tmp_path)
    assert (folder.path / "plots" / "boxplot.png").exists()
    experiment = folder.trial_table.make_experiment(1)
    assert experiment.training.scores == ["macro_f1", "roc_auc"]
    alone = train(experiment, runs_dir=tmp_path).history()[-1]
    for metric in ("test_macro_f1", "test_roc_auc"):
        assert folder.results.metric(metric)[1] == alone[metric]
    assert not folder.results.has_metric("test_matthews")


def test_a_sweep_that_is_stopped_goes_on_by_its_score(tmp_path: Path) -> None:
    keys: dict[str, Any] = {"grid": {RATE: [0.1, 0.01]}, "seeds": 2, "rank_by": "macro_f1"}
    whole = swept(iris_sweep(**keys, set={"training.epochs": 1}), tmp_path)
    stopped = swept(
        iris_sweep(**keys, set={"training.epochs": 1}), tmp_path, should_stop=stop_after(1)
    )
    resumed = resume_sweep(stopped.path, make_workers=InlineWorkers)
    np.testing.assert_array_equal(resumed.results.metrics, whole.results.metrics)


def test_folds_are_ranked_and_drawn_by_the_validation_score() -> None:
    config = iris_sweep(
        cross_validation={"folds": 2}, rank_by="macro_f1", plot={"kind": "boxplot", "x": "fold"}
    )
    assert config.plot[0].value == "validation_macro_f1"
    found = problem_of(rank_by="f1_macro")
    assert "rank_by: found 'f1_macro'" in found
    assert "macro_f1" in found


@pytest.mark.parametrize(
    ("folds", "where"),
    [({"folds": 4}, "fold 1"), ({"folds": 3, "outer_folds": 4}, "outer fold 1, fold 0")],
)
def test_a_ranking_that_no_setting_could_have_is_refused_before_there_is_a_folder(
    tmp_path: Path, folds: dict[str, int], where: str
) -> None:
    """One group lacks a class, so the fold that it is held out in has no ROC AUC."""
    table = tmp_path / "table.csv"
    rows = [f"{n},{n % 4},{'y' if n % 4 and n % 5 == 0 else 'x'}\n" for n in range(80)]
    table.write_text("number,group,kind\n" + "".join(rows), encoding="utf-8")
    dataset = {"name": "csv", "path": str(table), "label": "kind", "group": "group"}
    content = {
        "experiment": {"dataset": dataset, "training": {"epochs": 1}},
        "grid": {RATE: [0.1]},
        "cross_validation": {**folds, "by": "group"},
    }
    message = rf"rank_by: validation_roc_auc is undefined \(seed 0, {where}\): .* class 'y'; loss"
    with pytest.raises(ConfigError, match=message):
        swept(load_sweep({**content, "rank_by": "roc_auc"}), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
    assert swept(load_sweep({**content, "rank_by": "macro_f1"}), tmp_path / "runs").best()
