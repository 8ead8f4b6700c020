"""The cores and GPUs of this machine, as far as they can be found without torch."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tricks.errors import BadInput

# One thread a run on CPU: read by the BLAS and OpenMP libraries when they are first loaded.
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
DEVICES = Path("/dev")
KFD = Path("/sys/class/kfd/kfd/topology/nodes")  # AMD's GPUs, and the CPU with the gpu_id 0


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS


def gpus(device: str) -> tuple[str, ...]:
    """The GPUs that runs will use, as names for CUDA_VISIBLE_DEVICES; none: the CPU.

    GPUs are found without torch. CUDA numbers the visible GPUs from 0 on, whatever numbers their
    device files have. It reads the list in CUDA_VISIBLE_DEVICES up to the first number without a
    GPU. Names and UUIDs, also of MIG slices, are taken as they are. device: auto, cpu, cuda or
    cuda:N. Raises BadInput for an N without a GPU.
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
        have = f"the GPUs here are {', '.join(found)}" if found else "there is no GPU here"
        because = "" if visible is None else f" (CUDA_VISIBLE_DEVICES={visible})"
        raise BadInput(f"--device {device}: {have}{because}, counted from cuda:0")
    return (str(number),)  # the system may show GPUs in another way: torch will find out


def _no_gpu(name: str, found: Sequence[str]) -> bool:
    return name.isdecimal() and name not in found


def _shown() -> int:
    """The number of GPUs of the system that torch can use."""
    nvidia = sum(1 for path in DEVICES.glob("nvidia*") if path.name[len("nvidia") :].isdecimal())
    # WSL and NVIDIA's Jetson show their GPU differently.
    one = any((DEVICES / name).exists() for name in ("dxg", "nvhost-gpu", "nvgpu"))
    amd = 0
    if (DEVICES / "kfd").exists():
        amd = sum(1 for node in KFD.glob("*/gpu_id") if node.read_text().strip() not in ("", "0"))
        amd = amd or len(list(DEVICES.glob("dri/renderD*")))
    return nvidia or int(one) or amd


class Share(NamedTuple):
    """One run's share of this machine. at_a_time: runs that share a GPU, or the cores."""

    gpus: tuple[str, ...]  # of all runs; see `gpus`
    at_a_time: int
    cores: int


def share(device: str, workers: int) -> Share:
    """A run's share if `workers` runs are trained in parallel. Raises BadInput as `gpus` does."""
    found = gpus(device)
    return Share(found, -(-workers // max(len(found), 1)), max(1, cores() // workers))


def on_gpu(device: str) -> bool:
    """Whether runs will use a GPU; see `gpus`."""
    return bool(gpus(device))


def at_a_time(workers: int | None, per_gpu: int | None, device: str) -> int:
    """The number of parallel runs. Raises BadInput for an impossible device or number."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device, re.ASCII):
        raise BadInput(f"--device {device}: choose auto, cpu, cuda or cuda:0 (a GPU's number)")
    for option, count in (("--workers", workers), ("--per-gpu", per_gpu)):
        if count is not None and count < 1:
            raise BadInput(f"{option} must be at least 1, not {count}")
    if per_gpu is not None:
        if workers is not None:
            raise BadInput(
                "--workers and --per-gpu both set the number of parallel runs: give one of them"
            )
        if not gpus(device):
            raise BadInput("--per-gpu: there is no GPU here; use --workers N for N parallel runs")
    return workers or (per_gpu or 1) * len(gpus(device)) or cores()
