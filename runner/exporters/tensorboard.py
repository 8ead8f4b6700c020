"""TensorBoard: a folder of events for each run, with its hyperparameters."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runner.exporters.run_log import RunLog
from runner.records import atomic_write

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import plugin_data_pb2

NAME = "tensorboard"
LOOK = "tensorboard --logdir {folder}"
FILE = "events.out.tfevents.0.tricks-bench"  # a fixed name, so that a second export replaces it


def write(runs: Sequence[RunLog], folder: Path) -> int:
    """Write `folder`/STUDY/ID/events…: one file per run, always with the same bytes."""
    from tensorboard.summary.writer.record_writer import RecordWriter

    changed = 0
    for run in runs:
        place = folder / run.study / run.id / FILE
        content = io.BytesIO()
        records = RecordWriter(content)
        for event in _events(run):
            records.write(event.SerializeToString(deterministic=True))
        if place.is_file() and place.read_bytes() == content.getvalue():
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        atomic_write.replace(place, content.getvalue())
        changed += 1
    return changed


def _events(run: RunLog) -> list[Event]:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    def scalars(prefix: str, values: Mapping[str, float]) -> Summary:
        return Summary(
            value=[Summary.Value(tag=f"{prefix}/{t}", simple_value=v) for t, v in values.items()]
        )

    start, end = _session(run)
    found = [
        Event(wall_time=run.started, file_version="brain.Event:2"),
        Event(wall_time=run.started, summary=start),
        Event(wall_time=run.started, summary=_texts(run)),
    ]
    found += [
        Event(wall_time=epoch.time, step=epoch.epoch, summary=scalars("epoch", epoch.metrics))
        for epoch in run.epochs
    ]
    last = run.epochs[-1].epoch if run.epochs else 0
    found.append(Event(wall_time=run.ended, step=last, summary=scalars("final", run.metrics)))
    return [*found, Event(wall_time=run.ended, summary=end)]


def _session(run: RunLog) -> tuple[Summary, Summary]:
    """Start and end of a run on TensorBoard's page of hyperparameters."""
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

    def summary(tag: str, data: plugin_data_pb2.HParamsPluginData) -> Summary:
        data.version = metadata.PLUGIN_DATA_VERSION
        content = data.SerializeToString(deterministic=True)
        held = SummaryMetadata.PluginData(plugin_name=metadata.PLUGIN_NAME, content=content)
        return Summary(value=[Summary.Value(tag=tag, metadata=SummaryMetadata(plugin_data=held))])

    started = plugin_data_pb2.SessionStartInfo(start_time_secs=run.started, group_name=run.id)
    for name, value in run.config.items():
        if isinstance(value, bool):
            started.hparams[name].bool_value = value
        elif isinstance(value, str):
            started.hparams[name].string_value = value
        else:
            started.hparams[name].number_value = value
    status = api_pb2.STATUS_SUCCESS if run.state == "ok" else api_pb2.STATUS_FAILURE
    ended = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=run.ended)
    whole = plugin_data_pb2.HParamsPluginData
    return (
        summary(metadata.SESSION_START_INFO_TAG, whole(session_start_info=started)),
        summary(metadata.SESSION_END_INFO_TAG, whole(session_end_info=ended)),
    )


def _texts(run: RunLog) -> Summary:
    """The tags, as TensorBoard's texts."""
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto

    about = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    one = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])

    def tensor(text: str) -> TensorProto:
        return TensorProto(dtype="DT_STRING", string_val=[text.encode()], tensor_shape=one)

    return Summary(
        value=[
            Summary.Value(tag=f"tags/{tag}", metadata=about, tensor=tensor(text))
            for tag, text in run.tags.items()
        ]
    )


WRITE = write
