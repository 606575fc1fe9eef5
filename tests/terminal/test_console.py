"""What people see: numbers, tables and progress, whatever the width and the content."""

from __future__ import annotations

import io
import json
import signal
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from isolet_nn.config.shipped import list_configs
from isolet_nn.terminal import console, streams
from isolet_nn.terminal.console import StopSignal, metrics_to_fit, percent, stop_signal
from isolet_nn.training.loop import Row

FULL: Row = {
    "epoch": 34,
    "train_loss": 0.88553,
    "train_accuracy": 0.95971,
    "validation_loss": 0.2,
    "validation_accuracy": 0.96632,
    "test_loss": 0.3,
    "test_accuracy": 0.95379,
    "seconds": 0.1,
}


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.9567, "95.67 %"), (1.0, "100.00 %"), (0.0, "0.00 %"), (None, ""), (2 / 3, "66.67 %")],
)
def test_a_share_is_shown_in_percent(share: float | None, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (80, "loss 0.8855  train 95.97 %  validation 96.63 %  test 95.38 %"),
        (60, "loss 0.8855  train 95.97 %  validation 96.63 %  test 95.38 %"),
        (59, "loss 0.886 train 96.0 valid 96.6 test 95.4 %"),
        (43, "loss 0.886 train 96.0 valid 96.6 %"),
        (24, "loss 0.886 train 96.0 %"),
        (12, "loss 0.886"),
        (9, ""),
        (-5, ""),
    ],
)
def test_metrics_are_shortened_before_they_are_left_out(width: int, text: str) -> None:
    assert metrics_to_fit(FULL, width) == text


def test_splits_that_were_not_evaluated_are_left_out() -> None:
    row: Row = {**FULL, "validation_accuracy": None, "test_accuracy": None}
    assert metrics_to_fit(row, 80) == "loss 0.8855  train 95.97 %"


@given(
    st.integers(-10, 200),
    st.floats(0, 1e30),
    st.lists(st.none() | st.floats(0, 1), min_size=3, max_size=3),
)
def test_metrics_never_exceed_their_width(
    width: int, loss: float, accuracies: list[float | None]
) -> None:
    names = ("train_accuracy", "validation_accuracy", "test_accuracy")
    row: Row = {"train_loss": loss, **dict(zip(names, accuracies, strict=True))}
    assert len(metrics_to_fit(row, width)) <= max(width, 0)


class Terminal:
    """What the results' console would show at a terminal."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
        self.text = io.StringIO()
        at_terminal = Console(
            file=self.text, force_terminal=True, width=width, markup=False, highlight=False
        )
        monkeypatch.setattr(console, "RESULTS", at_terminal)

    def lines(self) -> list[str]:
        return self.text.getvalue().splitlines()


@pytest.mark.parametrize("width", [36, 40, 60, 80, 120])
def test_the_list_of_configs_fits_the_terminal_and_names_them_whole(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal(monkeypatch, width)
    configs = list_configs()
    console.print_configs(configs)
    assert max(map(len, terminal.lines())) <= max(width, 2 + max(len(c.name) for c in configs))
    words = " ".join(terminal.lines()).split()
    for config in configs:
        assert config.name in words


def test_json_has_null_for_a_number_that_is_not_finite(capsys: pytest.CaptureFixture[str]) -> None:
    streams.print_json({"a": float("nan"), "b": [float("inf"), 1.5], "c": "é"})
    out = capsys.readouterr().out
    assert json.loads(out) == {"a": None, "b": [None, 1.5], "c": "é"}
    assert "é" in out


# --- signals


def handler_of(stop: StopSignal) -> Callable[[], None]:
    return lambda: stop.handle(signal.SIGINT, None)


def test_a_signal_that_nobody_would_hear_interrupts_at_once() -> None:
    with pytest.raises(KeyboardInterrupt):
        handler_of(StopSignal())()


def test_the_first_signal_is_a_wish_and_the_second_an_order() -> None:
    stop = StopSignal()
    assert not stop()
    handler_of(stop)()
    assert stop()
    with pytest.raises(KeyboardInterrupt):
        handler_of(stop)()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_heard_inside_the_block_only(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_signal() as stop:
        assert not stop()
        signal.raise_signal(number)
        assert stop()
        assert signal.getsignal(number) != before
    assert signal.getsignal(number) is before


def test_the_handlers_are_put_back_after_an_error() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(ZeroDivisionError), stop_signal():
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGTERM) is before
