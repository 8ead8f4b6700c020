"""The cores and GPUs of this machine, as far as can be told without importing torch."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from tricks.errors import BadInput

DEVICES = Path("/dev")
KFD = Path("/sys/class/kfd/kfd/topology/nodes")  # AMD's GPUs and the CPU, whose gpu_id is 0


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS


def gpus(device: str) -> tuple[str, ...]:
    """The GPUs that runs will go to, by their names for CUDA_VISIBLE_DEVICES; none: the CPU.

    As far as can be told without importing torch: CUDA numbers the GPUs that this system shows
    from 0 on, whatever numbers their device files have, and of a list in CUDA_VISIBLE_DEVICES it
    takes what comes before the first number that is none. Names and UUIDs, those of MIG's slices
    too, are left as they are. `device`: auto, cpu, cuda or cuda:N. Raises BadInput for an N that is
    not there.
    """
    if device == "cpu":
        return ()
    found = [str(number) for number in range(_shown())]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and (found or device != "auto"):
        names = [name.strip() for name in visible.split(",")]
        bad = [name in ("", "-1") or (bool(found) and _no_gpu(name, found)) for name in names]
        found = names[: bad.index(True)] if True in bad else names
    if device == "auto":
        return tuple(found)
    number = int(device.partition(":")[2] or 0)
    if number < len(found):
        return tuple(found) if device == "cuda" else (found[number],)
    if found or visible is not None:
        have = f"the GPUs here are {', '.join(found)}" if found else "there is none here"
        because = "" if visible is None else f" (CUDA_VISIBLE_DEVICES={visible})"
        raise BadInput(f"--device {device}: {have}{because}, counted from cuda:0")
    return (str(number),)  # a system that shows GPUs in another way: torch will tell


def _no_gpu(name: str, found: Sequence[str]) -> bool:
    return name.isdecimal() and name not in found


def _shown() -> int:
    """How many GPUs the system shows that torch can use."""
    nvidia = sum(1 for path in DEVICES.glob("nvidia*") if path.name[len("nvidia") :].isdecimal())
    # WSL and NVIDIA's Jetson show one in ways of their own.
    one = any((DEVICES / name).exists() for name in ("dxg", "nvhost-gpu", "nvgpu"))
    amd = 0
    if (DEVICES / "kfd").exists():
        amd = sum(1 for node in KFD.glob("*/gpu_id") if node.read_text().strip() not in ("", "0"))
        amd = amd or len(list(DEVICES.glob("dri/renderD*")))
    return nvidia or int(one) or amd


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
