"""The command line as real processes: signals, terminals, pipes, full disks, imports."""

from __future__ import annotations

import contextlib
import csv
import fcntl
import json
import os
import pty
import re
import resource
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from needs import in_full
from processes import Process

NN = (sys.executable, "-m", "isolet_nn")
ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


def environment(**changes: str | None) -> dict[str, str]:
    """This process's environment, without what changes the look of output, and with changes."""
    looks = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM"}
    python = {"PYTHONUNBUFFERED", "PYTHONWARNINGS", "PYTHONIOENCODING", "PYTHONUTF8"}
    kept = {name: value for name, value in os.environ.items() if name not in looks | python}
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    merged = {**kept, "PYTHONPATH": os.pathsep.join(paths), "TERM": "xterm-256color", **changes}
    return {name: value for name, value in merged.items() if value is not None}


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def nn(*arguments: object, **changes: str | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*NN, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment(**changes),
        check=False,
        timeout=120,
    )


def shell(command: str) -> subprocess.CompletedProcess[str]:
    """A bash command line in which `nn` is the command."""
    words = f'set -o pipefail; nn() {{ "{sys.executable}" -m isolet_nn "$@"; }}; {command}'
    return subprocess.run(
        ["bash", "-c", words],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
        timeout=120,
    )


# --- imports


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["configs", "copy", "--help"],
        ["bench", "sweep", "--help"],
        ["reproduce", "report", "--help"],
    ],
)
def test_help_and_version_import_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from isolet_nn.cli.app import main\n"
        f"sys.argv = ['isolet-nn', *{arguments}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "heavy = {'numpy', 'scipy', 'sklearn', 'matplotlib', 'torch', 'joblib', 'yaml'}\n"
        "sys.exit(str(heavy & {*sys.modules}) if heavy & {*sys.modules} else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_training_with_numpy_does_not_import_torch() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *NN[1:], "train", "quickstart", "--epochs", "1"],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0
    imported = set(re.findall(r"^import time:.*\|\s+([\w.]+)$", done.stderr, re.MULTILINE))
    assert "numpy" in imported
    assert not {"torch", "distributed"} & imported


# --- signals

LONG = ("quickstart", "--epochs", "120", "--set", "model.dropout=0.2", "--set", "seed=5")
"""Some seconds of a training that has everything random: weights, shuffling, dropout."""


@contextlib.contextmanager
def started(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    with Process(
        [*NN, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], wanted: str) -> str:
    """Read standard error up to the line that begins with `wanted`."""
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith(wanted):
            return "".join(lines)
    raise AssertionError(f"{wanted!r} never came; {lines}")


def status(run: Path) -> str:
    value = json.loads((run / "summary.json").read_text(encoding="utf-8"))["status"]
    assert isinstance(value, str)
    return value


def result_of(run: Path) -> tuple[bytes, list[dict[str, str]], str]:
    """What must not depend on interruptions: weights, metrics without times, confusion matrix."""
    with (run / "metrics.csv").open(encoding="utf-8") as file:
        rows = [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]
    matrix = (run / "confusion_matrix.csv").read_text(encoding="utf-8")
    return (run / "model.safetensors").read_bytes(), rows, matrix


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    done = nn("train", *LONG, "-q", "--runs-dir", tmp_path_factory.mktemp("undisturbed"))
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def only_run(runs: Path = Path("runs")) -> Path:
    (run,) = runs.iterdir()
    return run


def resume(run: Path, undisturbed: Path) -> str:
    """Resume a run, check that it ends as the undisturbed one did; return its standard error."""
    done = nn("train", "--resume", run)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(run)
    assert status(run) == "completed"
    assert result_of(run) == result_of(undisturbed)
    assert not (run / "checkpoint.safetensors").exists()
    return done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_training_saves_all_and_resumes_to_the_same_bits(
    number: signal.Signals, undisturbed: Path
) -> None:
    with started("train", *LONG) as process:
        read_until(process, "epoch 6/120")
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130
    run = only_run()
    assert err.splitlines()[-1] == f"interrupted; go on with: isolet-nn train --resume {run}"
    assert out.splitlines()[-1] == str(run)
    assert "Traceback" not in err
    assert status(run) == "interrupted"
    assert (run / "checkpoint.safetensors").exists()
    assert (run / "plots" / "loss.png").exists()
    rows = (run / "metrics.csv").read_text(encoding="utf-8").splitlines()
    assert 6 < len(rows) < 121
    resumed = resume(run, undisturbed)
    first = next(line for line in resumed.splitlines() if line.startswith("epoch "))
    assert int(first.split()[1].partition("/")[0]) >= len(rows)


def test_a_killed_training_goes_on_from_its_checkpoint_to_the_same_bits(undisturbed: Path) -> None:
    # The undisturbed run wrote no checkpoint: when one is written changes nothing but this key.
    with started(
        "train", undisturbed / "config.yaml", "--set", "training.checkpoint_seconds=0"
    ) as p:
        read_until(p, "epoch 12/120")
        p.send_signal(signal.SIGKILL)
        assert p.wait(timeout=60) == -signal.SIGKILL
    run = only_run()
    assert status(run) == "running"
    assert (run / "checkpoint.safetensors").exists()
    config = run / "config.yaml"
    config.write_bytes((undisturbed / "config.yaml").read_bytes())
    resumed = resume(run, undisturbed)
    first = next(line for line in resumed.splitlines() if line.startswith("epoch "))
    assert int(first.split()[1].partition("/")[0]) >= 12


def test_a_training_killed_before_its_first_checkpoint_starts_again(undisturbed: Path) -> None:
    with started("train", *LONG) as process:
        read_until(process, "epoch 3/120")
        process.kill()
    run = only_run()
    assert not (run / "checkpoint.safetensors").exists()
    with (run / "metrics.csv").open("a", encoding="utf-8") as file:
        file.write("4,0.12")  # a torn line
    assert "\nepoch 1/120 " in resume(run, undisturbed)


def test_a_second_signal_ends_at_once_and_the_run_still_resumes(undisturbed: Path) -> None:
    with started("train", *LONG) as process:
        read_until(process, "epoch 6/120")
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130
    run = only_run()
    assert f"interrupted; go on with: isolet-nn train --resume {run}" in err
    assert "Traceback" not in err
    assert status(run) == "interrupted"
    resume(run, undisturbed)


def test_the_command_to_resume_is_quoted_for_the_shell() -> None:
    with started("train", *LONG, "--runs-dir", "my runs") as process:
        read_until(process, "epoch 3/120")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    run = only_run(Path("my runs"))
    assert err.splitlines()[-1] == f"interrupted; go on with: isolet-nn train --resume '{run}'"


def test_a_run_in_use_is_refused_and_left_alone() -> None:
    with started("train", *LONG[:1], "--epochs", "100000", *LONG[3:]) as process:
        read_until(process, "epoch 1/100000")
        run = only_run()
        second = nn("train", "--resume", run)
        assert second.returncode == 2
        assert second.stderr.startswith(f"error: {run}: another process is working on ")
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 130


# --- terminals


def on_terminal(*arguments: str, columns: int = 80, **changes: str | None) -> tuple[int, str]:
    """Run the command at a terminal of so many columns: exit code, and all that it shows."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    with Process(
        [*NN, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment(**changes)
    ) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # raised at the end of the other side
            while chunk := os.read(ours, 1 << 16):
                shown += chunk
    os.close(ours)
    return process.returncode, shown.decode()


ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def lines_of(shown: str) -> list[str]:
    """Everything that was ever on a line, without escape sequences."""
    return [line for line in re.split(r"[\r\n]+", ESCAPE.sub("", shown)) if line.strip()]


@pytest.mark.parametrize("columns", in_full([30, 80], [30, 40, 80, 140]))
def test_the_live_progress_is_one_line_at_any_width(columns: int) -> None:
    code, shown = on_terminal("train", "quickstart", "--epochs", "40", columns=columns)
    assert code == 0
    progress = [line for line in lines_of(shown) if line.startswith("epoch ")]
    assert len({line.split()[1] for line in progress}) > 1
    assert max(map(len, progress)) <= columns
    assert progress[-1].startswith("epoch 40/40 ━")
    assert not any("…" in line for line in progress)
    if columns >= 40:
        assert re.search(r"\d:\d\d:\d\d loss 0\.", progress[-1])
    if columns >= 80:
        assert re.search(r"loss 0\.\d+ +train \d", progress[-1])
        assert re.search(r"test \d\d\.\d+ %", progress[-1])
    assert lines_of(shown)[-1].endswith("-quickstart") or columns < 60


def test_ctrl_c_at_a_terminal_leaves_it_in_order() -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 80, 0, 0))
    command = [*NN, "train", "quickstart", "--epochs", "100000"]
    with Process(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(),
        start_new_session=True,
    ) as process:
        os.close(theirs)
        shown, stopped = "", False
        with contextlib.suppress(OSError):
            while chunk := os.read(ours, 1 << 16):
                shown += chunk.decode(errors="replace")
                if not stopped and re.search(r"epoch [1-9]", shown):
                    stopped = True
                    process.send_signal(signal.SIGINT)
    os.close(ours)
    assert process.returncode == 130
    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l") >= 0  # the cursor is shown again
    assert "interrupted; go on with: isolet-nn train --resume runs/" in ESCAPE.sub("", shown)


def test_colours_are_left_out_when_asked() -> None:
    colour = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m")
    for command in (("train", "quickstart", "--epochs", "1"), ("train", "no such config")):
        assert not colour.search(on_terminal(*command, NO_COLOR="1")[1])
    assert colour.search(on_terminal("train", "no such config")[1])


@pytest.mark.parametrize(
    ("arguments", "columns"),
    [(("configs",), 40), (("configs",), 80), (("data", "show", "iris"), 40)],
)
def test_listings_fit_the_terminal_and_cut_nothing(
    arguments: tuple[str, ...], columns: int
) -> None:
    code, shown = on_terminal(*arguments, columns=columns)
    assert code == 0
    assert max(map(len, lines_of(shown))) <= columns
    assert "…" not in shown
    texts = ESCAPE.sub("", shown), nn(*arguments).stdout
    squeezed, piped = ("".join(text.split()) for text in texts)
    assert squeezed == piped


@pytest.mark.parametrize("command", [("xor", "--trials", "100000"), ("eval", "a-run")])
def test_a_command_that_saves_nothing_says_that_it_was_interrupted(
    command: tuple[str, ...],
) -> None:
    done = nn("train", "quickstart", "-q", "--epochs", "1")
    Path(done.stdout.strip()).rename("a-run")
    process = subprocess.Popen(
        [sys.executable, "-c", _BUSY.format(command), *command],
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "at work\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "interrupted\n")


_BUSY = """
import sys, time
from isolet_nn.cli import app as cli
from isolet_nn.runs import execution
from isolet_nn.runs import xor
def work(*_, **__):
    print("at work", file=sys.stderr, flush=True)
    while True:  # a signal that comes just before a sleep is heard after it
        time.sleep(0.01)
execution.evaluate = xor.count_solved = work
sys.argv = ["isolet-nn", *{}]
cli.main()
"""


# --- pipes, closed streams, full disks


def test_json_goes_through_a_pipe() -> None:
    done = shell(
        "nn train quickstart -q --epochs 1 > folder"
        ' && nn eval "$(cat folder)" --json 2> messages | python3 -m json.tool > /dev/null'
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert Path("messages").read_text(encoding="utf-8").startswith("written: ")


@pytest.mark.parametrize(
    "command",
    ["nn schema | head -1", "nn configs | head -1", "nn train quickstart --epochs 1 | head -1"],
)
def test_a_reader_that_leaves_early_causes_no_traceback(command: str) -> None:
    done = shell(command)
    assert len(done.stdout.splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert "rror" not in done.stderr


def test_an_evaluation_is_written_when_nobody_reads_it_to_its_end() -> None:
    assert shell("nn train quickstart -q --epochs 1").returncode == 0
    written = [only_run() / "calibration.csv", only_run() / "plots" / "reliability.png"]
    for file in written:
        file.unlink(missing_ok=True)
    done = shell(f"nn eval {only_run()} | head -1")
    assert "Traceback" not in done.stderr
    assert all(file.is_file() for file in written)


def test_training_goes_on_when_nobody_reads_its_progress() -> None:
    done = shell("nn train quickstart --epochs 30 2>&1 >/dev/null | head -1")
    assert done.returncode == 0
    assert status(only_run()) == "completed"


def test_closed_streams_are_no_error() -> None:
    assert shell("nn train quickstart --epochs 1 >&- 2>&-").returncode == 0
    assert status(only_run()) == "completed"


@pytest.mark.parametrize("closed", in_full(["<&- >&- 2>&-"], ["2>&-", "<&- 2>&-", "<&- >&- 2>&-"]))
def test_a_sweep_s_workers_start_although_streams_are_closed(closed: str) -> None:
    Path("s.yaml").write_text(
        "experiment: quickstart\nset: {training.epochs: 1}\nseeds: 2\n", encoding="utf-8"
    )
    assert shell(f"nn sweep s.yaml --workers 2 {closed}").returncode == 0
    (summary,) = Path("runs").glob("*/summary.json")
    assert json.loads(summary.read_text(encoding="utf-8"))["completed"] == 2


FULL = "error: standard output: cannot be written: No space left on device\n"


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "command", ["configs list", "schema", "--help", "--version", "runs --help"]
)
def test_output_that_cannot_be_written_is_an_error(command: str, unbuffered: str) -> None:
    done = shell(f"export PYTHONUNBUFFERED={unbuffered}; nn {command} > /dev/full")
    assert (done.returncode, done.stderr) == (1, FULL)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_training_goes_on_when_its_progress_cannot_be_written(unbuffered: str) -> None:
    done = shell(
        f"export PYTHONUNBUFFERED={unbuffered}; nn train quickstart --epochs 3 2> /dev/full"
    )
    assert done.returncode == 0
    assert done.stdout.endswith(f"{only_run()}\n")
    assert status(only_run()) == "completed"


def test_errors_keep_their_exit_code_when_they_cannot_be_written() -> None:
    assert shell("nn train nowhere.yaml 2> /dev/full").returncode == 2


def test_a_run_whose_folder_cannot_be_printed_is_complete_all_the_same() -> None:
    done = shell("nn train quickstart -q --epochs 1 > /dev/full")
    assert (done.returncode, done.stderr) == (1, FULL)
    assert status(only_run()) == "completed"


def test_a_home_folder_that_cannot_be_written_is_no_matter() -> None:
    Path("home").write_text("no folder", encoding="utf-8")
    done = nn("train", "quickstart", "-q", "--epochs", "1", HOME="home/none", XDG_CONFIG_HOME=None)
    assert (done.returncode, done.stderr) == (0, "")
    assert (only_run() / "plots" / "loss.png").is_file()


def test_a_full_disk_names_the_file_and_leaves_no_torn_one() -> None:
    def small_files_only() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

    command = [*NN, "train", "quickstart", "--epochs", "3", "--set", "model.hidden_layers=[300]"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
        preexec_fn=small_files_only,
    )
    run = only_run()
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"error: {run}/model.safetensors: File too large (--debug shows where)"
    )
    assert "Traceback" not in done.stderr
    assert status(run) == "failed"
    assert sorted(p.name for p in run.iterdir() if not p.name.startswith(".lock")) == [
        "config.yaml",
        "environment.json",
        "metrics.csv",
        "preprocessing.json",
        "summary.json",
    ]
    again = nn("train", "--resume", run)
    assert again.returncode == 2
    assert "the run failed and left nothing to resume (OSError: " in again.stderr


def test_a_run_that_failed_for_want_of_space_resumes_from_its_checkpoint() -> None:
    config = ("quickstart", "--epochs", "6", "--set", "training.checkpoint_seconds=0")
    done = nn("train", *config, "-q", "--runs-dir", "whole")
    whole = Path(done.stdout.strip())
    size = (whole / "model.safetensors").stat().st_size
    # Room for weights only, then for all: checkpoints, which hold Adam's state too, come first.
    code = (
        "import isolet_nn.runs.folder as runs, isolet_nn.cli.app as cli, errno\n"
        "def full(*_):\n    raise OSError(errno.ENOSPC, 'No space left on device')\n"
        "runs.write_model = full\n"
        "cli.main()"
    )
    failed = subprocess.run(
        [sys.executable, "-c", code, "train", *config, "--runs-dir", "part"],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert size > 0
    assert failed.returncode == 1
    run = only_run(Path("part"))
    assert status(run) == "failed"
    again = nn("train", "--resume", run)
    assert again.returncode == 0, again.stderr
    assert result_of(run) == result_of(whole)


def test_a_download_without_a_network_fails_with_what_to_do(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    done = nn(
        *("data", "fetch", "openml", "--set", "data_id=61"),
        ISOLET_NN_CACHE_DIR=str(tmp_path / "cache"),
        HTTPS_PROXY=nowhere,
        https_proxy=nowhere,
        NO_PROXY=None,
        no_proxy=None,
    )
    assert (done.returncode, done.stdout) == (1, "")
    warning, error = done.stderr.splitlines()
    assert warning.startswith("warning: A network error occurred while downloading https://www.op")
    assert error.startswith(
        "error: OpenML data set 61: cannot be fetched: <urlopen error [Errno 111]"
    )
    assert error.endswith("; a table that is a text file needs no network, as dataset.name: csv")
