"""Learning of the training rows how cells become the network's inputs."""

from __future__ import annotations

from isolet_nn.config.datasets import DatasetConfig
from isolet_nn.data.preprocessing import InputColumn, Preprocessing
from isolet_nn.data.raw import RawDataset, Rows
from isolet_nn.data.scaling import measure


def fit(raw: RawDataset, rows: Rows, config: DatasetConfig) -> Preprocessing:
    """What `config` says is to be learned, learned of `rows` alone.

    Raises
    ------
    DataError
        If a number is too large to be standardised.
    """
    means: list[float | None] = [None] * raw.n_columns
    scales = means
    if config.standardize:
        scaler = measure(raw, rows, one_scale=config.standardize == "global")
        means, scales = scaler.mean.tolist(), scaler.scale.tolist()
    inputs = tuple(
        InputColumn(column.name, mean=mean, scale=scale)
        for column, mean, scale in zip(raw.columns, means, scales, strict=True)
    )
    return Preprocessing(inputs, raw.classes, raw.label, raw.group_name)
