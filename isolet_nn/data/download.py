"""Downloading ISOLET, from the UCI archive or else from OpenML.

A file gets its name only when it is complete and what it should be; an interrupted download
leaves nothing behind that could be taken for it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from isolet_nn.data import isolet_files
from isolet_nn.data.cache import lock
from isolet_nn.data.isolet_files import ARCHIVE, N_FEATURES, N_TEST, N_TRAIN, SINGLE_FILE, Source
from isolet_nn.errors import DataError, DownloadError
from isolet_nn.files import whole_file

UCI_URL = "https://archive.ics.uci.edu/static/public/54/isolet.zip"
OPENML_ID = 300

RETRIES = 3
_SECONDS_OF_SILENCE = 30.0
_CHUNK = 1 << 16


def isolet(folder: Path, url: str = UCI_URL, openml_id: int = OPENML_ID) -> Source:
    """Download ISOLET into `folder`, unless another process has just done it.

    Raises
    ------
    DownloadError
        If neither place delivers it, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DownloadError(f"ISOLET cannot be downloaded to {folder}: {error}") from None
    with lock(folder / ".lock"):
        found = isolet_files.find(folder)
        if found is None:
            _from_anywhere(folder, url, openml_id)
            found = isolet_files.find(folder)
    if found is None:
        raise DownloadError(f"ISOLET was downloaded to {folder}, but is no longer there")
    return found


def _from_anywhere(folder: Path, url: str, openml_id: int) -> None:
    try:
        from_uci(folder, url)
        return
    except DownloadError as error:
        first = error
    try:
        from_openml(folder, openml_id)
    except DownloadError as second:
        raise DownloadError(
            f"ISOLET could not be downloaded.\n{first}\n{second}\n"
            f"Get {UCI_URL} in another way and name its folder as dataset.dir (--data-dir) or in "
            "ISOLET_NN_DATA_DIR."
        ) from None


def from_uci(folder: Path, url: str) -> None:
    """Download UCI's archive, trying again a few times.

    Raises
    ------
    DownloadError
        If it cannot be had, or what comes is not the archive.
    """
    import pooch

    def download(address: str, file: str, _: object) -> None:
        _get(address, Path(file))
        try:
            isolet_files.read_archive(Path(file))
        except DataError as error:
            # Of the errors that make pooch try again, without giving the file its name.
            raise ValueError(str(error).replace(file, "what came")) from None

    pooch.get_logger().setLevel("WARNING")
    fetcher = pooch.create(
        folder, base_url="", registry={ARCHIVE: None}, urls={ARCHIVE: url}, retry_if_failed=RETRIES
    )
    try:
        fetcher.fetch(ARCHIVE, downloader=download)
    except (OSError, ValueError) as error:
        raise DownloadError(f"{url}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    """What went wrong, without the connection pools that requests wraps around it."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    if not isinstance(reason, Exception):
        return str(error)
    cause = reason.args[-1] if isinstance(reason.args[-1], Exception) else reason
    text = str(cause)
    return text.partition("): ")[2] or text


def from_openml(folder: Path, openml_id: int) -> None:
    """Fetch OpenML's copy, and keep it as UCI would have written it to one file.

    Raises
    ------
    DownloadError
        If it cannot be had, or what comes is not ISOLET.
    """
    from sklearn.datasets import fetch_openml

    source = f"OpenML data set {openml_id}"
    try:
        bunch = fetch_openml(data_id=openml_id, as_frame=False, parser="liac-arff", cache=False)
        x = np.asarray(bunch.data, dtype=np.float64)
        y = np.asarray([float(label) for label in bunch.target])
    except Exception as error:  # its parser and its HTTP library each raise errors of their own
        raise DownloadError(f"{source}: {error}") from None
    if x.shape != (N_TRAIN + N_TEST, N_FEATURES):
        raise DownloadError(f"{source}: found rows and features {x.shape}, which is not ISOLET")
    names = [*(f"attribute{i}" for i in range(1, N_FEATURES + 1)), "class"]
    try:
        with whole_file(folder / SINGLE_FILE) as path:
            np.savetxt(
                path,
                np.column_stack([x, y]),
                fmt=["%.4f"] * N_FEATURES + ["%d"],
                delimiter=",",
                header=",".join(names),
                comments="",
            )
    except OSError as error:
        raise DownloadError(f"{source}: cannot be kept in {folder}: {error}") from None


def _get(url: str, file: Path) -> None:
    """Write what an address delivers to a file, with a bar on stderr."""
    import requests
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    columns = ("Downloading ISOLET", BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with (
        requests.get(url, stream=True, timeout=_SECONDS_OF_SILENCE) as response,
        file.open("wb") as out,
        Progress(*columns, console=Console(stderr=True)) as bar,
    ):
        response.raise_for_status()
        length = response.headers.get("content-length", "")
        task = bar.add_task("", total=int(length) if length.isdigit() else None)
        for chunk in response.iter_content(_CHUNK):
            out.write(chunk)
            bar.advance(task, len(chunk))
            if out.tell() > isolet_files.MAX_BYTES:
                raise ValueError(f"more than {isolet_files.MAX_BYTES:,} bytes, this is not ISOLET")
