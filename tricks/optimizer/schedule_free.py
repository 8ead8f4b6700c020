"""The optimizer of schedule-free SGD and AdamW: averages instead of a schedule."""

from __future__ import annotations

from functools import cache
from typing import Any

from tricks.trick import Trick


def without_lookahead(wrappers: tuple[Trick, ...]) -> bool:
    """Whether none of a recipe's wrappers is lookahead."""
    return all(wrapper.name != "lookahead" for wrapper in wrappers)


# The needs of both tricks, see Edits.needs.
NEEDS: dict[str, tuple[Any, str]] = {
    "average": (None, "it already evaluates an average"),
    "wrappers": (
        without_lookahead,
        "lookahead would move the weights away from the two sequences that it keeps",
    ),
}


@cache
def optimizer_class() -> Any:
    """Schedule-free SGD, or AdamW if a group has `beta2`; in a function to avoid torch."""
    import torch

    class ScheduleFree(torch.optim.Optimizer):
        """z are the weights that step, x their average, y the weights at which gradients are taken:

        y = (1 - momentum) z + momentum x;  z = z - lr (g(y) / scale + decay y);
        x = (1 - c) x + c z,  c = lr² / (the sum of lr² so far).
        scale is 1, or Adam's root of the squares, whose bias is corrected in the lr. Parameters
        hold y; x is evaluated.
        """

        @torch.no_grad()
        def step(self, closure: Any = None) -> Any:
            """Take a step by the present gradients, or by the gradients that `closure` computes."""
            loss = None
            if closure is not None:
                with torch.enable_grad():
                    loss = closure()
            for group in self.param_groups:
                moved = [p for p in group["params"] if p.grad is not None]
                if moved:
                    self._move(group, moved)
            return loss

        def _move(self, group: dict[str, Any], moved: list[Any]) -> None:
            group["taken"] = group.get("taken", 0) + 1
            lr, beta, beta2 = group["lr"], group["momentum"], group.get("beta2")
            ways = [p.grad.clone() for p in moved]
            for p in moved:
                if "z" not in self.state[p]:
                    self.state[p]["z"] = p.clone()
                    if beta2 is not None:
                        self.state[p]["square"] = torch.zeros_like(p)
            if beta2 is not None:
                lr *= (1 - beta2 ** group["taken"]) ** 0.5
                squares = [self.state[p]["square"] for p in moved]
                torch._foreach_mul_(squares, beta2)
                torch._foreach_addcmul_(squares, ways, ways, 1 - beta2)
                roots = torch._foreach_sqrt(squares)
                torch._foreach_add_(roots, group["eps"])
                torch._foreach_div_(ways, roots)
            if group["weight_decay"]:
                torch._foreach_add_(ways, moved, alpha=group["weight_decay"])
            group["total"] = group.get("total", 0.0) + lr**2
            z = [self.state[p]["z"] for p in moved]
            torch._foreach_lerp_(moved, z, 1 - 1 / beta)  # from y to x
            torch._foreach_add_(z, ways, alpha=-lr)
            torch._foreach_lerp_(moved, z, lr**2 / group["total"])
            torch._foreach_lerp_(moved, z, 1 - beta)  # from x to y

        def weights(self) -> list[tuple[Any, Any]]:
            """(parameter, its average x) for all parameters that have taken a step."""
            return [
                (p, p.detach().lerp(self.state[p]["z"], 1 - 1 / group["momentum"]))
                for group in self.param_groups
                for p in group["params"]
                if p in self.state
            ]

        def own_statistics(self, place: int, steps: int) -> bool:
            """Whether norms need new statistics for the averages: always."""
            return True

    return ScheduleFree
