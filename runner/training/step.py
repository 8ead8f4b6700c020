"""One optimizer step: forward, loss, backward, clip, update, in the recipe's precision."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tricks.learning_rate import curve, momenta
from tricks.recipe import Recipe


class Step:
    """The optimizer of a training, with the recipe's wrappers.

    lrs: of each step. Wrappers (SAM, lookahead) contain the optimizer and get the gradient from a
    closure: accumulated over the recipe's `parts`, and clipped. A second pass of a step does not
    change the network's buffers again, so batch norm counts a batch once. network: gives an
    objective a trained network by its name or file.
    """

    def __init__(
        self,
        recipe: Recipe,
        model: nn.Module,
        steps: int,
        device: torch.device,
        network: Callable[[str], nn.Module] | None = None,
    ) -> None:
        spec: Any = recipe.optimizer
        groups: Any = recipe.groups
        self.recipe, self.model, self.steps, self.device = recipe, model, steps, device
        self.lrs, self.momenta = curve(recipe, steps), momenta(recipe, steps)
        # Sum and maximum of the norms of an epoch's gradients before clipping, and their count.
        self.norms = torch.zeros(3, device=device)
        objective: Any = recipe.objective
        # (model, images, targets (B, K)) -> the batch's mean loss
        self.loss: Callable[[nn.Module, Tensor, Tensor], Tensor] = _cross_entropy
        if hasattr(objective, "prepare"):  # it needs another network, which it cannot load itself
            self.loss = objective.prepare(model, network)
        elif objective is not None:
            self.loss = objective.loss
        # Tricks that change the network during training: frozen weights, ramped regularisers.
        changing: list[Any] = [recipe.freeze, *recipe.surgery]
        self.changing = [item for item in changing if hasattr(item, "hold")]
        compiled: Any = recipe.compiled
        self.forward = model if compiled is None else compiled.wrap(model)
        average: Any = recipe.average
        self.average = average
        self.averaged: nn.Module | None = None if average is None else average.begin(model, steps)
        self._keeps = hasattr(average, "state")  # state besides the average itself
        parameters: list[Any] = [p for p in model.parameters() if p.requires_grad]
        if groups is not None:
            parameters = groups.split(model)
        arranging: list[Any] = [recipe.freeze, spec]  # these need the model: its head
        for item in arranging:
            if hasattr(item, "arrange"):
                parameters = item.arrange(parameters, model)
        self.optimizer = spec.build(parameters)
        self.outer = self.optimizer
        for item in recipe.wrappers:
            wrapper: Any = item
            self.outer = wrapper.wrap(self.outer)
        # The outermost wrapper that keeps weights besides the trained ones.
        self.lent: Any = next((item for item in self._held() if hasattr(item, "weights")), None)
        self._copy = None if self.lent is None else copy.deepcopy(model).requires_grad_(False)
        # Only half precision needs a scaled loss: small gradients would become 0.
        half = recipe.precision == "fp16"
        self.scaler = torch.amp.GradScaler(device.type, enabled=half)
        if half:
            # If the first gradient overflows, torch's fused SGD leaves its momentum uninitialised
            # and uses random memory: let the scaler itself skip this step.
            self.optimizer._step_supports_amp_scaling = False

    @property
    def evaluated(self) -> nn.Module:
        """The network to evaluate now.

        The average, if there is one; else the network with the weights that the optimizer or a
        wrapper keeps besides the trained ones (lookahead, schedule-free); else the trained network.
        """
        if self.averaged is not None:
            return self.averaged
        if self._copy is None:
            return self.model
        held, own = _tensors(self._copy), _tensors(self.model)
        apart = {id(p): weights for p, weights in self.lent.weights()}
        with torch.no_grad():
            for name, value in own.items():
                held[name].copy_(apart.get(id(value), value))
        return self._copy

    def own_statistics(self, place: int) -> bool:
        """Whether the norms of `evaluated` need their own statistics after step `place`.

        The statistics from training belong to other weights.
        """
        holder = self.lent if self.averaged is None else self.average
        ask = getattr(holder, "own_statistics", None)
        return ask is not None and bool(ask(place, self.steps))

    def __call__(self, x: Tensor, y: Tensor, place: int) -> Tensor:
        """Take step number `place`. Returns the detached loss before it. y: (B, K)."""
        self._set(self.lrs[place], self.momenta[place] if self.momenta else None)
        for item in self.changing:
            item.hold(self.model, place / self.steps)
        if self.scaler.is_enabled():
            loss: Any = self._gradient(x, y)
            self.scaler.step(self.outer)
            self.scaler.update()
        else:
            passes = itertools.count()
            loss = self.outer.step(lambda: self._pass(x, y, next(passes)))
        if self.averaged is not None:
            self.average.update(self.averaged, self.model, place, self.steps)
        return loss.detach()

    def gradient_norms(self) -> tuple[float | None, float | None] | None:
        """Mean and maximum of the gradient's norm before clipping, since the last call.

        None if the recipe does not clip; (None, None) if every gradient overflowed. Waits for the
        device.
        """
        if self.recipe.clip is None:
            return None
        total, largest, count = (value.item() for value in self.norms)
        self.norms.zero_()
        return (total / count, largest) if count else (None, None)

    def state_dict(self) -> dict[str, Any]:
        """The complete state that the next steps need; tensors are not copied.

        Raises TypeError for a wrapper of the optimizer without state_dict.
        """
        networks = {name: _tensors(network) for name, network in self._networks().items()}
        return {**self._around(), "networks": networks}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a `state_dict`. If it raises, nothing has changed."""
        pairs = []
        for name, network in self._networks().items():
            own, given = _tensors(network), state["networks"][name]
            if {k: v.shape for k, v in own.items()} != {k: v.shape for k, v in given.items()}:
                raise ValueError(f"its {name} is another network")
            pairs += [(value, given[key]) for key, value in own.items()]
        fresh = copy.deepcopy(self._around())
        try:
            self._go_around(state)
        except Exception:
            self._go_around(fresh)
            raise
        with torch.no_grad():
            for value, given in pairs:
                value.copy_(given)

    def _networks(self) -> dict[str, nn.Module]:
        average = {} if self.averaged is None else {"average": self.averaged}
        return {"model": self.model, **average}

    def _around(self) -> dict[str, Any]:
        return {
            "optimizer": self.optimizer.state_dict(),
            "wrappers": [wrapper.state_dict() for wrapper in self._wrappers()],
            "scaler": self.scaler.state_dict(),
            "norms": self.norms,
            "kept": self.average.state(self.averaged) if self._keeps else None,
        }

    def _go_around(self, state: dict[str, Any]) -> None:
        self.optimizer.load_state_dict(state["optimizer"])
        for values in self.optimizer.state.values():
            # NAdam reads it at every step; torch moves everything but `step` to the weights'
            # device.
            if "mu_product" in values:
                values["mu_product"] = values["mu_product"].cpu()
        for wrapper, given in zip(self._wrappers(), state["wrappers"], strict=True):
            wrapper.load_state_dict(given)
        self.scaler.load_state_dict(state["scaler"])
        self.norms.copy_(state["norms"])
        if self._keeps:
            self.average.go_on(self.averaged, state["kept"])

    def _held(self) -> list[Any]:
        """The wrappers that keep weights, from the outside inwards, and the optimizer."""
        found, item = [], self.outer
        while item is not self.optimizer and hasattr(item, "optimizer"):
            found.append(item)
            item = item.optimizer
        return [*found, self.optimizer]

    def _wrappers(self) -> list[Any]:
        """The wrappers around the optimizer, from the outside inwards."""
        found: list[Any] = []
        wrapper: Any = self.outer
        while wrapper is not self.optimizer:
            if not (hasattr(wrapper, "load_state_dict") and hasattr(wrapper, "optimizer")):
                raise TypeError(f"{type(wrapper).__name__} has no state_dict: no checkpoints")
            found.append(wrapper)
            wrapper = wrapper.optimizer
        return found

    def _set(self, lr: float, momentum: float | None) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = lr * group.get("lr_factor", 1.0)
            if self.recipe.corrected_decay:
                whole = group.setdefault("whole_decay", group["weight_decay"])
                group["weight_decay"] = whole * lr / max(self.lrs)
            if momentum is None:
                continue
            if "momentum" in group:
                group["momentum"] = momentum
            if "betas" in group:  # Muon's groups also have a momentum; each group uses its own kind
                group["betas"] = (momentum, *group["betas"][1:])

    def _pass(self, x: Tensor, y: Tensor, number: int) -> Tensor:
        """`_gradient`; from the second pass of a step on, buffers do not change."""
        if number == 0:
            return self._gradient(x, y)
        buffers = list(self.model.buffers())
        before = [buffer.clone() for buffer in buffers]
        loss = self._gradient(x, y)
        with torch.no_grad():
            for buffer, value in zip(buffers, before, strict=True):
                buffer.copy_(value)
        return loss

    def _gradient(self, x: Tensor, y: Tensor) -> Tensor:
        """The batch's mean loss; stores its clipped gradient in the parameters."""
        self.optimizer.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self.device)
        for images, targets in self._parts(x, y):
            with autocast(self.recipe, self.device):
                loss = self.loss(self.forward, images, targets) * (len(images) / len(x))
            self.scaler.scale(loss).backward()
            total = total + loss.detach() if self.recipe.parts > 1 else loss
        if self.recipe.clip is not None:
            if self.scaler.is_enabled():
                self.scaler.unscale_(self.outer)
            self._measure()
            clip: Any = self.recipe.clip
            clip.clip(self.model)
        return total

    def _measure(self) -> None:
        """Add the norm of the gradient to the epoch's sum, unless it overflowed."""
        found = [p.grad for p in self.model.parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(found)
        finite = norm.isfinite()
        norm = torch.where(finite, norm, 0.0)
        self.norms[0] += norm
        self.norms[1].copy_(self.norms[1].maximum(norm))
        self.norms[2] += finite

    def _parts(self, x: Tensor, y: Tensor) -> list[tuple[Tensor, Tensor]]:
        count = self.recipe.parts
        if count == 1:
            return [(x, y)]
        return list(zip(x.tensor_split(count), y.tensor_split(count), strict=True))


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    """Parameters and all buffers by name."""
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}


def _cross_entropy(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(model(x), y)


def autocast(recipe: Recipe, device: torch.device) -> torch.autocast:
    """The recipe's precision as a context."""
    half = {"fp16": torch.float16, "bf16": torch.bfloat16}.get(recipe.precision)
    return torch.autocast(device.type, dtype=half or torch.bfloat16, enabled=half is not None)
