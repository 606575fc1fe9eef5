"""Documents say what lies in folders, stay small, and tell what is damaged."""

from __future__ import annotations

import csv
import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from needs import in_full

from isolet_nn.errors import ConfigError, RunError
from isolet_nn.pages.documents import (
    comparison_document,
    document_name,
    importance_document,
    make_document,
    parse_name,
    run_document,
    search_document,
    sweep_document,
)
from isolet_nn.pages.grids import axes_of, grids_of
from isolet_nn.pages.page import write_page
from isolet_nn.pages.reading import thinned
from isolet_nn.runs.folder import Run
from isolet_nn.sweeps.config import Sweep
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.grid import Trials, make_trials
from isolet_nn.sweeps.journal import COMPLETED_CODE
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.trial import trial_address
from isolet_nn.system.statuses import DAMAGED
from pages.hostile import CLASSES, COLUMNS, SPEAKERS


def test_a_run_is_shown_as_its_folder_has_it(first: Run) -> None:
    shown = run_document(first.path, "first")
    summary = first.summary
    assert shown["problems"] == []
    assert shown["status"] == "completed"
    assert shown["scores"]["test_accuracy"] == pytest.approx(summary["metrics"]["test_accuracy"])
    losses = [row["validation_loss"] for row in first.history()]
    assert shown["curves"]["values"]["validation_loss"] == pytest.approx(losses, rel=1e-5)
    (answers,) = [of for of in shown["answers"] if of["split"] == "test"]
    assert sorted(answers["classes"]) == sorted(CLASSES)
    assert np.sum(answers["confusion"]) == sum(group["n"] for group in answers["groups"]) == 20
    assert {group["name"] for group in answers["groups"]} <= set(SPEAKERS)
    settings = {setting["key"]: setting["value"] for setting in shown["settings"]}
    assert settings["model.hidden_layers"] == "[6, 4]"
    assert "training.patience" not in settings
    weights = shown["weights"]
    assert weights is not None
    assert weights["features"] == [*COLUMNS]
    drawn = np.array(weights["rows"]) * weights["unit"]
    order = [int(name) - 1 for name in weights["neurons"]]
    np.testing.assert_allclose(
        drawn, first.model().first_layer[order], atol=0.006 * np.abs(drawn).max() + 1e-9
    )
    assert shown["inspection"] is not None
    assert [layer["epochs"] for layer in shown["inspection"]["layers"]] == [[1, 2, 3, 4, 5]] * 3
    files = {file["name"] for file in shown["files"]}
    assert {"config.yaml", "metrics.csv", "model.safetensors"} <= files


def test_seeds_of_a_setting_are_one_group_with_a_band(runs: dict[str, Path]) -> None:
    names = ("first", "second", "other")
    shown = comparison_document([(runs[name], name) for name in names])
    assert shown["problems"] == []
    assert [run["path"] for run in shown["runs"]] == [*names]
    assert [group["runs"] for group in shown["groups"]] == [[0, 1], [2]]
    band = shown["groups"][0]["curves"]["test_loss"]
    of_seeds = [[row["test_loss"] for row in Run.open(runs[n]).history()] for n in names[:2]]
    assert band["low"] == pytest.approx(np.min(np.array(of_seeds, float), axis=0), rel=1e-5)
    assert band["means"] == pytest.approx(np.mean(np.array(of_seeds, float), axis=0), rel=1e-5)
    assert shown["groups"][1]["curves"]["test_loss"]["low"] == []
    both, alone = (np.sum(group["answers"][0]["confusion"]) for group in shown["groups"])
    assert both == 2 * alone
    assert "optimizer.learning_rate" in {setting["name"] for setting in shown["settings"]}


def test_a_sweep_has_the_mean_of_all_trials_in_each_cell_of_each_two_axes(
    runs: dict[str, Path],
) -> None:
    shown = sweep_document(runs["sweep"], "sweep")
    with (runs["sweep"] / "trials.csv").open(newline="") as file:
        trials = list(csv.DictReader(file))
    axes = shown["axes"]
    assert [axis["key"] for axis in axes] == [
        "optimizer.learning_rate",
        "model.hidden_layers",
        "training.batch_size",
        "seed",
    ]
    assert [(grid["x"], grid["y"]) for grid in shown["grids"]] == [
        *((x, None) for x in range(4)),
        *itertools.combinations(range(4), 2),
    ]

    def text(trial: dict[str, str], place: int) -> str:
        return trial[axes[place]["key"]].strip("[]")

    for grid in shown["grids"]:
        places = [grid["x"]] if grid["y"] is None else [grid["y"], grid["x"]]
        cells = itertools.product(*(axes[place]["values"] for place in places))
        for number, values in enumerate(cells):
            there = [
                trial
                for trial in trials
                if [text(trial, p) for p in places] == [value.strip("[]") for value in values]
            ]
            accuracies = [float(trial["validation_accuracy"]) for trial in there]
            assert grid["n"][number] == len(there) > 0
            mean = grid["means"]["validation_accuracy"][number]
            assert mean == pytest.approx(np.mean(accuracies), rel=1e-5)
            best = trials[grid["best"][number] or 0]
            assert best in there
            assert float(best["validation_accuracy"]) == max(accuracies)


def test_the_best_settings_come_first_with_the_numbers_of_their_trials(
    runs: dict[str, Path],
) -> None:
    rows = sweep_document(runs["sweep"], "sweep")["settings"]
    means = [row["means"]["validation_accuracy"] for row in rows]
    assert means == sorted(means, reverse=True)
    assert sorted(trial for row in rows for trial in row["trials"]) == [*range(24)]


def test_the_history_has_the_best_so_far_and_lines_the_best_first(runs: dict[str, Path]) -> None:
    shown = search_document(runs["sweep"], "sweep")
    history = shown["history"]
    values = np.array(history["values"], float)
    assert history["best"] == pytest.approx(np.maximum.accumulate(values))
    assert shown["parallel"]["values"] == pytest.approx(np.sort(values)[::-1], rel=1e-5)
    assert {len(axis["places"]) for axis in shown["parallel"]["axes"]} == {12}
    importance = importance_document(runs["sweep"], "sweep")
    assert sum(share["share"] for share in importance["shares"]) == pytest.approx(1.0)


def test_a_page_reads_its_sweep_once(
    runs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Sweep] = []

    def counted(of: Sweep) -> Trials:
        read.append(of)
        return make_trials(of)

    monkeypatch.setattr("isolet_nn.sweeps.folder.make_trials", counted)
    write_page([runs["sweep"]], tmp_path / "page.html")
    assert len(read) == 1


def test_a_sweep_of_100_000_trials_has_small_grids() -> None:
    config = {
        "name": "large",
        "experiment": {"dataset": {"name": "iris", "validation": {"fraction": 0.2}}},
        "random": {
            "trials": in_full(250, 1000),
            "space": {
                "optimizer.learning_rate": {"log_uniform": [1e-4, 1.0]},
                "model.dropout": {"uniform": [0.0, 0.9]},
                "training.batch_size": {"choice": [8, 16, 32, 64]},
                "optimizer.name": {"choice": ["sgd", "adam"]},
            },
        },
        "seeds": in_full(400, 100),
    }
    folder = SweepFolder.planned(load_sweep(config))
    assert folder.n_trials == 100_000
    random = np.random.default_rng(0)
    folder.results.status[:] = COMPLETED_CODE
    folder.results.metrics[:] = random.random(folder.results.metrics.shape)
    grids = grids_of(folder, axes_of(folder), [folder.metric, "test_accuracy", "test_loss"])
    assert len(grids) == 4 + 6
    assert len(json.dumps(grids)) < 60_000
    assert all(sum(grid["n"]) == 100_000 for grid in grids)


@given(st.integers(0, 300), st.integers(1, 50))
@settings(max_examples=in_full(25, 200), deadline=None)
def test_of_many_points_some_are_kept_evenly_and_the_last_always(n: int, most: int) -> None:
    kept = thinned(range(n), most)
    assert len(kept) <= most
    assert n == 0 or kept[-1] == n - 1
    assert len(kept) >= min(n, most // 2)


@given(st.sampled_from(["run", "sweep"]), st.text(min_size=1, max_size=30))
@settings(max_examples=in_full(25, 200), deadline=None)
def test_a_name_says_which_document_is_meant(kind: str, path: str) -> None:
    try:
        path.encode()
    except UnicodeEncodeError:
        return
    assert parse_name(document_name(kind, path)) == (kind, [path])


@pytest.mark.parametrize("name", ["", "run", "run?of=", "table?of=x", "run?from=x", "run?of=%ff"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whoever asks is answered that there is none
        parse_name(name)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "noise": lambda path: path.write_bytes(b"\xff\x00,{<b>\n" * 20),
    "missing": Path.unlink,
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_of_a_run_is_told_and_the_rest_is_shown(
    damage: str, first: Run, tmp_path: Path
) -> None:
    for name in sorted(path.name for path in first.path.glob("*.*")):
        folder = tmp_path / damage / name
        shutil.copytree(first.path, folder)
        DAMAGES[damage](folder / name)
        shown = run_document(folder, "copy")
        beside = comparison_document([(folder, "copy"), (first.path, "first")])
        assert json.loads(json.dumps(shown, allow_nan=False)) == shown
        json.dumps(beside, allow_nan=False)
        if name == "summary.json" or (name == "config.yaml" and damage != "cut"):
            assert shown["status"] == DAMAGED
            assert name in shown["problems"][0]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_of_a_sweep_is_told(
    damage: str, runs: dict[str, Path], tmp_path: Path
) -> None:
    for name in ("sweep.yaml", "trials.jsonl", "summary.json", "curves.csv"):
        folder = tmp_path / damage / name
        shutil.copytree(runs["sweep"], folder)
        DAMAGES[damage](folder / name)
        for kind in ("sweep", "search"):
            shown = make_document(kind, [(folder, "copy")])
            json.dumps(shown, allow_nan=False)
            if name == "sweep.yaml":
                assert "problems" in shown
                assert shown["problems"]
        trial = run_document(trial_address(folder, 3), "copy/trials/3")
        json.dumps(trial, allow_nan=False)


def test_what_is_not_there_is_a_document_that_says_so(tmp_path: Path) -> None:
    for kind in ("run", "sweep", "search", "importance"):
        shown = make_document(kind, [(tmp_path / "none", "none")])
        assert shown["kind"] == kind
        assert shown["problems"]
    with pytest.raises(ValueError, match="no document run of 2"):
        make_document("run", [(tmp_path, "a"), (tmp_path, "b")])


def test_a_page_of_what_cannot_be_one_is_refused(runs: dict[str, Path], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    first, sweep = runs["first"], runs["sweep"]
    refusals: list[tuple[type[Exception], str, list[Path], Path]] = [
        (ConfigError, r"ends in \.html", [first], tmp_path / "page.txt"),
        (ConfigError, "there is no folder", [first], tmp_path / "none" / "page.html"),
        (ConfigError, "is a sweep", [first, sweep], page),
        (ConfigError, "given twice", [first, first], page),
        (RunError, "no such folder", [tmp_path / "none"], page),
        (RunError, "is neither a run nor a sweep", [tmp_path], page),
    ]
    for kind, message, folders, output in refusals:
        with pytest.raises(kind, match=message):
            write_page(folders, output)
    assert list(tmp_path.iterdir()) == []
