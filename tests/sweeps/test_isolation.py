"""A trial has the same bits however it is run.

The judge is `train`: each trial's own config, trained on its own. Against it stand the same trials
in stacks, as prefixes of longer trainings, alone in a sweep, on few and many workers, and after
interruptions.
"""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from needs import in_full, needs_torch
from safetensors.numpy import load_file

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.problems import validate
from isolet_nn.config.yaml_files import parse_yaml
from isolet_nn.runs import execution
from isolet_nn.sweeps.config import Sweep
from isolet_nn.sweeps.datasets import DataSource
from isolet_nn.sweeps.folder import SweepFolder, trial_config
from isolet_nn.sweeps.grid import make_trials
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.plan import make_plan
from isolet_nn.sweeps.sweep import resume_sweep, sweep
from sweeps.helpers import (
    InlineWorkers,
    model_bytes,
    read_table,
    result_table,
    run,
    stop_after,
)

TIMES = ("epoch", "seconds")


@pytest.fixture(scope="module", autouse=True)
def _without_curves(without_pictures: None) -> Iterator[None]:
    """Leave out what a run folder has beside numbers and weights, which takes most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("plot_loss", "plot_accuracy", "plot_confusion_matrix"):
            patch.setattr(f"isolet_nn.plots.{name}", lambda *args, **options: None)
        for module in ("runs.execution", "sweeps.sweep"):
            patch.setattr(f"isolet_nn.{module}.describe_environment", lambda *of: {})
        yield


OPTIMIZERS: list[Any] = [
    {"name": "sgd", "learning_rate": 0.1},
    {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9, "nesterov": True},
    {"name": "sgd", "learning_rate": 1e6},
    {"name": "sgd", "learning_rate": 1e38, "momentum": 0.5},
    {"name": "adagrad", "learning_rate": 0.1, "learning_rate_decay": 0.01},
    {"name": "rmsprop", "momentum": 0.5, "weight_decay": 0.01},
    {"name": "rmsprop", "learning_rate": 1e30},
    "adam",
    {"name": "adam", "learning_rate": 1e6, "beta1": 0.0},
    {"name": "adamw", "learning_rate": 0.03},
]
DATASETS: list[dict[str, Any]] = [
    {"name": "iris"},
    {"name": "iris", "split_seed": 3},
    {"name": "iris", "split_seed": 3, "test": {"fraction": 0.97}},
    {"name": "wine", "split_seed": 1, "validation": {"fraction": 0.25}},
    {"name": "wine", "standardize": False, "validation": {"fraction": 0.1}},
    {"name": "breast_cancer", "split_seed": 1, "test": {"fraction": 0.9}},
    {"name": "xor"},
]
FOLDED_DATASETS = [DATASETS[0], DATASETS[1], DATASETS[5]]
"""Those that have rows enough to be divided into folds, and no validation split of their own."""
SCHEDULES: list[Any] = [
    "constant",
    "constant",
    {"name": "step", "epochs": 2, "gamma": 0.5},
    {"name": "cosine", "warmup_epochs": 1},
    "one_cycle",
    {"name": "reduce_on_plateau", "patience": 0, "threshold": 0.2, "factor": 0.5},
]


@st.composite
def experiments(draw: st.DrawFn) -> dict[str, Any]:
    """Any small experiment, as it stands in a file."""
    dataset: dict[str, Any] = draw(st.sampled_from(DATASETS))
    model = st.fixed_dictionaries(
        {"hidden_layers": st.sampled_from([[], [1], [7], [4, 3], [16, 1, 2]])},
        optional={
            "activation": st.sampled_from(
                [
                    "relu",
                    "tanh",
                    "sigmoid",
                    "leaky_relu",
                    "gelu",
                    "silu",
                    {"name": "elu", "alpha": 0.5},
                ]
            ),
            "dropout": st.sampled_from([0.3, 0.9]),
            "input_dropout": st.just(0.2),
            "input_noise": st.just(0.3),
            "max_norm": st.just(1.0),
            "initializer": st.sampled_from(["he", "glorot", "uniform_fan_in", "normal"]),
        },
    )
    training = st.fixed_dictionaries(
        {
            "epochs": st.integers(1, 4),
            "batch_size": st.sampled_from([1, 9, 32, 1000]),
            "schedule": st.sampled_from(SCHEDULES),
        },
        optional={
            "shuffle": st.just(False),
            "drop_last": st.just(True),
            "dtype": st.just("float64"),
            "label_smoothing": st.just(0.1),
            "class_weight": st.just("balanced"),
            "mixup": st.just(0.3),
            "weight_averaging": st.sampled_from(
                [{"name": "ema", "decay": 0.8}, {"name": "swa", "start": 0.4}]
            ),
            "evaluate_every": st.just(2),
            "early_stopping": st.sampled_from(
                [
                    {"patience": 1},
                    {"patience": 1, "restore_best": False},
                    {"patience": 2, "metric": "validation_accuracy", "min_delta": 0.05},
                ]
            ),
        },
    )
    settings = draw(training)
    if "validation" not in dataset:
        settings.pop("early_stopping", None)
        if settings["schedule"] == SCHEDULES[-1]:
            settings["schedule"] = "constant"
    ensemble = draw(st.sampled_from([1, 1, 2]))
    return {
        "ensemble": ensemble,
        "dataset": dataset,
        "model": draw(model),
        "training": settings,
    }


@st.composite
def small_sweeps(draw: st.DrawFn) -> Sweep:
    """A sweep over optimizers, perhaps epochs and another setting, and seeds."""
    optimizers = st.lists(st.sampled_from(OPTIMIZERS), min_size=1, max_size=4, unique_by=str)
    grid: dict[str, Any] = {"optimizer": draw(optimizers)}
    epochs = draw(st.lists(st.integers(1, 6), max_size=3, unique=True))
    if len(epochs) > 0:
        grid["training.epochs"] = epochs
    if draw(st.integers(0, 4)) == 0:
        grid["model.dropout"] = [0.0, 0.5]
    seeds = draw(st.lists(st.integers(0, 99), min_size=1, max_size=3, unique=True))
    experiment = draw(experiments())
    keys: dict[str, Any] = {}
    if experiment["dataset"] in FOLDED_DATASETS and draw(st.booleans()):
        folds, repeats = draw(st.integers(2, 4)), draw(st.integers(1, 2))
        keys["cross_validation"] = {"folds": folds, "repeats": repeats}
        seeds = seeds[:2]
    return make_sweep(experiment, grid=grid, seeds=seeds, **keys)


def make_sweep(experiment: Mapping[str, Any], **keys: Any) -> Sweep:
    return load_sweep({"experiment": experiment, "save_models": "all", **keys})


def swept(config: Sweep, runs_dir: Path, workers: int = 1) -> SweepFolder:
    """A sweep carried out in this process."""
    folder = sweep(config, runs_dir=runs_dir, workers=workers, make_workers=InlineWorkers)
    assert folder.summary["status"] == "completed"
    return folder


def trained(config: Sweep, trial: int, runs_dir: Path) -> tuple[dict[str, str], bytes | None]:
    """The row of a table that a trial's own training gives, and its weights."""
    content = parse_yaml(trial_config(config, trial), "trial")
    with np.errstate(all="ignore"):  # weights may be finite, and logits too large
        run = execution.train(validate(Experiment, content, "trial"), runs_dir=runs_dir)
    summary = run.summary
    row = {"status": summary["status"], "epochs": str(summary["epochs"])}
    row["error"] = summary["error"] or ""
    if summary["status"] == "failed":
        assert not (run.path / "model.safetensors").exists()
        return row, None
    with (run.path / "metrics.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["epoch"]: row for row in csv.DictReader(file)}
    final = rows[str(summary["epoch"])]
    metrics = {k: v for k, v in final.items() if k not in TIMES}
    return {**row, **metrics}, (run.path / "model.safetensors").read_bytes()


def require_as_trained(folder: SweepFolder, runs_dir: Path) -> None:
    """Compare every trial of a sweep with its own training."""
    models = model_bytes(folder)
    for trial, row in enumerate(read_table(folder.path / "trials.csv")):
        expected, weights = trained(folder.sweep, trial, runs_dir)
        found = {key: row[key] for key in expected if key in row}
        # A column that no trial has is left out of the table.
        missing = {key: "" for key in expected if key not in row}
        assert {**found, **missing} == {
            k: "" if v in _NOT_FINITE else v for k, v in expected.items()
        }
        assert models.pop(f"trial-{trial}.safetensors", None) == weights
    assert models == {}


_NOT_FINITE = ("nan", "inf", "-inf")


@settings(max_examples=in_full(12, 30), suppress_health_check=[HealthCheck.too_slow])
@given(config=small_sweeps(), workers=st.integers(1, 4))
def test_trials_in_stacks_and_on_the_way_of_others_are_as_trained_alone(
    tmp_path_factory: pytest.TempPathFactory, config: Sweep, workers: int
) -> None:
    path = tmp_path_factory.mktemp("stacks")
    require_as_trained(swept(config, path, workers), path)


@settings(max_examples=in_full(5, 12), suppress_health_check=[HealthCheck.too_slow])
@given(config=small_sweeps(), workers=st.integers(2, 6), data=st.data())
def test_trials_are_the_same_alone_in_other_cohorts_and_after_interruptions(
    tmp_path_factory: pytest.TempPathFactory, config: Sweep, workers: int, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("resumed")
    whole = swept(config, path)
    table, models = result_table(whole), model_bytes(whole)

    others = swept(config, path, workers)
    assert (result_table(others), model_bytes(others)) == (table, models)

    folder = sweep(
        config, runs_dir=path, workers=2, make_workers=InlineWorkers, should_stop=stop_after(1)
    )
    for _ in range(100):
        if folder.summary["status"] == "completed":
            break
        questions, count = data.draw(st.tuples(st.integers(2, 4), st.integers(1, 4)))
        folder = resume_sweep(
            folder.path,
            workers=count,
            make_workers=InlineWorkers,
            should_stop=stop_after(questions),
        )
    assert (result_table(folder), model_bytes(folder)) == (table, models)

    trial = data.draw(st.integers(0, len(table) - 1))
    content = parse_yaml(trial_config(config, trial), "trial")
    alone = swept(make_sweep(content, seeds=[content["seed"]]), path)
    (row,) = result_table(alone)
    original = table[trial]
    shared = row.keys() - {"trial"}
    assert {key: row[key] for key in shared} == {key: original[key] for key in shared}
    assert list(model_bytes(alone).values()) == [
        content for name, content in models.items() if name == f"trial-{trial}.safetensors"
    ]


def test_a_trial_whose_last_step_diverges_fails_although_a_longer_one_reads_it_off(
    tmp_path: Path,
) -> None:
    """One step an epoch: the first epoch's loss is that of the initial weights."""
    config = make_sweep(
        {
            "dataset": {"name": "iris"},
            "model": {"hidden_layers": [4]},
            "training": {"batch_size": 1000},
        },
        grid={
            "training.epochs": [1, 2, 3],
            "optimizer": [{"name": "sgd", "learning_rate": 1e39}, {"name": "sgd"}],
        },
    )
    folder = swept(config, tmp_path)
    table = read_table(folder.path / "trials.csv")
    assert [row["status"] for row in table] == ["failed", "completed"] * 3
    assert "after epoch 1 weights are no longer finite" in table[0]["error"]
    assert "the training loss of epoch 2 is nan" in table[2]["error"]
    assert "the training loss of epoch 2 is nan" in table[4]["error"]
    require_as_trained(folder, tmp_path)


def test_an_ensemble_that_is_read_off_a_longer_training_keeps_all_its_networks(
    tmp_path: Path,
) -> None:
    config = make_sweep(
        {"ensemble": 2, "dataset": {"name": "iris"}, "model": {"hidden_layers": [4]}},
        grid={"optimizer.learning_rate": [0.001, 0.01], "training.epochs": [1, 2, 3]},
        save_models="all",
    )
    require_as_trained(swept(config, tmp_path), tmp_path)
    names = load_file(tmp_path / next(tmp_path.glob("*/models/trial-0.safetensors")))
    assert {"0.0.weight", "1.0.weight"} <= names.keys()


def test_an_epoch_of_no_step_is_the_same_everywhere(tmp_path: Path) -> None:
    """Every batch is incomplete when all rows but the last batch's are left out."""
    config = make_sweep(
        {
            "dataset": {"name": "xor"},
            "model": {"hidden_layers": [2]},
            "training": {"batch_size": 3, "drop_last": True},
        },
        grid={"training.epochs": [1, 2], "optimizer.learning_rate": [0.1, 1.0]},
        seeds=4,
    )
    require_as_trained(swept(config, tmp_path), tmp_path)


@needs_torch
@pytest.mark.slow
def test_torch_trials_have_the_bits_of_their_own_training(tmp_path: Path) -> None:
    config = make_sweep(
        {
            "backend": "torch",
            "dataset": {"name": "wine", "validation": {"fraction": 0.2}},
            "model": {"hidden_layers": [6], "dropout": 0.2},
            "training": {"batch_size": 50},
        },
        grid={
            "optimizer": [
                "sgd",
                "adagrad",
                "rmsprop",
                "adam",
                {"name": "sgd", "learning_rate": 1e9},
            ],
            "training.epochs": [3, 1],
        },
        seeds=2,
    )
    folder = swept(config, tmp_path, workers=3)
    require_as_trained(folder, tmp_path)
    assert {row["status"] for row in result_table(folder)} == {"completed", "failed"}


@pytest.mark.slow
def test_isolet_trials_have_the_bits_of_their_own_training(tmp_path: Path) -> None:
    config = make_sweep(
        {
            "dataset": {"name": "isolet", "split_seed": 2},
            "model": {"hidden_layers": [12]},
            "training": {"batch_size": 512, "drop_last": True},
            "optimizer": {"name": "sgd", "momentum": 0.9},
        },
        grid={
            "dataset.validation": ["none", {"fraction": 0.2, "by": "speaker"}],
            "training.epochs": [1, 2],
            "optimizer.learning_rate": [0.01, 0.1, 1000.0],
        },
        seeds=[3, 1],
    )
    folder = swept(config, tmp_path)
    assert folder.metric == "validation_accuracy"
    require_as_trained(folder, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("hidden", in_full([64], [64, 128]))
def test_wide_stacks_on_isolet_have_the_bits_of_their_own_training(
    tmp_path: Path, hidden: int
) -> None:
    config = make_sweep(
        {
            "dataset": {"name": "isolet"},
            "model": {"hidden_layers": [hidden]},
            "training": {"epochs": 1, "batch_size": 128},
        },
        grid={"optimizer.learning_rate": [0.001, 0.003, 0.01, 0.1]},
        seeds=2,
    )
    trials = make_trials(config)
    plan = make_plan(trials, np.arange(len(trials)), 1, DataSource().size)
    assert all(len(cohort.lines) > 1 for cohort in plan.cohorts), "nothing is stacked"
    require_as_trained(swept(config, tmp_path), tmp_path)


MIXED: dict[str, Any] = {
    "list": [
        {"optimizer": optimizer, "training.epochs": epochs}
        for optimizer, epochs in itertools.product([*OPTIMIZERS[:4], "adam"], (2, 5))
    ],
    "seeds": [0, 7],
}
MIXED_EXPERIMENT: dict[str, Any] = {
    "dataset": {"name": "digits", "validation": {"fraction": 0.2}, "split_seed": 1},
    "model": {"hidden_layers": [9], "dropout": 0.25, "activation": "tanh"},
    "training": {"batch_size": 300},
}


@pytest.mark.slow
def test_worker_processes_give_the_bits_of_train_on_the_command_line(tmp_path: Path) -> None:
    experiment = {**MIXED_EXPERIMENT, "training": {"batch_size": 300, "threads": 2}}
    config = make_sweep(experiment, **MIXED)
    inline = swept(config, tmp_path)
    for workers in in_full([2], [1, 3]):
        one = sweep(config, runs_dir=tmp_path, workers=workers)
        assert result_table(one) == result_table(inline)
        assert model_bytes(one) == model_bytes(inline)
    assert "failed" in {row["status"] for row in result_table(one)}

    for trial in in_full([18], [2, 18]):
        printed = run("sweep", "--resume", one.path, "--print-trial", str(trial))
        assert printed.returncode == 0, printed.stderr
        file = tmp_path / "trial.yaml"
        file.write_text(printed.stdout, encoding="utf-8")
        done = run("train", file, "--quiet", "--runs-dir", tmp_path)
        assert done.returncode == 0, done.stderr
        path = Path(done.stdout.strip())
        assert (path / "model.safetensors").read_bytes() == model_bytes(one)[
            f"trial-{trial}.safetensors"
        ]
        summary = json.loads((path / "summary.json").read_text(encoding="utf-8"))
        row = result_table(one)[trial]
        # A run is scored in more ways at its end than a trial that did not ask for them.
        shared = summary["metrics"].keys() & row.keys()
        assert {"train_loss", "validation_accuracy", "test_loss"} <= shared
        assert {name: repr(summary["metrics"][name]) for name in shared} == {
            name: row[name] for name in shared
        }


@pytest.mark.slow
def test_early_stopping_is_the_same_in_worker_processes(tmp_path: Path) -> None:
    experiment = {
        **MIXED_EXPERIMENT,
        "training": {"batch_size": 100, "early_stopping": {"patience": 1}, "epochs": 30},
        "optimizer": {"name": "adam"},
    }
    config = make_sweep(experiment, grid={"optimizer.learning_rate": [0.003, 0.3]}, seeds=3)
    folder = sweep(config, runs_dir=tmp_path, workers=2)
    assert len({row["epochs"] for row in result_table(folder)}) > 1
    require_as_trained(folder, tmp_path)
