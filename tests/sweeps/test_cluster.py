"""Sweeps on a real scheduler and real worker processes, some of which are killed."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import make_experiment

import isolet_nn
from isolet_nn.config.experiment import Experiment
from isolet_nn.config.problems import validate
from isolet_nn.data import load_dataset
from isolet_nn.errors import BackendUnavailableError, ClusterError, ConfigError, DataError
from isolet_nn.sweeps import cluster, remote
from isolet_nn.sweeps import scheduler as scheduler_module
from isolet_nn.sweeps.cluster import DaskWorkers, cluster_workers
from isolet_nn.sweeps.cohort import CohortTask, LineTask, TrialResult
from isolet_nn.sweeps.config import Sweep
from isolet_nn.sweeps.datasets import DataSource, PackedDataset, data_key, pack
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.observers import SweepObserver
from isolet_nn.sweeps.sweep import sweep
from sweeps.helpers import InlineWorkers

pytestmark = pytest.mark.usefixtures("without_pictures")

NN = (sys.executable, "-m", "isolet_nn")
ROOT = Path(isolet_nn.__file__).resolve().parents[1]


class RealCluster:
    """A scheduler and workers, each a process of its own, on the loopback device."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        file = folder / "scheduler.json"
        self._start("scheduler", "--port", "0", "--scheduler-file", str(file), *options)
        self.address = ""
        while not self.address:
            time.sleep(0.05)
            if file.is_file() and file.read_text().endswith("}"):
                self.address = json.loads(file.read_text())["address"]

    def start_worker(self, *options: str) -> subprocess.Popen[bytes]:
        """Start a worker without waiting for it."""
        scratch = ("--local-directory", str(self._folder), "--memory-limit", "0")
        return self._start("worker", self.address, "--nthreads", "1", *scratch, *options)

    def _start(self, kind: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{len(self._processes)}-{kind}.log").open("wb") as log:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", f"distributed.cli.dask_{kind}", *arguments),
                    *("--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"),
                ],
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def stop_workers(self) -> None:
        """Kill all workers, and what they have started."""
        self._kill_from(1)

    def stop(self) -> None:
        """Kill everything."""
        self._kill_from(0)

    def _kill_from(self, first: int) -> None:
        for process in self._processes[first:]:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        del self._processes[first:]


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCluster]:
    running = RealCluster(tmp_path_factory.mktemp("cluster"))
    yield running
    running.stop()


@pytest.fixture
def real(scheduler: RealCluster) -> Iterator[RealCluster]:
    """A scheduler without workers."""
    yield scheduler
    scheduler.stop_workers()


def small_sweep(epochs: int = 200, save_models: str = "all") -> Sweep:
    """Twelve trials in some eight cohorts, each long enough to be disturbed at its work."""
    content = {
        "name": "small",
        "experiment": {
            "dataset": {"name": "digits"},
            "model": {"hidden_layers": [8]},
            "optimizer": {"name": "sgd"},
            "training": {"epochs": epochs},
        },
        "grid": {
            "optimizer.learning_rate": [0.1, 0.01, 0.001],
            "model.hidden_layers": [[8], [12]],
        },
        "seeds": 2,
        "save_models": save_models,
    }
    return validate(Sweep, content, "small")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> SweepFolder:
    """The small sweep as processes of this machine compute it."""
    return sweep(small_sweep(), runs_dir=tmp_path_factory.mktemp("runs"), workers=2)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> SweepFolder:
    """The same with few epochs, computed in this process."""
    return sweep(
        small_sweep(epochs=5),
        runs_dir=tmp_path_factory.mktemp("runs"),
        make_workers=InlineWorkers,
    )


def table(folder: SweepFolder) -> list[dict[str, str]]:
    with (folder.path / "trials.csv").open(newline="") as file:
        return [
            {name: value for name, value in row.items() if name != "seconds"}
            for row in csv.DictReader(file)
        ]


def models(folder: SweepFolder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder.path / "models").iterdir()}


class Disturbance(SweepObserver):
    """Does something once, when trials have ended and all workers are busy with the next."""

    def __init__(self, disturb: Callable[[], None]) -> None:
        self._disturb = disturb
        self._armed = False
        self.is_done = False

    def on_results(self, results: list[TrialResult], cost: float) -> None:
        self._armed = True

    def on_wait(self) -> None:
        if self._armed and not self.is_done:
            self.is_done = True
            self._disturb()


@pytest.mark.slow
def test_a_sweep_loses_a_worker_and_ends_with_the_same_table_and_weights(
    real: RealCluster, undisturbed: SweepFolder, tmp_path: Path
) -> None:
    victim, _ = real.start_worker("--no-nanny"), real.start_worker("--no-nanny")
    disturbance = Disturbance(victim.kill)
    folder = sweep(
        small_sweep(),
        runs_dir=tmp_path,
        workers=2,
        make_workers=cluster_workers(real.address),
        observer=disturbance,
    )
    assert disturbance.is_done
    assert victim.wait() == -signal.SIGKILL
    assert len(table(folder)) == 12
    assert table(folder) == table(undisturbed)
    assert models(folder) == models(undisturbed)


@pytest.mark.slow
def test_a_data_set_lost_with_its_only_holder_is_sent_again(
    real: RealCluster, undisturbed: SweepFolder, tmp_path: Path
) -> None:
    notices: list[str] = []

    def notice(message: str) -> None:
        notices.append(message)
        if message.endswith("waiting for one"):
            real.start_worker("--no-nanny")

    folder = sweep(
        small_sweep(),
        runs_dir=tmp_path,
        workers=2,
        make_workers=cluster_workers(real.address, notice),
        observer=Disturbance(real.stop_workers),
    )
    none, one = "has no workers; waiting for one", "has workers now: 1"
    assert "trusts its network" in notices.pop(0)
    assert notices == [f"{real.address} {what}" for what in (none, one, none, one)]
    assert table(folder) == table(undisturbed)


@pytest.mark.slow
def test_a_cohort_that_kills_its_workers_fails_alone(
    real: RealCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_MOST_DEATHS", 1)
    poison = tmp_path / "poison.py"
    poison.write_text(
        "import os, signal\n"
        "from isolet_nn.sweeps import cohort, remote\n"
        "def run_or_die(task, *rest):\n"
        "    if any(3 in line.trials for line in task.lines):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return cohort.run_cohort(task, *rest)\n"
        "remote.run_cohort = run_or_die\n"
    )
    real.start_worker("--preload", str(poison))
    few_epochs = small_sweep(epochs=5, save_models="none")
    found = cluster_workers(real.address)
    folder = sweep(few_epochs, runs_dir=tmp_path, workers=1, make_workers=found)
    rows = table(folder)
    assert [row["trial"] for row in rows if row["status"] != "completed"] == ["3"]
    assert rows[3]["status"] == "failed"
    assert "its worker died or was lost" in rows[3]["error"]


@pytest.mark.slow
def test_workers_started_here_give_the_same_table(quick: SweepFolder, tmp_path: Path) -> None:
    found = cluster_workers("local:2")
    assert found.n_workers == 2
    folder = sweep(small_sweep(epochs=5), runs_dir=tmp_path, workers=2, make_workers=found)
    assert table(folder) == table(quick)
    assert models(folder) == models(quick)


def endless_task() -> tuple[CohortTask, Experiment]:
    experiment = make_experiment(training__epochs=100_000_000)
    line = LineTask(experiment.model_dump(mode="json"), (0,), (100_000_000,))
    return CohortTask((line,), data_key(experiment)), experiment


def first_outcome(workers: DaskWorkers, seconds: float = 30.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for outcome in workers.wait(0.1):
            return outcome
    return None


def wait_until_free(workers: DaskWorkers, count: int) -> None:
    deadline = time.monotonic() + 30.0
    while workers.free() != count:
        assert time.monotonic() < deadline
        workers.wait(0.1)


@pytest.mark.slow
def test_a_worker_stops_a_cohort_that_nobody_waits_for(real: RealCluster) -> None:
    real.start_worker("--no-nanny")
    source = DataSource()
    task, experiment = endless_task()
    for end in ("the first sweep is stopped", "so the second one has the only worker"):
        workers = DaskWorkers(real.address, source.pack)
        try:
            wait_until_free(workers, 1)
            if end.startswith("the first"):
                workers.submit(0, task, experiment)
                assert workers.free() == 0
                assert first_outcome(workers, 1.0) is None
            else:
                line = task.lines[0]
                short = LineTask(line.experiment, line.trials, (2,))
                short.experiment["training"]["epochs"] = 2
                workers.submit(0, CohortTask((short,), task.data_key), experiment)
                assert first_outcome(workers).results[0].status == "completed"
        finally:
            workers.close()


def test_data_damaged_on_the_way_fail_the_cohort(real: RealCluster) -> None:
    def damaged(experiment: Any) -> PackedDataset:
        packed = DataSource().pack(experiment)
        packed.arrays["train.y"] = packed.arrays["train.y"][::-1]
        return packed

    real.start_worker("--no-nanny")
    workers = DaskWorkers(real.address, damaged)
    try:
        wait_until_free(workers, 1)
        workers.submit(7, *endless_task())
        outcome = first_outcome(workers)
    finally:
        workers.close()
    assert (outcome.ticket, outcome.results) == (7, None)
    assert "DataError: the data set was damaged on its way to the worker" in outcome.error


def test_a_worker_keeps_a_few_checked_data_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[str, Any] = {}
    monkeypatch.setattr(remote, "_datasets", kept)
    packed = []
    for seed in range(6):
        experiment = make_experiment(seed=seed)
        dataset = load_dataset(experiment.dataset, experiment.seed, "float32")
        packed.append(pack(dataset))
        remote.keep(packed[-1])
    assert list(kept) == [one.checksum for one in packed[-4:]]
    packed[0].meta["name"] = "another"
    with pytest.raises(DataError, match="damaged on its way"):
        remote.keep(packed[0])


def test_another_version_on_the_cluster_is_refused(
    real: RealCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = isolet_nn.__version__
    monkeypatch.setattr(remote, "__version__", "99.0")
    with pytest.raises(ClusterError, match=r"isolet-nn is 99\.0 here, but not there") as caught:
        cluster_workers(real.address)
    assert f"the scheduler: {here}" in str(caught.value)


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore:Mismatched versions found"
)  # Some versions of Dask tell it too.
def test_what_may_change_the_last_bits_or_wastes_processors_is_told(
    real: RealCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    real.start_worker("--no-nanny", "--nthreads", "2")
    workers = DaskWorkers(real.address, DataSource().pack)
    try:
        wait_until_free(workers, 1)
    finally:
        workers.close()
    notices: list[str] = []
    here = np.__version__
    monkeypatch.setattr(np, "__version__", "1.99")
    assert cluster_workers(real.address, notices.append).n_workers == 1
    trust, numpy, threads = notices
    assert "trusts its network: whoever reaches it may run programs there" in trust
    assert f"NumPy is 1.99 here, but on workers it is {here}" in numpy
    assert "workers of one thread each are faster" in threads


def test_nobody_at_the_address_is_an_error_before_there_is_a_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scheduler_module, "CONNECT_SECONDS", 0.5)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(
            BackendUnavailableError, match=r"answers \(connection refused\)"
        ) as caught:
            cluster_workers(address)
    assert caught.value.exit_code == 2


ANSWERS = {
    "nothing": b"",
    "a web page": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    "noise": bytes(range(256)) * 64,
    "zeros": bytes(4096),
    "text": b"220 mail.example ESMTP\r\n",
    "a length that could be set aside": struct.pack("Q", 1 << 34),
    "a greeting of noise": struct.pack("Q", 40) + bytes(range(200, 240)),
    "a short greeting": struct.pack("Q", 1) + b"?",
}


@contextlib.contextmanager
def somebody(answer: bytes) -> Iterator[int]:
    """A server that says the same to everybody, and keeps the line open; yields its port."""
    lines: list[socket.socket] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = server.accept()
                lines.append(line)
                line.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    for line in lines:
        line.close()


@pytest.mark.parametrize("what", ANSWERS)
def test_whoever_is_no_scheduler_is_refused_in_one_line(
    what: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scheduler_module, "CONNECT_SECONDS", 1.0)
    with somebody(ANSWERS[what]) as port, pytest.raises(BackendUnavailableError) as caught:
        cluster_workers(f"tcp://127.0.0.1:{port}", lambda _: None)
    message = str(caught.value)
    reason = "what answers there is no Dask scheduler"
    if what == "nothing":
        reason = "nothing comes back within 1 s"
    assert message == (
        f"tcp://127.0.0.1:{port}: no Dask scheduler answers ({reason}); "
        "start one with: dask scheduler"
    )
    assert capfd.readouterr().err == ""


def test_a_worker_is_no_scheduler(real: RealCluster) -> None:
    real.start_worker("--no-nanny")
    workers = DaskWorkers(real.address, DataSource().pack)
    try:
        wait_until_free(workers, 1)
        (worker,) = workers._look_for_workers()
    finally:
        workers.close()
    with pytest.raises(BackendUnavailableError, match=r"answers \(a Worker is there\)"):
        cluster_workers(worker)


@pytest.mark.slow
def test_a_silent_address_ends_the_command_with_one_line(tmp_path: Path) -> None:
    impatient = (
        "import sys\n"
        "from isolet_nn.cli.app import main\n"
        "from isolet_nn.sweeps import scheduler\n"
        "scheduler.CONNECT_SECONDS = 1.0\n"
        "main()\n"
    )
    with somebody(b"") as port:
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                impatient,
                "sweep",
                "isolet-search",
                "--cluster",
                f"tcp://127.0.0.1:{port}",
            ],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=60,
        )
    assert (done.returncode, done.stdout) == (2, "")
    (error,) = done.stderr.splitlines()
    assert error.startswith(f"error: tcp://127.0.0.1:{port}: no Dask scheduler answers (nothing ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_scheduler_with_tls_takes_the_keys_of_dask_s_configuration(
    tmp_path: Path, quick: SweepFolder
) -> None:
    import dask
    from distributed import Security

    keys: Any = Security.temporary()  # type: ignore[no-untyped-call]
    files = {}
    for name in ("tls_ca_file", "tls_client_cert", "tls_client_key"):
        files[name] = tmp_path / name
        files[name].write_text(getattr(keys, name))
    ca, certificate, key = map(str, files.values())
    options = ("--tls-ca-file", ca, "--tls-cert", certificate, "--tls-key", key)
    real = RealCluster(tmp_path, "--protocol", "tls", *options)
    try:
        assert real.address.startswith("tls://")
        with pytest.raises(BackendUnavailableError, match="needs keys, which Dask's configuration"):
            cluster_workers(real.address)
        real.start_worker("--no-nanny", *options)
        notices: list[str] = []
        names = {"ca-file": ca, "client.cert": certificate, "client.key": key}
        with dask.config.set({f"distributed.comm.tls.{k}": v for k, v in names.items()}):
            folder = sweep(
                small_sweep(epochs=5),
                runs_dir=tmp_path,
                make_workers=cluster_workers(real.address, notices.append),
            )
        assert not any("trusts" in notice for notice in notices)
        with pytest.raises(BackendUnavailableError, match="no Dask scheduler answers"):
            cluster_workers(real.address.replace("tls:", "tcp:"), notices.append)
    finally:
        real.stop()
    assert table(folder) == table(quick)


@pytest.mark.slow
def test_a_cluster_started_here_listens_to_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler_module, "CONNECT_SECONDS", 2.0)
    workers = DaskWorkers("local:1", DataSource().pack)
    try:
        address = workers._client.scheduler.address
        assert address.startswith("tls://127.0.0.1:")
        (worker,) = workers._look_for_workers()
        for other in (address, worker):
            with pytest.raises(BackendUnavailableError, match="no Dask scheduler answers"):
                cluster_workers(other.replace("tls:", "tcp:"), lambda _: None)
    finally:
        workers.close()


@pytest.mark.parametrize("address", ["local:99999999999", "local:100000"])
def test_more_workers_than_the_memory_holds_are_refused(address: str) -> None:
    with pytest.raises(ConfigError, match=r"cluster: local: found \d+; allowed: at most \d+, for"):
        cluster_workers(address)


@pytest.mark.parametrize("given", [10**5, 10**30])
def test_so_are_more_processes(given: int, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"workers: found \d+; allowed: at most \d+, for which"):
        sweep(small_sweep(), runs_dir=tmp_path, workers=given)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_scheduler_that_dies_is_an_error_and_not_a_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler_module, "CONNECT_SECONDS", 2.0)
    real = RealCluster(tmp_path)
    workers = DaskWorkers(real.address, DataSource().pack)
    try:
        workers.submit(0, *endless_task())
        real.stop()
        with pytest.raises(ClusterError, match="the scheduler is gone; the sweep can be resumed"):
            first_outcome(workers)
    finally:
        workers.close()
        real.stop()


@pytest.mark.parametrize(
    "address",
    [
        *("local", "local:0", "local:-1", "local:two", "127.0.0.1", "http://host:1", "tcp://host"),
        *("tcp://host:99999", "tcp://:8786", "tcp://host:0", "tcp://a b:1", "ucx://host:1", ""),
        *("tcp://user@host:1", "tcp://host:1/path", "inproc://x/1:2", "tcp://host:1\n"),
    ],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="allowed: tcp://HOST:PORT"):
        cluster_workers(address)


def test_without_dask_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(BackendUnavailableError, match=r"pip install 'isolet-nn\[dask\]'") as caught:
        cluster_workers("local:2")
    assert caught.value.exit_code == 2
