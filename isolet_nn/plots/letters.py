"""The letters of the alphabet in the order in which they are easily mistaken for each other."""

from __future__ import annotations

from collections.abc import Sequence

ALIKE = ("BCDEGPTVZ", "AHJK", "FLMNSX", "IY", "QUW", "O", "R")
"""Letters by the vowel of their English names; the first are the E-set."""


def letter_groups(classes: Sequence[str]) -> list[list[int]] | None:
    """Indices of classes that are the letters A to Z, by the vowel of their names, E-set first.

    None if the classes are anything else: then nothing is known of what sounds alike.
    """
    if sorted(classes) != sorted("".join(ALIKE)):
        return None
    place = {letter: index for index, letter in enumerate(classes)}
    return [[place[letter] for letter in group] for group in ALIKE]
