"""Numbers, shares, times and settings as a person reads them; nothing where there is none."""

from __future__ import annotations

import json
from typing import Any

from isolet_nn.config.metrics import measure_of
from isolet_nn.errors import rounded

_HUGE_LOSS = 1e6
_UNITS = ((86400.0, "days"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


def percent(share: float | None) -> str:
    """0.9567 as ``95.67 %``."""
    return "" if share is None else f"{100.0 * share:.2f} %"


def metric_text(metric: str, value: float | None) -> str:
    """A metric's value: shares in percent, all else as a loss is written."""
    return percent(value) if measure_of(metric).in_percent else loss_text(value)


def number(value: int | float | None) -> str:
    """A count as it is, all else with four significant digits."""
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def loss_text(value: float | None, digits: int = 4) -> str:
    """A loss with four digits after the point; a huge one with four significant digits."""
    if value is None:
        return ""
    return f"{value:.{digits}f}" if value < _HUGE_LOSS else f"{value:.4g}"


def setting_text(value: Any) -> str:
    """The value of a setting: text as it is, all else as JSON with rounded numbers."""
    return value if isinstance(value, str) else json.dumps(rounded(value), sort_keys=True)


def ago(seconds: float) -> str:
    """An age in its largest unit: ``3 min ago``."""
    for size, unit in _UNITS:
        if seconds >= 2 * size or (seconds >= size and unit != "days"):
            return f"{int(seconds // size)} {unit} ago"
    return "now"


def duration(seconds: float) -> str:
    """75 seconds as ``1:15``."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
