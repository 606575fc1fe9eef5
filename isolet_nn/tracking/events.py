"""Files of events, as TensorBoard reads them; written by its own package, without TensorFlow.

Importing it takes 0.3 s of a processor, so it is done when the first event is written.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from isolet_nn.errors import TrackingError

_HEADER, _FOOTER = 12, 4
"""Bytes around a record: its length as 8 of them, and checksums of 4."""


def protos() -> Any:
    """TensorBoard's classes of messages.

    Raises
    ------
    TrackingError
        If it is not installed.
    """
    try:
        from tensorboard.compat.proto import event_pb2, summary_pb2
    except ImportError:
        raise TrackingError("is not installed: pip install 'isolet-nn[tracking]'") from None
    return event_pb2, summary_pb2


def records(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The records of a file, each with the place at which it ends; a torn last one is left out."""
    place = 0
    while place + _HEADER <= len(content):
        (length,) = struct.unpack_from("<Q", content, place)
        end = place + _HEADER + length + _FOOTER
        if end > len(content):
            return
        yield end, content[place + _HEADER : end - _FOOTER]
        place = end


class EventFile:
    """A file of events that is gone on with: what is in it is known, and not written twice.

    Parameters
    ----------
    path
        The file; begun if there is none. A torn last event is cut off.
    started
        When what it tells of began, in seconds since 1970.
    """

    def __init__(self, path: Path, started: float) -> None:
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._events, self._summaries = protos()
        self._known: set[tuple[str, int]] = set()
        whole = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = path.open("r+b" if path.exists() else "w+b")
        for whole, record in records(self._file.read()):  # noqa: B007 - the last is asked for
            event = self._events.Event.FromString(record)
            self._known |= {(value.tag, event.step) for value in event.summary.value}
        self._file.seek(whole)
        self._file.truncate()
        self._writer: Any = RecordWriter(self._file)
        if not whole:
            self._write(self._events.Event(wall_time=started, file_version="brain.Event:2"))

    def scalars(self, step: int, time: float, values: Mapping[str, float]) -> None:
        """Write numbers of a step."""
        made = self._summaries.Summary.Value
        self._add(step, time, [made(tag=tag, simple_value=v) for tag, v in values.items()])

    def picture(self, step: int, time: float, tag: str, path: Path) -> None:
        """Write a picture in PNG."""
        if (tag, step) in self._known:
            return
        png = path.read_bytes()
        width, height = struct.unpack(">II", png[16:24])
        image = self._summaries.Summary.Image(
            height=height, width=width, colorspace=4, encoded_image_string=png
        )
        self._add(step, time, [self._summaries.Summary.Value(tag=tag, image=image)])

    def text(self, step: int, time: float, tag: str, text: str) -> None:
        """Write a text in Markdown."""
        from tensorboard.plugins.text.metadata import create_summary_metadata
        from tensorboard.util.tensor_util import make_tensor_proto

        metadata = create_summary_metadata(display_name=None, description=None)
        tensor = make_tensor_proto([text.encode()])
        value = self._summaries.Summary.Value(tag=tag, metadata=metadata, tensor=tensor)
        self._add(step, time, [value])

    def settings(self, started: float, values: Mapping[str, str | float]) -> None:
        """Write the settings that the page HPARAMS shows."""
        from tensorboard.plugins.hparams.metadata import SESSION_START_INFO_TAG
        from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionStartInfo

        info = SessionStartInfo(start_time_secs=started)
        for key, value in values.items():
            if isinstance(value, str):
                info.hparams[key].string_value = value
            else:
                info.hparams[key].number_value = value
        data = HParamsPluginData(session_start_info=info)
        self._add_of_settings(SESSION_START_INFO_TAG, started, data)

    def columns(self, time: float, settings: Sequence[str], metrics: Sequence[str]) -> None:
        """Write which settings and metrics the page HPARAMS has columns for."""
        from tensorboard.plugins.hparams.api_pb2 import (
            Experiment,
            HParamInfo,
            MetricInfo,
            MetricName,
        )
        from tensorboard.plugins.hparams.metadata import EXPERIMENT_TAG
        from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

        experiment = Experiment(
            hparam_infos=[HParamInfo(name=name) for name in settings],
            metric_infos=[MetricInfo(name=MetricName(tag=tag)) for tag in metrics],
        )
        self._add_of_settings(EXPERIMENT_TAG, time, HParamsPluginData(experiment=experiment))

    def ended(self, time: float, *, failed: bool) -> None:
        """Write for the page HPARAMS that the work is over."""
        from tensorboard.plugins.hparams.api_pb2 import STATUS_FAILURE, STATUS_SUCCESS
        from tensorboard.plugins.hparams.metadata import SESSION_END_INFO_TAG
        from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo

        status = STATUS_FAILURE if failed else STATUS_SUCCESS
        info = SessionEndInfo(status=status, end_time_secs=time)
        self._add_of_settings(SESSION_END_INFO_TAG, time, HParamsPluginData(session_end_info=info))

    def _add_of_settings(self, tag: str, time: float, data: Any) -> None:
        from tensorboard.plugins.hparams.metadata import NULL_TENSOR, create_summary_metadata

        value = self._summaries.Summary.Value(
            tag=tag, metadata=create_summary_metadata(data), tensor=NULL_TENSOR
        )
        self._add(0, time, [value])

    def _add(self, step: int, time: float, values: Sequence[Any]) -> None:
        new = [value for value in values if (value.tag, step) not in self._known]
        if new:
            summary = self._summaries.Summary(value=new)
            self._write(self._events.Event(wall_time=time, step=step, summary=summary))
            self._known |= {(value.tag, step) for value in new}

    def _write(self, event: Any) -> None:
        self._writer.write(event.SerializeToString())

    def flush(self) -> None:
        """Let readers see what was written."""
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
