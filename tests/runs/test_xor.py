"""Exclusive or: solved by 2-3-2 from nearly any seed, and never without a hidden layer."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from needs import BACKENDS, needs_torch

from isolet_nn.cli import app as cli
from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import load_experiment
from isolet_nn.config.shipped import find_config
from isolet_nn.errors import ConfigError
from isolet_nn.runs.folder import Run
from isolet_nn.runs.xor import RECIPES, count_solved, require_xor, result_of

MATRIX_OF_THE_REPORT = "[[1.00 .00] [.00 1.00] [.00 1.00] [1.00 .00]]"

Xor = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def xor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Xor:
    """The command xor in an empty current folder: its exit code, and its lines on stdout."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # to be put back

    def command(*arguments: object) -> tuple[int, list[str]]:
        monkeypatch.setattr(sys, "argv", ["isolet-nn", "xor", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert isinstance(end.value.code, int)
        return end.value.code, capsys.readouterr().out.splitlines()

    return command


def recipe(name: str, **changes: object) -> Experiment:
    path = find_config(RECIPES[name])
    assert path is not None
    return load_experiment(path, {key.replace("__", "."): v for key, v in changes.items()})


@pytest.mark.parametrize("backend", BACKENDS)
def test_it_is_solved_as_in_the_report(xor: Xor, backend: str) -> None:
    code, (matrix, verdict, folder) = xor("--backend", backend)
    assert (code, matrix, verdict) == (0, MATRIX_OF_THE_REPORT, "solved")
    run = Run.open(folder)
    assert run.summary["status"] == "completed"
    assert run.experiment.backend == backend
    assert run.experiment.model.hidden_layers == [3]
    assert run.plot_path("decision_boundary").stat().st_size > 1000


def test_the_run_folder_holds_what_was_printed(xor: Xor) -> None:
    _, lines = xor("--seed", 4)
    run = Run.open(lines[-1])
    result = result_of(run)
    assert result.solved
    assert result.probabilities.shape == (4, 2)
    assert result.probabilities.sum(axis=1) == pytest.approx(1.0)
    assert json.loads((run.path / "summary.json").read_text())["metrics"]["test_accuracy"] == 1.0


@pytest.mark.parametrize(
    ("hidden", "why"),
    [
        (0, "not solved, as expected: without a hidden layer no network can"),
        (1, "not solved, as expected: with one neuron a layer no network can"),
    ],
)
def test_too_small_a_network_cannot_solve_it_and_says_so(xor: Xor, hidden: int, why: str) -> None:
    code, (_, verdict, folder) = xor("--hidden", hidden)
    assert (code, verdict) == (1, why)
    assert Run.open(folder).summary["status"] == "completed"


def test_no_hidden_layer_gives_every_point_even_odds(xor: Xor) -> None:
    assert xor("--hidden", 0)[1][0] == "[[.50 .50] [.50 .50] [.50 .50] [.50 .50]]"


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (("--epochs", 1), "more --epochs"),
        (("--epochs", 1, "--recipe", "report"), "--recipe robust"),
    ],
)
def test_an_unsolved_one_says_what_may_help(
    xor: Xor, arguments: tuple[object, ...], advice: str
) -> None:
    code, (_, verdict, _) = xor(*arguments)
    assert (code, verdict) == (1, f"not solved; another --seed, or {advice}, may")


@pytest.mark.slow
def test_the_robust_recipe_solves_it_from_at_least_98_of_100_seeds(xor: Xor) -> None:
    code, (line,) = xor("--trials", 100)
    assert code == 0
    solved = int(line.removeprefix("recipe robust: ").split()[0])
    assert line == f"recipe robust: {solved} of 100 seeds (0 to 99) solve it"
    assert solved >= 98
    assert list(Path().iterdir()) == []


@pytest.mark.slow
def test_the_reports_recipe_depends_on_the_seed() -> None:
    assert 20 <= count_solved(recipe("report"), 100) <= 50


def test_the_robust_recipe_solves_it_from_other_seeds_too() -> None:
    assert count_solved(recipe("robust", seed=123_456), 25) >= 24


@needs_torch
def test_torch_solves_it_with_the_robust_recipe() -> None:
    assert count_solved(recipe("robust", backend="torch"), 3) == 3


@needs_torch
@pytest.mark.parametrize("name", RECIPES)
def test_both_backends_agree_on_which_seeds_solve_it(name: str) -> None:
    numpy, torch = (
        count_solved(recipe(name, backend=backend, training__dtype="float64"), 2)
        for backend in ("numpy", "torch")
    )
    assert numpy == torch


def test_a_stack_counts_what_its_networks_do_alone() -> None:
    short = {"training__epochs": 150}
    alone = [count_solved(recipe("robust", seed=seed, **short), 1) for seed in range(12)]
    assert sum(alone) > 0
    assert count_solved(recipe("robust", **short), 12) == sum(alone)


def test_counting_without_a_hidden_layer_says_why_it_is_none(xor: Xor) -> None:
    code, (line,) = xor("--hidden", 0, "--trials", 5, "--seed", 10, "--epochs", 20)
    assert code == 0
    assert line == (
        "recipe robust: 0 of 5 seeds (10 to 14) solve it, as expected: "
        "without a hidden layer no network can"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--recipe", "rebust"), "--recipe: found 'rebust'; allowed: robust, report; did you me"),
        (("--set", "dataset.name=iris"), "dataset.name: found iris; expected xor"),
        (("--set", "model.hidden=3"), "--set model.hidden: unknown key; did you mean hidden_"),
        (("--backend", "numpi"), "--backend: found 'numpi'; allowed: numpy, torch; did you mean"),
        (("--epochs", "0"), "--epochs: training.epochs: found 0; it should be greater than or"),
        (("--hidden", "-1"), "--hidden: found -1; it should be greater than or equal to 0"),
        (("--trials", "0"), "--trials: found 0; it should be greater than or equal to 1"),
        (("--trials", 10**12), "--trials: found 1000000000000; it should be less than or equal"),
        (("--hidden", 10**30), "--hidden: found 1000000000000000000000000000000; it should be le"),
        (("--trials", "0x10"), "--trials: found '0x10'; it should be a valid integer"),
    ],
)
def test_a_wrong_option_is_refused(
    xor: Xor,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[object, ...],
    message: str,
) -> None:
    monkeypatch.setattr(sys, "argv", ["isolet-nn", "xor", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    captured = capsys.readouterr()
    assert (end.value.code, captured.out) == (2, "")
    assert message in captured.err
    assert list(Path().iterdir()) == []


def test_an_experiment_on_other_data_is_refused() -> None:
    with pytest.raises(ConfigError, match="found wine; expected xor"):
        require_xor(load_experiment({"dataset": {"name": "wine"}}))
