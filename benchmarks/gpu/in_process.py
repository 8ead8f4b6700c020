"""Checks of the training: waiting for the GPU, differences from the CPU, cost by precision."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from benchmarks.arms import in_a_child, spec
from benchmarks.gpu.check import Check, Found, Place
from runner.images.sources import Resident, Splits
from runner.training import augmentation as aug
from runner.training import memory
from runner.training.device import prepare
from runner.training.evaluation import as_input
from runner.training.model import build
from runner.training.randomness import generator
from runner.training.step import Step
from tricks import compose, parse, registry, resolve
from tricks.errors import BadInput
from tricks.optimizer.sgd import SGD
from tricks.recipe import Recipe
from tricks.schedule.step_decay import StepDecay

RATES = {"sgd": 0.01, "lars": 0.5, "adamw": 0.001}
# Tricks that must wait: Pillow encodes on the CPU, torch's GradScaler checks gradients for
# overflow, and compiling may read any value.
READ = frozenset(("jpeg", "fp16", "compile"))
# Tricks that need another trick, or a network that does not exist here.
OTHERWISE = {
    "mixing-off": ("mixup", "mixing-off(share=0.5)"),
    "ghost-batch-norm": ("ghost-batch-norm(part=4)",),
    "sgd": ("sgd(momentum=0.8)",),
    "step-decay": ("step-decay(milestones=(0.3, 0.6))",),
}
BASELINE = Recipe(width=0.125, optimizer=SGD(), schedule=StepDecay(), epochs=2, batch_size=16)
CLASSES = 4
LEVELS = 1.0  # of 255: largest difference of a transform's images on another device
SHARE = 0.01  # share of values that may differ by more: nearest neighbours at a tie
MODES: dict[str, dict[str, Any]] = {
    "fp32, contiguous": {"channels_last": False},
    "fp32, channels-last": {"channels_last": True},
    "tf32, channels-last": {"channels_last": True, "precision": "tf32"},
    "bf16, channels-last": {"channels_last": True, "precision": "bf16"},
    "bf16, channels-last, compiled": {"channels_last": True, "precision": "bf16", "compile": True},
}


def noise(count: int, side: int) -> Splits:
    """Images of noise (count, 3, side, side), the same in every split."""
    source = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 3, side, side), generator=source).to(torch.uint8)
    part = Resident(images, torch.arange(count) % CLASSES)
    return Splits(part, part, part, part, CLASSES, 3, (0.5,) * 3, (0.25,) * 3)


def pixels(splits: Splits) -> torch.Tensor:
    """uint8 (N, 3, H, W): the images of `noise`."""
    assert isinstance(splits.train, Resident)
    return splits.train.images


def steps(recipe: Recipe, splits: Splits, device: torch.device) -> Callable[[int], None]:
    """A function that takes step number i of a training, as the loop does."""
    torch.manual_seed(0)
    model = build(recipe, splits.classes, splits.channels).to(device)
    take = Step(recipe, model, 1000, device)
    splits = splits.to(device)
    index = list(range(len(splits.train)))
    images, labels = pixels(splits), splits.train.labels

    def one(place: int) -> None:
        changed = aug.augment(images, recipe, 0, 0, place, index)
        soft = aug.targets(labels, splits.classes, recipe.smoothing)
        inputs = aug.resize(as_input(changed, splits, recipe), recipe, place / 1000)
        model.train()
        take(*aug.mix(inputs, soft, recipe, 0, 0, place), place)

    return one


@contextmanager
def _no_waiting(device: torch.device) -> Any:
    """A context in which any wait for the GPU raises RuntimeError."""
    if device.type != "cuda":
        yield
        return
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def nothing_waits(place: Place) -> Found:
    """Every trick: a step that may wait (tables are made), then two steps that may not."""
    device = torch.device(place.device)
    splits, waits, left_out = noise(16, 32), {}, {}
    names = sorted(registry())[:: 12 if place.short else 1]
    for name in names:
        try:
            tricks = [parse(text) for text in OTHERWISE.get(name, (name,))]
            wanted = replace(resolve(compose(BASELINE, tricks), RATES), start="scratch")
            prepare(wanted, device)
            take = steps(wanted, splits, device)
            take(0)
        except BadInput as error:  # it needs something that is missing here, such as a teacher
            left_out[name] = str(error)
            continue
        try:
            with _no_waiting(device):
                take(1)
                take(2)
        except RuntimeError as error:
            waits[name] = str(error).splitlines()[0]
    unexpected = sorted(set(waits) - READ)
    wrong = f"{', '.join(unexpected)} wait" if unexpected else ""
    return Found({"tricks": len(names), "wait": waits, "left_out": left_out}, wrong)


def transforms_agree(place: Place) -> Found:
    """Every transform of images on the CPU and on the device, from the same draws."""
    device = torch.device(place.device)
    count, side = (4, 64) if place.short else (64, 224)
    images = pixels(noise(count, side))
    found, unlike = {}, []
    for name, kind in sorted(registry().items()):
        if not hasattr(kind, "apply"):
            continue
        trick: Any = parse(name)
        draws = partial(generator, 0, "check", 1)
        here = trick.apply(images, draws())
        there = trick.apply(images.to(device), draws()).cpu()
        gap = (here.int() - there.int()).abs()
        share = (gap > LEVELS).float().mean().item()
        found[name] = {"largest": gap.max().item(), "share": (gap > 0).float().mean().item()}
        if share > SHARE:
            unlike.append(name)
    wrong = f"{', '.join(unlike)} differ" if unlike else ""
    return Found({"levels": found}, wrong)


def _outcomes(device: str, times: int, epochs: int) -> list[dict[str, Any]]:
    """The outcomes of one spec, run `times` times in this process."""
    from runner.tasks.registry import find
    from runner.tasks.task import DATA
    from runner.training.outcome import outcome

    wanted, found = spec("digits", ["mixup"], 3, DATA, epochs=epochs), []
    for _ in range(times):
        splits = find("digits").load(DATA, None)
        record: Any = outcome(wanted, splits, torch.device(device)).fields
        found.append({
            "val_accuracy": record["val_accuracy"], "seconds": record["seconds"]["total"],
            "memory": record["memory"]["peak"], "weights": record["weights_sha256"][:12],
        })  # fmt: skip
    return found


def repeats(place: Place) -> Found:
    """One spec three times in a process, and once in a fresh one."""
    epochs = 1 if place.short else 5
    living = in_a_child(_outcomes, place.device, 3, epochs)
    fresh = in_a_child(_outcomes, place.device, 1, epochs)
    each = [run["val_accuracy"] for run in (*living, *fresh)]
    first = "allocated" if place.on_gpu else "ram"
    grown = living[-1]["memory"][first] / living[0]["memory"][first]
    figures = {
        "living": living, "fresh": fresh, "spread_pp": max(each) - min(each),
        "same_bits": len({run["weights"] for run in (*living, *fresh)}) == 1,
    }  # fmt: skip
    if grown > 1.2:
        return Found(figures, f"the third run's memory is {grown:.1f} times the first one's")
    if not place.on_gpu and not figures["same_bits"]:
        return Found(figures, "the bits of equal runs differ on a CPU")
    return Found(figures)


def precisions(place: Place) -> Found:
    """Images per second and memory of ResNet-50 in each precision and layout."""
    device = torch.device(place.device)
    batch, side, timed = (2, 64, 1) if place.short else (64, 224, 10)
    splits, figures = noise(batch, side), {}
    for mode, settings in MODES.items():
        fields = dict(settings)
        compiled = parse("compile") if fields.pop("compile", False) else None
        if not place.on_gpu and (compiled or fields.get("precision") == "tf32"):
            continue
        fields |= {"compiled": compiled, "model": "resnet50", "resolution": side, "width": 1.0}
        wanted = resolve(replace(BASELINE, **fields), RATES)
        prepare(wanted, device)
        take = steps(wanted, splits, device)
        began = time.perf_counter()
        for number in range(3):
            take(number)
        _wait(device)
        warm = time.perf_counter() - began
        began = time.perf_counter()
        for number in range(timed):
            take(3 + number)
        _wait(device)
        rate = batch * timed / (time.perf_counter() - began)
        figures[mode] = {
            "images_per_second": round(rate, 1), "first_three_steps_s": round(warm, 2),
            "peak_mb": memory.peak(device),
        }  # fmt: skip
    return Found(figures)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


CHECKS = [
    Check("nothing-waits", "no step of any trick but jpeg, fp16, compile waits", nothing_waits),
    Check(
        "transforms", f"as on the CPU, but for {LEVELS:g} level, or {SHARE:.0%} of the values",
        transforms_agree,
    ),
    Check("repeats", "the third run in a process takes no more memory than the first", repeats),
    Check("precisions", "figures: which layout and precision is fast here", precisions),
]  # fmt: skip
