"""Lists of what there is, whatever the width."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from isolet_nn.config.shipped import list_configs
from isolet_nn.terminal import catalog, layouts, printer


class Terminal:
    """What the results' console would show at a terminal."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
        self.text = io.StringIO()
        at_terminal = Console(
            file=self.text, force_terminal=True, width=width, markup=False, highlight=False
        )
        for module in (catalog, layouts, printer):
            monkeypatch.setattr(module, "RESULTS", at_terminal)

    def lines(self) -> list[str]:
        return self.text.getvalue().splitlines()


@pytest.mark.parametrize("width", [36, 40, 60, 80, 120])
def test_the_list_of_configs_fits_the_terminal_and_names_them_whole(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal(monkeypatch, width)
    configs = list_configs()
    catalog.print_configs(configs)
    assert max(map(len, terminal.lines())) <= max(width, 2 + max(len(c.name) for c in configs))
    words = " ".join(terminal.lines()).split()
    for config in configs:
        assert config.name in words
