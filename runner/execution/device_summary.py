"""How runs are trained on this machine, and why: printed before the first run."""

from __future__ import annotations

from pathlib import Path

from runner.execution.machine import cores, gpus

CPU_INFO = Path("/proc/cpuinfo")


def choices(device: str = "auto") -> dict[str, str]:
    """Name of each choice -> a description. Devices are found without torch, see `gpus`."""
    found, count = gpus(device), cores()
    workers = len(found) or count
    loaders = max(1, count // workers)
    helpers = f"{loaders} loader process{'es' * (loaders > 1)} a run"
    files = f"image files are decoded once into an image cache, or in every epoch by {helpers}"
    if found:
        return {
            "runs": f"one at a time on each of {len(found)} GPUs ({', '.join(found)}), in "
            "processes that train many runs; --per-gpu K for more",
            "images": f"small sets whole on the GPU as uint8; {files}",
            "augmentation": "in batches on the GPU, with random numbers from the CPU; nothing "
            "is read back before an epoch's end",
            "kernels": "fused optimizers, cuDNN's fastest convolutions (timed at the start), no "
            "TF32; turn on the tricks tf32, bf16, channels-last and compile if you "
            "want them",
            "bits": "two runs with the same id may differ in their last digits",
        }
    return {
        "runs": f"{workers} at a time, one per core, each in its own process with one thread",
        "images": f"small sets whole in memory as uint8; {files}, which also augment them",
        "augmentation": "in batches, every image with its own random numbers",
        "kernels": f"fused optimizers; bf16 {_bf16()}; compile costs a minute a run",
        "bits": "the same for any number of workers and loader processes",
    }


def _bf16() -> str:
    try:
        flags = CPU_INFO.read_text()
    except OSError:
        return "may or may not be faster on this CPU"
    units = [name for name in ("amx_bf16", "avx512_bf16") if name in flags]
    return f"may be faster, this CPU has {units[0]}" if units else "is not faster on this CPU"
