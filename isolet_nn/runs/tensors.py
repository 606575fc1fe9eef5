"""Weights and states on disk: arrays as safetensors, with one JSON object beside them.

Nothing is pickled, and nothing in a file is taken on trust.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isolet_nn.errors import RunError
from isolet_nn.runs.records import FORMAT, RecordT, check_record
from isolet_nn.system.files import open_file, parse_json, write_bytes

_METADATA_KEY = "isolet_nn"


def save_tensors(
    path: Path, arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any]
) -> None:
    """Write arrays, and an object of JSON to which the format is added."""
    from safetensors.numpy import save

    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    content = json.dumps({"format": FORMAT, **metadata}, allow_nan=False)
    # One key for all metadata: safetensors keeps no order among several, and bytes must be equal.
    write_bytes(path, save(contiguous, {_METADATA_KEY: content}))


def checksum_of(arrays: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 of arrays with their names, shapes and types."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.name} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def load_tensors(path: Path, model: type[RecordT]) -> tuple[dict[str, NDArray[Any]], RecordT]:
    """Read what `save_tensors` wrote; `model` describes the object.

    Raises
    ------
    RunError
        If the file is missing, damaged, or of another format.
    """
    from safetensors import SafetensorError, safe_open

    try:
        open_file(path, limit=sys.maxsize - 1).close()  # what is no file might never end
        with safe_open(path, framework="numpy") as file:
            content = parse_json((file.metadata() or {})[_METADATA_KEY])
            record = check_record(content, model, path)
            return {name: file.get_tensor(name) for name in file.keys()}, record  # noqa: SIM118
    except OSError as error:
        raise RunError(f"{path}: damaged: {error.strerror or error}") from None
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise RunError(f"{path}: damaged, or not written by isolet-nn: {error}") from None
