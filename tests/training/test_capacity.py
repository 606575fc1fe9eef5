"""What no training can carry out is refused before any work, in the same words everywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from builders import make_experiment
from needs import BACKENDS, needs_torch

from isolet_nn.config.loading import load_experiment
from isolet_nn.errors import ConfigError, OutOfMemoryError
from isolet_nn.runs import execution
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.sweep import plan_of, sweep
from isolet_nn.system import machine as environment
from isolet_nn.system.machine import machine_memory
from isolet_nn.training.capacity import least_bytes, out_of_memory_in_words, require_trainable

IRIS = {"dataset": {"name": "iris", "split_seed": 0}}  # 120 training rows
NORMALIZED = {"hidden_layers": [4], "batch_normalization": True}


def refusals(folder: Path, experiment: dict[str, Any], **keys: Any) -> tuple[str, str, str]:
    """What train, sweep and a sweep's dry run say of an experiment; none leaves anything."""
    config = load_sweep({"experiment": experiment, **keys})
    messages = []
    for attempt in (
        lambda: execution.train(load_experiment(experiment), runs_dir=folder / "runs"),
        lambda: sweep(config, runs_dir=folder / "runs"),
        lambda: plan_of(config),
    ):
        with pytest.raises(ConfigError) as error:
            attempt()
        messages.append(str(error.value).removeprefix("sweep: "))
    assert not (folder / "runs").exists()
    return messages[0], messages[1], messages[2]


@pytest.mark.parametrize(
    ("batch_size", "remedy"),
    [(1, ""), (7, ", or training.drop_last: true"), (119, ", or training.drop_last: true")],
)
def test_a_batch_of_one_row_to_normalise_is_refused_by_train_and_sweep_alike(
    batch_size: int, remedy: str, tmp_path: Path
) -> None:
    training = {"batch_size": batch_size}
    said = refusals(tmp_path, {**IRIS, "model": NORMALIZED, "training": training})
    assert set(said) == {
        f"training.batch_size: found {batch_size}, which leaves a batch of one of 120 rows; "
        f"model.batch_normalization needs two in each: take another size{remedy}"
    }


def test_of_a_grid_every_size_that_leaves_one_row_is_named_before_any_trial(tmp_path: Path) -> None:
    config = load_sweep(
        {
            "experiment": {**IRIS, "model": NORMALIZED},
            "grid": {"training.batch_size": [32, 7, 1], "optimizer.learning_rate": [0.1, 0.01]},
        }
    )
    with pytest.raises(ConfigError) as error:
        sweep(config, runs_dir=tmp_path / "runs")
    first, second = str(error.value).splitlines()
    assert first.startswith("sweep: training.batch_size: found 7, which leaves a batch of one")
    assert first.endswith("(with training.batch_size=7, optimizer.learning_rate=0.1)")
    assert second.startswith("sweep: training.batch_size: found 1, which leaves a batch of one")
    assert not (tmp_path / "runs").exists()


def test_a_fold_that_leaves_one_row_is_found_though_the_first_fold_does_not(tmp_path: Path) -> None:
    """Of 120 rows in 7 folds the first ones hold out 18 rows and the last ones 17."""
    config = {
        "experiment": {**IRIS, "model": NORMALIZED, "training": {"batch_size": 51}},
        "cross_validation": {"folds": 7},
    }
    with pytest.raises(ConfigError, match="leaves a batch of one of 103 rows"):
        sweep(load_sweep(config), runs_dir=tmp_path / "runs")


def test_without_a_hidden_layer_or_with_the_last_batch_dropped_one_row_is_no_fault() -> None:
    exempt: list[dict[str, Any]] = [{"model__hidden_layers": []}, {"training__drop_last": True}]
    for changes in exempt:
        experiment = make_experiment(
            model__batch_normalization=True, training__batch_size=7, **changes
        )
        require_trainable(experiment, 120, 4, 3)
    usual = make_experiment(model__batch_normalization=True, training__batch_size=7)
    with pytest.raises(ConfigError, match="leaves a batch of one"):
        require_trainable(usual, 120, 4, 3)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "changes",
    [
        {"model": {"hidden_layers": [10**30]}},
        {"model": {"hidden_layers": [10**6, 10**6, 10**6]}},
        {"ensemble": 10**12},
        {"ensemble": 300_000_000, "model": {"hidden_layers": [64]}},
        {"model": {"hidden_layers": [10**200] * 20}},
    ],
    ids=["wide", "large", "many", "many small ones", "beyond words"],
)
def test_what_exceeds_the_machines_memory_is_refused_before_any_work(
    changes: dict[str, Any], backend: str, tmp_path: Path
) -> None:
    said = refusals(tmp_path, {**IRIS, "backend": backend, "device": "cpu", **changes})
    assert len(set(said)) == 1
    assert said[0].startswith("model.hidden_layers: hidden layers [")
    assert "GB of memory at least, and this machine has " in said[0]
    assert len(said[0].splitlines()) == 1
    assert len(said[0]) < 300


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_bound_is_the_machines(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = make_experiment(backend=backend, device="cpu", ensemble=7)
    needed = least_bytes(experiment, 120, 4, 3)
    monkeypatch.setattr("isolet_nn.training.capacity.machine_memory", lambda: needed)
    require_trainable(experiment, 120, 4, 3)
    monkeypatch.setattr("isolet_nn.training.capacity.machine_memory", lambda: needed - 1)
    with pytest.raises(ConfigError, match="and this machine has "):
        require_trainable(experiment, 120, 4, 3)
    require_trainable(experiment, 120, 4, 3, on_this_machine=False)


@needs_torch
def test_a_device_and_the_machine_that_draws_its_weights_are_both_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refusal(on_device: int, here: int) -> str:
        monkeypatch.setattr("isolet_nn.training.devices.device_memory", lambda device: on_device)
        monkeypatch.setattr("isolet_nn.training.capacity.machine_memory", lambda: here)
        try:
            require_trainable(experiment, 120, 4, 3)
        except ConfigError as error:
            return str(error)
        return ""

    experiment = make_experiment(
        backend="torch", device="cpu", ensemble=2, model__hidden_layers=[1000, 500]
    )
    needed = least_bytes(experiment, 120, 4, 3)
    parameters = 4 * 1000 + 1000 + 1000 * 500 + 500 + 500 * 3 + 3
    drawing = 4 * (parameters + 1000 * 500)
    assert refusal(needed, drawing) == ""
    assert "and the device cpu has " in refusal(needed - 1, drawing)
    assert "and this machine, where initial weights are drawn, has" in refusal(needed, drawing - 1)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "rmsprop", "adam"])
def test_the_least_that_is_needed_is_no_more_than_what_a_training_takes(
    backend: str, optimizer: str
) -> None:
    """Else what fits would be refused: parameters dominate here, and their number is known."""
    experiment = make_experiment(
        backend=backend, optimizer=optimizer, model__hidden_layers=[1000, 1000]
    )
    parameters = 4 * 1000 + 1000 + 1000 * 1000 + 1000 + 1000 * 3 + 3
    slots = {"sgd": 0, "adagrad": 1, "rmsprop": 1, "adam": 2}[optimizer]
    slots += backend == "numpy" and optimizer in ("sgd", "rmsprop")  # its velocity is always there
    least = least_bytes(experiment, 120, 4, 3)
    assert 0 <= least - 4 * parameters * (2 + slots) < 2e6


def test_a_containers_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = machine_memory()
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(environment, "_CONTAINER_LIMITS", (tmp_path / "none", limit))
    for text, expected in (("max\n", None), ("123456789\n", 123456789), ("", None)):
        limit.write_text(text)
        assert machine_memory() == expected or (expected is None and machine_memory() >= whole)


@pytest.mark.parametrize("backend", BACKENDS)
def test_memory_that_runs_out_all_the_same_is_one_line_in_the_same_words(
    backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isolet_nn.training.capacity.machine_memory", lambda: 10**18)
    experiment = {**IRIS, "backend": backend, "device": "cpu"}
    large = {"model": {"hidden_layers": [10**14]}}
    with pytest.raises(OutOfMemoryError) as error:
        execution.train(load_experiment({**experiment, **large}), runs_dir=tmp_path)
    message = str(error.value)
    assert message.startswith("out of memory: Unable to allocate ")
    assert message.endswith("; a smaller network, ensemble or training.batch_size needs less")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (MemoryError(), "out of memory; a smaller"),
        (
            RuntimeError(
                "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of "
                "79.11 GiB of which\n1.06 GiB is free."
            ),
            "out of memory: Unable to allocate 2.00 GiB; a smaller",
        ),
        (
            RuntimeError(
                "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate "
                "memory: you tried to allocate 25600000000000 bytes. Error code 12"
            ),
            "out of memory: Unable to allocate 25,600.0 GB; a smaller",
        ),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), "out of memory; a sma"),
    ],
)
def test_every_allocators_words_become_the_same(raised: Exception, said: str) -> None:
    with pytest.raises(OutOfMemoryError) as error, out_of_memory_in_words():
        raise raised
    assert str(error.value).startswith(said)


def test_another_runtime_error_stays_what_it_is() -> None:
    with pytest.raises(RuntimeError, match="shapes differ"), out_of_memory_in_words():
        raise RuntimeError("shapes differ")


def test_memory_that_runs_out_in_a_step_fails_the_run_and_its_summary_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from isolet_nn.training.numpy_backend import NumpyBackend

    def fail(*_: object) -> None:
        raise MemoryError("Unable to allocate 9. GiB")

    monkeypatch.setattr(NumpyBackend, "step", fail)
    with pytest.raises(OutOfMemoryError):
        execution.train(load_experiment(IRIS), runs_dir=tmp_path)
    (folder,) = tmp_path.iterdir()
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary["status"] == "failed"
    assert summary["error"].startswith("out of memory: Unable to allocate 9. GiB; a smaller")
