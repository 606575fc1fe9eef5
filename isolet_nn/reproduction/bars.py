"""Bars that rules are asked with in more than one place, and why they are where they are."""

from __future__ import annotations

PARITY_MARGIN = 0.5
"""Points that two implementations on a par may differ by: the report's whole percents hide less."""
HURT = 0.5
"""Points that a setting must cost to be said to hurt: the report's whole percents hide less."""
VISIBLE = 1.0
"""Points of a fall that the report can show: it gives whole percents."""
LEAST_VISIBLE = f"The report gives whole percents: {VISIBLE:g} point is the least that it can show."
ROUNDED_AWAY = "The report gives whole percents: less than half a point is rounded away in it."
