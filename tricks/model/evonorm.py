"""EvoNorm: one layer instead of batch norm and its activation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from tricks.errors import BadInput
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


def channels_per_group(channels: int, at_least: int) -> int:
    """The smallest divisor of `channels` that is at least `at_least`, or `channels` itself.

    >>> [channels_per_group(c, 8) for c in (8, 16, 12, 20, 4, 7)]
    [8, 8, 12, 10, 4, 7]
    """
    return next((n for n in range(at_least, channels) if channels % n == 0), channels)


def pairs(model: torch.nn.Module) -> Iterator[tuple[str, str | None]]:
    """(batch norm, the activation it feeds) by name; None if something else comes next.

    One image of zeros is sent through the network to find them. This works for any architecture
    whose activations are modules. A norm that feeds a sum (the last norm of a residual branch, the
    norm of a shortcut) is not paired with the activation behind the sum.
    """
    import torch
    from torch import nn

    activations = (
        nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish,
    )  # fmt: skip
    made: dict[int, tuple[str, int, torch.Tensor]] = {}
    fed: dict[str, str] = {}
    calls: dict[str, int] = {}
    hooks = []

    def after_norm(name: str, output: torch.Tensor) -> None:
        made[id(output)] = (name, output._version, output)

    def before_activation(name: str, image: torch.Tensor) -> None:
        calls[name] = calls.get(name, 0) + 1
        norm, version, _ = made.get(id(image), (None, 0, None))
        # `x += shortcut` keeps the tensor and raises its version: a sum, not the norm's output.
        if norm is not None and image._version == version:
            fed[norm] = name

    norms = [n for n, m in model.named_modules() if isinstance(m, nn.BatchNorm2d)]
    for name, module in model.named_modules():
        if name in norms:
            hooks.append(
                module.register_forward_hook(
                    lambda m, i, output, name=name: after_norm(name, output)
                )
            )
        elif isinstance(module, activations):
            hooks.append(
                module.register_forward_pre_hook(
                    lambda m, args, name=name: before_activation(name, args[0])
                )
            )
    stem = next((m for m in model.modules() if isinstance(m, nn.Conv2d)), None)
    known = getattr(model, "pretrained_cfg", None) or {}
    size = known["input_size"][1:] if known.get("fixed_input_size") else (64, 64)
    training = {module: module.training for module in model.modules()}
    try:
        if norms and stem is not None:
            with torch.no_grad():
                model.eval()(stem.weight.new_zeros(1, stem.in_channels, *size))
    except RuntimeError as error:
        raise BadInput(
            f"evonorm sent an image of {size[0]}×{size[1]} pixels through {type(model).__name__} "
            f"to see what follows each norm, and it failed: {str(error).splitlines()[0]}"
        ) from error
    finally:
        for hook in hooks:
            hook.remove()
        for module, was in training.items():
            module.training = was
    shared = sorted(n for n in set(fed.values()) if calls[n] > 1)
    if shared:
        raise BadInput(
            f"evonorm cannot replace the activation {shared[0]} of {type(model).__name__}: "
            "the network uses it in several places"
        )
    yield from ((norm, fed.get(norm)) for norm in norms)


@dataclass(frozen=True)
class EvoNorm(Trick):
    """Replace batch norm and its activation by one layer found by search.

    s0: x * sigmoid(v * x) / sqrt(variance of the group + 1e-5) * gamma + beta, without batch
    statistics: for small batches. b0: x / max(sqrt(batch variance + 1e-3), v * x +
    sqrt(instance variance + 1e-3)) * gamma + beta; it can give NaN. Where no activation follows
    (the last norm of a branch, the norm of a shortcut), only gamma and beta remain and nothing is
    normalised. With groups of few channels a network stays at chance, so a group has at least
    `group_size` channels. A step takes about twice the time on a CPU. Pretrained convolutions are
    kept; the norms start with fresh weights.
    """

    name: ClassVar[str] = "evonorm"
    source: ClassVar[str] = "Liu et al. 2020, arXiv:2004.02967; timm.layers.EvoNorm2dS0 and B0"
    standard: ClassVar[bool] = True

    kind: Literal["s0", "b0"] = "s0"
    group_size: int = 8  # channels per group of s0 (more if the channels do not divide evenly)

    def __post_init__(self) -> None:
        if self.kind not in ("s0", "b0"):
            raise ValueError(f"kind must be s0 or b0, not {self.kind!r}")
        if self.group_size < 8:
            raise ValueError(f"group_size must be at least 8, not {self.group_size}")

    def edits(self) -> Edits:
        return Edits(sets={"norm": self})

    def layer(self, channels: int, activation: bool) -> torch.nn.Module:
        """The layer for (B, channels, H, W); gamma and beta only without `activation`."""
        from timm.layers import EvoNorm2dB0, EvoNorm2dS0

        if self.kind == "b0":
            return EvoNorm2dB0(channels, apply_act=activation)
        size = channels_per_group(channels, self.group_size)
        return EvoNorm2dS0(channels, group_size=size, apply_act=activation)

    def surgery(self, model: torch.nn.Module) -> int:
        """Replace every batch norm and the activation it feeds, in place; returns how many norms.

        Raises BadInput if no batch norm feeds an activation.
        """
        from torch import nn

        found = list(pairs(model))
        replaced = {norm: model.get_submodule(norm) for norm, _ in found}
        fused = {norm: _fused_activation(module) for norm, module in replaced.items()}
        if not any(activation or fused[norm] for norm, activation in found):
            raise BadInput(
                f"evonorm found no batch norm with an activation in {type(model).__name__}"
            )
        for norm, activation in found:
            old: Any = replaced[norm]
            new = self.layer(old.num_features, activation is not None or fused[norm])
            device = next(model.parameters()).device
            model.set_submodule(norm, new.to(device).train(old.training))
            if activation is not None:
                model.set_submodule(activation, nn.Identity())
        return len(found)


def _fused_activation(norm: Any) -> bool:
    """Whether timm built `norm` with its activation inside (BatchNormAct2d)."""
    from torch import nn

    return not isinstance(getattr(norm, "act", nn.Identity()), nn.Identity)
