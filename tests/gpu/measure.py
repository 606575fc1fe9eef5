"""Check and time everything on a GPU, in less than six minutes: ``make gpu``, or without make

    PYTHONPATH=.:tests python -m gpu.measure --out FOLDER

It needs Python 3.11 or newer, PyTorch with CUDA, what isolet-nn itself needs, and of its tests
pytest and hypothesis; nothing is downloaded. Where there is no internet, fetch wheels elsewhere
with ``pip download -d wheels . pytest hypothesis``, and install them with ``pip install --no-index
--find-links wheels isolet-nn pytest hypothesis``.

It writes report.json and report.md, anew after the tests and each row, so that nothing is lost if
it is ended. A row that fails is told, and the next one timed. With ``--device cpu --small`` it does
the same in small on a processor, so that it is known to work before there is a GPU.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from isolet_nn.benchmarks.device import ROWS, time_device
from isolet_nn.config.loading import load_experiment
from isolet_nn.errors import BackendUnavailableError, IsoletNNError
from isolet_nn.system.machine import describe_process
from isolet_nn.terminal.streams import print_message, print_text
from isolet_nn.terminal.words import percent
from isolet_nn.training.backends import require_backend
from isolet_nn.training.capacity import gpu_of

TESTS = ("gpu", "sweeps/test_on_device.py", "training/test_torch_device.py")
"""What shows that bits and accuracies are right, in the folder of the tests."""
TEST_SECONDS = 150
GOALS = {"figure5": 1.0, "thousand": 2.0, "ten-thousand": 25.0}
"""Seconds that a row should take at the most."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run tests and timings; 0 if all tests passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="where the report is written")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--small", action="store_true", help="few networks, one epoch")
    parser.add_argument("--row", action="append", choices=tuple(ROWS), help="rows; all of them")
    parser.add_argument("--no-tests", action="store_true", help="timings alone")
    given = parser.parse_args(arguments)
    experiment = load_experiment(
        {"dataset": {"name": "isolet"}, "backend": "torch", "device": given.device}
    )
    try:
        require_backend(experiment)
    except BackendUnavailableError as error:
        print_message(f"error: {error}")
        return 2
    given.out.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    environment = describe_process("torch", "jax")
    gpu = gpu_of(experiment)
    report: dict[str, Any] = {
        "device": given.device if gpu is None else gpu[1],
        "driver": driver(),
        "python": environment["python"],
        "packages": environment["packages"],
        "small": given.small,
        "tests": None,
        "rows": {},
        "failed": {},
    }
    if not given.no_tests:
        report["tests"] = run_tests()
        write(report, started, given.out)
    for row in given.row or ROWS:
        try:
            times = time_device(
                given.device,
                [row],
                small=given.small,
                rounds=1 if given.small else 2,
                runs_dir=given.out,
                say=print_message,
            )
            report["rows"][row] = {
                one: asdict(timed) | {"for_all": timed.for_all}
                for one, timed in times.rows[row].items()
            }
        except IsoletNNError as error:
            print_message(f"error: {error}")
            report["failed"][row] = str(error)
        write(report, started, given.out)
    print_text(as_markdown(report))
    tests_passed = report["tests"] is None or report["tests"]["exit_code"] == 0
    return 0 if tests_passed and not report["failed"] else 1


def write(report: dict[str, Any], started: float, folder: Path) -> None:
    """Write what is known so far."""
    report["seconds"] = time.monotonic() - started
    (folder / "report.json").write_text(json.dumps(report, indent=2), encoding="utf-8")
    (folder / "report.md").write_text(as_markdown(report), encoding="utf-8")


def run_tests() -> dict[str, Any]:
    """How the tests ended, with the last lines of what they printed."""
    folder = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += [str(folder / name) for name in TESTS]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:  # is there after a timeout, too
        try:
            exit_code = subprocess.run(
                command, stdout=said, stderr=subprocess.STDOUT, timeout=TEST_SECONDS, check=False
            ).returncode
            end = []
        except subprocess.TimeoutExpired:
            exit_code, end = 124, [f"no end within {TEST_SECONDS} s"]
        said.seek(0)
        return {"exit_code": exit_code, "said": said.read().splitlines()[-60:] + end}


def driver() -> str | None:
    """Version of the GPU's driver."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.splitlines()[0].strip()


def as_markdown(report: dict[str, Any]) -> str:
    """The report as a table, below what failed."""
    packages = report["packages"]
    said = "not run" if report["tests"] is None else (report["tests"]["said"] or ["nothing"])[-1]
    lines = [
        f"{report['device']}, driver {report['driver']}, Python {report['python']}, PyTorch "
        f"{packages['torch']}, JAX {packages['jax']}; {report['seconds']:.0f} s in all",
        "",
        f"Tests: {said}",
        "",
        *(f"{row} failed: {error}\n" for row, error in report["failed"].items()),
        "| row | trainings | by | seconds | first time | goal | times as fast as the loop | test "
        "accuracy |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row, of_row in report["rows"].items():
        for one, timed in of_row.items():
            is_ours = one == "stacks" and row in GOALS and not report["small"]
            cells = (
                row,
                timed["trainings"],
                one,
                f"{timed['for_all']:.3f}",
                f"{timed['first']:.3f}",
                f"{GOALS[row]:g}" if is_ours else "",
                f"{of_row['loop']['for_all'] / timed['for_all']:.1f}",
                percent(timed["accuracy"]),
            )
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
