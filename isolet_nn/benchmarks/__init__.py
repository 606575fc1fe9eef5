"""Timing comparisons that a user can repeat: ``isolet-nn bench``.

Nothing else in the package needs them.
"""
