"""Which rows train, validate and test: drawn by rows (stratified by class) or by whole groups.

Groups are stratified where the data says that they are of several kinds (`RawDataset.strata`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.datasets import DatasetConfig, IsoletDataset, XorDataset
from isolet_nn.config.holdouts import Fold, Holdout
from isolet_nn.data.raw import RawDataset, Rows
from isolet_nn.errors import ConfigError, DataError, counted
from isolet_nn.seeding import Stream, generator


class TooManyFoldsError(DataError):
    """There are fewer rows or groups than folds.

    Attributes
    ----------
    part
        Whose folds they are: ``test`` or ``validation``.
    found
        How many, of what.
    """

    def __init__(self, part: str, found: str) -> None:
        super().__init__(f"dataset.{part}.folds: {found}")
        self.part, self.found = part, found


def rows_of_splits(
    raw: RawDataset, config: DatasetConfig, seed: int
) -> tuple[Rows, Rows | None, Rows]:
    """Row numbers of the training, validation and test splits; raises as `make_dataset`."""
    seed = seed if config.split_seed is None else config.split_seed
    rows = np.arange(len(raw.y))
    if config.test_fold is not None:
        usable = rows if raw.test_rows is None else _two_parts(len(rows), raw.test_rows)[0]
        usable = usable if raw.train_rows is None else raw.train_rows
        train, test = _hold_out_fold(raw, usable, config.test_fold, seed, "test")
    elif raw.test_rows is not None:
        test = raw.test_rows
        train = _two_parts(len(rows), test)[0] if raw.train_rows is None else raw.train_rows
    else:
        assert not isinstance(config, (IsoletDataset, XorDataset))
        assert not isinstance(config.test, Fold)
        train, test = _hold_out(raw, rows, config.test, seed, "test")
    match config.validation:
        case str():
            return train, None, test
        case Fold():
            train, validation = _hold_out_fold(raw, train, config.validation, seed, "validation")
        case _:
            train, validation = _hold_out(raw, train, config.validation, seed, "validation")
    return train, validation, test


def _hold_out(
    raw: RawDataset, rows: Rows, holdout: Holdout, seed: int, part: str
) -> tuple[Rows, Rows]:
    """Divide `rows` of a data set; errors speak of the key ``dataset.<part>``."""
    # A stream for each part, so that asking for a validation split does not move the test split.
    rng = generator(seed, Stream.TEST_SPLIT if part == "test" else Stream.VALIDATION_SPLIT)
    if holdout.by == "rows":
        _require_two_rows_a_class(raw, rows, part)
        kept, held = split_rows(raw.y[rows], holdout.fraction, rng)
        return rows[kept], rows[held]
    groups = _groups_of(raw, rows, holdout, part)
    kept, held = split_groups(groups, holdout.fraction, rng, _strata_of(raw, rows))
    _require_all_classes(raw, rows, kept, holdout, part)
    return rows[kept], rows[held]


def _hold_out_fold(
    raw: RawDataset, rows: Rows, fold: Fold, seed: int, part: str
) -> tuple[Rows, Rows]:
    """Divide `rows` of a data set into a fold and all others."""
    stream = Stream.OUTER_FOLDS if part == "test" else Stream.FOLDS
    rng = generator(seed, stream, fold.repeat)
    if fold.by == "rows":
        _require_two_rows_a_class(raw, rows, part)
        _require_enough(raw, len(rows), fold, part)
        folds = folds_of_rows(raw.y[rows], fold.folds, rng)
    else:
        groups = _groups_of(raw, rows, fold, part)
        _require_enough(raw, len(np.unique(groups)), fold, part)
        folds = folds_of_groups(groups, fold.folds, rng, _strata_of(raw, rows))
    kept, held = _two_parts(len(rows), np.flatnonzero(folds == fold.fold))
    _require_all_classes(raw, rows, kept, fold, part)
    return rows[kept], rows[held]


def _require_enough(raw: RawDataset, members: int, fold: Fold, part: str) -> None:
    if members < fold.folds:
        name = "row" if fold.by == "rows" else fold.by
        whole = "the training part of " if part == "validation" else ""
        found = f"found {fold.folds}, but {whole}{raw.source} has only {counted(members, name)}"
        raise TooManyFoldsError(part, f"{found} to divide among them")


def _require_all_classes(
    raw: RawDataset, rows: Rows, kept: Rows, holdout: Holdout | Fold, part: str
) -> None:
    """Refuse a division that leaves a class without a row to train on."""
    lost = np.setdiff1d(raw.y[rows], raw.y[rows[kept]])
    if len(lost):
        remedy = "more folds" if isinstance(holdout, Fold) else "a smaller fraction"
        raise DataError(
            f"dataset.{part}: no row of class {_names(raw, lost)} is left to train on, all are "
            f"of {holdout.by}s held out; choose {remedy} or another dataset.split_seed"
        )


def _require_two_rows_a_class(raw: RawDataset, rows: Rows, part: str) -> None:
    counts = np.bincount(raw.y[rows], minlength=len(raw.classes))
    scarce = np.flatnonzero(counts < 2)
    if len(scarce):
        raise DataError(
            f"dataset.{part}: too few rows of class {_names(raw, scarce)} in {raw.source}: a "
            f"split by rows needs two of every class, one to train on and one to hold out "
            f"(found {counts.min()} among {len(rows)} rows)"
        )


def _groups_of(
    raw: RawDataset, rows: Rows, holdout: Holdout | Fold, part: str
) -> NDArray[np.int64]:
    if raw.groups is None:
        remedy = "set dataset.group" if holdout.by == "group" else "use by: rows"
        raise ConfigError(
            f"dataset.{part}.by: found {holdout.by}, but {raw.source} has no {holdout.by}s that "
            f"can be told apart; {remedy}"
        )
    groups = raw.groups[rows]
    if len(np.unique(groups)) < 2:
        raise DataError(
            f"dataset.{part}: only one {raw.group_name} is left in {raw.source}; holding out "
            f"by {holdout.by} needs two"
        )
    return groups


def _strata_of(raw: RawDataset, rows: Rows) -> NDArray[np.int64] | None:
    return None if raw.strata is None else raw.strata[rows]


def _names(raw: RawDataset, labels: NDArray[np.int64]) -> str:
    names = [raw.classes[label] for label in labels[:5]]
    return ", ".join(names) + (", ..." if len(labels) > 5 else "")


def split_rows(
    y: NDArray[np.int64], fraction: float, rng: np.random.Generator
) -> tuple[Rows, Rows]:
    """Draw a share of the rows of every class.

    Parameters
    ----------
    y
        (n,) class indices; a class that occurs at all must occur twice.
    fraction
        Share to hold out, between 0 and 1. Each class gives its share rounded to the nearest
        row, but at least one row and never all.

    Returns
    -------
    kept, held
        Ascending row numbers; together all rows.

    Raises
    ------
    ValueError
        If a class has a single row, or there are no rows.
    """
    held = [_draw(np.flatnonzero(y == label), fraction, rng) for label in np.unique(y)]
    return _two_parts(len(y), np.concatenate(held) if held else np.arange(0))


def split_groups(
    groups: NDArray[np.int64],
    fraction: float,
    rng: np.random.Generator,
    strata: NDArray[np.int64] | None = None,
) -> tuple[Rows, Rows]:
    """Draw a share of the groups, with all their rows.

    Parameters
    ----------
    groups
        (n,) group of each row; at least two different ones.
    fraction
        Share of the groups to hold out, rounded to the nearest group, but at least one and
        never all.
    strata
        (n,) stratum of each row's group, of each of which the same share is held out, up to one
        group; None where all are alike.

    Returns
    -------
    kept, held
        Ascending row numbers; together all rows. No group is in both.

    Raises
    ------
    ValueError
        If there are fewer than two groups.
    """
    members, first = np.unique(groups, return_index=True)
    shuffled = rng.permutation(len(members))
    if strata is not None:
        # How far into its stratum a group is decides: a share of each is among the first.
        shuffled = shuffled[np.argsort(_places(strata[first[shuffled]]), kind="stable")]
    held = members[shuffled[: _share_of(len(members), fraction)]]
    return _two_parts(len(groups), np.flatnonzero(np.isin(groups, held)))


def folds_of_rows(y: NDArray[np.int64], folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Divide the rows of every class evenly among folds.

    Parameters
    ----------
    y
        (n,) class indices.
    folds
        Number of folds, at most n.

    Returns
    -------
    The fold (n,) of each row, 0 .. folds - 1. The rows of a class, and all rows, are as many in
    each fold, up to one.

    Raises
    ------
    ValueError
        If there are fewer rows than folds.
    """
    shuffled = rng.permutation(len(y))
    by_class = shuffled[np.argsort(y[shuffled], kind="stable")]
    fold = np.empty(len(y), np.int64)
    # Dealt out like cards, the next class beginning where the last one ended.
    fold[by_class] = np.arange(len(y)) % _at_most(folds, len(y))
    return fold


def folds_of_groups(
    groups: NDArray[np.int64],
    folds: int,
    rng: np.random.Generator,
    strata: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """Divide groups among folds, so that all have about as many rows.

    Groups in random order, the larger ones first, each join the fold with the fewest rows so far
    (R. L. Graham, "Bounds on multiprocessing timing anomalies", SIAM Journal on Applied
    Mathematics 17 (1969) 416-429). Where groups are of one size, so are folds, up to one group.
    With strata this is done one stratum after another, by the rows of the stratum, and by all rows
    where these are as many.

    Parameters
    ----------
    groups
        (n,) group of each row.
    folds
        Number of folds, at most the number of different groups.
    strata
        (n,) stratum of each row's group, of each of which the folds have about as many rows; None
        where all are alike.

    Returns
    -------
    The fold (n,) of each row, 0 .. folds - 1. All rows of a group are in the same one.

    Raises
    ------
    ValueError
        If there are fewer groups than folds.
    """
    _, first, group, sizes = np.unique(
        groups, return_index=True, return_inverse=True, return_counts=True
    )
    stratum = np.zeros(len(sizes), np.int64) if strata is None else strata[first]
    rows = np.zeros(_at_most(folds, len(sizes)), np.int64)
    fold_of_group = np.empty(len(sizes), np.int64)
    shuffled = rng.permutation(len(sizes))
    shuffled = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    for one in np.unique(stratum):
        rows_of_stratum = np.zeros(folds, np.int64)
        for number in shuffled[stratum[shuffled] == one]:
            fold = np.lexsort([rows, rows_of_stratum])[0]
            fold_of_group[number] = fold
            rows[fold] += sizes[number]
            rows_of_stratum[fold] += sizes[number]
    return fold_of_group[group]


def _places(strata: NDArray[np.int64]) -> NDArray[np.float64]:
    """How far into its stratum (0 to 1) each member is, counted in their order."""
    places = np.empty(len(strata))
    for one in np.unique(strata):
        members = np.flatnonzero(strata == one)
        places[members] = (np.arange(len(members)) + 0.5) / len(members)
    return places


def _at_most(folds: int, members: int) -> int:
    if members < folds:
        raise ValueError(f"cannot divide {members} members among {folds} folds")
    return folds


def _draw(
    members: NDArray[np.int64], fraction: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    return rng.permutation(members)[: _share_of(len(members), fraction)]


def _share_of(n: int, fraction: float) -> int:
    """How many of n members are held out."""
    if n < 2:
        raise ValueError("cannot divide fewer than two members between two parts")
    return min(max(1, round(n * fraction)), n - 1)


def _two_parts(n: int, held: NDArray[np.int64]) -> tuple[Rows, Rows]:
    is_held = np.zeros(n, dtype=bool)
    is_held[held] = True
    return np.flatnonzero(~is_held), np.flatnonzero(is_held)
