"""The cores and GPUs of this machine, as far as can be told without importing torch."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tricks.errors import BadInput

DEVICES = Path("/dev")


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS


def gpus(device: str) -> tuple[str, ...]:
    """The GPUs that runs will go to, by their names for CUDA_VISIBLE_DEVICES; none: the CPU.

    As far as can be told without importing torch. `device`: auto, cpu, cuda or cuda:N.
    """
    if device == "cpu":
        return ()
    found = [path.name.removeprefix("nvidia") for path in DEVICES.glob("nvidia[0-9]*")]
    if not found and any(DEVICES.glob("dxg")):  # a GPU as WSL shows it
        found = ["0"]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        found.sort(key=lambda number: (len(number), number))
    elif found or device != "auto":
        found = [part.strip() for part in visible.split(",") if part.strip() not in ("", "-1")]
    if device == "auto":
        return tuple(found)
    if device == "cuda":
        return tuple(found) or ("0",)
    number = int(device.removeprefix("cuda:"))
    return (found[number] if number < len(found) else str(number),)


def on_gpu(device: str) -> bool:
    """Whether runs will go to a GPU; see `gpus`."""
    return bool(gpus(device))


def at_a_time(workers: int | None, per_gpu: int | None, device: str) -> int:
    """How many runs at a time. Raises BadInput for a device or a number that cannot be."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device, re.ASCII):
        raise BadInput(f"--device {device}: choose auto, cpu, cuda or cuda:0 (a GPU's number)")
    for option, count in (("--workers", workers), ("--per-gpu", per_gpu)):
        if count is not None and count < 1:
            raise BadInput(f"{option} must be at least 1, not {count}")
    if per_gpu is not None:
        if workers is not None:
            raise BadInput("--workers and --per-gpu both say how many runs at a time: give one")
        if not gpus(device):
            raise BadInput("--per-gpu: there is no GPU here; --workers N runs N at a time")
    return workers or (per_gpu or 1) * len(gpus(device)) or cores()
