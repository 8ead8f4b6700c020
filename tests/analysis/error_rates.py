"""How large a simulated share may be that should be 5 %."""

from __future__ import annotations

import numpy as np


def bound(studies, errors=2.5):
    """5 % and so many standard errors of a share of `studies`."""
    return 0.05 + errors * np.sqrt(0.05 * 0.95 / studies)
