"""The PyTorch backend's devices, and its absence."""

from __future__ import annotations

import subprocess
import sys

import pytest
from builders import make_dataset, make_experiment
from needs import needs_torch

from isolet_nn.errors import BackendUnavailableError, ConfigError


def offer(monkeypatch: pytest.MonkeyPatch, *, cuda: bool, mps: bool) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@needs_torch
@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_named_with_those_that_are(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from isolet_nn.training.torch_backend import TorchBackend

    offer(monkeypatch, cuda=False, mps=False)
    experiment = make_experiment(backend="torch", device=device)
    with pytest.raises(BackendUnavailableError) as caught:
        TorchBackend([experiment], [make_dataset().train], 3, [None])
    message = str(caught.value)
    assert f"no {device} on this machine" in message
    assert "available: auto, cpu" in message
    assert caught.value.exit_code == 2


@needs_torch
@pytest.mark.parametrize(
    ("cuda", "mps", "chosen"),
    [(False, False, "cpu"), (True, False, "cuda"), (False, True, "mps"), (True, True, "cuda")],
)
def test_auto_takes_an_accelerator_where_there_is_one(
    cuda: bool, mps: bool, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from isolet_nn.training.devices import choose_device

    offer(monkeypatch, cuda=cuda, mps=mps)
    assert choose_device("auto").type == chosen
    assert choose_device("cpu").type == "cpu"
    assert choose_device(chosen).type == chosen


def test_the_numpy_backend_has_no_accelerator() -> None:
    with pytest.raises(ConfigError, match="device: cuda needs backend: torch"):
        make_experiment(backend="numpy", device="cuda")


@needs_torch
def test_the_number_of_threads_is_that_of_the_experiment() -> None:
    import torch

    from isolet_nn.training.torch_backend import TorchBackend

    before = torch.get_num_threads()
    try:
        for threads in (2, 1):
            experiment = make_experiment(backend="torch", training__threads=threads)
            TorchBackend([experiment], [make_dataset().train], 3, [None])
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


NO_TORCH = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
"""


def without_torch(code: str) -> str:
    """Run code in a process in which PyTorch cannot be imported; return what it prints."""
    script = f"{NO_TORCH}{code}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


TRAIN_IRIS = """
import tempfile
from isolet_nn import load_experiment, train
from isolet_nn.errors import BackendUnavailableError
config = {{"backend": "{backend}", "dataset": {{"name": "iris"}}, "training": {{"epochs": 1}}}}
with tempfile.TemporaryDirectory() as folder:
    try:
        print(train(load_experiment(config), runs_dir=folder).summary["status"])
    except BackendUnavailableError as error:
        print(error.exit_code, error)
"""


def test_without_pytorch_a_message_names_the_command_that_installs_it() -> None:
    message = without_torch(TRAIN_IRIS.format(backend="torch"))
    assert message.startswith("2 ")
    assert "backend: torch needs PyTorch, which is not installed" in message
    assert "pip install 'isolet-nn[torch]'" in message
    assert "backend: numpy" in message


def test_without_pytorch_the_numpy_backend_trains() -> None:
    assert without_torch(TRAIN_IRIS.format(backend="numpy")) == "completed\n"
