"""Running and resuming: nothing is run twice, and an interruption changes no result."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from needs import needs_torch
from sweeps.helpers import InlineWorkers, stop_after

from isolet_nn.config.key_paths import with_overrides
from isolet_nn.config.shipped import resolve, shipped_config
from isolet_nn.errors import ConfigError, RunError
from isolet_nn.reproduction import carried_over
from isolet_nn.reproduction import run as reproduction
from isolet_nn.reproduction.carried_over import CELLS, CarriedOver, begin, go_on, load_carried_over
from isolet_nn.reproduction.evidence import PLACES
from isolet_nn.reproduction.parts import CARRIED_OVER, Part, sweep_of
from isolet_nn.reproduction.report import Range, load_report
from isolet_nn.reproduction.run import ReproductionObserver
from isolet_nn.reproduction.selection import FIGURES, PARTS, parts_of
from isolet_nn.runs.status_file import read_status
from isolet_nn.sweeps.config import Sweep
from isolet_nn.sweeps.grid import make_trials

pytestmark = pytest.mark.usefixtures("without_pictures")

SMALL = ("xor", "data")
"""Figures that need no ISOLET and little time."""


@pytest.fixture(scope="module", autouse=True)
def less_work() -> Iterator[None]:
    """Let the other data sets be two, trained for few epochs, and exclusive or have few seeds."""

    def cut(part: Part, **options: Any) -> Sweep:
        sweep = sweep_of(part, **options)
        experiment = with_overrides(sweep.experiment, {"training.epochs": 5})
        grid = {"dataset.name": ["iris", "wine"]}
        return sweep.model_copy(update={"experiment": experiment, "grid": grid})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("isolet_nn.reproduction.run.sweep_of", cut)
        patch.setattr("isolet_nn.reproduction.exclusive_or.SEEDS", {True: 4})
        yield


class Names(ReproductionObserver):
    """Notes which parts are run."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def on_part(self, part: Part, number: int, total: int) -> None:
        self.parts.append(part.name)


def run(runs_dir: Path, should_stop: Callable[[], bool] = lambda: False) -> tuple[Path, list[str]]:
    names = Names()
    folder = reproduction.begin(SMALL, quick=True, runs_dir=runs_dir)
    reproduction.go_on(
        folder,
        workers=1,
        make_workers=InlineWorkers,
        observer=names,
        should_stop=should_stop,
    )
    return folder, names.parts


def go_on_with(folder: Path) -> list[str]:
    names = Names()
    reproduction.go_on(folder, workers=1, make_workers=InlineWorkers, observer=names)
    return names.parts


def conclusions(folder: Path) -> Any:
    return json.loads((folder / "verdicts.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, parts = run(tmp_path_factory.mktemp("whole"))
    assert parts == ["xor", "other-data-sets"]
    assert read_status(folder).status == "completed"
    return folder


def test_a_figure_leaves_its_runs_and_the_page_in_one_folder(whole: Path) -> None:
    kinds = {path.name.split("-", 2)[2] for path in whole.iterdir() if path.name[0] == "2"}
    assert kinds == {"report-xor", "other-data-sets"}
    assert (whole / "index.html").is_file()
    other = conclusions(whole)["conclusions"][5]
    assert set(other["parts"]) == {"iris", "wine"}


def test_what_is_finished_is_not_run_again(whole: Path) -> None:
    (journal,) = whole.glob("*-other-data-sets/trials.jsonl")
    before, verdicts = journal.read_bytes(), conclusions(whole)
    assert go_on_with(whole) == []
    assert journal.read_bytes() == before
    assert conclusions(whole) == verdicts


@pytest.mark.parametrize("steps", [1, 3, 60])
def test_an_interrupted_reproduction_ends_as_if_nothing_had_happened(
    steps: int, whole: Path, tmp_path: Path
) -> None:
    folder, begun = run(tmp_path, stop_after(steps))
    assert read_status(folder).status == "interrupted" or steps == 60
    again = go_on_with(folder)
    assert read_status(folder).status == "completed"
    assert conclusions(folder) == conclusions(whole)
    assert set(begun) | {*again} == {"xor", "other-data-sets"}


def test_a_sweep_killed_before_it_had_a_file_is_begun_anew(tmp_path: Path) -> None:
    folder, _ = run(tmp_path, stop_after(1))
    (folder / "20260101-000000-other-data-sets").mkdir()
    go_on_with(folder)
    assert read_status(folder).status == "completed"


def test_another_versions_reproduction_is_not_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = run(tmp_path, stop_after(1))
    monkeypatch.setattr("isolet_nn.reproduction.run.__version__", "99.0")
    with pytest.raises(RunError, match=r"was begun by isolet-nn .*, this is 99\.0"):
        reproduction.go_on(folder)


def test_missing_data_is_found_before_there_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="no such folder"):
        reproduction.begin(["5"], runs_dir=tmp_path / "runs", data_dir=str(tmp_path / "nowhere"))
    assert not (tmp_path / "runs").exists()


def test_every_figure_of_the_report_can_be_asked_for() -> None:
    figures = ("1", "2", "3", "4", "5", "6", "7", "8", "xor", "parity", "data")
    assert figures + tuple(f"claim{n}" for n in range(1, 13)) == FIGURES
    assert {name for part in PARTS for name in part.figures} == {*FIGURES}
    assert parts_of([]) == [*PARTS]
    assert [part.name for part in parts_of(["6"])] == ["figure6", "figure6-carried-over"]
    with pytest.raises(ConfigError, match=r"--figure: found '9'; allowed: 1, 2, 3, .*, claim12"):
        parts_of(["5", "9"])


@pytest.mark.parametrize("name", load_report().grids)
@pytest.mark.parametrize("quick", [False, True])
def test_every_cell_that_is_run_has_its_place_in_the_reports_grid(name: str, quick: bool) -> None:
    (part,) = (part for part in PARTS if part.name == name)
    sweep = sweep_of(part, quick=quick, data_dir=None)
    grid = load_report().grids[name]
    assert np.shape(grid.cells) == (len(grid.rows), len(grid.columns))
    cells = {
        (row_of(trials.setting(number)), column_of(trials.setting(number)))
        for trials in [make_trials(sweep)]
        for number in range(len(trials.codes))
        for row_of, column_of in [PLACES[name]]
    }
    every = {(row, column) for row in grid.rows for column in grid.columns}
    assert cells < every if quick else cells == every


@pytest.mark.parametrize(
    ("low", "high", "reading"), [(17, 17, 1), (93.2, 94, 0.1), (38, 48, 1), (0.02, 0.02, 0.01)]
)
def test_a_number_may_be_off_by_one_in_its_last_digit(
    low: float, high: float, reading: float
) -> None:
    assert Range(low=low, high=high).reading == pytest.approx(reading)


@pytest.fixture
def small() -> CarriedOver:
    """The shipped file for one network, cut down and on a small data set."""
    path = resolve("report/figure6_carried_over")
    shipped = load_carried_over(path)
    assert (shipped.epochs[-1], shipped.batch_sizes[-1]) == (60, 8192)
    experiment = {"dataset": {"name": "iris", "split_seed": 0}, "model": {"hidden_layers": [5]}}
    return load_carried_over(
        path, experiment=experiment, epochs=[1, 3], batch_sizes=[8, 32, 8192], name="small"
    )


def test_one_network_learns_on_and_on_through_all_cells(small: CarriedOver, tmp_path: Path) -> None:
    cells: list[int] = []
    folder = begin(small, tmp_path)
    assert go_on(folder, on_cell=lambda done, total: cells.append(done))
    assert cells == [1, 2, 3, 4, 5, 6]
    lines = (folder / CELLS).read_text(encoding="utf-8").splitlines()
    assert [line.rpartition(",")[0] for line in lines] == [
        "training.epochs,training.batch_size",
        *(f"{epochs},{size}" for epochs in (1, 3) for size in (8, 32, 8192)),
    ]
    first, last = (float(line.rpartition(",")[2]) for line in (lines[1], lines[-1]))
    assert last > first, "one step of the whole training set, but with a trained network"


def test_the_network_goes_on_where_it_was_stopped(small: CarriedOver, tmp_path: Path) -> None:
    whole, stopped = begin(small, tmp_path / "whole"), begin(small, tmp_path / "stopped")
    assert go_on(whole)
    assert not go_on(stopped, should_stop=stop_after(40))
    done = len((stopped / CELLS).read_text().splitlines()) - 1
    assert 0 < done < 6
    again: list[int] = []
    assert go_on(stopped, on_cell=lambda done, total: again.append(done))
    assert again == [*range(done + 1, 7)]
    assert (stopped / CELLS).read_bytes() == (whole / CELLS).read_bytes()


def test_the_network_does_not_go_on_with_other_data(small: CarriedOver, tmp_path: Path) -> None:
    folder = begin(small, tmp_path)
    assert not go_on(folder, should_stop=stop_after(40))
    file = folder / carried_over.FILE
    file.write_text(file.read_text().replace("name: iris", "name: wine"))
    with pytest.raises(RunError, match=r"is not what the network was trained with.*\ndata: was "):
        go_on(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": []}, r"carried_over\.epochs"),
        ({"batch_size": [2]}, r"carried_over\.batch_size: unknown key; did you mean batch_sizes\?"),
        ({"experiment": {"modl": {}}}, r"modl: unknown key; did you mean model\?"),
    ],
)
def test_what_is_wrong_in_its_file_is_said(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_carried_over(resolve("report/figure6_carried_over"), **changes)


def test_a_file_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="carried_over: found None; expected a section"):
        load_carried_over(resolve("isolet"))


@needs_torch
def test_one_backend_computes_all_and_what_compares_backends_is_left_aside(tmp_path: Path) -> None:
    folder = reproduction.begin(SMALL, quick=True, backend="torch", device="cpu", runs_dir=tmp_path)
    reproduction.go_on(folder, workers=1, make_workers=InlineWorkers)
    assert read_status(folder).status == "completed"
    configs = [path.read_text(encoding="utf-8") for path in folder.glob("*/*.yaml")]
    assert configs
    assert all("backend: torch" in text and "device: cpu" in text for text in configs)
    assert "parity" not in [part.name for part in parts_of([], "torch")]
    with pytest.raises(ConfigError, match="compares the backends"):
        reproduction.begin(["parity"], backend="torch", runs_dir=tmp_path)


def test_a_user_s_files_that_are_called_as_shipped_configs_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [part for part in PARTS if part.config and part.name != CARRIED_OVER]
    assert len(parts) > 15
    sweeps = [sweep_of(part, quick=True, data_dir=None) for part in parts if part.quick is not None]
    monkeypatch.chdir(tmp_path)
    for part in parts:
        file = tmp_path / part.config
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("experiment: mine", encoding="utf-8")
    again = [sweep_of(part, quick=True, data_dir=None) for part in parts if part.quick is not None]
    assert again == sweeps
    with pytest.raises(ConfigError, match="no shipped config has this name"):
        shipped_config("mine")
