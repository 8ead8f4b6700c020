"""One optimizer step: forward, loss, backward, clip, update, in the recipe's precision."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tricks.learning_rate import curve, momenta
from tricks.recipe import Recipe


class Step:
    """The optimizer of a training, with what the recipe puts around it.

    lrs: of each step. evaluated: the model that counts, trained or averaged.
    Wrappers (SAM, lookahead) hold the optimizer from outside and see the gradient as a closure
    gives it: accumulated over the recipe's `parts`, and clipped. `network` gives an objective
    a trained network by its name or file.
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
        self.evaluated = model if average is None else average.begin(model, steps)
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
        # Half precision alone needs its loss scaled: small gradients would be 0.
        half = recipe.precision == "fp16"
        self.scaler = torch.amp.GradScaler(device.type, enabled=half)
        if half:
            # Where the first gradient overflows, torch's fused SGD leaves its momentum unset, and
            # takes whatever was in memory for it: let the scaler leave that step out by itself.
            self.optimizer._step_supports_amp_scaling = False

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
            loss = self.outer.step(lambda: self._gradient(x, y))
        if self.average is not None:
            self.average.update(self.evaluated, self.model, place, self.steps)
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
        return {"model": self.model, **({"average": self.evaluated} if self.average else {})}

    def _around(self) -> dict[str, Any]:
        return {
            "optimizer": self.optimizer.state_dict(),
            "wrappers": [wrapper.state_dict() for wrapper in self._wrappers()],
            "scaler": self.scaler.state_dict(),
            "norms": self.norms,
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
            if momentum is None:
                continue
            if "momentum" in group:
                group["momentum"] = momentum
            if "betas" in group:  # beside a momentum in Muon's groups, each of which uses its own
                group["betas"] = (momentum, *group["betas"][1:])

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
        return [(x, y)] if count == 1 else list(zip(x.chunk(count), y.chunk(count), strict=True))


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    """Parameters and all buffers by name."""
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}


def _cross_entropy(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(model(x), y)


def autocast(recipe: Recipe, device: torch.device) -> torch.autocast:
    """The recipe's precision as a context."""
    half = {"fp16": torch.float16, "bf16": torch.bfloat16}.get(recipe.precision)
    return torch.autocast(device.type, dtype=half or torch.bfloat16, enabled=half is not None)
