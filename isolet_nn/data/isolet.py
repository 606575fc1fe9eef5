"""ISOLET: spoken letters of 150 people, from inside the package or a person's own copy.

Either is checked and cached. The speakers, which the files do not name, are derived from the order
of the rows.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.config.datasets import IsoletDataset
from isolet_nn.data import cache, isolet_files
from isolet_nn.data.cache import ParsedData
from isolet_nn.data.isolet_files import (
    EMBEDDED,
    N_FEATURES,
    N_LABELS,
    N_TEST,
    N_TRAIN,
    PARTS,
    QUANTUM,
    IsoletRows,
    Source,
)
from isolet_nn.data.kind import DatasetInfo, DatasetKind, with_data
from isolet_nn.data.raw import RawDataset
from isolet_nn.data.table import Column
from isolet_nn.errors import DataError

_CITATION = (
    "Cole, R. and Fanty, M. (1994). ISOLET [data set]. UCI Machine Learning Repository. "
    "https://doi.org/10.24432/C51G69"
)

DATA_VARIABLE = "ISOLET_NN_DATA_DIR"
CLASSES = tuple(ascii_uppercase)
_COLUMNS = tuple(Column(f"f{number}") for number in range(1, N_FEATURES + 1))

# content_checksum of the rows of each part, in any order.
CHECKSUMS = {
    PARTS[0]: "ab76edf9e6a6d11cce4bdfce546735f43588e9a9d5eda52bab05584f3502361c",
    PARTS[1]: "fe12df839d1cf3044152db236d3a47c9f8ac613815d8f017683c97c71075b0d5",
}
# The same of all rows with their speakers before them: equal only if the order gives the speakers.
SPEAKERS_CHECKSUM = "40c73648f4eb4c75b1fd64494040fcf24902ee4fd947bad48f5077bb1c19b3d8"

# Rows of isolet1, 2, 3 and 4 in the training part.
_QUARTERS = (1560, 1560, 1560, 1558)
# Speakers of isolet4 of whom the second F is missing (of 60).
_NO_SECOND_F = (24, 48)
_F = CLASSES.index("F")
# Speakers 0 to 29 and 60 to 89 are of one sex, 30 to 59 and 90 to 119 of the other: a linear model
# that tells isolet1's from isolet2's is right for 57 of 60 that it has not heard, and puts 28 of 30
# and 29 of 30 of the others so. Parts by speaker take as many of each block.
_BLOCK_OF_SPEAKERS = 30


def load(config: IsoletDataset) -> RawDataset:
    """Find ISOLET, check it, and return its rows.

    Raises
    ------
    DataError
        If a folder was named and holds no ISOLET, a file is malformed, the content is not
        ISOLET's (and ``verify`` is on), or speakers are asked for and cannot be told.
    """
    source = locate(config.dir)
    parsed = read(source)
    if config.verify and not is_genuine(parsed):
        raise DataError(explain_mismatch(source))
    speakers = parsed.arrays.get("speakers")
    wanting = [
        key
        for key in ("standardize", "test", "validation")
        if getattr(getattr(config, key), "by", None) == "speaker"
    ]
    if speakers is None and wanting:
        raise DataError(
            f"dataset.{wanting[0]}.by: found speaker, but {source} does not have its rows in the "
            "archive's order, which alone tells the speakers; use the files as UCI offers them, "
            f"or {'true' if wanting[0] == 'standardize' else 'by: rows'}"
        )
    rows = parsed.arrays["rows"]
    return RawDataset(
        name="isolet",
        stored=rows[:, :N_FEATURES],
        quantum=QUANTUM,
        y=rows[:, N_FEATURES].astype(np.int64) - 1,
        classes=CLASSES,
        groups=speakers,
        group_name=None if speakers is None else "speaker",
        strata=None if speakers is None else speakers // _BLOCK_OF_SPEAKERS,
        test_rows=np.arange(parsed.facts["n_train"], len(rows)),
        checksum=parsed.checksums["rows"],
        source=str(source),
        columns=_COLUMNS,
    )


def locate(folder: str | None) -> Source:
    """The files to use: in `folder`, else in ISOLET_NN_DATA_DIR, else the embedded data.

    Raises
    ------
    DataError
        If `folder` or the variable names a folder that does not hold ISOLET.
    """
    for key, value in (("dataset.dir", folder), (DATA_VARIABLE, os.environ.get(DATA_VARIABLE))):
        if value:
            named = Path(value).expanduser()
            source = isolet_files.find(named)
            if source is None:
                raise DataError(f"{key}: {isolet_files.what_is_missing(named)}")
            return source
    return EMBEDDED


def read(source: Source) -> ParsedData:
    """Rows and speakers of ISOLET, from the cache where possible.

    Returns
    -------
    ParsedData
        Arrays ``rows`` (n, 618) int16 (features in ten-thousandths, then the label) and, unless the
        order of the rows is not the archive's, ``speakers`` (n,); facts ``n_train`` and
        ``checksums`` by part.

    Raises
    ------
    DataError
        If a file is damaged or malformed.
    """

    def build() -> ParsedData:
        parts = isolet_files.read(source)
        rows = np.concatenate([part.rows for part in parts])
        checksums = {
            name: content_checksum(part.rows) for name, part in zip(PARTS, parts, strict=True)
        }
        arrays: dict[str, NDArray[Any]] = {"rows": rows}
        n_train = len(parts[0].rows)
        speakers = derive_speakers(rows[:, N_FEATURES].astype(np.int64) - 1, n_train)
        if speakers is not None and (
            checksums != CHECKSUMS
            or content_checksum(np.column_stack([speakers, rows])) == SPEAKERS_CHECKSUM
        ):
            arrays["speakers"] = speakers
        return ParsedData(arrays, {"n_train": n_train, "checksums": checksums})

    state = [cache.file_state(path) for path in source.paths]
    identity = [str(path.resolve()) for path in source.paths]
    return cache.get_or_build("isolet", identity, state, build)


def is_genuine(parsed: ParsedData) -> bool:
    """Whether the rows are those of ISOLET, in whatever order."""
    return bool(parsed.facts["checksums"] == CHECKSUMS)


def content_checksum(rows: NDArray[Any]) -> str:
    """SHA-256 of rows of 16-bit numbers, sorted lexicographically: the same for any order.

    Parameters
    ----------
    rows
        (n, columns) whole numbers that fit into 16 bits.
    """
    # Big-endian with the sign bit turned, bytes sort as the numbers do.
    keys = (rows.astype(np.uint16) ^ 0x8000).astype(">u2")
    order = sorted(range(len(rows)), key=[key.tobytes() for key in keys].__getitem__)
    return hashlib.sha256(rows[order].astype("<i2").tobytes()).hexdigest()


def derive_speakers(y: NDArray[np.int64], n_train: int) -> NDArray[np.int64] | None:
    """Speaker of every row, from the order of the rows.

    Speakers 0 to 29 spoke isolet1 and 30 to 59 isolet2, each letter twice in a row; 60 to 119
    spoke isolet3 once and isolet4 once more; 120 to 149 spoke isolet5, one speaker after another.

    Parameters
    ----------
    y
        (n,) class indices 0 to 25 in the archive's order, the test part last.
    n_train
        Rows of the training part.

    Returns
    -------
    ndarray or None
        (n,) speakers, or None if the numbers of letters show that the order is another.
    """
    if n_train != N_TRAIN or len(y) != N_TRAIN + N_TEST:
        return None
    speakers = np.empty(len(y), dtype=np.int64)
    quarter = np.repeat(np.arange(4), _QUARTERS)
    everyone = np.arange(60)
    heard_twice = np.setdiff1d(everyone, _NO_SECOND_F)
    for letter in range(N_LABELS):
        last = heard_twice if letter == _F else everyone
        # Who is heard with a letter's first, second, ... row in isolet1, 2, 3 and 4.
        by_rank = (everyone // 2, 30 + everyone // 2, 60 + everyone, 60 + last)
        for part, speaker in enumerate(by_rank):
            rows = np.flatnonzero((y[:N_TRAIN] == letter) & (quarter == part))
            if len(rows) != len(speaker):
                return None
            speakers[rows] = speaker
    # In isolet5 each speaker goes from A to Z: where the letters fall back, the next one begins.
    falls = np.cumsum(np.diff(y[N_TRAIN:], prepend=0) < 0)
    if falls[-1] != 29:
        return None
    speakers[N_TRAIN:] = 120 + falls
    return speakers


def explain_mismatch(source: Source) -> str:
    """Read the files once more to say how they differ from ISOLET, and what to do about it."""
    complaints = [
        f"{part.where}: the content is not that of {name}: {_difference(part, name)}"
        for name, part in zip(PARTS, isolet_files.read(source), strict=True)
        if content_checksum(part.rows) != CHECKSUMS[name]
    ]
    advice = "To use it as it is, set dataset.verify: false."
    return "\n".join([*complaints, advice])


def _difference(part: IsoletRows, name: str) -> str:
    genuine = isolet_files.read(EMBEDDED)[PARTS.index(name)]
    counts = f"found {len(part.rows):,} rows, expected {len(genuine.rows):,}"
    remaining = Counter(row.tobytes() for row in genuine.rows)
    for row, line in zip(part.rows, part.lines, strict=True):
        content = row.tobytes()
        if not remaining[content]:
            what = "a row twice" if content in remaining else "not a row of it"
            label = CLASSES[row[N_FEATURES] - 1]
            return f"{counts}; line {line} is the first that is wrong ({what}, label {label})"
        remaining[content] -= 1
    return f"{counts}; all rows found belong to it, but {remaining.total()} are missing"


def _outline(folder: str | None = None) -> DatasetInfo:
    try:
        source, available = str(locate(folder)), True
    except DataError as error:
        source, available = str(error), False
    return DatasetInfo(
        name="isolet",
        description="spoken letters A to Z: 617 acoustic features, 150 speakers",
        source=source,
        available=available,
        rows=N_TRAIN + N_TEST,
        train_rows=N_TRAIN,
        test_rows=N_TEST,
        features=N_FEATURES,
        classes=CLASSES,
        group_name="speaker",
        groups=150,
        licence="CC BY 4.0",
        citation=_CITATION,
    )


def _describe(config: IsoletDataset) -> DatasetInfo:
    source = locate(config.dir)
    parsed = read(source)
    speakers = "speakers" in parsed.arrays
    if not is_genuine(parsed):
        verdict = f"not ISOLET: {explain_mismatch(source)}"
    elif speakers:
        verdict = "genuine: the content and the speakers are those of ISOLET"
    else:
        verdict = "genuine content, but not in the archive's order: speakers cannot be told"
    unchecked = config.model_copy(update={"verify": False, "validation": "none"})
    return with_data(
        _outline(config.dir),
        load(unchecked),
        part_checksums=dict(parsed.facts["checksums"]),
        verdict=verdict,
    )


KIND = DatasetKind(load, lambda: [_outline()], _describe)
