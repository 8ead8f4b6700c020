"""What runs are trained with on this machine, and why: said before anything is trained."""

from __future__ import annotations

from pathlib import Path

from runner.execution.machine import cores, gpus

CPU_INFO = Path("/proc/cpuinfo")


def choices(device: str = "auto") -> dict[str, str]:
    """Name of each choice -> what it is; see `gpus` for how devices are found, without torch."""
    found, count = gpus(device), cores()
    workers = len(found) or count
    loaders = max(1, count // workers)
    helpers = f"{loaders} loader process{'es' * (loaders > 1)} a run"
    files = f"files are decoded once into an image cache, or else by {helpers}"
    if found:
        return {
            "runs": f"one at a time on each of {len(found)} GPUs ({', '.join(found)}), in "
            "processes that live for many runs; --per-gpu K for more",
            "images": f"small sets whole on the GPU as uint8; {files}",
            "augmentation": "in batches on the GPU, from draws made on the CPU; nothing is read "
            "back before an epoch's end",
            "kernels": "fused optimizers, cuDNN's fastest convolutions (timed at the start), no "
            "TF32; the tricks tf32, bf16, channels-last and compile are yours to turn on",
            "bits": "two runs of one spec may differ in their last digits",
        }
    return {
        "runs": f"{workers} at a time, one a core, each in a process of its own with one thread",
        "images": f"small sets whole in memory as uint8; {files}, which augment them, too",
        "augmentation": "in batches, every image with draws of its own",
        "kernels": f"fused optimizers; bf16 {_bf16()}; compile costs a minute a run",
        "bits": "the same at any number of workers and loader processes",
    }


def _bf16() -> str:
    try:
        flags = CPU_INFO.read_text()
    except OSError:
        return "may or may not pay on this CPU"
    units = [name for name in ("amx_bf16", "avx512_bf16") if name in flags]
    return f"may pay, this CPU has {units[0]}" if units else "does not pay on this CPU"
