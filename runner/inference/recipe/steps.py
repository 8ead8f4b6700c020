"""The steps of a recipe, as lines of a script: learning rates, optimizer, loss, averages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from runner.inference.recipe.parts import Parts
from tricks.recipe import Recipe


@dataclass(frozen=True)
class Steps:
    """rates: lines of `learning_rates`. gradient: lines of the closure. step: lines of a step.

    evaluated: lines that set the network to evaluate. predict: expression of the logits of images
    `x`.
    """

    rates: list[str]
    gradient: list[str]
    step: list[str]
    evaluated: list[str]
    predict: str
    weights_apart: bool
    statistics: bool


def steps(recipe: Recipe, parts: Parts) -> Steps:
    """The lines of the steps; `parts` gets the lines before the first step."""
    optimizer: Any = recipe.optimizer
    held = parts.hold(optimizer)
    rates = _rates(recipe, f"{held}.lr", parts)
    groups: Any = recipe.groups
    own = "[p for p in model.parameters() if p.requires_grad]"
    parts.before.append(
        f"parameters = {own}" if groups is None
        else f"parameters = {parts.hold(groups)}.split(model)"
    )  # fmt: skip
    freeze: Any = recipe.freeze
    if freeze is not None:
        frozen = parts.hold(freeze)
        if hasattr(freeze, "arrange"):
            parts.before.append(f"parameters = {frozen}.arrange(parameters, model)")
        parts.rates.append(f"{frozen}.hold(model, place / total)")
    if hasattr(optimizer, "arrange"):
        parts.before.append(f"parameters = {held}.arrange(parameters, model)")
    parts.before += [f"optimizer = {held}.build(parameters)", "outer = optimizer"]
    for item in recipe.wrappers:
        parts.before.append(f"outer = {parts.hold(item)}.wrap(outer)")
    forward = "model"
    if recipe.compiled is not None:
        parts.before.append(f"forward = {parts.hold(recipe.compiled)}.wrap(model)")
        forward = "forward"
    half = recipe.precision == "fp16"
    if half:
        parts.before += [
            "scaler = torch.amp.GradScaler(device.type)",
            "optimizer._step_supports_amp_scaling = False",
        ]
    apart = bool(recipe.wrappers) or optimizer.name.startswith("schedule-free")
    predict: Any = recipe.predict
    said = "model(x)"
    if predict is not None:
        said = f"{parts.hold(predict)}.predict(model, x)"
    average: Any = recipe.average
    return Steps(
        rates=rates,
        gradient=_gradient(recipe, forward, parts),
        step=(
            ["loss = gradient()", "scaler.step(outer)", "scaler.update()"] if half
            else ["loss = outer.step(gradient)"]
        ),
        evaluated=_evaluated(recipe, apart, parts),
        predict=said,
        weights_apart=apart and average is None,
        statistics=average is not None or apart,
    )  # fmt: skip


def _rates(recipe: Recipe, lr: str, parts: Parts) -> list[str]:
    """The body of `learning_rates(total, batch)`, with factors in the order of multiplication."""
    schedule: Any = recipe.schedule
    warmup: Any = recipe.warmup
    scale = f" * (batch / {recipe.lr_batch})" if recipe.lr_batch else ""
    lines = [f"rate = {lr}{scale}"]
    if schedule is not None:
        held = parts.hold(schedule)
        lines.append(f"rate *= {held}.scale((step + 0.5) / total)")
        if hasattr(schedule, "momentum"):
            parts.rates += _momentum(f"{held}.momentum((place + 0.5) / total)")
    first = []
    if warmup is not None:
        ramp = parts.hold(warmup)
        first = [f"ramp = {ramp}.steps(total, EPOCHS)"]
        lines += ["if step < ramp:", f"    rate *= {ramp}.ramp(step, ramp)"]
    if recipe.corrected_decay:
        parts.rates += [
            "for group in optimizer.param_groups:",
            '    whole = group.setdefault("whole_decay", group["weight_decay"])',
            '    group["weight_decay"] = whole * rates[place] / max(rates)',
        ]
    each = [f"    {line}" for line in (*lines, "rates.append(rate)")]
    return [*first, "rates = []", "for step in range(total):", *each, "return rates"]


def _momentum(value: str) -> list[str]:
    return [
        f"momentum = {value}",
        "for group in optimizer.param_groups:",
        '    if "momentum" in group:',
        '        group["momentum"] = momentum',
        '    if "betas" in group:',
        '        group["betas"] = (momentum, *group["betas"][1:])',
    ]


def _gradient(recipe: Recipe, forward: str, parts: Parts) -> list[str]:
    """The body of `gradient()`, which computes the batch's gradient and returns its mean loss."""
    objective: Any = recipe.objective
    loss = f"F.cross_entropy({forward}(images), targets)"
    if hasattr(objective, "prepare") or hasattr(objective, "show"):
        parts.refused[str(objective)] = "its loss needs more than a network and a batch"
    elif objective is not None:
        loss = f"{parts.hold(objective)}.loss({forward}, images, targets)"
    cast = {"bf16": "bfloat16", "fp16": "float16"}.get(recipe.precision)
    backward = "scaler.scale(loss).backward()" if cast == "float16" else "loss.backward()"
    body = [f"loss = {loss}"]
    if recipe.parts > 1:
        body = [f"loss = {loss} * (len(images) / len(x))"]
    if cast:
        autocast = f"with torch.autocast(device.type, dtype=torch.{cast}):"
        body = [autocast, *(f"    {line}" for line in body)]
    lines = ["optimizer.zero_grad(set_to_none=True)"]
    if recipe.parts > 1:
        split = f"zip(x.tensor_split({recipe.parts}), y.tensor_split({recipe.parts}), strict=True)"
        lines += ["whole = 0.0", f"for images, targets in {split}:"]
        body += [backward, "whole = whole + loss.detach()"]
        lines += [*(f"    {line}" for line in body), "loss = whole"]
    else:
        lines += ["images, targets = x, y", *body, backward]
    if recipe.clip is not None:
        if cast == "float16":
            lines.append("scaler.unscale_(outer)")
        lines.append(f"{parts.hold(recipe.clip)}.clip(model)")
    if recipe.wrappers:  # a second pass must not change batch norm's statistics again
        lines = [
            "again = next(calls) > 0",
            "before = [b.clone() for b in model.buffers()] if again else []",
            *lines,
            "with torch.no_grad():",
            "    for buffer, value in zip(model.buffers(), before):",
            "        buffer.copy_(value)",
        ]
    return [*lines, "return loss.detach()" if cast == "float16" else "return loss"]


def _evaluated(recipe: Recipe, apart: bool, parts: Parts) -> list[str]:
    """The network to evaluate after an epoch, with its own statistics if it needs them."""
    average: Any = recipe.average
    again = "reestimate(evaluated, model, shown, device)"
    if average is not None:
        held = parts.hold(average)
        parts.before.append(f"averaged = {held}.begin(model, total)")
        parts.after.append(f"{held}.update(averaged, model, place, total)")
        lines = ["evaluated = averaged"]
        if hasattr(average, "own_statistics"):
            lines += [f"if {held}.own_statistics(place, total):", f"    {again}"]
        return lines
    if not apart:
        return ["evaluated = model"]
    return [
        "evaluated, holder = apart(model, outer)",
        'if hasattr(holder, "own_statistics") and holder.own_statistics(place, total):',
        f"    {again}",
    ]
