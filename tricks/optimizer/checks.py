"""Checks of the settings that optimizers have in common."""

from __future__ import annotations

from typing import Any

POSITIVE = ("lr", "eps", "trust", "rho")
NOT_NEGATIVE = ("decay",)
BELOW_ONE = ("momentum",)


def check(optimizer: Any) -> None:
    """Raises ValueError if a setting of `optimizer` is out of range."""
    for name in (*POSITIVE, *NOT_NEGATIVE, *BELOW_ONE):
        value = getattr(optimizer, name, None)
        if value is None:
            continue
        if name in POSITIVE and value <= 0:
            raise ValueError(f"{name} must be above 0, not {value}")
        if name in NOT_NEGATIVE and value < 0:
            raise ValueError(f"{name} must be at least 0, not {value}")
        if name in BELOW_ONE and not 0 <= value < 1:
            raise ValueError(f"{name} must be at least 0 and below 1, not {value}")
    betas = getattr(optimizer, "betas", None)
    if betas is not None and (len(betas) != 2 or not all(0 <= beta < 1 for beta in betas)):
        raise ValueError(f"betas must be two numbers from 0 to below 1, not {betas}")
