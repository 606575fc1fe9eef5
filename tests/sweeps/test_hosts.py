"""Sweeps over Dask between two hosts whose link is cut, slow and loses packets, or that vanish."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hosts import Host, Link, two_hosts, why_no_hosts
from needs import in_full
from processes import Process

import isolet_nn
from isolet_nn.sweeps.loading import load_sweep
from isolet_nn.sweeps.sweep import resume_sweep, sweep
from sweeps.helpers import InlineWorkers, kill, model_bytes, result_table, wait_until, written

pytestmark = [
    pytest.mark.usefixtures("without_pictures"),
    pytest.mark.skipif(why_no_hosts() is not None, reason=why_no_hosts() or ""),
]

ROOT = Path(isolet_nn.__file__).resolve().parents[1]
TIMEOUTS = {
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "8s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "12s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "8s",
}
"""Of Dask, which else takes minutes to give a host up."""
CONTENT = """
name: far
experiment: {dataset: {name: digits}, model: {hidden_layers: [8]}}
set: {training.epochs: 60}
grid: {optimizer.learning_rate: [0.1, 0.01, 0.001]}
seeds: 2
save_models: all
plot: {kind: line, x: optimizer.learning_rate}
"""


class FarCluster:
    """A scheduler and a worker on the near host, a worker on the far one, and a sweep."""

    def __init__(self, near: Host, far: Host, link: Link, folder: Path) -> None:
        self.near, self.link, self.folder = near, link, folder
        self.address = f"tcp://{near.address}:8786"
        self._processes = ExitStack()
        self.running: list[Process[str]] = []
        ready = folder / "scheduler.json"
        self._dask(near, "scheduler", "--port", "8786", "--scheduler-file", str(ready))
        wait_until(ready.exists)
        self.workers = [
            self._dask(host, "worker", self.address, "--nthreads", "1", "--no-nanny")
            for host in (near, far)
        ]
        self.file = written(folder, "far.yaml", CONTENT)

    def _dask(self, host: Host, kind: str, *arguments: str) -> Process[str]:
        scratch = ("--local-directory", str(self.folder)) if kind == "worker" else ()
        module = f"distributed.cli.dask_{kind}"
        return self._start(
            host, "-m", module, *arguments, *scratch, "--host", host.address, "--no-dashboard"
        )

    def _start(self, host: Host, *arguments: str) -> Process[str]:
        number = len([*self.folder.glob("*.log")])
        log = self._processes.enter_context((self.folder / f"{number}.log").open("w"))
        process: Process[str] = Process(
            [*host.enter, sys.executable, *arguments],
            stdout=log,
            stderr=log,
            env={**os.environ, **TIMEOUTS, "PYTHONPATH": str(ROOT)},
            cwd=self.folder,
            start_new_session=True,
        )
        self._processes.callback(process.wait)
        self._processes.callback(kill, process.pid)
        self.running.append(process)
        return process

    def begin(self) -> tuple[Process[str], Path]:
        """Begin the sweep on the near host; its process and folder, once trials have ended."""
        program = ("-m", "isolet_nn", "sweep", str(self.file))
        process = self._start(self.near, *program, "--cluster", self.address, "--workers", "2")

        def journal() -> Path | None:
            return next(self.folder.glob("runs/*/trials.jsonl"), None)

        def has_results() -> bool:
            found = journal()
            return process.poll() is not None or (
                found is not None and found.read_bytes().count(b"\n") > 1
            )

        wait_until(has_results, 60.0)
        found = journal()
        assert found is not None, (self.folder / "3.log").read_text()
        return process, found.parent

    def close(self) -> None:
        self._processes.close()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[FarCluster]:
    with two_hosts() as (near, far, link):
        running = FarCluster(near, far, link, tmp_path)
        try:
            yield running
        finally:
            running.close()


def nothing(cluster: FarCluster) -> None:
    pass


def cut_for_a_while(cluster: FarCluster) -> None:
    cluster.link.cut()
    time.sleep(2.0)
    cluster.link.mend()


def vanish(cluster: FarCluster) -> None:
    """The far host is gone before anyone hears of it."""
    cluster.link.cut()
    os.killpg(cluster.workers[1].pid, signal.SIGKILL)


def all_of_it(cluster: FarCluster) -> None:
    cut_for_a_while(cluster)
    vanish(cluster)


def lose_the_scheduler(cluster: FarCluster) -> None:
    """The sweep and all workers end with their host, and the sweep is resumed elsewhere."""
    for process in cluster.running:
        kill(process.pid)


IN_TURN: list[tuple[bool, Callable[[FarCluster], None]]] = [
    (True, nothing),
    (False, cut_for_a_while),
    (False, vanish),
    (True, lose_the_scheduler),
]


@pytest.mark.slow
@pytest.mark.parametrize(("is_disturbed", "happens"), [(True, all_of_it), *in_full([], IN_TURN)])
def test_whatever_becomes_of_the_link_the_table_is_that_of_one_process(
    cluster: FarCluster, is_disturbed: bool, happens: Callable[[FarCluster], None]
) -> None:
    if is_disturbed:
        cluster.link.disturb()
    process, path = cluster.begin()
    happens(cluster)
    code = process.wait(120)
    if happens is lose_the_scheduler:
        assert code == -signal.SIGKILL
        resume_sweep(path, make_workers=InlineWorkers)
    else:
        assert code == 0, (cluster.folder / "3.log").read_text()
    assert cluster.link.lost() > 0 or not is_disturbed
    config = load_sweep(cluster.file)
    alone = sweep(config, runs_dir=cluster.folder / "alone", make_workers=InlineWorkers)
    assert result_table(path) == result_table(alone)
    assert model_bytes(path) == model_bytes(alone)
