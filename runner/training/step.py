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
    """The optimizer of a training, with what the recipe puts around it.

    lrs: of each step. Wrappers (SAM, lookahead) hold the optimizer from outside and see the
    gradient as a closure gives it: accumulated over the recipe's `parts`, and clipped. A step that
    asks for it again leaves the network's buffers as the first pass made them: batch norm counts a
    batch once. `network` gives an objective a trained network by its name or file.
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
        # Of an epoch's gradients before they are clipped: sum and maximum of their norms, count.
        self.norms = torch.zeros(3, device=device)
        objective: Any = recipe.objective
        # (model, images, targets (B, K)) -> the batch's mean loss
        self.loss: Callable[[nn.Module, Tensor, Tensor], Tensor] = _cross_entropy
        if hasattr(objective, "prepare"):  # it holds another network, which it cannot load itself
            self.loss = objective.prepare(model, network)
        elif objective is not None:
            self.loss = objective.loss
        # What changes the network as training goes on: frozen weights, ramped regularisers.
        changing: list[Any] = [recipe.freeze, *recipe.surgery]
        self.changing = [item for item in changing if hasattr(item, "hold")]
        compiled: Any = recipe.compiled
        self.forward = model if compiled is None else compiled.wrap(model)
        average: Any = recipe.average
        self.average = average
        self.averaged: nn.Module | None = None if average is None else average.begin(model, steps)
        self._keeps = hasattr(average, "state")  # more than the average itself
        parameters: list[Any] = [p for p in model.parameters() if p.requires_grad]
        if groups is not None:
            parameters = groups.split(model)
        arranging: list[Any] = [recipe.freeze, spec]  # by what the model alone tells: its head
        for item in arranging:
            if hasattr(item, "arrange"):
                parameters = item.arrange(parameters, model)
        self.optimizer = spec.build(parameters)
        self.outer = self.optimizer
        for item in recipe.wrappers:
            wrapper: Any = item
            self.outer = wrapper.wrap(self.outer)
        # What holds weights apart from the trained ones, the outermost.
        self.lent: Any = next((item for item in self._held() if hasattr(item, "weights")), None)
        self._copy = None if self.lent is None else copy.deepcopy(model).requires_grad_(False)
        # Half precision alone needs its loss scaled: small gradients would be 0.
        half = recipe.precision == "fp16"
        self.scaler = torch.amp.GradScaler(device.type, enabled=half)
        if half:
            # Where the first gradient overflows, torch's fused SGD leaves its momentum unset, and
            # takes whatever was in memory for it: let the scaler leave that step out by itself.
            self.optimizer._step_supports_amp_scaling = False

    @property
    def evaluated(self) -> nn.Module:
        """The network that counts now.

        The average, if there is one; else that of the weights which the optimizer, or what is
        around it, holds apart from the trained ones (lookahead, schedule-free); else the trained.
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
        """Whether the norms of `evaluated` need statistics of their own after step `place`.

        Those that training left belong to other weights.
        """
        holder = self.lent if self.averaged is None else self.average
        ask = getattr(holder, "own_statistics", None)
        return ask is not None and bool(ask(place, self.steps))

    def __call__(self, x: Tensor, y: Tensor, place: int) -> Tensor:
        """Take step number `place`; returns the loss before it, detached. y: (B, K)."""
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
        """Mean and maximum, since the last call, of the gradient's norm before it was clipped.

        None where the recipe does not clip, and for both where every gradient overflowed. Waits
        for the device.
        """
        if self.recipe.clip is None:
            return None
        total, largest, count = (value.item() for value in self.norms)
        self.norms.zero_()
        return (total / count, largest) if count else (None, None)

    def state_dict(self) -> dict[str, Any]:
        """All that the steps so far have left and the next ones build on; tensors are not copied.

        Raises TypeError for a wrapper of the optimizer that does not tell its own.
        """
        networks = {name: _tensors(network) for name, network in self._networks().items()}
        return {**self._around(), "networks": networks}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave. Whatever it raises, nothing is changed then."""
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
            # NAdam reads it at every step; torch moves all but `step` to where the weights are.
            if "mu_product" in values:
                values["mu_product"] = values["mu_product"].cpu()
        for wrapper, given in zip(self._wrappers(), state["wrappers"], strict=True):
            wrapper.load_state_dict(given)
        self.scaler.load_state_dict(state["scaler"])
        self.norms.copy_(state["norms"])
        if self._keeps:
            self.average.go_on(self.averaged, state["kept"])

    def _held(self) -> list[Any]:
        """The wrappers that tell what they hold, from the outside inwards, and the optimizer."""
        found, item = [], self.outer
        while item is not self.optimizer and hasattr(item, "optimizer"):
            found.append(item)
            item = item.optimizer
        return [*found, self.optimizer]

    def _wrappers(self) -> list[Any]:
        """What is around the optimizer, from the outside inwards."""
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
            if "betas" in group:  # beside a momentum in Muon's groups, each of which uses its own
                group["betas"] = (momentum, *group["betas"][1:])

    def _pass(self, x: Tensor, y: Tensor, number: int) -> Tensor:
        """`_gradient`; from the second of a step on, buffers stay as they were."""
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
        """The batch's mean loss; its clipped gradient is left in the parameters."""
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
        """Add the norm of the gradient to those of the epoch, unless it overflowed."""
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
