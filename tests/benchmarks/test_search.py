"""What searches cost is counted from what was really done, and in parts."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from needs import needs_torch

from isolet_nn.benchmarks import asking
from isolet_nn.benchmarks.search import Race, run_repetition

pytestmark = pytest.mark.usefixtures("without_pictures")


def stop_after(n_questions: int) -> Callable[[], bool]:
    answers = itertools.chain([False] * n_questions, itertools.repeat(True))
    return lambda: next(answers)


def test_a_race_is_gone_on_with_and_counts_epochs_to_the_same_end(tmp_path: Path) -> None:
    race = Race("iris", hidden=4, epochs=4, folds=2, trials=5, most=16, batch=4)
    assert run_repetition(race, 0, tmp_path, stop_after(1)) is None
    found = run_repetition(race, 0, tmp_path)
    assert found == run_repetition(race, 0, tmp_path)
    assert found is not None
    assert 0 < found.until_best <= found.random_epochs <= 5 * 2 * 4
    assert 0 < found.settings <= 16
    if found.search_epochs is not None:
        assert found.share == found.search_epochs / found.random_epochs


def test_asking_trains_nothing_and_counts_what_was_asked_for(tmp_path: Path) -> None:
    found = asking.measure_asking("random", 20, tmp_path)
    assert (found.sampler, found.trials) == ("random", 20)
    (folder,) = tmp_path.iterdir()
    assert len((folder / "asked.jsonl").read_text().splitlines()) == 3


@needs_torch
def test_optuna_with_a_loop_searches_the_same_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small: dict[str, Any] = copy.deepcopy(asking.SMALL)
    small["experiment"]["dataset"]["name"] = "iris"
    small["experiment"]["training"]["epochs"] = 1
    monkeypatch.setattr(asking, "SMALL", small | {"workers": 1})
    found = asking.time_beside_loop(3, tmp_path, threads=1)
    assert found.trials == 3
    assert 0.0 <= found.search_best <= 1.0
    assert 0.0 <= found.loop_best <= 1.0
    assert found.speedup == found.loop_seconds / found.search_seconds
