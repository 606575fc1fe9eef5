"""Points of the plane, made by a formula: data that one can see whole, with curved borders.

Moons (scikit-learn's ``make_moons``), t from 0 to pi::

    upper  (cos t, sin t)      lower  (1 - cos t, 1/2 - sin t)

Spirals, three arms k of one turn (after the two of Lang and Witbrock, 1988), t from 0 to 1::

    (3 t cos(2 pi (t + k / 3)), 3 t sin(2 pi (t + k / 3)))

Noise is added to both, and the result rounded to four decimals: the last bits of sines differ from
one system to another, and equal settings are to have equal checksums everywhere.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.datasets import PlaneDataset
from isolet_nn.data import cache
from isolet_nn.data.cache import ParsedData
from isolet_nn.data.kind import DatasetInfo, DatasetKind, with_data
from isolet_nn.data.raw import RawDataset
from isolet_nn.seeding import Stream, generator

_CLASSES: Final = {"moons": ("upper", "lower"), "spirals": ("arm 1", "arm 2", "arm 3")}
_DESCRIPTIONS: Final = {
    "moons": "two half moons that reach into each other",
    "spirals": "three arms of a spiral",
}
_RADIUS = 3.0
"""At which an arm ends: the arms are 1 apart, and the same noise suits moons and spirals."""
_DECIMALS = 4


def load(config: PlaneDataset) -> RawDataset:
    """Make the points; neighbouring rows are of different classes, the test part is drawn later."""
    classes = _CLASSES[config.name]
    y = _labels(_counts(config.rows, len(classes), config.imbalance))
    curve = _moons if config.name == "moons" else _spirals
    points = np.empty((config.rows, 2))
    for number in range(len(classes)):
        of_class = y == number
        points[of_class] = curve(number, np.linspace(0.0, 1.0, int(of_class.sum())))
    noise = generator(config.noise_seed, Stream.NOISE_OF_DATA).standard_normal(points.shape)
    stored = np.rint((points + config.noise * noise) * 10**_DECIMALS).astype(np.int32)
    parsed = cache.with_checksums(ParsedData({"x": stored, "y": y}, {"classes": classes}))
    return RawDataset(
        name=config.name,
        stored=stored,
        y=y,
        classes=classes,
        checksum=parsed.checksum,
        source=config.name,
        quantum=10**_DECIMALS,
    )


def _counts(rows: int, classes: int, imbalance: float) -> NDArray[np.int64]:
    """Points of each class: one, and a share of the rest that falls from the first to the last.

    The shares fall by the same factor from each class to the next. What rounding down leaves goes
    to the first classes.
    """
    shares = imbalance ** -(np.arange(classes) / (classes - 1))
    rest = rows - classes
    # A share of exactly so many points may come out a rounding below.
    counts: NDArray[np.int64] = 1 + np.floor(rest * shares / shares.sum() + 1e-9).astype(np.int64)
    counts[: rows - counts.sum()] += 1
    return counts


def _labels(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Class of each row, every class spread evenly over the rows."""
    places = np.concatenate([(np.arange(count) + 0.5) / count for count in counts])
    order = np.argsort(places, kind="stable")
    return np.repeat(np.arange(len(counts)), counts)[order]


def _moons(number: int, t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (len(t), 2) along one of the moons, `t` from 0 to 1."""
    x, y = np.cos(math.pi * t), np.sin(math.pi * t)
    return np.stack([x, y] if number == 0 else [1.0 - x, 0.5 - y], axis=1)


def _spirals(number: int, t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (len(t), 2) along one of the arms, `t` from 0 to 1."""
    angle = 2.0 * math.pi * (t + number / len(_CLASSES["spirals"]))
    return _RADIUS * np.stack([t * np.cos(angle), t * np.sin(angle)], axis=1)


def _outline(name: str) -> DatasetInfo:
    return DatasetInfo(
        name,
        _DESCRIPTIONS[name],
        "made by a formula",
        available=True,
        rows=PlaneDataset.model_fields["rows"].default,
        features=2,
        classes=_CLASSES[name],
    )


KIND = DatasetKind(
    load,
    lambda: [*map(_outline, _CLASSES)],
    lambda config: with_data(_outline(config.name), load(config)),
)
