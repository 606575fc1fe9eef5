"""The journal: what was written is read, whatever happened to its end."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isolet_nn.config.metrics import METRICS
from isolet_nn.errors import RunError
from isolet_nn.sweeps.cohort import TrialResult
from isolet_nn.sweeps.journal import Journal, Results, make_header, read_journal
from isolet_nn.sweeps.table import write_trials
from isolet_nn.system.statuses import COMPLETED, FAILED, PENDING
from sweeps.helpers import trials_of

HEADER = make_header({"seeds": [0]}, ["abc"], "1", None)

losses = st.floats(allow_nan=False, allow_infinity=False)
metrics = st.fixed_dictionaries(
    {}, optional={m: losses if m.endswith("loss") else st.floats(0, 1) for m in METRICS}
)
some_results = partial(
    st.builds,
    TrialResult,
    trial=st.integers(0, 19),
    metrics=metrics,
    epochs=st.integers(0, 10**6),
    seconds=st.floats(0, 1e9),
)
results = some_results(status=st.just(COMPLETED)) | some_results(
    status=st.just(FAILED), error=st.text()
)
histories = st.lists(results, max_size=12)
in_any_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def write(path: Path, written: Sequence[TrialResult]) -> Path:
    path.unlink(missing_ok=True)
    journal = Journal(path, HEADER)
    for result in written:
        journal.append([result])
    journal.close()
    return path


def read(path: Path) -> tuple[Any, list[TrialResult]]:
    header, found = read_journal(path)
    return header, list(found)


@in_any_folder
@given(written=histories)
def test_what_was_written_is_read_with_all_digits(
    tmp_path: Path, written: list[TrialResult]
) -> None:
    path = write(tmp_path / "trials.jsonl", written)
    assert read(path) == (HEADER, written)


@in_any_folder
@given(written=histories.filter(len), more=histories, data=st.data())
def test_a_torn_end_is_cut_off_wherever_it_is_torn(
    tmp_path: Path, written: list[TrialResult], more: list[TrialResult], data: st.DataObject
) -> None:
    path = write(tmp_path / "trials.jsonl", written)
    content = path.read_bytes()
    torn = content[: data.draw(st.integers(0, len(content)))]
    n_lines = torn.count(b"\n")
    path.write_bytes(torn)

    kept = written[: max(n_lines - 1, 0)]
    assert read(path) == (HEADER if n_lines else None, kept)

    journal = Journal(path, HEADER)
    journal.append(more)
    journal.close()
    assert read(path) == (HEADER, kept + more)


def test_a_torn_line_longer_than_a_block_is_cut_off(tmp_path: Path) -> None:
    path = write(tmp_path / "trials.jsonl", [TrialResult(1, FAILED, error="x: " * 7_000)])
    path.write_bytes(path.read_bytes()[:-1])
    Journal(path, HEADER).close()
    assert read(path) == (HEADER, [])


def test_zeros_that_a_crashed_file_system_left_are_cut_off(tmp_path: Path) -> None:
    written = [TrialResult(1, COMPLETED, {"test_loss": 0.1})]
    path = write(tmp_path / "trials.jsonl", written)
    with path.open("ab") as file:
        file.write(b"\0" * 5000)
    assert read(path) == (HEADER, written)


def test_without_a_journal_there_is_nothing_to_read(tmp_path: Path) -> None:
    assert read(tmp_path / "trials.jsonl") == (None, [])


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"\xff\xfe",
        b"",
        b"17",
        b"[]",
        b"{}",
        b'{"trial": 1}',
        b'{"trial": "1", "status": "completed"}',
        b'{"trial": -1, "status": "completed"}',
        b'{"trial": 1, "status": "complete"}',
        b'{"trial": 1, "status": "completed", "metrics": 5}',
        b'{"trial": 1, "status": "completed", "metrics": {"accuracy": 0.5}}',
        b'{"trial": 1, "status": "completed", "epochs": 1, "seconds": 1.0, "colour": "blue"}',
        b'{"trial": 1, "status": "completed", "epochs": 1, "seconds": null}',
        b'{"trial": 1, "status": "completed", "epochs": 1, "seconds": -1.0}',
        b'{"trial": 1, "status": "completed", "epochs": 1, "seconds": NaN}',
        b'{"trial": 1, "status": "completed", "epochs": 1, "seconds": 1e999}',
        b'{"trial": 1, "status": "completed", "epochs": 1.0, "seconds": 1.0}',
        b'{"trial": true, "status": "completed", "epochs": 1, "seconds": 1.0}',
        b'{"trial": 1, "trial": 2, "status": "completed", "epochs": 1, "seconds": 1.0}',
        b'{"trial" : 1, "trial": 1, "status": "completed", "epochs": 1, "seconds": 1.0}',
        b'{"trial": 1, "status": "completed", "epochs": 4294967296, "seconds": 1.0}',
        b'{"trial": 1, "status": "completed", "epochs": ' + b"9" * 5000 + b', "seconds": 1.0}',
        b'{"trial": 1, "status": "failed", "epochs": 1, "seconds": 1.0}',
        b'{"trial": 1, "status": "completed", "epochs": 1, "seconds": 1.0, "error": "?"}',
        b'{"trial": 1, "status": "completed", "epochs": 1, "seconds": 1.0, "metrics": '
        b'{"test_accuracy": 1.5}}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path, line: bytes) -> None:
    path = write(tmp_path / "trials.jsonl", [TrialResult(n, COMPLETED) for n in range(4)])
    lines = path.read_bytes().split(b"\n")
    lines[2] = line
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(RunError, match=r"trials\.jsonl:3: damaged: "):
        read(path)


def test_a_damaged_first_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    path.write_text('"header"\n', encoding="utf-8")
    with pytest.raises(RunError, match=r"trials\.jsonl:1: damaged: found 'header'"):
        read(path)
    path.write_text('{"format": 1, "format": 1}\n', encoding="utf-8")
    with pytest.raises(RunError, match=r"trials\.jsonl:1: damaged: key 'format' is given twice"):
        read(path)


def test_a_header_that_was_edited_does_not_fit_its_identity(tmp_path: Path) -> None:
    path = write(tmp_path / "trials.jsonl", [])
    path.write_text(path.read_text().replace('"seeds": [0]', '"seeds": [1]'))
    with pytest.raises(RunError, match=r"trials\.jsonl:1: damaged: identity does not fit"):
        read(path)


@pytest.mark.parametrize("found", ['"format": 2, ', ""])
def test_a_journal_of_another_format_is_refused_in_one_sentence(found: str, tmp_path: Path) -> None:
    path = write(tmp_path / "trials.jsonl", [])
    path.write_text(path.read_text().replace('"format": 1, ', found))
    with pytest.raises(RunError, match=r"reads format 1: use the version that wrote it, or run"):
        read(path)


def test_numbers_that_are_not_finite_never_reach_the_file(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "trials.jsonl", HEADER)
    with pytest.raises(ValueError, match="Out of range float"):
        journal.append([TrialResult(0, COMPLETED, {"test_loss": math.nan})])
    journal.close()
    assert read(tmp_path / "trials.jsonl") == (HEADER, [])


def test_a_disk_that_is_full_is_named_with_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "trials.jsonl", [])
    journal = Journal(path, HEADER)
    journal._file.close()
    with Path("/dev/full").open("w", encoding="utf-8") as device:
        journal._file = device
        with pytest.raises(OSError, match="No space left") as caught:
            journal.append([TrialResult(0, COMPLETED)])
        assert caught.value.filename == str(path)
        with pytest.raises(OSError, match="No space left"):
            journal.close()
        assert device.closed


@given(written=histories)
def test_the_last_line_of_a_trial_counts(written: list[TrialResult]) -> None:
    state = Results(20)
    for result in written:
        state.record(result)
    last = {result.trial: result for result in written}
    for trial in range(20):
        end = last[trial].status if trial in last else PENDING
        for status in (PENDING, COMPLETED, FAILED):
            assert (trial in state.trials_with(status)) == (end == status)
        assert state.errors.get(trial) == (last[trial].error if trial in last else None)


@given(written=histories, metric=st.sampled_from(METRICS))
def test_the_best_trial_is_the_first_with_the_best_value(
    written: list[TrialResult], metric: str
) -> None:
    state = Results(20)
    for result in written:
        state.record(result)
    last = {result.trial: result for result in written}
    values = {
        trial: value
        for trial, result in sorted(last.items())
        if result.status == COMPLETED and (value := result.metrics.get(metric)) is not None
    }
    sign = -1.0 if metric.endswith("loss") else 1.0
    expected = max(values.items(), key=lambda i: (sign * i[1], -i[0])) if values else None
    assert state.best(metric) == expected


def test_forgotten_failures_are_pending_again() -> None:
    state = Results(3)
    state.record(TrialResult(0, FAILED, error="no"))
    state.record(TrialResult(1, COMPLETED, {"test_loss": 1.0}))
    state.forget(FAILED)
    assert state.trials_with(PENDING).tolist() == [0, 2]
    assert state.errors == {}


def test_the_table_has_the_promised_columns_with_all_digits(tmp_path: Path) -> None:
    trials = trials_of(
        grid={"model.hidden_layers": [[3, 4], []], "optimizer": ["sgd", {"name": "adam"}]},
        seeds=[7],
    )
    state = Results(4)
    metrics = {"test_accuracy": 0.1 + 0.2, "test_loss": 1e-300}
    state.record(TrialResult(0, COMPLETED, metrics, 3, 0.1))
    state.record(TrialResult(2, FAILED, {}, 1, 2.5, 'it said "no",\nand more'))
    path = tmp_path / "trials.csv"
    write_trials(path, trials, state)
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
    assert rows == [
        [
            *("trial", "status", "model.hidden_layers", "optimizer", "seed"),
            *("test_loss", "test_accuracy", "epochs", "seconds", "error"),
        ],
        ["0", "completed", "[3, 4]", "sgd", "7", "1e-300", "0.30000000000000004", "3", "0.1", ""],
        ["1", "pending", "[3, 4]", '{"name": "adam"}', "7", "", "", "", "", ""],
        ["2", "failed", "[]", "sgd", "7", "", "", "1", "2.5", 'it said "no",\nand more'],
        ["3", "pending", "[]", '{"name": "adam"}', "7", "", "", "", "", ""],
    ]


def test_the_table_shows_the_experiments_value_where_a_setting_has_none(tmp_path: Path) -> None:
    trials = trials_of(list=[{"training.epochs": 3}, {"optimizer.learning_rate": 0.5}])
    path = tmp_path / "trials.csv"
    write_trials(path, trials, Results(2))
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["training.epochs"] for row in rows] == ["3", "20"]
    assert [row["optimizer.learning_rate"] for row in rows] == ["0.001", "0.5"]


def test_lines_are_objects_that_other_programs_can_read(tmp_path: Path) -> None:
    result = TrialResult(3, COMPLETED, {"test_loss": 0.5}, 2, 0.25)
    lines = write(tmp_path / "trials.jsonl", [result]).read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[1]) == {
        "trial": 3,
        "status": "completed",
        "metrics": {"test_loss": 0.5},
        "epochs": 2,
        "seconds": 0.25,
    }
