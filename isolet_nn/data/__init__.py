"""Data sets by name: found, checked, cached, split and preprocessed as an experiment asks for.

`catalog` is the register of data sets, and `kind` says what the file of one has to offer:
`isolet` (its files: `isolet_files`, `lzw`), `bundled`, `xor`, `plane` (moons, spirals), `csv_table`
and `openml`; the last two have `columns` in common, and make a `table`. They make a `raw` data set,
kept in the `cache`; `splits` divides it, and `preprocessing`, which `fitting` learns from the
training part (`scaling`: means and deviations), makes of it the `dataset` that a network is trained
on.

Files of tables are read by `reading`, in blocks of `cells`: text by `csv_text` and `csv_pieces`,
Parquet by `parquet`. Of a block `csv_table` makes what `layout` and `sheet` say, with `categories`.
`inspection` looks at a table that has no config yet, and `advice` proposes one.

Importing this package is cheap; what reads a particular kind of data is imported when it is used.
"""

from __future__ import annotations

from isolet_nn.config.datasets import DatasetConfig
from isolet_nn.data.catalog import load_raw
from isolet_nn.data.dataset import Dataset, Split, make_dataset
from isolet_nn.data.preprocessing import Preprocessing
from isolet_nn.data.raw import RawDataset, Rows
from isolet_nn.data.splits import rows_of_splits

__all__ = [
    "Dataset",
    "Preprocessing",
    "RawDataset",
    "Split",
    "load_dataset",
    "load_raw",
    "load_test_rows",
    "rows_of_splits",
]


def load_dataset(
    config: DatasetConfig,
    seed: int,
    dtype: str = "float32",
    preprocessing: Preprocessing | None = None,
) -> Dataset:
    """Read a data set, split it and make the network's inputs of its cells.

    Parameters
    ----------
    config
        The experiment's ``dataset`` section.
    seed
        Seed of random splits, unless the config has a ``split_seed``.
    dtype
        Type of the features.
    preprocessing
        Used as it is, for instance a stored model's; None fits one on the training part.

    Raises
    ------
    DataError
        If the data is missing, malformed, not what it claims to be, or too small for the splits.
    ConfigError
        If a split is asked for by groups the data does not have.
    DownloadError
        If the data had to be downloaded and could not be.
    """
    return make_dataset(load_raw(config), config, seed, dtype, preprocessing)


def load_test_rows(config: DatasetConfig, seed: int) -> Rows:
    """Numbers of the rows in the test split, in its order; raises as :func:`load_dataset`.

    Of data with the same checksum, the same numbers are the same rows.
    """
    return rows_of_splits(load_raw(config), config, seed)[2]
