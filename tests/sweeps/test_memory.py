"""What a sweep's own process keeps in memory, however many trials there are."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from isolet_nn.sweeps.cohort import TrialResult
from isolet_nn.sweeps.observers import SweepObserver
from isolet_nn.sweeps.sweep import sweep
from sweeps.helpers import iris_sweep

pytestmark = pytest.mark.usefixtures("without_pictures")


class Memory(SweepObserver):
    """Notes the memory of this process whenever trials end."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def on_results(self, results: list[TrialResult], cost: float) -> None:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        self.sizes.append(pages * resource.getpagesize())


@pytest.mark.slow
def test_the_parents_memory_does_not_grow_with_trials_done(tmp_path: Path) -> None:
    config = iris_sweep(
        set={"training.epochs": 1},
        grid={"model.hidden_layers": [[n] for n in range(1, 101)]},
        seeds=4,
        save_models="none",
    )
    memory = Memory()
    folder = sweep(config, runs_dir=tmp_path, workers=1, observer=memory)
    assert folder.summary["completed"] == 400
    early, late = memory.sizes[len(memory.sizes) // 4], memory.sizes[-1]
    assert late - early < 16e6


# VmHWM, and not getrusage: that counts what the process was before it became this program.
_SWEEP_AND_SAY_PEAK = """
import pathlib, sys
import isolet_nn
if __name__ == "__main__":
    sweep = isolet_nn.load_sweep({
        "experiment": {"dataset": {"name": "isolet"}, "training": {"epochs": 1}},
        "grid": {"model.hidden_layers": [[4], [8]]},
        "seeds": 4,
    })
    done = isolet_nn.sweep(sweep, runs_dir=sys.argv[1], workers=2)
    assert done.summary["completed"] == 8
    status = pathlib.Path("/proc/self/status").read_text().split()
    print(int(status[status.index("VmHWM:") + 1]) * 1024)
"""


@pytest.mark.slow
def test_the_parent_stays_small_on_isolet(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(_SWEEP_AND_SAY_PEAK, encoding="utf-8")
    command = [sys.executable, str(script), str(tmp_path / "runs")]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert int(done.stdout.splitlines()[-1]) < 500e6
